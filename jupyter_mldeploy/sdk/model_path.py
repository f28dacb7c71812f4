"""Where a model's files are, asked from a notebook or a script (spec section 2.1)."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mldeploy.errors import ModelNotFoundException
from jupyter_mldeploy.serving import model_path as served

if TYPE_CHECKING:
    from jupyter_mldeploy.sdk.workspace import Workspace
    from jupyter_mldeploy.store import ModelRecord

__all__ = ["get_model_path"]


def get_model_path(
    model_name: str, version: int | None = None, workspace: Workspace | None = None
) -> str:
    """Return the path of the one file or folder of a model.

    Looked at: ``azureml-models/NAME/VERSION/`` in ``AML_APP_ROOT`` or the current folder,
    then ``./NAME``; the same as in a service.

    Parameters
    ----------
    version
        A whole number. ``None``: the registered latest with `workspace`, else the largest
        number that is there.
    workspace
        Asked first: the model is put into ``azureml-models/NAME/VERSION/`` when it is not
        there yet, for reading only.

    Raises
    ------
    TypeError
        `version` is not a whole number.
    ModelNotFoundException
        Nothing is there; the message says where it was looked for.
    """
    try:
        if workspace is not None and (version is None or type(version) is int):
            record = workspace._store.models.find(workspace._record.id, model_name, version)
            if record is not None:
                _provide(workspace, record)
                version = record.version
        return served.get_model_path(model_name, version)
    except served.ModelNotFoundException as error:
        raise ModelNotFoundException(
            str(error),
            hint="Pass _workspace=ws to take it from the registry, or give a local path.",
        ) from error


def _provide(workspace: Workspace, record: ModelRecord) -> None:
    base = Path(os.environ.get("AML_APP_ROOT") or Path.cwd())
    folder = base / served.MODELS_FOLDER / record.name / str(record.version)
    if folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    # All files or none: whoever looks meanwhile must not find half a model.
    part = Path(tempfile.mkdtemp(prefix=".part-", dir=folder.parent))
    try:
        workspace._store.files.materialise(record.files, part)
        part.chmod(0o755)
        try:
            part.rename(folder)
        except OSError:
            if not folder.exists():  # else another process was first
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
