"""The service as a whole: its port, its generations, and who takes the traffic."""

from __future__ import annotations

import math
import os

from ..identity import Identity  # noqa: TID252 - the island knows itself by no other name
from . import http, log, record, words
from .generation import Generation
from .sockets import Port, PortTakenError, overlap, same_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .loop import Loop

__all__ = ["Refused", "Service"]


class Refused(Exception):
    """A request that makes no sense now; the message is the answer."""


class Service:
    """Everything the supervisor keeps for one service.

    Parameters
    ----------
    folder
        ``HOME/services/<service id>``.
    settings
        ``supervisor.json``, written by the target.
    before
        ``process.json`` of the predecessor, or ``None``.
    """

    def __init__(
        self, loop: Loop, folder: str, settings: dict[str, Any], before: dict[str, Any] | None
    ) -> None:
        self.loop = loop
        self.folder = folder
        self.settings = settings
        self.generations: dict[int, Generation] = {}
        self.serving: Generation | None = None
        self.stopping = False
        self.health_port: int | None = None
        self.on_change: Callable[[], None] = lambda: None
        self.on_end: Callable[[], None] = lambda: None
        self._refuser = http.Responder(loop, self._refusal)
        number = settings.get("port") or (before or {}).get("port") or 0
        # The service's address, and those that a generation on its way is going to have.
        self._ports: set[Port] = set()
        self.port = self.make_port(settings["host"], number)
        self._identity = Identity.of().to_dict()
        self._stopped: dict[str, Any] | None = None
        # What served last, for a resume after everything has ended.
        self._last: tuple[int, dict[str, Any]] | None = None
        self._dirty = False
        self._written_serving: int | None = None
        if before and before.get("serving") is not None:
            spec = before["generations"].get(str(before["serving"]), {}).get("spec")
            self._last = (before["serving"], spec) if spec else None

    # -- what can be asked of it ---------------------------------------------------

    def start(self, number: int, spec: dict[str, Any]) -> None:
        """Start a generation beside the one that serves."""
        if self.stopping:
            raise Refused("the service is being stopped")
        known = self.generations.get(number)
        if known is not None and known.alive:
            if known.spec == spec:
                return
            raise Refused(f"generation {number} runs already, from another bundle")
        generation = Generation(self, number, spec, self._port_for(spec))
        self.generations[number] = generation
        self._stopped = None
        log.info(f"starting generation {number} with {spec['slots']} workers")
        others = self.generations.values()
        generation.start(accept=not any(other.takes_connections for other in others))

    def resume(self) -> None:
        """Start the generation again that served last; nothing happens when one serves."""
        if self.stopping:
            raise Refused("the service is being stopped")
        if self.serving is not None:
            return
        if self._last is None:
            raise Refused("no generation of this service has ever served")
        number, spec = self._last
        log.info(f"starting generation {number} again")
        generation = self.generations[number] = Generation(self, number, spec, self.port)
        self.serving, generation.state = generation, "serving"
        self._stopped = None
        generation.start(accept=True)

    def switch(self, number: int, drain_seconds: float, done: Callable[[str], None]) -> None:
        """Give the traffic to a generation; ``done`` gets an empty string or what went wrong."""
        generation = self._generation(number)
        if generation is self.serving:
            done("")
            return
        if generation.state != "ready":
            raise Refused(f"generation {number} is {generation.state}, not ready")

        def listening(error: str) -> None:
            if error or generation.state != "ready":
                if generation.state == "ready":
                    generation.fail(words.not_listening(error))
                done(error or f"generation {number} ended while it took over")
                return
            before = [g for g in self.generations.values() if g is not generation]
            generation.state, self.serving = "serving", generation
            self._last = (number, generation.spec)
            log.info(f"generation {number} serves")
            moved = generation.port is not self.port
            self.port = generation.port
            ending = [g for g in before if g.takes_connections or g.state == "serving"]
            for other in ending:
                other.state = "draining"
            # First on disk: a successor must not take the ones that end for those that serve.
            self.write()
            if moved:
                self.remember_address()
            for other in ending:
                other.drain(drain_seconds)
            self.changed()
            done("")

        generation.listen(listening)

    def discard(self, number: int, done: Callable[[], None]) -> None:
        """End a generation that does not serve; ``done`` is called when nothing of it is left."""
        generation = self.generations.get(number)
        if generation is None:
            done()
        elif generation is self.serving:
            raise Refused(f"generation {number} serves; stop the service or switch to another")
        else:

            def forget() -> None:
                if self.generations.get(number) is generation:
                    del self.generations[number]
                self.changed()
                done()

            generation.terminate(forget)

    def stop(self, drain_seconds: float | None, why: str) -> None:
        """Drain everything, and end when nothing is left."""
        if not self.stopping:
            log.info(f"stopping: {why}")
        self.stopping = True
        self._stopped = {"why": why}
        for generation in list(self.generations.values()):
            seconds = drain_seconds
            if seconds is None:
                seconds = generation.spec["drain_seconds"]
            if generation.state == "draining" and not seconds:
                generation.terminate(lambda: None)
            else:
                generation.drain(seconds, idle="close")
        self.changed()

    def probe(
        self, number: int, request: dict[str, Any], done: Callable[[dict[str, Any]], None]
    ) -> None:
        """Ask every server of a generation; ``done`` gets the first answer that is not 200."""
        generation = self._generation(number)
        waiting = {slot for slot, server in generation.servers.items() if server.identity}
        if not waiting:
            raise Refused(f"no worker of generation {number} runs")
        seconds = float(request.get("seconds", 60.0))
        wanted = {
            key: request[key] for key in ("method", "path", "headers", "body") if key in request
        }

        def answered(slot: int, response: dict[str, Any]) -> None:
            if slot not in waiting:
                return
            waiting.discard(slot)
            bad = not response.get("ok") or response.get("status") != 200
            if bad or not waiting:
                waiting.clear()
                done({**response, "slot": slot})

        for slot in list(waiting):
            generation.servers[slot].ask(
                "probe",
                lambda response, slot=slot: answered(slot, response),  # type: ignore[misc]
                seconds,
                **wanted,
            )

    def figures(self, done: Callable[[dict[str, Any]], None]) -> None:
        """Give ``done`` the snapshot with what each server counts now."""
        running = [
            server
            for generation in self.generations.values()
            for server in generation.servers.values()
            if server.identity is not None
        ]
        waiting = {id(server) for server in running}
        counted: dict[str, dict[str, Any]] = {}

        def finish() -> None:
            snapshot = self.snapshot()
            for generation in snapshot["generations"].values():
                for server in generation["servers"]:
                    server.update(counted.get(server["control"], {}))
            done(snapshot)

        def answered(key: int, control: str, response: dict[str, Any]) -> None:
            waiting.discard(key)
            if response.get("ok"):
                names = ("requests", "errors", "in_flight", "connections", "rss", "failure")
                counted[control] = {name: response.get(name) for name in names}
            if not waiting:
                finish()

        for server in running:
            key, control = id(server), server.control
            server.ask(
                "status",
                lambda response, key=key, control=control: answered(key, control, response),  # type: ignore[misc]
                1.0,
            )
        if not running:
            finish()

    # -- what it is ------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """Return the content of ``process.json``."""
        others = [g for g in self.generations.values() if g is not self.serving]
        status, reason, problem = words.describe(self.serving, others)
        if self.stopping:
            status, reason = "Stopped", "It is being stopped."
        generations = {str(g.number): g.to_dict() for g in self.generations.values()}
        if self._last is not None and str(self._last[0]) not in generations:
            generations[str(self._last[0])] = {
                "spec": self._last[1],
                "state": "gone",
                "error": None,
                "servers": [],
            }
        return {
            "layout": 1,
            "supervisor": self._identity,
            "control": self.control_path(""),
            "host": self.port.host,
            "port": self.port.number,
            "health_port": self.health_port,
            "serving": self._last[0] if self._last else None,
            "status": status,
            "reason": reason,
            "problem": problem,
            "stopped": self._stopped,
            "generations": generations,
        }

    def control_path(self, suffix: str) -> str:
        """Return the path of a control socket of this service."""
        name = f"{self.settings['service_id'][:12]}{suffix}.sock"
        return os.path.join(self.settings["run_dir"], name)  # noqa: PTH118

    @property
    def idle(self) -> bool:
        """Whether nothing runs and nothing is meant to."""
        return self.serving is None and not any(g.alive for g in self.generations.values())

    def changed(self) -> None:
        """Say that something changed; written and told once, before the loop waits again."""
        self._dirty = True

    def settle(self) -> None:
        """Write down and tell what has changed, forget what is over, end when all is."""
        if not self._dirty:
            return
        self._dirty = False
        for generation in list(self.generations.values()):
            superseded = self.serving is not None and generation.number < self.serving.number
            over = generation.state == "gone" or (generation.state == "failed" and superseded)
            if over and not generation.alive:
                if generation is self.serving:
                    self.serving = None
                del self.generations[generation.number]
        self.attend()
        self.write()
        self.on_change()
        if self.stopping and not any(g.alive for g in self.generations.values()):
            self.on_end()

    def attend(self) -> None:
        """See to it that every connection to the port finds somebody."""
        there = list(self.generations.values())
        needed = {self.port, *(g.port for g in there if g.state in {"loading", "ready"})}
        for port in self._ports - needed:
            # Given up for another address: who drains there has sockets of its own.
            log.info(f"not listening on {port.host} port {port.number} any more")
            port.close()
        self._ports = needed
        for port in needed:
            here = [generation for generation in there if generation.port is port]
            attended = {
                index
                for generation in here
                for server in generation.servers.values()
                if server.accepting
                for index in server.sockets
            }
            answers = any(generation.answers() for generation in here)
            port.attend(attended, somebody_answers=answers and not self.stopping)

    def make_port(self, host: str, number: int) -> Port:
        """Return a port that is not open yet, and on which nobody is told why."""
        port = Port(self.loop, host, number, self._refuser.take)
        self._ports.add(port)
        return port

    def remember_address(self) -> None:
        """See to it that a successor listens where this one does, also when all has ended."""
        spec: dict[str, Any] = self.serving.spec if self.serving is not None else {}
        address: dict[str, Any] = {key: spec[key] for key in ("host", "port") if key in spec}
        if any(self.settings.get(key) != value for key, value in address.items()):
            self.settings = {**self.settings, **address}
            try:
                record.write(self.folder, "supervisor.json", self.settings, sync=True)
            except OSError as error:
                log.warning(f"cannot write supervisor.json: {error}")

    def _port_for(self, spec: dict[str, Any]) -> Port:
        """Return the port that a generation asks for, bound: the service's own, or another."""
        host, number = spec.get("host") or self.port.host, spec.get("port") or self.port.number
        for port in self._ports:
            if port.number == number and same_address(port.host, host):
                return port
        port = self.make_port(host, number)
        try:
            port.open(shared=number == self.port.number and overlap(self.port.host, host))
        except PortTakenError:
            self._ports.discard(port)
            raise
        log.info(f"listening on {port.host} port {port.number} too")
        return port

    def write(self) -> None:
        """Write ``process.json``."""
        last = self._last[0] if self._last else None
        try:
            sync = last != self._written_serving
            record.write(self.folder, "process.json", self.snapshot(), sync=sync)
            self._written_serving = last
        except OSError as error:
            # The service itself goes on; whoever looks sees an older state.
            log.warning(f"cannot write process.json: {error}")

    def health(self) -> bytes:
        """Return the health port's answer now."""
        answers = self.serving is not None and self.serving.answers()
        return http.health(self.snapshot()["status"], answers=answers)

    def close(self) -> None:
        """Let go of the port."""
        self._refuser.close()
        for port in self._ports:
            port.close()

    def _refusal(self) -> bytes:
        snapshot = self.snapshot()
        waits = [
            server.backoff
            for generation in self.generations.values()
            for server in generation.servers.values()
            if server.state == "down"
        ]
        retry_after = max(1, math.ceil(min(waits, default=1.0)))
        return http.unavailable(f"{snapshot['status']}: {snapshot['reason']}", retry_after)

    def _generation(self, number: int) -> Generation:
        if number not in self.generations:
            raise Refused(f"there is no generation {number}")
        return self.generations[number]
