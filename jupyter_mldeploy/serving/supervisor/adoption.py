"""Carry on what a killed predecessor left: take its sockets back from the servers that live."""

from __future__ import annotations

import os
import socket
import time

from ..identity import Identity  # noqa: TID252 - the island knows itself by no other name
from . import launch, log, record, words
from .generation import Generation
from .wire import LineReader, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .server import Server
    from .service import Service
    from .sockets import Port

__all__ = ["adopt", "find"]

# Seconds for all servers together. One whose run() holds the interpreter lock that
# long keeps its socket: it goes on serving there, beside a new one for its slot.
_PATIENCE = 5.0
# A server's state while its supervisor has not started its process yet.
_NOT_BEGUN = ("gone", "loading")


def adopt(service: Service, before: dict[str, Any]) -> bool:
    """Take over the servers of ``process.json`` that live; false when there are none."""
    found: dict[Port, dict[int, socket.socket]] = {}
    living = _living(before)
    if living:
        # Where it listens, whatever supervisor.json says of where it should.
        service.port.host, service.port.number = before["host"], before["port"]
    for number, recorded in living:
        port = _port_of(service, recorded)
        generation = Generation(service, int(number), recorded["spec"], port)
        generation.state = recorded["state"]
        generation.error = recorded.get("error")
        generation.started = recorded.get("started", time.time())
        service.generations[generation.number] = generation
        for entry in recorded["servers"]:  # all, before the first of them can be ready
            generation.server(entry["slot"])
        for entry in recorded["servers"]:
            _adopt_server(generation, entry, found.setdefault(port, {}))
        if generation.number == before.get("serving") and generation.state == "serving":
            service.serving = generation
    _sweep(service)
    if not service.generations:
        return False
    _open_ports(service, found)
    service.remember_address()
    for generation in list(service.generations.values()):
        _carry_on(generation)
    service.changed()
    return True


def _living(before: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return (number, record) of the generations of which some process lives, oldest first."""
    living = []
    for number, recorded in before.get("generations", {}).items():
        for entry in recorded["servers"]:
            entry["identity"] = entry["identity"] or find(entry)
        if any(_lives(entry) for entry in recorded["servers"]):
            living.append((number, recorded))
    return sorted(living, key=lambda each: int(each[0]))


def find(entry: dict[str, Any]) -> dict[str, Any] | None:
    """Return the identity of a server that was started and could not be recorded any more."""
    if entry["state"] != "loading":
        return None
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(_PATIENCE)
            sock.connect(entry["control"])
            messages, _ = LineReader(sock).receive()
        return Identity.of(int(messages[0]["pid"])).to_dict()
    except (OSError, ValueError, IndexError, KeyError):
        return None


def _lives(entry: dict[str, Any]) -> bool:
    identity = entry.get("identity")
    return identity is not None and Identity.from_dict(identity).alive() is True


def _adopt_server(
    generation: Generation, entry: dict[str, Any], found: dict[int, socket.socket]
) -> None:
    server = generation.server(entry["slot"])
    server.control = entry["control"]
    server.restarts = entry["restarts"]
    server.backoff = entry["backoff"]
    server.sockets = entry["sockets"]
    server.error = entry["error"]
    server.state = "failed"
    if not _lives(entry):
        if entry["identity"] is None and entry["state"] in _NOT_BEGUN:
            server.state = "gone"
        elif generation.state in {"loading", "ready", "serving"}:
            doing = "loading the model" if entry["state"] == "loading" else "serving"
            server.error = server.error or words.ended(server.slot, doing, None)
        return
    server.identity = Identity.from_dict(entry["identity"])
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(_PATIENCE)
    reader = LineReader(sock)
    try:
        sock.connect(server.control)
        hello = _hand_over(reader, server, found)
    except TimeoutError:
        log.warning(
            f"worker {server.slot} (pid {server.identity.pid}) is busy and keeps its socket"
        )
        server.sockets, hello = [], {"event": "hello", "state": entry["state"]}
    except (OSError, ValueError) as error:
        sock.close()
        log.warning(f"worker {server.slot} (pid {server.identity.pid}) does not answer: {error}")
        server.terminate()
        return
    log.info(
        f"adopted generation {generation.number} worker {server.slot} (pid {server.identity.pid})"
    )
    server.adopt(sock, reader, hello, accepting=entry["accepting"])


def _hand_over(
    reader: LineReader, server: Server, found: dict[int, socket.socket]
) -> dict[str, Any]:
    """Ask a server for its listening sockets, keep those not found yet; return its hello."""
    reader.sock.sendall(encode({"id": 0, "op": "handover"}))
    hello: dict[str, Any] = {}
    answered = False
    while not answered:
        messages, closed = reader.receive()
        for message in messages:
            if message.get("event") == "hello":
                hello = message
            elif message.get("event"):
                hello = {**hello, "state": message["event"], "error": message.get("error")}
            answered = answered or message.get("id") == 0
        if closed:
            raise OSError("it hung up")
    for index in server.sockets:
        if not reader.fds:
            break
        fd = reader.fds.popleft()
        os.set_inheritable(fd, False)
        if index in found:
            os.close(fd)
        else:
            found[index] = socket.socket(fileno=fd)
    return hello


def _port_of(service: Service, recorded: dict[str, Any]) -> Port:
    """Return the port of a recorded generation: the service's, or one it was moving to or from."""
    address = (recorded.get("host"), recorded.get("port"))
    others = (generation.port for generation in service.generations.values())
    for port in (service.port, *others):
        if address in {(port.host, port.number), (None, None)}:
            return port
    return service.make_port(recorded["host"], recorded["port"])


def _open_ports(service: Service, found: dict[Port, dict[int, socket.socket]]) -> None:
    found.setdefault(service.port, {})
    for port, sockets in found.items():
        if sockets:
            port.adopt(sockets)
        here = [g for g in service.generations.values() if g.port is port]
        if port is service.port or any(g.state in {"loading", "ready"} for g in here):
            # What a busy server keeps is replaced: joining a port of ours is always possible.
            port.grow(1)


def _sweep(service: Service) -> None:
    """Remove control sockets that nothing recorded belongs to, and who may still listen there."""
    known = {
        server.control
        for generation in service.generations.values()
        for server in generation.servers.values()
        if server.identity is not None
    }
    known.add(service.control_path(""))
    folder, prefix = os.path.split(service.control_path(""))
    for name in os.listdir(folder):  # noqa: PTH208 - pathlib costs memory
        path = os.path.join(folder, name)  # noqa: PTH118
        if name.startswith(prefix.removesuffix("sock")) and path not in known:
            stray = find({"state": "loading", "control": path})
            if stray is not None:
                log.warning(f"ending process {stray['pid']}, which belongs to nothing recorded")
                launch.end_group(stray["pid"])
            record.remove(path)


def _carry_on(generation: Generation) -> None:
    """Do for servers that died meanwhile what would have been done then."""
    for server in list(generation.servers.values()):
        if server.identity is None and server.state == "gone" and generation.state == "loading":
            server.spawn(accept=generation.takes_connections)
        elif server.identity is None:
            generation.server_ended(server)
    if generation.state == "draining":
        # How long it has drained is not known; it gets its time once more.
        generation.drain(generation.spec["drain_seconds"])
