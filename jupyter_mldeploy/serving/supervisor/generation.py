"""One generation of a service: its servers, and what it is to the service."""

from __future__ import annotations

import time

from . import log
from .server import Server

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .service import Service
    from .sockets import Port

__all__ = ["Generation"]


class Generation:
    """Servers started from one spec.

    ``state`` goes ``loading`` → ``ready`` → ``serving`` → ``draining`` →
    ``gone``, or ends in ``failed`` before it has served.
    """

    def __init__(self, service: Service, number: int, spec: dict[str, Any], port: Port) -> None:
        self.service = service
        self.port = port
        self.number = number
        self.spec = spec
        self.state = "loading"
        self.error: dict[str, Any] | None = None
        self.started = time.time()
        self.servers: dict[int, Server] = {}
        self._when_gone: list[Callable[[], None]] = []

    def server(self, slot: int) -> Server:
        """Return the server of a slot, made when there is none."""
        if slot not in self.servers:
            control = self.service.control_path(f".{self.number}.{slot}")
            self.servers[slot] = Server(self.service.loop, self, slot, control)
        return self.servers[slot]

    def start(self, *, accept: bool) -> None:
        """Start a process in every slot."""
        self.started = time.time()
        servers = [self.server(slot) for slot in range(self.spec["slots"])]
        for server in servers:
            server.spawn(accept=accept)
        self.service.changed()

    @property
    def alive(self) -> bool:
        """Whether some process of it runs or is about to."""
        return any(server.state not in {"gone", "failed"} for server in self.servers.values())

    @property
    def takes_connections(self) -> bool:
        """Whether some process of it takes connections from the port, ready or not."""
        return any(server.accepting for server in self.servers.values())

    def answers(self) -> bool:
        """Whether some process of it takes connections and has loaded its model."""
        return any(s.accepting and s.state == "ready" for s in self.servers.values())

    def listen(self, done: Callable[[str], None]) -> None:
        """Have all servers take connections; ``done`` gets an empty string or what went wrong."""
        open_answers = set(self.servers)
        errors: list[str] = []

        def answered(slot: int, response: dict[str, Any]) -> None:
            open_answers.discard(slot)
            if not response.get("ok"):
                errors.append(str(response.get("error")))
            if not open_answers:
                done("; ".join(errors))

        for slot, server in list(self.servers.items()):
            server.listen(lambda response, slot=slot: answered(slot, response))  # type: ignore[misc]

    def drain(self, seconds: float, idle: str = "keep") -> None:
        """Let open connections finish, then end; see :meth:`Server.drain`."""
        if self.state not in {"failed", "gone"}:
            self.state = "draining"
        for server in list(self.servers.values()):
            server.drain(seconds, idle)
        self._settle()

    def terminate(self, when_gone: Callable[[], None]) -> None:
        """End all servers without waiting for connections, then call ``when_gone()``."""
        self._when_gone.append(when_gone)
        if self.state != "failed":
            self.state = "draining"
        for server in list(self.servers.values()):
            if server.identity is not None or server.state not in {"gone", "failed"}:
                server.terminate()
        self._settle()

    def server_ready(self, server: Server) -> None:
        """Note that a server has loaded its model."""
        if self.state == "serving":
            if not server.accepting:
                server.listen(lambda _: self.service.changed())
        elif self.state == "loading" and all(s.state == "ready" for s in self.servers.values()):
            self.state = "ready"
            log.info(f"generation {self.number} is ready")
        self.service.changed()

    def server_ended(self, server: Server) -> None:
        """Note that a server's process has ended and decide what follows."""
        if self.state == "serving" and not self.service.stopping:
            server.restart_later()
        elif self.state in {"loading", "ready"}:
            self._fail(server.error)
        self._settle()

    def to_dict(self) -> dict[str, Any]:
        """Return what is known of it, without asking its servers."""
        return {
            "spec": self.spec,
            "host": self.port.host,
            "port": self.port.number,
            "state": self.state,
            "error": self.error,
            "started": self.started,
            "servers": [self.servers[slot].to_dict() for slot in sorted(self.servers)],
        }

    def fail(self, error: dict[str, Any] | None) -> None:
        """Give up a generation that has not served."""
        self._fail(error)
        self._settle()

    def _fail(self, error: dict[str, Any] | None) -> None:
        self.state, self.error = "failed", error
        log.warning(f"generation {self.number} has failed")
        for other in list(self.servers.values()):
            if other.identity is not None:
                other.terminate()

    def _settle(self) -> None:
        if not self.alive:
            if self.state == "draining":
                self.state = "gone"
                log.info(f"generation {self.number} has ended")
            if self.state in {"gone", "failed"}:
                waiting, self._when_gone = self._when_gone, []
                for callback in waiting:
                    callback()
        self.service.changed()
