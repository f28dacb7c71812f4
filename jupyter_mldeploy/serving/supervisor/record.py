"""``process.json``: what a successor, and everybody who looks, finds of a supervisor."""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["read", "remove", "write"]


def read(folder: str, name: str) -> dict[str, Any] | None:
    """Return the JSON object in ``folder/name``; ``None`` when there is none or it is damaged."""
    try:
        with open(os.path.join(folder, name), "rb") as file:  # noqa: PTH118, PTH123 - memory
            data = json.load(file)
    except (FileNotFoundError, ValueError):
        return None
    return data if isinstance(data, dict) else None


def write(folder: str, name: str, data: dict[str, Any], *, sync: bool = False) -> None:
    """Replace ``folder/name`` in one step; only its owner may read it.

    Parameters
    ----------
    sync
        Also survive a power cut, at the price of waiting for the disk.
    """
    path = os.path.join(folder, name)  # noqa: PTH118
    # One fixed name: whoever writes holds the supervisor's lock, and what a
    # killed writer left is written over by the next.
    temporary = path + ".new"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(fd, "wb") as file:  # noqa: PTH123
        file.write(json.dumps(data, separators=(",", ":")).encode())
        if sync:
            file.flush()
            os.fsync(file.fileno())
    os.replace(temporary, path)  # noqa: PTH105


def remove(path: str) -> None:
    """Remove a file; nothing happens when it is not there."""
    try:
        os.unlink(path)  # noqa: PTH108
    except FileNotFoundError:
        return
