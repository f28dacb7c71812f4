"""The service's log file: how large it may grow, and how all who write to it go on in a new one.

The supervisor renames it and opens a new one; every server is asked to put its
descriptors 1 and 2 on the new file (``reopen_logs``), so that what C code and the
libraries of the entry script write follows as well. Nothing is copied or cut off, and
a line that is being written meanwhile ends up in the old file, whole. A program that the
entry script itself has started keeps the file it was started with.

Standard library only, and little of it: the supervisor uses it too.
"""

from __future__ import annotations

import os

__all__ = ["FILES", "MAX_BYTES", "Outputs"]

MAX_BYTES = 10 * 2**20
"""Size at which ``service.log`` becomes ``service.log.1``; ``log_bytes`` in supervisor.json."""
FILES = 5
"""Files kept, ``service.log`` counted; ``log_files`` in supervisor.json."""


class Outputs:
    """Standard output and error of this process, while they are the service's log.

    One that the entry script has put somewhere else stays there.
    """

    def __init__(self) -> None:
        self._files = {fd: _file(fd) for fd in (1, 2)}

    def reopen(self, path: str) -> None:
        """Go on in the file that has the name ``path`` now.

        Raises
        ------
        OSError
            It cannot be opened; everything stays as it is.
        """
        new = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            for fd, file in self._files.items():
                if file is not None and _file(fd) == file:
                    os.dup2(new, fd)
                    self._files[fd] = _file(fd)
        finally:
            os.close(new)


def _file(fd: int) -> tuple[int, int] | None:
    try:
        status = os.fstat(fd)
    except OSError:  # closed by the script
        return None
    return status.st_dev, status.st_ino
