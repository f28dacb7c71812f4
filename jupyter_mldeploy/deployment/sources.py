"""Where a request's script, source directory and models are."""

from __future__ import annotations

from pathlib import Path

from jupyter_mldeploy.bundle import ModelSource
from jupyter_mldeploy.deployment.request import RolloutRequest
from jupyter_mldeploy.errors import UserErrorException
from jupyter_mldeploy.store import Store

__all__ = ["model_sources", "resolve_paths"]


def resolve_paths(request: RolloutRequest) -> tuple[Path | None, Path]:
    """Return the absolute source directory (or ``None``) and the entry script.

    The entry script is relative to the source directory when there is one, else absolute.
    """
    inference = request.inference
    source = inference.source_directory
    return Path(source) if source else None, Path(inference.entry_script)


def model_sources(store: Store, workspace_id: int, request: RolloutRequest) -> list[ModelSource]:
    """Return what to put under ``azureml-models/``; local paths enter the content store.

    Raises
    ------
    UserErrorException
        A local path has gone since the request was made.
    """
    sources = []
    for model in request.models:
        if model.path is None:
            record = store.models.get(workspace_id, model.name, model.version)
            sources.append(ModelSource(record.name, record.version, record.files))
            continue
        path = Path(model.path)
        if not path.exists():
            raise UserErrorException(
                f"The model path {path} does not exist any more.",
                hint="Save the model again, or register it: registered models are kept.",
            )
        sources.append(ModelSource(model.name, model.version, store.files.add_tree(path)))
    return sources
