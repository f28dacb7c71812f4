"""The control socket: requests of targets, answered from the service."""

from __future__ import annotations

import os
import signal
import socket

from . import record
from .service import Refused
from .sockets import PortTakenError
from .wire import Channel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .service import Service

    Reply = Callable[[dict[str, Any]], None]

__all__ = ["Control"]

# Seconds without a client and without anything to run, after which it ends by itself.
_IDLE = 30.0


class Control:
    """Listens on the service's control socket.

    Raises
    ------
    OSError
        The socket cannot be made, or a living process has it.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._loop = service.loop
        self._path = service.control_path("")
        self._channels: set[Channel] = set()
        self._watchers: set[Channel] = set()
        self._socket = _listen(self._path)
        self._loop.watch(self._socket, self._accept)
        self._operations: dict[str, Callable[[dict[str, Any], Reply], None]] = {
            "status": self._status,
            "start": self._start,
            "resume": self._resume,
            "probe": self._probe,
            "switch": self._switch,
            "discard": self._discard,
            "stop": self._stop,
        }
        service.on_change = self._tell_watchers
        self._loop.on_signal(signal.SIGHUP, self.reopen)
        self._idle_seconds = float(service.settings.get("idle_seconds", _IDLE))
        self._loop.later(self._idle_seconds, self._end_when_idle)

    def close(self) -> None:
        """Take the socket away, so that nobody new comes."""
        self._loop.unwatch(self._socket)
        self._socket.close()
        record.remove(self._path)

    def reopen(self) -> None:
        """Make the socket's file again when somebody has removed it.

        A user's runtime folder goes when the last session ends; services stay.
        """
        if not os.path.exists(self._path):  # noqa: PTH110 - pathlib costs memory
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120
            self._loop.unwatch(self._socket)
            self._socket.close()
            self._socket = _listen(self._path)
            self._loop.watch(self._socket, self._accept)

    def hang_up(self) -> None:
        """End all conversations."""
        for channel in list(self._channels):
            channel.close()

    def _accept(self, _: int) -> None:
        try:
            connection, _address = self._socket.accept()
        except OSError:
            return
        self._channels.add(Channel(self._loop, connection, self._asked, self._left))

    def _left(self, channel: Channel) -> None:
        self._channels.discard(channel)
        self._watchers.discard(channel)
        if not self._channels:
            self._loop.later(self._idle_seconds, self._end_when_idle)

    def _end_when_idle(self) -> None:
        # Whoever started it for something has died before saying for what.
        if not self._channels and self._service.idle and not self._service.stopping:
            self._service.stop(0, "nothing runs and nobody asks")

    def _asked(self, channel: Channel, request: dict[str, Any]) -> None:
        def reply(response: dict[str, Any]) -> None:
            channel.send({**response, "id": request.get("id")})

        op = str(request.get("op"))
        if op == "watch":
            self._watchers.add(channel)
            reply({"ok": True})
            channel.send(self._state())
            return
        try:
            self._operations.get(op, _unknown)(request, reply)
        except Refused as refusal:
            stopping = self._service.stopping
            reply({"ok": False, "error": str(refusal), "stopping": stopping})
        except PortTakenError as error:
            reply({"ok": False, "error": str(error), "kind": "port"})
        except (KeyError, TypeError, ValueError) as error:
            reply({"ok": False, "error": f"bad request {op}: {type(error).__name__} {error}"})
        except OSError as error:
            reply({"ok": False, "error": f"{op} failed: {error}"})

    def _tell_watchers(self) -> None:
        if self._watchers:
            state = self._state()
            for channel in list(self._watchers):
                channel.send(state)

    def _state(self) -> dict[str, Any]:
        return {"event": "state", **self._service.snapshot()}

    def _status(self, _: dict[str, Any], reply: Reply) -> None:
        self._service.figures(lambda snapshot: reply({"ok": True, **snapshot}))

    def _start(self, request: dict[str, Any], reply: Reply) -> None:
        spec = request["spec"]
        required = ("python", "argv", "cwd", "env", "slots", "init_timeout", "drain_seconds")
        missing = [key for key in required if key not in spec]
        if missing:
            raise Refused(f"the spec lacks {', '.join(missing)}")
        self._service.start(int(request["generation"]), spec)
        reply({"ok": True})

    def _resume(self, _: dict[str, Any], reply: Reply) -> None:
        self._service.resume()
        reply({"ok": True})

    def _probe(self, request: dict[str, Any], reply: Reply) -> None:
        self._service.probe(int(request["generation"]), request, reply)

    def _switch(self, request: dict[str, Any], reply: Reply) -> None:
        seconds = float(request["drain_seconds"])
        self._service.switch(int(request["generation"]), seconds, _outcome(reply))

    def _discard(self, request: dict[str, Any], reply: Reply) -> None:
        def done() -> None:
            # Of a first deployment nothing is left then: the port is free at once. Whoever
            # starts a generation meanwhile hears "stopping" and comes again.
            ending = self._service.idle and not self._service.stopping
            reply({"ok": True, "ending": ending})
            if ending:
                self._service.stop(0, "nothing is left to serve")

        self._service.discard(int(request["generation"]), done)

    def _stop(self, request: dict[str, Any], reply: Reply) -> None:
        seconds = request.get("drain_seconds")
        reply({"ok": True})
        self._service.stop(None if seconds is None else float(seconds), "asked to")


def _unknown(request: dict[str, Any], _: Reply) -> None:
    raise Refused(f"this supervisor cannot {request.get('op')}; it is of another version")


def _outcome(reply: Reply) -> Callable[[str], None]:
    def done(error: str) -> None:
        reply({"ok": False, "error": error} if error else {"ok": True})

    return done


def _listen(path: str) -> socket.socket:
    """Return the listening socket; one that a dead process left there is replaced."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        try:
            listener.bind(path)
        except OSError:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                if probe.connect_ex(path) == 0:
                    raise
            record.remove(path)
            listener.bind(path)
        listener.listen(64)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener
