"""Reads the schemas of a decorated function; names of ``inference_schema.schema_util``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .decorators import Declared, declared_of, known
from .parameter_type import ALL_VERSIONS, AbstractParameterType

__all__ = [
    "Schemas",
    "get_input_schema",
    "get_output_schema",
    "get_schemas_dict",
    "get_supported_versions",
    "is_schema_decorated",
    "schemas_of",
]

REAL_PACKAGE = "inference_schema.schema_util"
# Server names of the versions, for the package's names.
SERVER_VERSIONS = {"2.0": "2", "3.0": "3", "3.1": "3.1"}


@dataclass(frozen=True, slots=True)
class Schemas:
    """The schemas of one function.

    Parameters
    ----------
    versions
        ``2``, ``3`` and ``3.1``, as far as they can express the schemas.
    optional
        Parameters a request may leave out.
    """

    input: dict[str, Any]
    output: dict[str, Any]
    versions: tuple[str, ...]
    optional: frozenset[str] = frozenset()


def is_schema_decorated(func: Callable[..., Any]) -> bool:
    """Return whether a schema decorator was applied."""
    return declared_of(func) is not None


def get_input_schema(func: Callable[..., Any]) -> dict[str, Any]:
    """Return the schema of the JSON body: an object with one property a parameter."""
    return _input(declared_of(func))


def get_output_schema(func: Callable[..., Any]) -> dict[str, Any]:
    """Return the schema of the result."""
    return _output(declared_of(func))


def get_supported_versions(func: Callable[..., Any]) -> list[str]:
    """Return those of ``2.0``, ``3.0``, ``3.1`` that can express the schemas."""
    return _versions(declared_of(func))


def get_schemas_dict() -> dict[str, dict[str, Any]]:
    """Return input and output schema of every decorated function, by its full name."""
    return {
        name: {"input": _input(declared), "output": _output(declared)}
        for name, declared in known.items()
    }


def schemas_of(func: Callable[..., Any]) -> Schemas | None:
    """Return what the server needs, of our decorators or of an installed inference-schema."""
    declared = declared_of(func)
    if declared is not None:
        return Schemas(
            input=_input(declared),
            output=_output(declared),
            versions=tuple(SERVER_VERSIONS[version] for version in _versions(declared)),
            optional=frozenset(name for name, one in declared.inputs.items() if one.optional),
        )
    real = sys.modules.get(REAL_PACKAGE)
    if real is None or getattr(real, "schemas_of", None) is schemas_of:
        return None
    try:
        if not real.is_schema_decorated(func):
            return None
    except (AttributeError, IndexError):
        return None  # it looks into closures, which not every callable has
    versions = tuple(
        SERVER_VERSIONS[name]
        for name in real.get_supported_versions(func)
        if name in SERVER_VERSIONS
    )
    body = real.get_input_schema(func)
    properties = set(body.get("properties", {}))
    required = set(body.get("required", properties))
    return Schemas(body, real.get_output_schema(func), versions, frozenset(properties - required))


def _input(declared: Declared | None) -> dict[str, Any]:
    if declared is None or not declared.inputs:
        return {"type": "object"}
    properties: dict[str, Any] = {}
    examples: dict[str, Any] = {}
    for name, one in declared.inputs.items():
        schema = one.type.input_to_swagger()
        examples[name] = schema.pop("example")
        properties[name] = schema
    body: dict[str, Any] = {"type": "object", "properties": properties, "example": examples}
    required = [name for name, one in declared.inputs.items() if not one.optional]
    if len(required) != len(properties) and required:
        body["required"] = required
    return body


def _output(declared: Declared | None) -> dict[str, Any]:
    if declared is None or declared.output is None:
        return {"type": "object"}
    return declared.output.input_to_swagger()


def _versions(declared: Declared | None) -> list[str]:
    if declared is None:
        return list(ALL_VERSIONS)
    types: list[AbstractParameterType] = [one.type for one in declared.inputs.values()]
    if declared.output is not None:
        types.append(declared.output)
    return [
        version
        for version in ALL_VERSIONS
        if all(version in kind.supported_versions() for kind in types)
    ]
