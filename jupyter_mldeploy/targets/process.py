"""The process target: bundles run as processes on this machine, under a supervisor of their own.

It needs no root, no Docker and no network. This module speaks to the supervisor
(``serving/supervisor``), which owns the port and the processes.
"""

from __future__ import annotations

import base64
import os
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from jupyter_mldeploy.errors import (
    OperationCancelled,
    OperationFailed,
    UserErrorException,
    WebserviceException,
)
from jupyter_mldeploy.serving.identity import Identity
from jupyter_mldeploy.targets.base import Capability, Launch, Observation, Status
from jupyter_mldeploy.targets.control import Control, SupervisorGone, SupervisorSilent
from jupyter_mldeploy.targets.inherited import inherited
from jupyter_mldeploy.targets.loading import Loading
from jupyter_mldeploy.targets.log_limits import log_limits
from jupyter_mldeploy.targets.log_tail import tail
from jupyter_mldeploy.targets.observation import of_record, of_state, unhealthy
from jupyter_mldeploy.targets.ports import require_free, taken
from jupyter_mldeploy.targets.supervision import (
    LOG,
    Recorded,
    connect,
    ensure,
    not_starting,
    wait_for_exit,
)

__all__ = ["ProcessTarget"]

# How often to ask whether the wait was cancelled.
_CANCEL_SECONDS = 0.2
_PROBE_SECONDS = 60.0
# How often to look again when the supervisor ends while we look.
_LOOKS = 3
# What a supervisor needs beyond the drain: its own SIGTERM and SIGKILL deadlines.
_STOP_MARGIN = 15.0
# A worker that cannot take the port over says so within 30.
_SWITCH_SECONDS = 35.0


