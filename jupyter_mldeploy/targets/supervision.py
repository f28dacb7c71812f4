"""Find the supervisor of a service, or start one."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mldeploy.errors import WebserviceException
from jupyter_mldeploy.serving.identity import Identity
from jupyter_mldeploy.serving.supervisor import record
from jupyter_mldeploy.serving.supervisor.adoption import find
from jupyter_mldeploy.targets.control import Control, SupervisorGone
from jupyter_mldeploy.targets.ports import taken
from jupyter_mldeploy.targets.run_folder import run_folder

__all__ = ["LOG", "Recorded", "connect", "ensure", "not_starting", "wait_for_exit"]

LOG = Path("logs") / "service.log"

# Seconds for a supervisor to answer: adoption of busy servers takes 5 and a predecessor
# on its way out may hold the lock for 10.
_START_SECONDS = 30.0
# For one that lives to make its socket again.
_SOCKET_SECONDS = 2.0


@dataclass(frozen=True)
class Recorded:
    """What ``process.json`` says, and which of the processes in it live.

    ``supervisor`` and ``servers`` are ``None`` where that cannot be known from
    here (another host, another container).
    """

    state: dict[str, Any]
    supervisor: bool | None
    servers: bool | None

    @classmethod
    def read(cls, service_dir: Path) -> Recorded | None:
        """Return what is recorded; ``None`` when no supervisor has ever run."""
        state = record.read(str(service_dir), "process.json")
        if state is None or state.get("layout") != 1:
            return None
        supervisor = Identity.from_dict(state["supervisor"]).alive()
        alive = [
            _alive(server, supervised=supervisor is not False)
            for generation in state["generations"].values()
            for server in generation["servers"]
        ]
        servers = True if True in alive else None if None in alive else False
        return cls(state, supervisor, servers)

    @property
    def host(self) -> str:
        """Where it ran."""
        return str(self.state["supervisor"]["host"])

    @property
    def elsewhere(self) -> bool:
        """Whether it may run where we cannot see it."""
        return self.state["stopped"] is None and (self.supervisor is None or self.servers is None)

    def require_here(self, service_dir: Path) -> None:
        """Refuse what may run where we cannot see it.

        Raises
        ------
        WebserviceException
            It names the host.
        """
        if self.elsewhere:
            raise WebserviceException(
                f"This service runs on {self.host}, or in another container, and cannot be "
                "reached from here.",
                409,
                hint=f"Change or stop it there. If that place is gone for good, remove "
                f"{service_dir / 'process.json'}.",
            )


def _alive(server: dict[str, Any], *, supervised: bool) -> bool | None:
    if server["identity"]:
        return Identity.from_dict(server["identity"]).alive()
    # Its supervisor may have been killed between starting it and saying so.
    return not supervised and find(server) is not None


def connect(service_dir: Path) -> Control | None:
    """Return a connection to the service's supervisor, or ``None`` when none answers."""
    recorded = Recorded.read(service_dir)
    if recorded is None or recorded.supervisor is not True:
        return None
    path = recorded.state["control"]
    if recorded.state["stopped"] is None and not Path(path).exists():
        _ask_for_socket(Identity.from_dict(recorded.state["supervisor"]), Path(path))
    try:
        return Control(path)
    except SupervisorGone:
        return None


def _ask_for_socket(supervisor: Identity, path: Path) -> None:
    """Have a supervisor make its socket again; a clean-up, or a logout, has removed it."""
    if supervisor.alive():
        os.kill(supervisor.pid, signal.SIGHUP)
    deadline = time.monotonic() + _SOCKET_SECONDS
    # No event tells of a new file in a folder that may not be there yet.
    while supervisor.alive() and not path.exists() and time.monotonic() < deadline:
        time.sleep(0.01)


