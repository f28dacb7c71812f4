"""What users declare: how a model is served, and where.

The names below are loaded when they are first used, because the classes are
built with pydantic and most of the package works without it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_mldeploy.config.declaration import Declaration
    from jupyter_mldeploy.config.deployment import (
        deployment_config_from_dict,
        load_deployment_config,
    )
    from jupyter_mldeploy.config.environment import (
        ContainerRegistry,
        DockerSection,
        Environment,
        PythonSection,
    )
    from jupyter_mldeploy.config.inference import InferenceConfig, load_inference_config
    from jupyter_mldeploy.config.local import (
        LocalDeploymentConfiguration,
        LocalEffective,
        ServiceKeys,
    )
    from jupyter_mldeploy.config.names import (
        check_entry_script_name,
        check_model_name,
        check_service_name,
    )
    from jupyter_mldeploy.config.resources import ResourceConfiguration

_HOMES = {
    "ContainerRegistry": "environment",
    "Declaration": "declaration",
    "DockerSection": "environment",
    "Environment": "environment",
    "InferenceConfig": "inference",
    "LocalDeploymentConfiguration": "local",
    "LocalEffective": "local",
    "PythonSection": "environment",
    "ResourceConfiguration": "resources",
    "ServiceKeys": "local",
    "check_entry_script_name": "names",
    "check_model_name": "names",
    "check_service_name": "names",
    "deployment_config_from_dict": "deployment",
    "load_deployment_config": "deployment",
    "load_inference_config": "inference",
}

__all__ = [
    "ContainerRegistry",
    "Declaration",
    "DockerSection",
    "Environment",
    "InferenceConfig",
    "LocalDeploymentConfiguration",
    "LocalEffective",
    "PythonSection",
    "ResourceConfiguration",
    "ServiceKeys",
    "check_entry_script_name",
    "check_model_name",
    "check_service_name",
    "deployment_config_from_dict",
    "load_deployment_config",
    "load_inference_config",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
