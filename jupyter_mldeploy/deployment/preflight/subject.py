"""What is looked at before a deployment: a request and all that it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from jupyter_mldeploy.bundle import EnvironmentRecord, current_environment, source_files
from jupyter_mldeploy.config import LocalEffective
from jupyter_mldeploy.deployment.request import RolloutRequest
from jupyter_mldeploy.deployment.sources import resolve_paths
from jupyter_mldeploy.store import Store

__all__ = ["ModelFiles", "Subject", "subject_of"]


@dataclass(frozen=True)
class ModelFiles:
    """A model as the server will see it.

    Parameters
    ----------
    name, version
        Its place below ``azureml-models``.
    files
        Size in bytes by path below that.
    packages
        Versions that it was registered with.
    """

    name: str
    version: int
    files: Mapping[str, int]
    packages: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """``name:version``."""
        return f"{self.name}:{self.version}"


@dataclass(frozen=True)
class Subject:
    """A deployment to come.

    Parameters
    ----------
    script
        Path of the entry script.
    source
        The source directory; ``None`` when only the script is deployed.
    models
        What is to be served.
    environment
        The interpreter and its packages.
    effective
        The deployment configuration in numbers.
    home
        Workspace home.
    """

    script: Path
    source: Path | None
    models: tuple[ModelFiles, ...]
    environment: EnvironmentRecord
    effective: LocalEffective
    home: Path

    @cached_property
    def sources(self) -> dict[str, int]:
        """Size in bytes of the files that are deployed beside the models, by path in ``app``."""
        if self.source is None:
            return {self.script.name: self.script.stat().st_size}
        found = source_files(self.source).files
        return {f"{self.source.name}/{file.name}": file.size for file in found}

    @cached_property
    def files(self) -> dict[str, int]:
        """Size in bytes of all files in ``app``, by path."""
        models = {
            f"azureml-models/{model.name}/{model.version}/{path}": size
            for model in self.models
            for path, size in model.files.items()
        }
        return {**self.sources, **models}


def subject_of(store: Store, workspace_id: int, request: RolloutRequest) -> Subject:
    """Return what a request names; raises what reading it raises."""
    source, script = resolve_paths(request)
    models = []
    for model in request.models:
        if model.path is None:
            record = store.models.get(workspace_id, model.name, model.version)
            known = record.registered_environment or {}
            files = {entry.path: entry.size for entry in record.files}
            packages = dict(known.get("packages") or {})
        else:
            files, packages = _local(Path(model.path)), {}
        models.append(ModelFiles(model.name, model.version, files, packages))
    return Subject(
        script=source / script if source else script,
        source=source,
        models=tuple(models),
        environment=current_environment(store.home, request.python),
        effective=request.deployment.effective(),
        home=store.home,
    )


def _local(path: Path) -> dict[str, int]:
    if path.is_file():
        return {path.name: path.stat().st_size}
    return {
        file.relative_to(path.parent).as_posix(): file.stat().st_size
        for file in path.rglob("*")
        if file.is_file()
    }