def ensure(service_dir: Path, settings: dict[str, Any] | None = None) -> Control:
    """Return a connection to the service's supervisor, started when there is none.

    Whoever comes at the same time gets the same one. A new supervisor adopts
    servers that live, and starts again what had died without being stopped.

    Parameters
    ----------
    settings
        What a new supervisor gets to know (``supervisor.json``), ``run_dir`` aside;
        by default what the last one got.

    Raises
    ------
    WebserviceException
        It could not be started, or the service runs on another host.
    """
    found = connect(service_dir)
    if found is not None:
        return found
    with _starting(service_dir):
        found = connect(service_dir)
        if found is not None:
            return found
        recorded = Recorded.read(service_dir)
        if recorded is not None:
            recorded.require_here(service_dir)
        return _start(service_dir, settings)


def wait_for_exit(process: Identity, seconds: float) -> bool:
    """Wait until a process that has hung up is gone; false when it is not within ``seconds``."""
    deadline = time.monotonic() + seconds
    try:
        fd = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return True
    except (AttributeError, OSError):  # not Linux, or an old kernel: no event to wait for
        while process.alive() and time.monotonic() < deadline:
            time.sleep(0.005)
        return not process.alive()
    try:
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        if process.alive():  # and not somebody else under its number
            poll.poll(seconds * 1000)
    finally:
        os.close(fd)
    return not process.alive()


@contextlib.contextmanager
def _starting(service_dir: Path) -> Iterator[None]:
    """Let one process at a time start a supervisor of the service."""
    with (service_dir / "start.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def not_starting(service_dir: Path) -> Iterator[bool]:
    """Keep others from starting a supervisor; false when one is being started now."""
    with (service_dir / "start.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True


def _start(service_dir: Path, settings: dict[str, Any] | None) -> Control:
    before = record.read(str(service_dir), "supervisor.json")
    if settings is None and before is None:
        raise WebserviceException(
            "This service has never run: there is nothing to start.",
            hint="Deploy it again with overwrite=True.",
        )
    settings = {**(settings or before or {}), "run_dir": str(run_folder())}
    record.write(str(service_dir), "supervisor.json", settings)
    program = Path(settings["runtime"]) / "supervise.py"
    if not program.is_file():
        raise WebserviceException(
            f"The serving runtime {program.parent} is missing.",
            hint="Deploy the service again; that stages a new one.",
        )
    log = service_dir / LOG
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    said = _spawn(program, service_dir, log)
    if not said.get("ok"):
        error = str(said.get("error"))
        if said.get("kind") == "port":
            raise taken(error, int(settings["port"] or 0))
        if said.get("kind") != "busy":
            raise WebserviceException(
                f"The service's supervisor did not start: {error}", hint=f"See {log}."
            )
    recorded = Recorded.read(service_dir)
    try:
        return Control(recorded.state["control"] if recorded else "")
    except SupervisorGone as error:
        raise WebserviceException(
            f"The service's supervisor cannot be reached: {error}.",
            hint=f"See {log}; if it hangs, end the process that holds "
            f"{service_dir / 'supervisor.lock'}.",
        ) from None


def _spawn(program: Path, service_dir: Path, log: Path) -> dict[str, Any]:
    """Start the supervisor in the background; return what it says as soon as it can."""
    readable, writable = os.pipe()
    # The service's own variables are in its spec; this process needs hardly any.
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment["MLDEPLOY_READY_FD"] = str(writable)
    with os.fdopen(readable, "rb", buffering=0) as pipe:
        try:
            with log.open("ab") as output:
                subprocess.run(
                    [sys.executable, "-I", "-S", str(program), str(service_dir)],
                    cwd="/",
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    pass_fds=(writable,),
                    start_new_session=True,
                    check=False,
                )
        finally:
            os.close(writable)
        return _hear(pipe.fileno())


def _hear(fd: int) -> dict[str, Any]:
    """Return the one JSON line that arrives, or an error that says why there is none."""
    deadline = time.monotonic() + _START_SECONDS
    line = b""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    while not line.endswith(b"\n"):
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            return {"ok": False, "error": f"it said nothing for {_START_SECONDS:g} s."}
        data = os.read(fd, 4096)
        if not data:
            return {"ok": False, "error": "it ended at once."}
        line += data
    found = json.loads(line)
    return found if isinstance(found, dict) else {"ok": False, "error": str(found)}
