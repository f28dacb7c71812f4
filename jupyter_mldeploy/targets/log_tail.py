"""The end of a log that may be large and may have been rotated."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

__all__ = ["tail"]

_BLOCK = 64 * 1024
# Names without a file after which there are no more.
_MOST_ABSENT = 3


def tail(path: Path, num_lines: int) -> str:
    """Return the last ``num_lines`` lines of ``path``, going on in ``path.1``, ``path.2``...

    Reads from the end, so its cost depends on what is asked for and not on how
    long the log is. A log that is not there is empty.
    """
    chunks: list[bytes] = []
    missing = num_lines
    rotation = absent = 0
    read: set[tuple[int, int]] = set()
    # Files move up while we read: one name may be empty for a moment, and a file that was
    # read is met again under its next name.
    while missing > 0 and absent < _MOST_ABSENT:
        name = f"{path.name}.{rotation}" if rotation else path.name
        try:
            with path.with_name(name).open("rb") as file:
                status = os.fstat(file.fileno())
                known = (status.st_dev, status.st_ino)
                lines = _last_lines(file, missing) if known not in read else []
                read.add(known)
        except FileNotFoundError:
            absent += 1
            lines = []
        chunks[:0] = lines
        missing -= len(lines)
        rotation += 1
    return b"".join(chunks).decode("utf-8", "replace")


def _last_lines(file: BinaryIO, count: int) -> list[bytes]:
    position = file.seek(0, os.SEEK_END)
    found = b""
    # One more break than lines: the one before the first of them.
    while position > 0 and found.count(b"\n") <= count:
        size = min(_BLOCK, position)
        position -= size
        file.seek(position)
        found = file.read(size) + found
    return found.splitlines(keepends=True)[-count:]
