"""Talk to a supervisor over its control socket, from a process that may block."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.errors import WebserviceException
from jupyter_mldeploy.serving.supervisor.wire import LineReader, encode

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Control", "SupervisorGone", "SupervisorSilent"]


class SupervisorGone(Exception):
    """The supervisor ended, or was never there, or does not answer; the message says which."""


class SupervisorSilent(SupervisorGone):
    """The supervisor does not answer, and may live."""


class Control:
    """One connection to a supervisor.

    Parameters
    ----------
    path
        Its control socket.
    seconds
        How long to wait for the connection.

    Raises
    ------
    SupervisorGone
        Nobody answers there.
    """

    def __init__(self, path: str, seconds: float = 5.0) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(seconds)
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            raise SupervisorGone(f"nobody answers on {path}: {error}") from None
        self._reader = LineReader(self._socket)
        self._events: list[dict[str, Any]] = []
        self._last_id = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def request(self, op: str, within: float = 10.0, **arguments: Any) -> dict[str, Any]:
        """Ask for something and return the answer, also a refusal (``ok`` is false).

        Raises
        ------
        SupervisorGone
            It ended, or did not answer within ``within`` seconds.
        """
        self._last_id += 1
        deadline = time.monotonic() + within
        try:
            self._socket.settimeout(within)
            self._socket.sendall(encode({"id": self._last_id, "op": op, **arguments}))
        except OSError as error:
            raise SupervisorGone(f"the supervisor has ended: {error}") from None
        answer = None
        while answer is None:
            try:
                messages = self._receive(deadline - time.monotonic())
            except TimeoutError:
                raise SupervisorSilent(f"it did not answer within {within:g} s") from None
            for message in messages:
                if message.get("id") == self._last_id:
                    answer = message
                else:
                    self._events.append(message)
        return answer

    def demand(self, op: str, within: float = 10.0, **arguments: Any) -> dict[str, Any]:
        """Ask for something and return the answer.

        Raises
        ------
        SupervisorGone
            As with :meth:`request`.
        WebserviceException
            It refused; the message is its sentence.
        """
        answer = self.request(op, within, **arguments)
        if not answer.get("ok"):
            raise WebserviceException(f"The service's supervisor refused: {answer.get('error')}.")
        return answer

    def event(self, seconds: float) -> dict[str, Any] | None:
        """Return the next event, or ``None`` when none came within ``seconds``.

        Raises
        ------
        SupervisorGone
            It ended.
        """
        if not self._events:
            try:
                self._events += [m for m in self._receive(seconds) if "event" in m]
            except TimeoutError:
                return None
        return self._events.pop(0) if self._events else None

    def wait_for_end(self, seconds: float) -> bool:
        """Wait until the supervisor has hung up; false when it has not within ``seconds``."""
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            try:
                self.event(left)
            except SupervisorGone:
                return True

    def _receive(self, seconds: float) -> list[dict[str, Any]]:
        try:
            self._socket.settimeout(max(0.001, seconds))
            messages, closed = self._reader.receive()
        except TimeoutError:
            raise
        except (OSError, ValueError) as error:
            raise SupervisorGone(f"the supervisor has ended: {error}") from None
        if closed and not messages:
            raise SupervisorGone("the supervisor has ended")
        return messages
