"""The variables that tell a server and its entry script where things are (spec sections 3, 4.1)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jupyter_mldeploy.bundle.manifest import Manifest
from jupyter_mldeploy.errors import ConfigurationError

__all__ = ["MODELS_FOLDER", "check_variables", "model_dir", "variables"]

MODELS_FOLDER = "azureml-models"

# The contract's own, each with what to do instead of setting it.
_OURS = {
    "AML_APP_ROOT": "It is the folder that the service runs in.",
    "AZUREML_ENTRY_SCRIPT": "Set entry_script in the inference configuration.",
    "AZUREML_SOURCE_DIRECTORY": "Set source_directory in the inference configuration.",
    "AZUREML_MODEL_DIR": "It is where the deployed models are.",
    "SERVICE_NAME": "It is the name that the service is deployed under.",
    "SERVICE_VERSION": "It counts the generations of the service.",
    "SCORING_TIMEOUT_MS": "Set scoring_timeout_ms in the deployment configuration.",
    "WORKER_COUNT": "Set workers in the deployment configuration.",
}
_PREFIX = "MLDEPLOY_"


def check_variables(given: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables that a user wants for an entry script.

    Raises
    ------
    ConfigurationError
        One belongs to the contract, or no process can have it; it is named.
    """
    for name, value in given.items():
        if name in _OURS or name.startswith(_PREFIX):
            raise ConfigurationError(
                f"The environment variable {name} cannot be set: every service has it already.",
                hint=_OURS.get(name, f"Choose a name that does not begin with {_PREFIX}."),
            )
        if not name or "=" in name or "\0" in name or not _encodes(name):
            raise ConfigurationError(
                f"{name!r} cannot be the name of an environment variable.",
                hint="Use letters, digits and '_'.",
            )
        if "\0" in value or not _encodes(value):
            raise ConfigurationError(
                f"The value of the environment variable {name} has characters that no process "
                "can be given.",
                hint="Leave out null characters and halves of surrogate pairs.",
            )
    return dict(given)


def model_dir(models: list[tuple[str, int]]) -> str:
    """Return ``AZUREML_MODEL_DIR`` below the application folder (spec section 4.1).

    Parameters
    ----------
    models
        Name and version of each.
    """
    if len(models) != 1:
        return MODELS_FOLDER
    name, version = models[0]
    return f"{MODELS_FOLDER}/{name}/{version}"


def variables(bundle: Path) -> dict[str, str]:
    """Return the environment variables for the servers of a bundle, with absolute paths.

    The user's are among them; the contract's win.

    Raises
    ------
    StoreError
        The bundle is missing or damaged.
    """
    manifest = Manifest.load(bundle)
    root = bundle.absolute() / "app"
    contract = dict(manifest.variables)
    contract["AML_APP_ROOT"] = str(root)
    contract["AZUREML_MODEL_DIR"] = str(root / contract.get("AZUREML_MODEL_DIR", MODELS_FOLDER))
    return {**manifest.environment.get("variables", {}), **contract}


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
