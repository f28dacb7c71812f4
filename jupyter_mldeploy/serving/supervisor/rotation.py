"""Keep the service's log within bounds, without losing a line: see :mod:`..log_file`."""

from __future__ import annotations

import os

from .. import log_file  # noqa: TID252 - the island knows itself by no other name
from . import log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .service import Service

__all__ = ["Rotation"]

# No event tells that a file has grown; one fstat a second costs nothing.
_LOOK_SECONDS = 1.0
# A server whose run() holds the interpreter lock follows late, and writes to the old file
# until then. For so long nothing is renamed again, so that its file is not the one that goes.
_PATIENCE = 60.0


class Rotation:
    """Renames the log when it has become too large, and has every writer follow.

    Parameters
    ----------
    service
        Its settings may hold ``log_bytes`` and ``log_files``.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._outputs = log_file.Outputs()
        self._path = os.path.join(service.folder, "logs", "service.log")  # noqa: PTH118
        self._max_bytes = int(service.settings.get("log_bytes", log_file.MAX_BYTES))
        self._files = int(service.settings.get("log_files", log_file.FILES))
        self._late = 0

    def begin(self) -> None:
        """Watch the log from now on."""
        # Adopted servers may have missed what a killed predecessor was about to tell them.
        self._tell_servers()
        self._look()

    def _look(self) -> None:
        self._service.loop.later(_LOOK_SECONDS, self._look)
        try:
            here = os.fstat(2)
            there = _status(self._path)
            if there is None or (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino):
                # Somebody else has moved it, or a rotation was interrupted.
                self._follow()
            elif there.st_size >= self._max_bytes and not self._late:
                self._rotate()
        except OSError:  # a full disk: it is tried again, and the service goes on
            return

    def _rotate(self) -> None:
        for number in range(self._files - 1, 0, -1):
            older = f"{self._path}.{number}"
            newer = f"{self._path}.{number - 1}" if number > 1 else self._path
            if number > 1 and _status(newer) is None:
                continue
            os.replace(newer, older)  # noqa: PTH105 - pathlib costs memory
        if self._files == 1:
            os.unlink(self._path)  # noqa: PTH108
        self._follow()

    def _follow(self) -> None:
        self._outputs.reopen(self._path)
        self._tell_servers()

    def _tell_servers(self) -> None:
        for generation in self._service.generations.values():
            for server in generation.servers.values():
                if server.identity is not None:
                    self._late += 1
                    server.ask("reopen_logs", self._followed, _PATIENCE, path=self._path)

    def _followed(self, answer: dict[str, Any]) -> None:
        self._late -= 1
        if not answer.get("ok"):
            log.warning(f"a worker does not follow to the new log file: {answer.get('error')}")


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116 - pathlib costs memory
    except FileNotFoundError:
        return None