class ProcessTarget:
    """Runs bundles as processes of this user on this machine."""

    name = "process"

    def capability(self) -> Capability:
        """Tell whether this system can run services; Linux, macOS and WSL can."""
        found = Capability(self.name, "Process on this machine", available=True)
        if sys.platform == "win32":
            return replace(
                found,
                available=False,
                reason="Services cannot run directly on Windows.",
                hint="Install and start this package inside WSL (Windows Subsystem for Linux).",
            )
        return found

    def check(self, launch: Launch) -> None:
        """Refuse when the port is taken by a stranger or the interpreter is not there.

        Raises
        ------
        WebserviceException
            The port cannot be had.
        UserErrorException
            There is no such interpreter.
        """
        if shutil.which(launch.python) is None:
            raise UserErrorException(
                f"The Python interpreter {launch.python} does not exist or may not be executed.",
                hint="Deploy from an environment that exists.",
            )
        recorded = Recorded.read(launch.service_dir)
        if recorded is not None:
            recorded.require_here(launch.service_dir)
        if recorded is not None and (recorded.supervisor or recorded.servers):
            _require_address(launch, recorded)
        elif launch.port is not None:
            require_free(launch.host, launch.port)

    def start(self, launch: Launch) -> None:
        """Start the generation, and the service's supervisor when it has none.

        Raises
        ------
        WebserviceException
            The supervisor could not be started, or refused; the message says why.
        """
        launch.service_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings = {
            "service_id": launch.service_id,
            "service_name": launch.service_name,
            "host": launch.host,
            "port": launch.port,
            "slots": launch.workers,
            "runtime": str(launch.runtime),
            **log_limits(os.environ),
        }
        deadline = time.monotonic() + launch.drain_seconds + _STOP_MARGIN
        while True:
            with ensure(launch.service_dir, settings) as control:
                try:
                    answer = control.request(
                        "start", generation=launch.generation, spec=_spec(launch)
                    )
                except SupervisorGone:
                    answer = {"stopping": True}
                if answer.get("ok"):
                    return
                if answer.get("kind") == "port":
                    raise taken(str(answer["error"]), launch.port or 0)
                # It is about to end; when it has, a new one can begin.
                left = deadline - time.monotonic()
                if not answer.get("stopping") or not control.wait_for_end(left):
                    reason = answer.get("error", "it does not answer")
                    raise WebserviceException(
                        f"The service's supervisor did not start the new generation: {reason}.",
                        hint=f"See {launch.service_dir / LOG}.",
                    )

    def wait_ready(
        self, launch: Launch, *, cancelled: Callable[[], bool], progress: Callable[[str], None]
    ) -> None:
        """Follow the generation until it is ready; see :class:`~.base.Target`."""
        loading = Loading(launch.generation, launch.init_timeout, progress)
        while True:
            with _require(launch.service_dir) as control:
                try:
                    control.demand("watch")
                    while not loading.done(control.event(_CANCEL_SECONDS)):
                        if cancelled():
                            raise OperationCancelled("It was cancelled while the model loaded.")
                except SupervisorGone:
                    # Killed; the servers go on, and so does the wait, with its successor.
                    progress("the supervisor has ended; a new one takes over what runs")
                else:
                    return

    def probe(
        self, launch: Launch, method: str = "GET", path: str = "/", body: bytes = b""
    ) -> tuple[int, bytes]:
        """Send one request to each worker of the generation, past port and authentication.

        Raises
        ------
        WebserviceException
            A worker did not answer, or there is none.
        """
        answer = _ask(
            _require(launch.service_dir),
            launch.service_dir,
            "probe",
            _PROBE_SECONDS + 5,
            generation=launch.generation,
            method=method,
            path=path,
            headers={"Content-Type": "application/json"} if body else {},
            body=base64.b64encode(body).decode("ascii"),
            seconds=_PROBE_SECONDS,
        )
        return int(answer["status"]), base64.b64decode(answer["body"])

    def switch(self, launch: Launch) -> None:
        """Give the traffic to the generation; the one before drains and ends by itself.

        Raises
        ------
        WebserviceException
            The generation is not ready.
        """
        _ask(
            _require(launch.service_dir),
            launch.service_dir,
            "switch",
            _SWITCH_SECONDS,
            generation=launch.generation,
            drain_seconds=launch.drain_seconds,
        )

    def discard(self, service_dir: Path, generation: int) -> None:
        """End a generation that does not serve; nothing happens when there is none.

        Raises
        ------
        WebserviceException
            The generation serves.
        """
        control = _reach(service_dir)
        if control is None:
            _remove_dead_sockets(service_dir)
        else:
            answer = _ask(control, service_dir, "discard", _STOP_MARGIN, generation=generation)
            recorded = Recorded.read(service_dir)
            if answer.get("ending") and recorded is not None:
                wait_for_exit(Identity.from_dict(recorded.state["supervisor"]), _STOP_MARGIN)

    def observe(self, service_dir: Path) -> Observation:
        """Report what is there now; a supervisor that was killed gets a successor."""
        never = Observation(Status.STOPPED, "It has never run.")
        seen = never
        for _ in range(_LOOKS):
            recorded = Recorded.read(service_dir)
            if recorded is None:
                return never
            if not recorded.supervisor and not recorded.servers:
                _remove_dead_sockets(service_dir)
                return of_record(recorded)
            try:
                with _reach(service_dir) or Control(recorded.state["control"]) as control:
                    return of_state(control.demand("status"))
            except SupervisorGone as gone:
                if recorded.state["stopped"] is not None:  # it is ending right now
                    return of_record(recorded)
                seen = unhealthy(recorded, f"Its supervisor does not answer: {gone}.")
            except WebserviceException as error:
                seen = unhealthy(recorded, f"Its workers have no supervisor: {error.message}")
        return seen

    def stop(self, service_dir: Path, drain_seconds: float) -> None:
        """Drain and end everything of the service; nothing happens when nothing runs.

        Raises
        ------
        WebserviceException
            It did not end in time, or runs on another host.
        """
        for _ in range(_LOOKS):
            control = _reach(service_dir)
            if control is None:  # also: the time before has done it
                _remove_dead_sockets(service_dir)
                return
            patience = drain_seconds + _STOP_MARGIN
            with control, suppress(SupervisorGone):
                supervisor = Identity.from_dict(control.demand("status")["supervisor"])
                control.demand("stop", drain_seconds=drain_seconds)
                if not control.wait_for_end(patience) or not wait_for_exit(supervisor, patience):
                    break
        raise WebserviceException(
            "The service did not end in time.",
            hint=f"See {service_dir / LOG}, and stop it again.",
        )

    def resume(self, service_dir: Path) -> None:
        """Start the generation again that served last, on the same port.

        Raises
        ------
        WebserviceException
            It has never served, or its port was taken meanwhile.
        """
        _ask(ensure(service_dir), service_dir, "resume", 10.0)

    def logs(self, service_dir: Path, num_lines: int) -> str:
        """Return the last ``num_lines`` lines that the servers and the supervisor wrote."""
        return tail(service_dir / LOG, num_lines)


