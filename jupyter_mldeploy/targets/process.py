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
from jupyter_mldeploy.targets.control import Control, SupervisorGone
from jupyter_mldeploy.targets.inherited import inherited
from jupyter_mldeploy.targets.loading import Loading
from jupyter_mldeploy.targets.log_tail import tail
from jupyter_mldeploy.targets.observation import of_record, of_state
from jupyter_mldeploy.targets.ports import require_free
from jupyter_mldeploy.targets.supervision import (
    LOG,
    Recorded,
    connect,
    ensure,
    wait_for_exit,
)

__all__ = ["ProcessTarget"]

# How often to ask whether the wait was cancelled.
_CANCEL_SECONDS = 0.2
_PROBE_SECONDS = 60.0
# What a supervisor needs beyond the drain: its own SIGTERM and SIGKILL deadlines.
_STOP_MARGIN = 15.0


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
            The port cannot be had, or the service runs on another one now.
        UserErrorException
            There is no such interpreter.
        """
        if shutil.which(launch.python) is None:
            raise UserErrorException(
                f"The Python interpreter {launch.python} does not exist or may not be executed.",
                hint="Deploy from an environment that exists.",
            )
        recorded = Recorded.read(launch.service_dir)
        if recorded is not None and (recorded.supervisor or recorded.servers):
            _require_same_address(launch, recorded)
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
        with _require(launch.service_dir) as control:
            answer = _demand(
                control,
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
        with _require(launch.service_dir) as control:
            _demand(
                control,
                "switch",
                35.0,
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
        if control is not None:
            with control:
                _demand(control, "discard", _STOP_MARGIN, generation=generation)

    def observe(self, service_dir: Path) -> Observation:
        """Report what is there now; a supervisor that was killed gets a successor."""
        recorded = Recorded.read(service_dir)
        if recorded is None:
            return Observation(Status.STOPPED, "It has never run.")
        if not recorded.supervisor and recorded.servers:
            try:
                ensure(service_dir).close()
            except WebserviceException as error:
                return replace(
                    of_record(recorded),
                    status=Status.UNHEALTHY,
                    reason=f"Its workers run, but without a supervisor. {error.message}",
                    problem=error.problem,
                )
            recorded = Recorded.read(service_dir) or recorded
        if not recorded.supervisor:
            return of_record(recorded)
        try:
            with Control(recorded.state["control"]) as control:
                return of_state(control.demand("status"))
        except SupervisorGone as error:
            again = Recorded.read(service_dir) or recorded
            if not again.supervisor or again.state["stopped"]:  # it ended while we looked
                return of_record(again)
            pid = again.state["supervisor"]["pid"]
            return replace(
                of_record(again),
                status=Status.UNHEALTHY,
                reason=f"Its supervisor (process {pid}) runs, but {error}.",
                problem=None,
            )

    def stop(self, service_dir: Path, drain_seconds: float) -> None:
        """Drain and end everything of the service; nothing happens when nothing runs.

        Raises
        ------
        WebserviceException
            It did not end in time, or runs on another host.
        """
        control = _reach(service_dir)
        if control is None:
            return
        with control:
            supervisor = Identity.from_dict(_demand(control, "status", 10.0)["supervisor"])
            _demand(control, "stop", 10.0, drain_seconds=drain_seconds)
            ended = control.wait_for_end(drain_seconds + _STOP_MARGIN)
        if not ended or not wait_for_exit(supervisor, 10.0):
            raise WebserviceException(
                f"The service did not end within {drain_seconds + _STOP_MARGIN:g} s.",
                hint=f"See {service_dir / LOG}; its supervisor is process {supervisor.pid}.",
            )

    def resume(self, service_dir: Path) -> None:
        """Start the generation again that served last, on the same port.

        Raises
        ------
        WebserviceException
            It has never served, or its port was taken meanwhile.
        """
        with ensure(service_dir) as control:
            _demand(control, "resume", 10.0)

    def logs(self, service_dir: Path, num_lines: int) -> str:
        """Return the last ``num_lines`` lines that the servers and the supervisor wrote."""
        return tail(service_dir / LOG, num_lines)


def _reach(service_dir: Path) -> Control | None:
    """Return a connection when anything of the service runs; adopt it first when needed."""
    recorded = Recorded.read(service_dir)
    if recorded is None:
        return None
    found = connect(service_dir) if recorded.supervisor else None
    if found is None and (recorded.supervisor or recorded.servers or recorded.elsewhere):
        return ensure(service_dir)
    return found


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
        "argv": [launch.python, str(launch.bundle / "runtime")],
        "cwd": str(launch.bundle / "app"),
        "env": environment,
        "slots": launch.workers,
        "init_timeout": launch.init_timeout,
        "drain_seconds": launch.drain_seconds,
    }


def _require_same_address(launch: Launch, recorded: Recorded) -> None:
    host, port = recorded.state["host"], recorded.state["port"]
    if launch.host != host or launch.port not in {None, port}:
        raise WebserviceException(
            f"{launch.service_name} listens on port {port} of {host}; a running service cannot "
            f"move to port {launch.port or port} of {launch.host}.",
            409,
            hint="Stop it first and deploy then, or deploy under another name.",
        )


def _demand(control: Control, op: str, within: float, **arguments: Any) -> dict[str, Any]:
    try:
        return control.demand(op, within, **arguments)
    except SupervisorGone as error:
        raise WebserviceException(
            f"The service's supervisor went away during {op}: {error}.",
            hint="Do it again: whatever is left of the service is taken over first.",
        ) from None
