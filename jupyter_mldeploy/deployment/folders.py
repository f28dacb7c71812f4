"""Where a service's files are."""

from __future__ import annotations

from pathlib import Path

__all__ = ["service_folder"]


def service_folder(home: Path, service_id: str) -> Path:
    """Return the folder of a service's runtime state, logs and secrets."""
    return home / "services" / service_id
