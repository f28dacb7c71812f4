"""An operation's log: one JSON object a line, appended by the worker, read by anyone."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jupyter_mldeploy.serving.log_file import Outputs

__all__ = ["MAX_BYTES", "LogLine", "OperationLog", "bound_worker_output"]

MAX_BYTES = 10 * 2**20
"""An operation's log has so many bytes at most, errors aside; and so has its ``worker.err``."""

_FULL = f"The log has reached {MAX_BYTES // 2**20} MB; what follows is left out, errors aside."


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
        self._full = False

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
            # An offset is all that a reader keeps, so nothing is moved: the beginning stays,
            # and errors, which end it, always find room.
            if level != "error" and os.fstat(descriptor).st_size + len(data) > MAX_BYTES:
                if self._full:
                    return
                self._full = True
                full = {"ts": now, "level": "warning", "phase": phase, "text": _FULL}
                data = (json.dumps(full) + "\n").encode()
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


def bound_worker_output(folder: Path) -> None:
    """Begin ``worker.err`` anew when this process, whose output it is, has filled it.

    What was written stays as ``worker.err.1`` until the next time.
    """
    path = folder / "worker.err"
    with contextlib.suppress(OSError):  # a full disk must not end the operation
        ours, named = os.fstat(2), path.stat()
        if named.st_size < MAX_BYTES or (ours.st_dev, ours.st_ino) != (named.st_dev, named.st_ino):
            return
        path.replace(path.with_name("worker.err.1"))
        Outputs().reopen(str(path))


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
