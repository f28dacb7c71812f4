"""The end of a log that may be large and may have been rotated."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["tail"]

_BLOCK = 64 * 1024


def tail(path: Path, num_lines: int) -> str:
    """Return the last ``num_lines`` lines of ``path``, going on in ``path.1``, ``path.2``...

    Reads from the end, so its cost depends on what is asked for and not on how
    long the log is. A log that is not there is empty.
    """
    chunks: list[bytes] = []
    missing = num_lines
    rotation = 0
    while missing > 0:
        try:
            lines = _last_lines(
                path.with_name(f"{path.name}.{rotation}") if rotation else path, missing
            )
        except FileNotFoundError:
            if rotation:
                break
            lines = []
        chunks[:0] = lines
        missing -= len(lines)
        rotation += 1
    return b"".join(chunks).decode("utf-8", "replace")


def _last_lines(path: Path, count: int) -> list[bytes]:
    with path.open("rb") as file:
        position = file.seek(0, os.SEEK_END)
        found = b""
        # One more break than lines: the one before the first of them.
        while position > 0 and found.count(b"\n") <= count:
            size = min(_BLOCK, position)
            position -= size
            file.seek(position)
            found = file.read(size) + found
    return found.splitlines(keepends=True)[-count:]
