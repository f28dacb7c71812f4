"""The log of a server: one format, one stream, the entry script's prints included.

Format of spec section 9.6. Keys, ``Authorization`` and query strings are never
written: only method, path, status, time and size of a request are.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
import time

__all__ = ["configure"]


def configure(level: str) -> None:
    """Send all logging, and every line the entry script prints, to standard error.

    Parameters
    ----------
    level
        Name of a logging level; an unknown one becomes ``INFO``.
    """
    formatter = logging.Formatter(
        f"%(asctime)s %(levelname).1s [{os.getpid()}] %(name)s - %(message)s"
    )
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    number = logging.getLevelName(level)
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(number if isinstance(number, int) else logging.INFO)
    # Our loggers do not pass on: a script that logs to sys.stdout, which is the
    # logger of prints, would otherwise feed itself.
    ours = logging.getLogger("azmlinfsrv")
    ours.addHandler(handler)
    ours.propagate = False
    sys.stdout = PrintedLines(logging.getLogger("azmlinfsrv.print"))
    if not isinstance(number, int):
        ours.warning("AZUREML_LOG_LEVEL is %r, which is no level; INFO is used.", level)


class PrintedLines(io.TextIOBase):
    """A stream whose every complete line becomes one log record.

    Each thread collects its own line, so that lines of two threads never mix.
    """

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, logger: logging.Logger) -> None:
        super().__init__()
        self._logger = logger
        self._partial = threading.local()

    def writable(self) -> bool:
        """Return ``True``."""
        return True

    def fileno(self) -> int:
        """Return the descriptor that programs started by the script inherit."""
        return 1

    def write(self, text: str) -> int:
        """Log complete lines and keep the rest."""
        *lines, rest = (getattr(self._partial, "text", "") + text).split("\n")
        self._partial.text = rest
        for line in lines:
            self._logger.info("%s", line)
        return len(text)

    def flush(self) -> None:
        """Log what stands on an unfinished line."""
        rest = getattr(self._partial, "text", "")
        if rest:
            self._partial.text = ""
            self._logger.info("%s", rest)
