"""What the store remembers, as values: one frozen class a table row.

Times are timezone-aware UTC. JSON columns are plain dictionaries and lists;
nobody changes a record in place, the repositories write and return new ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

__all__ = [
    "FileEntry",
    "GenerationRecord",
    "ModelRecord",
    "OperationRecord",
    "ServiceRecord",
    "WorkspaceRecord",
    "utc_now",
]

Json = dict[str, Any]


def utc_now() -> datetime:
    """Return the current time, timezone-aware, in UTC."""
    return datetime.now(timezone.utc)


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a model.

    Parameters
    ----------
    path
        Relative, with ``/``; its first part is the model's root (file or folder name).
    sha256
        Hex digest of the content, the name under which the content store keeps it.
    size
        Bytes.
    mode
        Permission bits of the file as it was registered.
    """

    path: str
    sha256: str
    size: int
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class WorkspaceRecord:
    """A named set of models, services and operations."""

    id: int
    name: str
    created_time: datetime
    config: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """One version of a model.

    Parameters
    ----------
    id
        Row number; never given again, also not after a delete.
    version
        1, 2, 3 ... within workspace and name; never given again.
    asset_id
        What ``url`` names (``aml://asset/{asset_id}``).
    root
        Name of the one file or folder that ``files`` are in.
    sha256
        Digest of the manifest: equal for equal names and contents.
    size
        Bytes of all files together.
    datasets
        Pairs (purpose, dataset id).
    """

    id: int
    workspace_id: int
    name: str
    version: int
    asset_id: str
    root: str
    sha256: str
    size: int
    created_time: datetime
    created_by: str
    description: str | None = None
    framework: str | None = None
    framework_version: str | None = None
    resource_configuration: Json | None = None
    registered_environment: Json | None = None
    sample_input_dataset_id: str | None = None
    sample_output_dataset_id: str | None = None
    run_id: str | None = None
    experiment_name: str | None = None
    mime_type: str = "application/json"
    unpack: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    datasets: tuple[tuple[str, str], ...] = ()
    files: tuple[FileEntry, ...] = ()

    @property
    def model_id(self) -> str:
        """The v1 identifier, ``name:version``."""
        return f"{self.name}:{self.version}"


@dataclass(frozen=True, slots=True)
class ServiceRecord:
    """A web service: what was asked for and where it is meant to run.

    What it *does* is observed at its target and never stored here.

    Parameters
    ----------
    desired_state
        ``running`` or ``stopped``.
    serving_generation
        Number of the generation that takes the traffic; ``None`` before the first.
    model_ids
        ``name:version`` (or a local path's name) of what it serves.
    problem
        ``Problem.to_dict()`` of the last failure.
    deleted
        The row outlives the service, as the history of what answered when.
    """

    id: str
    workspace_id: int
    name: str
    compute_type: str
    target: str
    host: str
    created_time: datetime
    created_by: str
    updated_time: datetime
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    desired_state: str = "running"
    serving_generation: int | None = None
    port: int | None = None
    deployment_config: Json = field(default_factory=dict)
    inference_config: Json = field(default_factory=dict)
    model_ids: list[str] = field(default_factory=list)
    request_hash: str | None = None
    problem: Json | None = None
    last_operation_id: str | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class GenerationRecord:
    """One bundle of a service; exactly one of them is ``serving``.

    Parameters
    ----------
    state
        ``staged``, ``serving``, ``retired`` (could serve again), ``pruned`` (its bundle is gone)
        or ``failed``.
    bundle
        Path of the staged bundle, relative to the home.
    request
        What was asked for, complete: enough to ask for it again.
    """

    service_id: str
    number: int
    state: str
    created_time: datetime
    bundle: str
    model_ids: list[str] = field(default_factory=list)
    inference_config: Json = field(default_factory=dict)
    deployment_config: Json = field(default_factory=dict)
    request_hash: str | None = None
    request: Json = field(default_factory=dict)
    operation_id: str | None = None


@dataclass(frozen=True, slots=True)
class OperationRecord:
    """One piece of slow work.

    Parameters
    ----------
    id
        Hex, sorts by time of creation.
    state
        ``Queued``, ``Running``, ``Succeeded``, ``Failed`` or ``Cancelled``.
    phases
        ``{"name", "state", "started", "seconds"}`` each.
    progress
        0..1, or ``None`` when it cannot be told.
    worker
        Identity of the process that carries it out.
    """

    id: str
    workspace_id: int
    kind: str
    subject: str
    state: str
    created_time: datetime
    created_by: str
    phase: str | None = None
    phases: list[Json] = field(default_factory=list)
    progress: float | None = None
    problem: Json | None = None
    payload: Json = field(default_factory=dict)
    result: Json | None = None
    started_time: datetime | None = None
    finished_time: datetime | None = None
    cancel_requested: bool = False
    worker: Json | None = None

    @property
    def finished(self) -> bool:
        """Whether the state is a terminal one."""
        return self.state in {"Succeeded", "Failed", "Cancelled"}
