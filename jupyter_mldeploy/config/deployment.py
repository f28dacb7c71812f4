"""Which deployment configuration a file holds: its ``computeType`` tells (spec section 10)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from jupyter_mldeploy.config.documents import read_document
from jupyter_mldeploy.config.local import LocalDeploymentConfiguration
from jupyter_mldeploy.errors import ConfigurationError

__all__ = ["deployment_config_from_dict", "load_deployment_config"]

_KINDS = {"local": LocalDeploymentConfiguration}
_NOT_YET = ("aci", "aks", "aksendpoint", "iot")


def load_deployment_config(path: str | os.PathLike[str]) -> LocalDeploymentConfiguration:
    """Read a ``deploymentconfig.json`` or ``.yml`` file of the v1 command line.

    Raises
    ------
    ConfigurationError
        The file cannot be read, ``computeType`` is missing or names a place that this version
        cannot deploy to, or a key is unknown or out of bounds.
    """
    made = deployment_config_from_dict(read_document(path), source=str(path))
    made.check()
    return made


def deployment_config_from_dict(
    data: Mapping[str, Any], *, source: str = ""
) -> LocalDeploymentConfiguration:
    """Return the deployment configuration whose keys stand in `data`.

    Parameters
    ----------
    source
        Where the data came from, named in errors.

    Raises
    ------
    ConfigurationError
        As :func:`load_deployment_config`.
    """
    where = f"{source}: " if source else ""
    if not isinstance(data, Mapping):
        raise ConfigurationError(
            f"{where}a deployment configuration is made of keys and values, "
            f"not of a {type(data).__name__}.",
            hint='For example {"computeType": "local", "port": 8890}.',
        )
    key = "computeType" if "computeType" in data else "compute_type"
    kind = data.get(key)
    if kind is None:
        raise ConfigurationError(
            f"{where}`computeType` is missing.",
            hint='Add "computeType": "local" to run the service on this machine.',
        )
    name = kind.lower() if isinstance(kind, str) else ""
    if name in _NOT_YET:
        raise ConfigurationError(
            f"{where}`{key}` is {kind!r}; this version deploys to this machine only.",
            hint='Use "computeType": "local".',
        )
    if name not in _KINDS:
        raise ConfigurationError(
            f"{where}`{key}` is {kind!r:.80}; there is no such place to deploy to.",
            hint='Use "computeType": "local".',
        )
    return _KINDS[name].from_dict(data, source=source)
