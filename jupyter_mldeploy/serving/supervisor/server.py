"""One server process as its supervisor sees it: spawned or adopted, asked, ended, mourned."""

from __future__ import annotations

import os
import signal
import socket
import time

from ..identity import Identity  # noqa: TID252 - the island knows itself by no other name
from . import launch, log, record, words
from .wire import Channel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .generation import Generation
    from .loop import Loop, Timer
    from .wire import LineReader

__all__ = ["Server"]

# Seconds between SIGTERM and SIGKILL.
_GRACE = 3.0
# For a server that hangs to write its stacks into the log before it is ended.
_STACKS = 0.5
# How long a server may take to end after it said that it failed.
_LAST_WORDS = 5.0
# After a control connection ended its process is on its way out; how often to look.
_LOOK_AGAIN = 0.02
_LOOKS = 100
# A worker that was well for this long starts with short back-off again.
_WELL_AGAIN = 60.0
_BACKOFFS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)


class Server:
    """A worker slot of one generation, and the process that fills it now.

    ``state`` is ``loading``, ``ready``, ``draining``, ``down`` (between two
    processes), ``failed`` or ``gone``. ``accepting`` tells whether the process
    takes connections from the port.
    """

    def __init__(self, loop: Loop, generation: Generation, slot: int, control: str) -> None:
        self.slot = slot
        self.control = control
        self.state = "gone"
        self.accepting = False
        self.restarts = 0
        self.backoff = 0.0
        self.error: dict[str, Any] | None = None
        self.identity: Identity | None = None
        self.sockets: list[int] = []
        self.since = 0.0
        self._loop = loop
        self._generation = generation
        self._channel: Channel | None = None
        self._child: int | None = None
        self._timers: dict[str, Timer] = {}
        self._waiting: dict[int, Callable[[dict[str, Any]], None]] = {}
        self._last_id = 0
        self._failures = 0
        # Why the process that runs now is about to end, when it said so or we made it.
        self._cause: dict[str, Any] | None = None

    # -- beginning ---------------------------------------------------------------

    def spawn(self, *, accept: bool) -> None:
        """Start a process in this slot; how it fares is told to the generation."""
        generation = self._generation
        port = generation.port
        spec = generation.spec
        self._cancel_timers()
        self.state, self.accepting, self.since = "loading", accept, time.monotonic()
        self._cause = None
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            record.remove(self.control)
            listener.bind(self.control)
            listener.listen(16)
            self.sockets = port.share(self.slot, spec["slots"])
            # Known before it exists: killed right after the fork, we leave a successor the
            # control socket by which to find it.
            generation.service.write()
            fds = [port.sockets[index].fileno() for index in self.sockets]
            env = {
                **spec["env"],
                "MLDEPLOY_LISTEN_FDS": ",".join(map(str, fds)),
                "MLDEPLOY_CONTROL_FD": str(listener.fileno()),
                "MLDEPLOY_GENERATION": str(generation.number),
                "MLDEPLOY_SLOT": str(self.slot),
                "MLDEPLOY_ACCEPT": "now" if accept else "later",
            }
            inherited = [*fds, listener.fileno()]
            pid = launch.spawn(spec["python"], spec["argv"], spec["cwd"], env, inherited)
            self.identity, self._child = Identity.of(pid), pid
            generation.service.write()
            self._open_channel(_connect(self.control))
        except OSError as error:
            if self._child is None:
                self._cause = words.not_started(self.slot, error)
                self._loop.later(0, lambda: self._ended(None))
            # Otherwise it died before we could talk to it: its exit status says why.
        finally:
            listener.close()
        self._timers["init"] = self._loop.later(spec["init_timeout"], self._init_timed_out)

    def adopt(
        self, sock: socket.socket, reader: LineReader, hello: dict[str, Any], *, accepting: bool
    ) -> None:
        """Go on with a process that a dead predecessor started."""
        self.accepting = accepting
        self.since = time.monotonic()
        self.state = "loading"
        self._channel = Channel(self._loop, sock, self._told, self._hung_up, reader)
        self._timers["init"] = self._loop.later(
            self._generation.spec["init_timeout"], self._init_timed_out
        )
        self._told(self._channel, hello)

    # -- talking -----------------------------------------------------------------

    def ask(
        self,
        op: str,
        answered: Callable[[dict[str, Any]], None],
        within: float,
        **arguments: Any,
    ) -> None:
        """Send a request; ``answered`` gets the response, or one that says why there is none.

        Parameters
        ----------
        within
            Seconds to wait for it.
        """
        if self._channel is None:
            answered({"ok": False, "error": f"worker {self.slot} is not running"})
            return
        self._last_id += 1
        request_id = self._last_id
        late = {"ok": False, "error": f"worker {self.slot} did not answer within {within:g} s"}
        timer = self._loop.later(within, lambda: self._answered(request_id, late))

        def forget_timer(response: dict[str, Any]) -> None:
            timer.cancel()
            answered(response)

        self._waiting[request_id] = forget_timer
        self._channel.send({"id": request_id, "op": op, **arguments})

    def listen(self, answered: Callable[[dict[str, Any]], None]) -> None:
        """Have it take connections."""
        self.accepting = True
        self._generation.service.attend()
        self.ask("listen", answered, within=30.0)

    def drain(self, seconds: float, idle: str = "keep") -> None:
        """Have it finish its connections and end, within ``seconds``.

        ``idle="close"`` closes the connections that ask nothing now; one that
        drains already takes that up.
        """
        if self.state in {"gone", "failed"}:
            return
        if self.state == "draining" and (idle == "keep" or "drain" not in self._timers):
            return
        if self.state not in {"ready", "draining"} or self._channel is None:
            # Nobody to wait for; and init() cannot be interrupted.
            self.terminate()
            return
        self.state, self.accepting = "draining", False
        self._cancel_timers()
        self.ask("drain", lambda _: None, within=seconds, seconds=seconds, idle=idle)
        self._timers["drain"] = self._loop.later(seconds + 1.0, self.terminate)

    def terminate(self) -> None:
        """End it without waiting for its connections: SIGTERM, and SIGKILL after a grace."""
        self._cancel_timers()
        self.accepting = False
        if self.state == "down" or self.identity is None:
            self.state = "gone"
            self._loop.later(0, lambda: self._generation.server_ended(self))
            return
        if self.state != "failed":
            self.state = "draining"
        self._kill(signal.SIGTERM)
        self._timers["kill"] = self._loop.later(_GRACE, lambda: self._kill(signal.SIGKILL))

    # -- what happens to it --------------------------------------------------------

    def child_may_have_ended(self) -> None:
        """Look whether our child has ended, after a SIGCHLD."""
        if self._child is None:
            return
        status = launch.reap(self._child)
        if status is not None:
            self._child = None
            if self._channel is not None:
                # Its last words may still be in the socket.
                self._channel.pump()
            self._ended(status)

    def to_dict(self) -> dict[str, Any]:
        """Return what is known of it, without asking it."""
        return {
            "slot": self.slot,
            "identity": self.identity.to_dict() if self.identity else None,
            "control": self.control,
            "state": self.state,
            "accepting": self.accepting,
            "restarts": self.restarts,
            "backoff": self.backoff,
            "sockets": self.sockets,
            "error": self.error,
        }

    def _told(self, _: Channel, message: dict[str, Any]) -> None:
        event = message.get("event")
        if event is None:
            self._answered(message.get("id", 0), message)
        elif event == "hello":
            state = message.get("state")
            if state == "ready":
                self._become_ready()
            elif state == "failed":
                self._become_failed(message.get("error"))
            elif state == "draining":
                self.state, self.accepting = "draining", False
        elif event == "ready":
            self._become_ready(message.get("seconds"))
        elif event == "failed":
            self._become_failed(message.get("error"))

    def _become_ready(self, seconds: float | None = None) -> None:
        if self.state == "loading":
            self._cancel_timers()
            self.state, self.error, self.since = "ready", None, time.monotonic()
            took = f" after {seconds:.2f} s" if seconds is not None else ""
            log.info(f"{self._name()} is ready{took}")
            self._timers["well"] = self._loop.later(_WELL_AGAIN, self._forget_failures)
            self._generation.server_ready(self)

    def _become_failed(self, error: dict[str, Any] | None) -> None:
        """Note why it is about to end: its ``init()`` raised, or ``run()`` called exit."""
        if self.state in {"loading", "ready"}:
            self._cause, self.accepting = error, False
            self._cancel_timers()
            self._timers["kill"] = self._loop.later(_LAST_WORDS, lambda: self._kill(signal.SIGKILL))
            self._generation.service.changed()

    def _init_timed_out(self) -> None:
        self._cause = words.took_too_long(self.slot, self._generation.spec["init_timeout"])
        self._kill(signal.SIGQUIT)
        self._timers["kill"] = self._loop.later(_STACKS, lambda: self._kill(signal.SIGKILL))

    def _forget_failures(self) -> None:
        self._failures = 0

    def _answered(self, request_id: int, response: dict[str, Any]) -> None:
        callback = self._waiting.pop(request_id, None)
        if callback is not None:
            callback(response)

    def _hung_up(self, _: Channel) -> None:
        self._channel = None
        self._give_up_waiting()
        if self._child is None and self.identity is not None:
            self._confirm_end(_LOOKS)

    def _confirm_end(self, looks: int) -> None:
        """Make sure that a process that is not our child has really ended."""
        if self.identity is None:
            return
        if not self.identity.alive():
            launch.end_group(self.identity.pid)
            self._ended(None)
        elif looks:
            self._loop.later(_LOOK_AGAIN, lambda: self._confirm_end(looks - 1))
        else:
            log.warning(f"{self._name()} hung up and lives on; it is ended")
            self._kill(signal.SIGKILL)
            self._loop.later(1.0, lambda: self._confirm_end(_LOOKS))

    def _ended(self, status: int | None) -> None:
        was, self.accepting = self.state, False
        self._cancel_timers()
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        self._give_up_waiting()
        self.identity = None
        record.remove(self.control)
        if was in {"draining", "gone", "failed"}:
            if was != "failed":
                self.state = "gone"
            log.info(f"{self._name()} has ended")
        else:
            doing = "loading the model" if was == "loading" else "serving"
            self.error = self._cause or words.ended(self.slot, doing, status)
            self.state = "failed"
            log.warning(f"{self._name()}: {self.error['what']}")
        self._generation.server_ended(self)

    def restart_later(self) -> None:
        """Start another process in this slot after a while, longer each time."""
        self.state = "down"
        self.restarts += 1
        self.backoff = _BACKOFFS[min(self._failures, len(_BACKOFFS) - 1)]
        self._failures += 1
        log.info(f"{self._name()} is started again in {self.backoff:g} s")
        self._timers["restart"] = self._loop.later(self.backoff, self._restart)

    def _restart(self) -> None:
        # While others answer, nobody should be sent to this one before it is ready.
        self.spawn(accept=not self._generation.answers())
        self._generation.service.changed()

    def _open_channel(self, sock: socket.socket) -> None:
        self._channel = Channel(self._loop, sock, self._told, self._hung_up)

    def _give_up_waiting(self) -> None:
        for request_id in list(self._waiting):
            self._answered(request_id, {"ok": False, "error": f"worker {self.slot} has ended"})

    def _kill(self, signum: int) -> None:
        if self.identity is not None and self.identity.alive():
            os.kill(self.identity.pid, signum)

    def _cancel_timers(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _name(self) -> str:
        pid = f" (pid {self.identity.pid})" if self.identity else ""
        return f"generation {self._generation.number} worker {self.slot}{pid}"


def _connect(path: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.connect(path)
    return sock
