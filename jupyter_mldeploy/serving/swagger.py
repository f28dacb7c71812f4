"""The description of a service in Swagger 2.0, OpenAPI 3.0 and 3.1 (spec section 9.6)."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from .schema.inspection import Schemas, schemas_of
from .settings import Settings

__all__ = ["documents", "refusal_of_version"]

# Version as reported -> spellings in ?version=, files of the user that replace it.
VERSIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "2": (("2", "2.0"), ("swagger.json", "swagger2.json")),
    "3": (("3", "3.0"), ("swagger3.json",)),
    "3.1": (("3.1",), ("swagger3.1.json",)),
}
UNDECORATED = Schemas(
    input={
        "type": "object",
        "properties": {
            "param": {"type": "object", "additionalProperties": {"type": "object"}},
        },
        "example": {"param": {}},
    },
    output={"type": "object", "additionalProperties": {"type": "object"}},
    versions=tuple(VERSIONS),
)
HEALTHY = "If service is up and running, this response will be returned with the content 'Healthy'"
SCORED = (
    "The service processed the input correctly and provided a result prediction, if applicable."
)
FAILED = "The service failed to execute due to an error."

logger = logging.getLogger("azmlinfsrv.swagger")


def documents(settings: Settings, run: Callable[..., Any]) -> dict[str, bytes]:
    """Return every available document by the spellings of its version.

    A file ``swagger.json``, ``swagger2.json`` or ``swagger3.json`` in the
    application folder takes the place of the generated one.
    """
    schemas = schemas_of(run) or UNDECORATED
    found: dict[str, bytes] = {}
    for version, (spellings, files) in VERSIONS.items():
        body = _users_own(settings.app_root, files)
        if body is None and version in schemas.versions:
            build = _swagger2 if version == "2" else _openapi3
            document = build(settings, schemas)
            if version == "3.1":
                document["openapi"] = "3.1.0"
            body = json.dumps(document).encode()
        if body is not None:
            found.update(dict.fromkeys(spellings, body))
    return found


def refusal_of_version(version: str, available: Iterable[str]) -> str:
    """Return the contract's sentence for a version that cannot be had."""
    offered = set(available)
    names = ", ".join(name for name in VERSIONS if name in offered)
    if any(version in spellings for spellings, _ in VERSIONS.values()):
        return (
            f"Swagger version [{version}] is not supported for the scoring script. "
            f"Supported swagger versions: [{names}]."
        )
    return f"Swagger version [{version}] is not valid. Supported versions: [{names}]."


def _users_own(app_root: Path, files: Iterable[str]) -> bytes | None:
    for name in files:
        path = app_root / name
        try:
            body = path.read_bytes()
            json.loads(body)
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            logger.warning("%s is not used: %s", name, error)
            continue
        logger.info("%s of the application folder is served as it is.", name)
        return body
    return None


def _info(settings: Settings) -> dict[str, Any]:
    name = settings.service_name
    return {
        "title": name,
        "description": f"API specification for the Azure Machine Learning service {name}",
        "version": settings.service_version,
    }


def _path(settings: Settings, path: str) -> str:
    prefix = settings.path_prefix.strip("/")
    return f"/{prefix}{path}" if prefix else path


def _error_schema() -> dict[str, Any]:
    return {"type": "object", "properties": {"message": {"type": "string"}}}


def _swagger2(settings: Settings, schemas: Schemas) -> dict[str, Any]:
    failed = {"description": FAILED, "schema": {"$ref": "#/definitions/ErrorResponse"}}
    return {
        "swagger": "2.0",
        "info": _info(settings),
        "schemes": ["https"],
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "securityDefinitions": {
            "Bearer": {
                "type": "apiKey",
                "name": "Authorization",
                "in": "header",
                "description": "For example: Bearer abc123",
            }
        },
        "paths": {
            _path(settings, "/"): {
                "get": {
                    "operationId": "ServiceHealthCheck",
                    "description": (
                        "Simple health check endpoint to ensure the service is up at any given "
                        "point."
                    ),
                    "responses": {
                        "200": {
                            "description": HEALTHY,
                            "schema": {"type": "string"},
                            "examples": {"application/json": "Healthy"},
                        },
                        "default": failed,
                    },
                }
            },
            _path(settings, "/score"): {
                "post": {
                    "operationId": "RunMLService",
                    "description": "Run web service's model and get the prediction output",
                    "security": [{"Bearer": []}],
                    "parameters": [
                        {
                            "name": "serviceInputPayload",
                            "in": "body",
                            "description": (
                                "The input payload for executing the real-time machine learning "
                                "service."
                            ),
                            "schema": {"$ref": "#/definitions/ServiceInput"},
                        }
                    ],
                    "responses": {
                        "200": {
                            "description": SCORED,
                            "schema": {"$ref": "#/definitions/ServiceOutput"},
                        },
                        "default": failed,
                    },
                }
            },
            _path(settings, "/swagger.json"): {
                "get": {
                    "operationId": "GetSwaggerSpec",
                    "description": "Get swagger specification",
                    "parameters": [_version_parameter({"type": "string"})],
                    "responses": {
                        "200": {"description": "Swagger specification", "schema": _free_object()},
                        "default": failed,
                    },
                }
            },
        },
        "definitions": {
            "ServiceInput": schemas.input,
            "ServiceOutput": schemas.output,
            "ErrorResponse": _error_schema(),
        },
    }


def _openapi3(settings: Settings, schemas: Schemas) -> dict[str, Any]:
    failed = _content3(FAILED, {"$ref": "#/components/schemas/ErrorResponse"})
    return {
        "openapi": "3.0.3",
        "info": _info(settings),
        "paths": {
            _path(settings, "/"): {
                "get": {
                    "operationId": "ServiceHealthCheck",
                    "description": (
                        "Simple health check endpoint to ensure the service is up at any given "
                        "point."
                    ),
                    "responses": {
                        "200": {
                            "description": HEALTHY,
                            "content": {
                                "text/html": {"schema": {"type": "string"}, "example": "Healthy"}
                            },
                        },
                        "default": failed,
                    },
                }
            },
            _path(settings, "/score"): {
                "post": {
                    "operationId": "RunMLService",
                    "description": "Run web service's model and get the prediction output",
                    "security": [{"Bearer": []}],
                    "requestBody": _content3(
                        "The input payload for executing the real-time machine learning service.",
                        {"$ref": "#/components/schemas/ServiceInput"},
                    ),
                    "responses": {
                        "200": _content3(SCORED, {"$ref": "#/components/schemas/ServiceOutput"}),
                        "default": failed,
                    },
                }
            },
            _path(settings, "/swagger.json"): {
                "get": {
                    "operationId": "GetSwaggerSpec",
                    "description": "Get swagger specification",
                    "parameters": [_version_parameter({"schema": {"type": "string"}})],
                    "responses": {
                        "200": _content3("Swagger specification", _free_object()),
                        "default": failed,
                    },
                }
            },
        },
        "components": {
            "securitySchemes": {
                "Bearer": {
                    "type": "apiKey",
                    "name": "Authorization",
                    "in": "header",
                    "description": "For example: Bearer abc123",
                }
            },
            "schemas": {
                "ServiceInput": schemas.input,
                "ServiceOutput": schemas.output,
                "ErrorResponse": _error_schema(),
            },
        },
    }


def _content3(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _version_parameter(kind: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": "version",
        "in": "query",
        "description": "2, 2.0, 3, 3.0 or 3.1; 2 if not given.",
        "required": False,
        **kind,
    }


def _free_object() -> dict[str, Any]:
    return {"type": "object", "additionalProperties": {"type": "object"}}