def _reach(service_dir: Path) -> Control | None:
    """Return a connection when anything of the service runs; adopt it first when needed."""
    recorded = Recorded.read(service_dir)
    if recorded is None:
        return None
    found = connect(service_dir) if recorded.supervisor else None
    if found is None and recorded.supervisor:
        # One that hangs up because it ends has said so before; it needs no successor.
        recorded = Recorded.read(service_dir) or recorded
        if recorded.state["stopped"] is not None and not recorded.servers:
            return None
    if found is None and (recorded.supervisor or recorded.servers or recorded.elsewhere):
        return ensure(service_dir)
    return found


def _remove_dead_sockets(service_dir: Path) -> None:
    """Remove what processes that were killed could not take away themselves."""
    if not _all_dead(Recorded.read(service_dir)):
        return
    # Where nothing may be written, a dead socket does no harm.
    with suppress(OSError), not_starting(service_dir) as certain:
        recorded = Recorded.read(service_dir) if certain else None
        if recorded is not None and _all_dead(recorded):
            control = Path(recorded.state["control"])
            for path in control.parent.glob(f"{control.stem}.*"):
                path.unlink(missing_ok=True)


def _all_dead(recorded: Recorded | None) -> bool:
    return recorded is not None and recorded.supervisor is False and recorded.servers is False


def _require(service_dir: Path) -> Control:
    """Return a connection to a supervisor that should be there.

    Raises
    ------
    OperationFailed
        Nothing of the service runs.
    """
    found = _reach(service_dir)
    if found is None:
        raise OperationFailed(
            "The service's processes have ended.",
            hint=f"Somebody stopped or killed them; see {service_dir / LOG}.",
        )
    return found


def _spec(launch: Launch) -> dict[str, Any]:
    """Return what the supervisor needs to start the generation's servers."""
    environment = {**inherited(os.environ), **launch.environment}
    environment["MLDEPLOY_AUTH"] = launch.auth
    environment["MLDEPLOY_DRAIN_SECONDS"] = f"{launch.drain_seconds:g}"
    environment["MLDEPLOY_SECRETS_DIR"] = str(launch.service_dir / "secrets")
    return {
        "python": launch.python,
        "host": launch.host,
        "port": launch.port,
        "argv": [launch.python, str(launch.bundle / "runtime")],
        "cwd": str(launch.bundle / "app"),
        "env": environment,
        "slots": launch.workers,
        "init_timeout": launch.init_timeout,
        "drain_seconds": launch.drain_seconds,
    }


def _require_address(launch: Launch, recorded: Recorded) -> None:
    # Its own number may overlap, on another address, with what it has now: start() finds out.
    if launch.port not in {None, recorded.state["port"]}:
        require_free(launch.host, launch.port)


def _ask(
    control: Control, service_dir: Path, op: str, within: float, **arguments: Any
) -> dict[str, Any]:
    """Ask the supervisor, and its successor when it is killed meanwhile.

    Every request can be made twice: what was done already is not done again.
    """
    gone: SupervisorGone | None = None
    for _ in range(_LOOKS):
        try:
            with control if gone is None else _require(service_dir) as connection:
                return connection.demand(op, within, **arguments)
        except SupervisorSilent as silent:
            raise WebserviceException(
                f"The service's supervisor does not {op}: {silent}.",
                hint=f"See {service_dir / LOG}, and try again.",
            ) from None
        except SupervisorGone as error:
            gone = error
    raise WebserviceException(
        f"The service's supervisor went away during {op}: {gone}.",
        hint=f"Something kills it again and again; see {service_dir / LOG}.",
    )
