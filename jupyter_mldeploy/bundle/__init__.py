"""From models and a declaration to a bundle: a folder that every target can run.

The names are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_mldeploy.bundle.contract import check_variables, variables
    from jupyter_mldeploy.bundle.environment import (
        EnvironmentRecord,
        current_environment,
        packages_of_model,
    )
    from jupyter_mldeploy.bundle.listing import tree
    from jupyter_mldeploy.bundle.manifest import Manifest
    from jupyter_mldeploy.bundle.runtime import ensure_runtime
    from jupyter_mldeploy.bundle.sources import source_files
    from jupyter_mldeploy.bundle.staging import ModelSource, stage

_HOME_OF = {
    "EnvironmentRecord": "environment",
    "Manifest": "manifest",
    "ModelSource": "staging",
    "check_variables": "contract",
    "current_environment": "environment",
    "ensure_runtime": "runtime",
    "packages_of_model": "environment",
    "source_files": "sources",
    "stage": "staging",
    "tree": "listing",
    "variables": "contract",
}

__all__ = [
    "EnvironmentRecord",
    "Manifest",
    "ModelSource",
    "check_variables",
    "current_environment",
    "ensure_runtime",
    "packages_of_model",
    "source_files",
    "stage",
    "tree",
    "variables",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
