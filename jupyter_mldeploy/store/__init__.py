"""What is remembered: tables, migrations and content-addressed files.

The names are loaded when they are first used: whoever needs a record only does
not pay for SQLAlchemy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_mldeploy.store.records import (
        FileEntry,
        GenerationRecord,
        ModelRecord,
        OperationRecord,
        ServiceRecord,
        WorkspaceRecord,
    )
    from jupyter_mldeploy.store.store import Store

__all__ = [
    "FileEntry",
    "GenerationRecord",
    "ModelRecord",
    "OperationRecord",
    "ServiceRecord",
    "Store",
    "WorkspaceRecord",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{'store' if name == 'Store' else 'records'}")
    return getattr(module, name)
