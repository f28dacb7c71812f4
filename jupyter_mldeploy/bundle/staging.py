"""Stage a bundle: put everything that serves in one folder, whole or not at all.

The layout (version 1): ``manifest.json``, ``app/`` (the folder the server runs in,
with the sources and ``azureml-models/NAME/VERSION/``), ``requirements.lock`` and
``runtime/``.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Protocol

from jupyter_mldeploy.bundle.contract import MODELS_FOLDER, check_variables, model_dir
from jupyter_mldeploy.bundle.environment import EnvironmentRecord
from jupyter_mldeploy.bundle.manifest import Manifest
from jupyter_mldeploy.bundle.runtime import copy_runtime
from jupyter_mldeploy.bundle.sources import copy_sources, source_files
from jupyter_mldeploy.errors import ConfigurationError, StoreError, UserErrorException
from jupyter_mldeploy.store.copying import place
from jupyter_mldeploy.store.records import FileEntry

__all__ = ["Contents", "ModelSource", "stage"]


class Contents(Protocol):
    """Where the contents of models are: the content store."""

    def materialise(self, entries: Iterable[FileEntry], dest: Path, *, link: bool = True) -> None:
        """Put files under `dest`, each at its path."""


@dataclass(frozen=True)
class ModelSource:
    """A model to put into a bundle.

    Parameters
    ----------
    name
        Name under ``azureml-models/``.
    version
        Registered version; 0 for a model that is not registered (spec section 4.1).
    files
        Its files; the first part of each path is the name of its one file or folder.
    """

    name: str
    version: int
    files: Sequence[FileEntry]

    @property
    def id(self) -> str:
        """``name:version``."""
        return f"{self.name}:{self.version}"


def stage(
    *,
    dest: Path,
    service_name: str,
    models: Sequence[ModelSource],
    source_directory: Path | None,
    entry_script: Path,
    environment: EnvironmentRecord,
    environment_variables: Mapping[str, str],
    files: Contents,
    runtime: Path,
) -> list[str]:
    """Make a bundle.

    Parameters
    ----------
    dest
        The folder to make; its parent is made when it is missing.
    source_directory
        Folder that is deployed with the script; ``None``: only the script is.
    entry_script
        Relative to `source_directory`, or the path of the script when there is none.
    environment
        The interpreter that will run it.
    environment_variables
        The user's.
    files
        The content store.
    runtime
        What :func:`.ensure_runtime` returned.

    Returns
    -------
    list of str
        Remarks for the user.

    Raises
    ------
    UserErrorException
        Something of the user's is missing, unreadable or cannot be deployed; nothing was made.
    StoreError
        The bundle could not be written, or a content is damaged; nothing was made.
    """
    variables = check_variables(environment_variables)
    _check_models(models)
    try:
        dest.parent.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=f".{dest.name}-", dir=dest.parent))
        try:
            app = new / "app"
            app.mkdir()
            script, source, warnings = _put_sources(app, source_directory, entry_script)
            _put_models(app, models, files)
            lock = "".join(f"{name}=={version}\n" for name, version in environment.packages.items())
            (new / "requirements.lock").write_text(lock, encoding="utf-8")
            copy_runtime(runtime, new / "runtime")
            _manifest(service_name, models, script, source, environment, variables).save(new)
            new.chmod(0o755)
            _give_name(new, dest)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
    except OSError as broken:
        raise StoreError(
            f"The bundle could not be written to {dest}: {broken.strerror or broken}.",
            hint="Check the space and the permissions there.",
        ) from broken
    return warnings


def _check_models(models: Sequence[ModelSource]) -> None:
    seen: set[str] = set()
    for model in models:
        roots = {entry.path.partition("/")[0] for entry in model.files}
        if len(roots) != 1 or roots & {"", ".", ".."}:
            raise UserErrorException(
                f"Model {model.id} must be one file or one folder; it has {len(roots)}.",
                hint="Register a folder that holds everything.",
            )
        if model.id in seen:
            raise UserErrorException(
                f"Model {model.id} is given twice.", hint="Give every model once."
            )
        seen.add(model.id)


def _put_sources(
    app: Path, source_directory: Path | None, entry_script: Path
) -> tuple[str, str | None, list[str]]:
    """Copy the script and its folder; return the two variables that name them, and remarks."""
    if source_directory is None:
        if not entry_script.is_file():
            raise _no_script(entry_script)
        place(entry_script, app / entry_script.name, mode=0o644, link=False, reflink=True)
        return entry_script.name, None, []
    top = Path(os.path.abspath(source_directory))  # noqa: PTH100  (keeps the name of a link)
    if top.name in {"", MODELS_FOLDER}:
        raise ConfigurationError(
            f"{top} cannot be a source directory: its name is needed for a folder beside the "
            "models.",
            hint="Put the script in a folder with another name.",
        )
    relative = os.path.relpath(os.path.normpath(top / entry_script), top).replace(os.sep, "/")
    found = source_files(top)
    if relative not in {file.name for file in found.files}:
        if (top / relative).is_file() and not relative.startswith("../"):
            raise ConfigurationError(
                f"The entry script {relative} is left out of the deployment.",
                hint=f"Check {top / '.amlignore'}, and that no folder above it is a cache or a "
                "virtual environment.",
            )
        raise _no_script(top / entry_script)
    copy_sources(found.files, app / top.name)
    return f"{top.name}/{relative}", top.name, found.warnings


def _no_script(path: Path) -> ConfigurationError:
    return ConfigurationError(
        f"The entry script {path} does not exist.",
        hint="It is looked for below source_directory.",
    )


def _put_models(app: Path, models: Sequence[ModelSource], files: Contents) -> None:
    top = app / MODELS_FOLDER
    top.mkdir()
    for model in models:
        files.materialise(model.files, top / model.name / str(model.version), link=True)


def _manifest(
    service_name: str,
    models: Sequence[ModelSource],
    script: str,
    source: str | None,
    environment: EnvironmentRecord,
    variables: dict[str, str],
) -> Manifest:
    contract = {
        "AZUREML_ENTRY_SCRIPT": script,
        "AZUREML_MODEL_DIR": model_dir([(model.name, model.version) for model in models]),
    }
    if source is not None:
        contract["AZUREML_SOURCE_DIRECTORY"] = source
    return Manifest(
        service_name=service_name,
        models=[
            {
                "name": model.name,
                "version": model.version,
                "id": model.id,
                "files": [_file(entry) for entry in model.files],
            }
            for model in models
        ],
        entry_script=script,
        source_directory=source,
        environment={
            "python": environment.python,
            "python_version": environment.python_version,
            "variables": variables,
        },
        variables=contract,
        created=datetime.now(timezone.utc).isoformat(),
    )


def _file(entry: FileEntry) -> dict[str, Any]:
    return {"path": entry.path, "sha256": entry.sha256, "size": entry.size}


def _give_name(new: Path, dest: Path) -> None:
    # A rename would silently take the place of an empty folder.
    if dest.exists():
        raise StoreError(
            f"There is already something in {dest}.", hint="Stage the bundle under another name."
        )
    new.rename(dest)
