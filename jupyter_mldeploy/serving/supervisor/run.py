"""Start-up and end of the supervisor process."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import sys

from . import http, log, record
from .adoption import adopt
from .control import Control
from .loop import Loop
from .rotation import Rotation
from .service import Service
from .sockets import Port, PortTakenError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["main"]

# Seconds to wait for a predecessor that is about to end.
_LOCK_PATIENCE = 10
_READY_FD = "MLDEPLOY_READY_FD"


def main(argv: list[str] | None = None) -> int:
    """Supervise the service whose folder ``argv`` names, in the background, until it is stopped.

    When ``MLDEPLOY_READY_FD`` names a descriptor, one JSON line is written there as
    soon as the control socket answers, ``{"ok": true}``, or when it never will:
    ``{"ok": false, "kind": "busy|port|error", "error": "sentence"}``.
    """
    (folder,) = sys.argv[1:] if argv is None else argv
    if os.fork():
        # Whoever started this waits for it, and is nobody's parent afterwards: no zombie
        # is left in a notebook when the service ends.
        os._exit(0)
    os.umask(0o077)
    lock = _take_lock(folder)
    if lock is None:
        _report(ok=False, kind="busy", error="Another supervisor of this service runs already.")
        return 1
    try:
        loop = Loop()
        service, control, health = _open(loop, folder)
    except PortTakenError as error:
        log.warning(str(error))
        _report(ok=False, kind="port", error=str(error))
        return 1
    except Exception as error:  # the target says it to the user; the log has the rest
        _report(ok=False, kind="error", error=f"{type(error).__name__}: {error}")
        raise
    service.write()
    log.info(f"listening on {service.port.host} port {service.port.number}")
    _report(ok=True)
    Rotation(service).begin()
    loop.before_wait = service.settle
    loop.run()
    health.close()
    service.close()
    control.close()
    service.write()
    log.info("stopped")
    os.close(lock)
    # Clients take the end of their connection for the end of everything: last of all.
    control.hang_up()
    # Nothing of the interpreter needs to be put away.
    os._exit(0)


def _open(loop: Loop, folder: str) -> tuple[Service, Control, Port]:
    settings = record.read(folder, "supervisor.json")
    if settings is None:
        raise ValueError(f"{folder}/supervisor.json is missing or damaged")
    before = record.read(folder, "process.json")
    service = Service(loop, folder, settings, before)
    _on_signals(loop, service)
    control = Control(service)
    try:
        adopted = adopt(service, before or {})
        if not adopted:
            _open_port(service, settings)
        health, service.health_port = _open_health(loop, service)
        # Not a word about a stop: it died, or the machine went down.
        if not adopted and before is not None and not before.get("stopped"):
            _resume(service)
    except BaseException:
        control.close()
        service.close()
        raise
    else:
        return service, control, health


def _open_port(service: Service, settings: dict[str, Any]) -> None:
    try:
        service.port.open()
    except PortTakenError:
        if settings.get("port"):
            raise
        # Nobody asked for this number; it was only the one of last time.
        log.warning(f"port {service.port.number} was taken meanwhile, choosing another")
        service.port.number = 0
        service.port.open()


def _open_health(loop: Loop, service: Service) -> tuple[Port, int]:
    responder = http.Responder(loop, service.health)
    port = Port(loop, "127.0.0.1", 0, responder.take)
    port.open()
    # No server ever attends it: the supervisor answers itself.
    port.attend(set(), somebody_answers=False)
    return port, port.number


def _resume(service: Service) -> None:
    if service.snapshot()["serving"] is not None:
        log.info("the service had ended without being stopped")
        service.resume()


def _on_signals(loop: Loop, service: Service) -> None:
    def child_ended() -> None:
        for generation in list(service.generations.values()):
            for server in list(generation.servers.values()):
                server.child_may_have_ended()

    def asked_to_end() -> None:
        # The second time somebody is in a hurry.
        service.stop(0 if service.stopping else None, "SIGTERM")

    def end() -> None:
        loop.finished = True

    loop.on_signal(signal.SIGCHLD, child_ended)
    loop.on_signal(signal.SIGTERM, asked_to_end)
    loop.on_signal(signal.SIGINT, lambda: None)
    service.on_end = end


def _take_lock(folder: str) -> int | None:
    """Return the descriptor that holds the lock, or ``None`` when another process keeps it."""
    path = os.path.join(folder, "supervisor.lock")  # noqa: PTH118 - pathlib costs memory
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def give_up(*_: object) -> None:
        raise InterruptedError(errno.EINTR, "still locked")

    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(_LOCK_PATIENCE)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
    except InterruptedError:
        os.close(fd)
        return None
    finally:
        signal.alarm(0)
    return fd


def _report(**message: Any) -> None:
    """Tell whoever started this process how it went."""
    fd = os.environ.pop(_READY_FD, "")
    if fd:
        try:
            os.write(int(fd), json.dumps(message).encode() + b"\n")
            os.close(int(fd))
        except OSError:  # nobody waits any more
            pass
