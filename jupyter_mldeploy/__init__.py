"""Register a model, deploy it as an HTTP endpoint, update it without downtime.

The names are loaded when they are first used, so that importing the package
costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mldeploy.config import (
        Environment,
        InferenceConfig,
        LocalDeploymentConfiguration,
        ResourceConfiguration,
    )
    from jupyter_mldeploy.errors import (
        ConfigurationError,
        MLDeployError,
        ModelNotFoundException,
        OperationCancelled,
        OperationFailed,
        UserErrorException,
        WebserviceException,
    )
    from jupyter_mldeploy.sdk.local import LocalWebservice
    from jupyter_mldeploy.sdk.model import Model
    from jupyter_mldeploy.sdk.operation import Operation
    from jupyter_mldeploy.sdk.webservice import Webservice
    from jupyter_mldeploy.sdk.workspace import Workspace

__version__ = "0.1.0"

__all__ = [
    "ConfigurationError",
    "Environment",
    "InferenceConfig",
    "LocalDeploymentConfiguration",
    "LocalWebservice",
    "MLDeployError",
    "Model",
    "ModelNotFoundException",
    "Operation",
    "OperationCancelled",
    "OperationFailed",
    "ResourceConfiguration",
    "UserErrorException",
    "Webservice",
    "WebserviceException",
    "Workspace",
    "__version__",
]

_HOME_OF = {
    "Environment": "config",
    "InferenceConfig": "config",
    "LocalDeploymentConfiguration": "config",
    "ResourceConfiguration": "config",
    "LocalWebservice": "sdk.local",
    "Model": "sdk.model",
    "Operation": "sdk.operation",
    "Webservice": "sdk.webservice",
    "Workspace": "sdk.workspace",
}


def __getattr__(name: str) -> object:
    if name in _HOME_OF or name in __all__:
        module = import_module(f"{__name__}.{_HOME_OF.get(name, 'errors')}")
        value: object = getattr(module, name)
        globals()[name] = value
        return value
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
