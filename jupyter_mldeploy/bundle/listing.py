"""A bundle's application folder as text: what the server will see."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["tree"]

_LINES = 200


def tree(bundle: Path) -> str:
    """Return the files that a server of this bundle sees, at most 200 lines.

    Parameters
    ----------
    bundle
        The bundle; its ``app`` folder is listed, sizes are in bytes, kB or MB.
    """
    app = bundle / "app"
    lines: list[str] = [f"{app}/"]
    left = 0
    for line in _lines(app, 1):
        if len(lines) < _LINES - 1:
            lines.append(line)
        else:
            left += 1
    if left:
        lines.append(f"... and {left} more")
    # A file may have any bytes for a name; a log is text.
    return "\n".join(lines).encode(errors="replace").decode()


def _lines(folder: Path, depth: int) -> Iterator[str]:
    indent = "  " * depth
    entries = sorted(os.scandir(folder), key=lambda entry: (entry.is_dir(), entry.name))
    for entry in entries:
        name = entry.name if entry.name.isprintable() else repr(entry.name)
        if entry.is_dir(follow_symlinks=False):
            yield f"{indent}{name}/"
            yield from _lines(Path(entry.path), depth + 1)
        else:
            yield f"{indent}{name}  {_size(entry.stat(follow_symlinks=False).st_size)}"


def _size(count: int) -> str:
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1e3:.1f} kB" if count < 1_000_000 else f"{count / 1e6:.1f} MB"
