"""The supervisor's own lines in the service's log, in the format of the server's."""

from __future__ import annotations

import os
import time

__all__ = ["info", "warning"]


def info(text: str) -> None:
    """Write a line that says what is going on."""
    _write("I", text)


def warning(text: str) -> None:
    """Write a line that somebody should read."""
    _write("W", text)


def _write(level: str, text: str) -> None:
    now = time.time()
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now))
    line = f"{stamp},{int(now % 1 * 1000):03d} {level} [{os.getpid()}] mldeploy.supervisor - {text}"
    try:
        # One write, so that lines of several processes do not mix.
        os.write(2, line.encode("utf-8", "replace") + b"\n")
    except OSError:  # a full disk must not end the service
        return
