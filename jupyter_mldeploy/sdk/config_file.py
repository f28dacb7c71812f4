"""The v1 ``config.json``: how it is found, read and written (spec section 1)."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mldeploy.errors import UserErrorException

__all__ = ["ConfigFile", "find_config", "read_config", "write_config"]

_FOLDERS = (".azureml", "aml_config")
_NAME = "config.json"
_LEGACY_NAME = "project.json"
_SCOPE = re.compile(
    r"/subscriptions/(?P<subscription_id>[^/]+)/resourceGroups/(?P<resource_group>[^/]+)"
    r"/providers/Microsoft\.MachineLearningServices/workspaces/(?P<workspace_name>[^/]+)/?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ConfigFile:
    """What a config file says.

    Parameters
    ----------
    path
        The file.
    values
        Its content, with the parts of ``Scope`` as keys of their own.
    """

    path: Path
    values: Mapping[str, Any]

    @property
    def workspace_name(self) -> str:
        """Name of the workspace."""
        return str(self.values["workspace_name"])

    @property
    def beside(self) -> Path:
        """The folder that relative paths in the file start from: the project's."""
        folder = self.path.parent
        return folder.parent if folder.name in _FOLDERS else folder


def find_config(
    path: str | os.PathLike[str] | None = None, file_name: str | None = None
) -> Path | None:
    """Return the config file that v1 would take, or ``None``.

    Parameters
    ----------
    path
        A file of any name; or a folder, by default the current one, from which the search
        goes up through all parents. In each: ``.azureml/``, ``aml_config/``, then itself.
    file_name
        Looked for instead of ``config.json``; the legacy ``project.json`` comes after it.

    Raises
    ------
    UserErrorException
        `path` does not exist.
    """
    start = Path(os.path.abspath(path or "."))  # noqa: PTH100 -- keeps links
    if start.is_file():
        return start
    if not start.is_dir():
        raise UserErrorException(
            f"The workspace configuration {start} does not exist.",
            hint="Give a config.json, a folder that has one in it or above it, or nothing.",
        )
    return next((each for each in _candidates(start, file_name or _NAME) if each.is_file()), None)


def _candidates(start: Path, file_name: str) -> Iterator[Path]:
    for folder in (start, *start.parents):
        for place in (*(folder / name for name in _FOLDERS), folder):
            yield place / file_name
            yield place / _LEGACY_NAME


def read_config(path: Path) -> ConfigFile:
    """Read a config file.

    Raises
    ------
    UserErrorException
        It is no JSON object, or does not name a workspace: ``workspace_name`` (with
        ``subscription_id`` and ``resource_group`` as v1 writes them) or ``Scope``.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise UserErrorException(
            f"The workspace configuration {path} cannot be read: {error}.",
            hint='It should be JSON such as {"workspace_name": "default"}.',
        ) from error
    if not isinstance(values, dict):
        raise UserErrorException(
            f"The workspace configuration {path} is no JSON object.",
            hint='It should be JSON such as {"workspace_name": "default"}.',
        )
    if "Scope" in values:
        values |= _from_scope(path, values["Scope"])
    name = values.get("workspace_name")
    if not isinstance(name, str) or not name:
        raise UserErrorException(
            f'The workspace configuration {path} has no "workspace_name".',
            hint='Add the key "workspace_name" with the name of the workspace, or "Scope".',
        )
    return ConfigFile(path, values)


def _from_scope(path: Path, scope: object) -> dict[str, str]:
    match = _SCOPE.fullmatch(scope) if isinstance(scope, str) else None
    if match is None:
        raise UserErrorException(
            f'The "Scope" in {path} cannot be read: {scope!r}.',
            hint="It should be /subscriptions/S/resourceGroups/G/providers/"
            "Microsoft.MachineLearningServices/workspaces/NAME.",
        )
    return match.groupdict()


def write_config(
    path: str | os.PathLike[str] | None, file_name: str | None, values: Mapping[str, Any]
) -> Path:
    """Write ``PATH/.azureml/config.json`` (`path` is the current folder by default).

    Returns
    -------
    Path
        The file.

    Raises
    ------
    UserErrorException
        It cannot be written.
    """
    target = Path(path or ".") / _FOLDERS[0] / (file_name or _NAME)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(values, indent=4) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserErrorException(
            f"The workspace configuration {target} cannot be written: {error.strerror}.",
            hint="Give the path of a folder that you may write to.",
        ) from error
    return target
