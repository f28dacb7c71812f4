"""Where the files of a model are, as an entry script asks for them (spec section 2.1)."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["MODELS_FOLDER", "Model", "ModelNotFoundException", "get_model_path"]

MODELS_FOLDER = "azureml-models"
LISTED = 20  # names shown in an error


class ModelNotFoundException(Exception):
    """No file of that model is in the places where it is looked for."""

    # Shown in the user's tracebacks, so under the name that scripts know.
    __module__ = "azureml.exceptions"


def get_model_path(
    model_name: str,
    version: int | None = None,
    _workspace: object = None,
    *,
    root: Path | None = None,
) -> str:
    """Return the path of the one file or folder of a model.

    Looked at, in this order (spec section 2.1):

    1. ``azureml-models/NAME/VERSION/`` below `root`, which must hold exactly one
       file or folder; without `version` the largest number is taken;
    2. ``./NAME`` in the current folder.

    Parameters
    ----------
    model_name
        Name the model is registered under.
    version
        A whole number; ``None`` for the latest that is there.
    _workspace
        Accepted for v1 callers; a service has no workspace to ask.
    root
        Folder to look in; ``AML_APP_ROOT``, else the current folder.

    Raises
    ------
    TypeError
        `version` is not a whole number.
    ModelNotFoundException
        Nothing is there; the message lists what is.
    """
    given: object = version  # callers need not be type-checked
    if given is not None and (not isinstance(given, int) or isinstance(given, bool)):
        raise TypeError(f"version must be a whole number, not {version!r}.")
    base = root or Path(os.environ.get("AML_APP_ROOT") or Path.cwd())
    folder = base / MODELS_FOLDER / model_name
    chosen = _version_folder(folder, version)
    if chosen is not None:
        entries = sorted(os.listdir(chosen))  # noqa: PTH208 - names, not paths
        if len(entries) != 1:
            raise ModelNotFoundException(
                f"{chosen} can contain only 1 file or folder, but has {len(entries)}: "
                f"{_names(entries)}."
            )
        return str(chosen / entries[0])
    local = Path.cwd() / model_name
    if local.exists():
        return str(local)
    asked = model_name if version is None else f"{model_name}, version {version},"
    raise ModelNotFoundException(
        f"Model {asked} was not found. Looked at {folder} ({_contents(folder)}) and at {local} "
        f"(does not exist). {base / MODELS_FOLDER} {_contents(base / MODELS_FOLDER)}."
    )


def _version_folder(folder: Path, version: int | None) -> Path | None:
    if version is not None:
        chosen = folder / str(version)
        return chosen if chosen.is_dir() else None
    if not folder.is_dir():
        return None
    numbers = [int(name) for name in os.listdir(folder) if name.isdecimal()]  # noqa: PTH208
    numbers = [number for number in numbers if (folder / str(number)).is_dir()]
    return folder / str(max(numbers)) if numbers else None


def _contents(folder: Path) -> str:
    if not folder.is_dir():
        return "does not exist"
    names = sorted(os.listdir(folder))  # noqa: PTH208 - names, not paths
    return f"has {_names(names)}" if names else "is empty"


def _names(names: list[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


class Model:
    """What ``azureml.core.model.Model`` offers an entry script."""

    @staticmethod
    def get_model_path(
        model_name: str, version: int | None = None, _workspace: object = None
    ) -> str:
        """Return the path of a model's file or folder; see :func:`get_model_path`."""
        return get_model_path(model_name, version, _workspace)
