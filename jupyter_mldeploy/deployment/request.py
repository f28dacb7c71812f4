"""What an operation on a service is asked to do, as it travels in the operation's row."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from jupyter_mldeploy import bundle, config

__all__ = ["ModelReference", "RolloutRequest", "request_hash"]

_HASH_WHOLE_FILE_BYTES = 1 << 20


@dataclass(frozen=True)
class ModelReference:
    """A model to deploy: a registered version, or a local path that is not registered.

    Parameters
    ----------
    name
        Name under ``azureml-models/``.
    version
        Registered version; ``0`` for a local path (spec section 4.1).
    sha256
        Hash of a registered version's content; empty for a local path.
    path
        Absolute local path, when it is not registered.
    """

    name: str
    version: int
    sha256: str = ""
    path: str | None = None

    @property
    def id(self) -> str:
        """``name:version``."""
        return f"{self.name}:{self.version}"


@dataclass(frozen=True)
class RolloutRequest:
    """A new generation of a service.

    Parameters
    ----------
    service_id
        Row id of the service.
    models
        What to serve.
    inference_config, deployment_config
        The declarations as dictionaries: paths absolute, no secrets.
    python
        Interpreter the service runs with.
    request_hash
        Hash of all that decides what is served.
    rollback_to
        Generation whose bundle is to serve again, instead of a new bundle.
    fields
        Changes to the service's row that take effect with the switch
        (``tags``, ``properties``, ``description``).
    """

    service_id: str
    models: list[ModelReference]
    inference_config: dict[str, Any]
    deployment_config: dict[str, Any]
    python: str
    request_hash: str
    rollback_to: int | None = None
    fields: dict[str, Any] = field(default_factory=dict)

    def to_payload(self) -> dict[str, Any]:
        """Return the JSON-able form."""
        return asdict(self)

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> RolloutRequest:
        """Read what :meth:`to_payload` wrote."""
        models = [ModelReference(**entry) for entry in payload["models"]]
        return cls(**{**payload, "models": models})

    @property
    def inference(self) -> config.InferenceConfig:
        """The inference configuration."""
        return config.InferenceConfig.from_dict(self.inference_config)

    @property
    def deployment(self) -> config.LocalDeploymentConfiguration:
        """The deployment configuration, without secrets."""
        return config.LocalDeploymentConfiguration.from_dict(self.deployment_config)


def request_hash(
    models: list[ModelReference],
    inference_config: dict[str, Any],
    deployment_config: dict[str, Any],
    sources: Path,
    python: str,
) -> str:
    """Hash what decides what is served: two equal hashes are one request.

    Files over 1 MiB count by size and modification time, so that a large source
    directory is not read at every call.

    Parameters
    ----------
    models, inference_config, deployment_config, python
        As in :class:`RolloutRequest`.
    sources
        The source directory, or the entry script where there is none.
    """
    digest = hashlib.sha256()
    # `python` and `python3` of one environment are one interpreter; the environment is known by
    # its folder, because in a virtual one both are links to the same file elsewhere.
    interpreter = [str(Path(python).parent), os.path.realpath(python)]
    declared = [[asdict(m) for m in models], inference_config, deployment_config, interpreter]
    digest.update(json.dumps(declared, sort_keys=True).encode())
    local = [Path(model.path) for model in models if model.path]
    for top in (sources, *local):
        for name, path in _files(top):
            stat = path.stat()
            digest.update(f"\0{name}\0{stat.st_size}\0".encode())
            if stat.st_size <= _HASH_WHOLE_FILE_BYTES:
                digest.update(path.read_bytes())
            else:
                digest.update(str(stat.st_mtime_ns).encode())
    return digest.hexdigest()


def _files(top: Path) -> list[tuple[str, Path]]:
    if top.is_file():
        return [(top.name, top)]
    return [(file.name, file.path) for file in bundle.source_files(top).files]
