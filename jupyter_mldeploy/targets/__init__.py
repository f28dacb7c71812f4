"""Where bundles run: one module a target behind one protocol."""

from __future__ import annotations

from jupyter_mldeploy.targets.base import (
    Capability,
    Launch,
    Observation,
    Status,
    Target,
    WorkerState,
)
from jupyter_mldeploy.targets.registry import load_target

__all__ = [
    "Capability",
    "Launch",
    "Observation",
    "Status",
    "Target",
    "WorkerState",
    "load_target",
]
