"""An operation's log: one JSON object a line, appended by the worker, read by anyone."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["LogLine", "OperationLog"]


@dataclass(frozen=True)
class LogLine:
    """One line of an operation's log.

    Parameters
    ----------
    ts
        Seconds since the epoch.
    level
        ``info``, ``warning`` or ``error``.
    phase
        Phase in which it was written, or empty.
    text
        The line, without a line end.
    """

    ts: float
    level: str
    phase: str
    text: str


class OperationLog:
    """The log file of one operation.

    Parameters
    ----------
    home
        The home folder of the store.
    operation_id
        Id of the operation.
    """

    def __init__(self, home: Path, operation_id: str) -> None:
        self.folder = home / "operations" / operation_id
        self.path = self.folder / "log.jsonl"

    def write(self, text: str, *, level: str = "info", phase: str = "") -> None:
        """Append ``text``, a log line for each of its lines."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lines = text.splitlines() or [""]
        now = time.time()
        data = "".join(
            json.dumps({"ts": now, "level": level, "phase": phase, "text": line}) + "\n"
            for line in lines
        ).encode()
        # One write with O_APPEND: lines of two writers never mix.
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, data)
        finally:
            os.close(descriptor)

    def read(self, offset: int = 0) -> tuple[list[LogLine], int]:
        """Return the complete lines after byte ``offset`` and the offset after them."""
        try:
            with self.path.open("rb") as file:
                file.seek(offset)
                data = file.read()
        except FileNotFoundError:
            return [], offset
        end = data.rfind(b"\n") + 1
        return list(_parse(data[:end])), offset + end


def _parse(data: bytes) -> Iterator[LogLine]:
    for raw in data.splitlines():
        try:
            entry = json.loads(raw)
            yield LogLine(
                ts=float(entry["ts"]),
                level=str(entry["level"]),
                phase=str(entry["phase"]),
                text=str(entry["text"]),
            )
        except (ValueError, KeyError, TypeError):
            # A line torn by a full disk is shown as it is rather than hidden.
            yield LogLine(ts=0.0, level="info", phase="", text=raw.decode(errors="replace"))
