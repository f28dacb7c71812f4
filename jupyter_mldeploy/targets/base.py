"""What a target is: the one protocol behind which bundles run somewhere.

A target starts a bundle as a *generation* of a service beside the one that
serves, tells when it is ready, moves the traffic to it, and reports what it sees.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Protocol, runtime_checkable

from jupyter_mldeploy.errors import Problem

__all__ = ["Capability", "Launch", "Observation", "Status", "Target", "WorkerState"]


class Status(str, Enum):
    """What a service is doing now, as its target reports it."""

    BUILDING = "Building"
    STARTING = "Starting"
    HEALTHY = "Healthy"
    UNHEALTHY = "Unhealthy"
    CRASHED = "Crashed"
    STOPPED = "Stopped"
    FAILED = "Failed"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Capability:
    """Whether a target can be used on this machine, and if not, why not and what would help."""

    name: str
    title: str
    available: bool
    reason: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Launch:
    """All a target needs to run one bundle as one generation of a service.

    Parameters
    ----------
    service_dir
        ``HOME/services/<service id>``: state, lock, logs and secrets.
    generation
        Number of this generation, rising from 1.
    bundle
        The staged folder, layout version 1.
    python
        Absolute path of the interpreter that runs the servers.
    environment
        The variables of the v1 contract (spec section 7) and the user's own; no
        ``MLDEPLOY_*``, those are the target's.
    host, port
        Where the service listens; port ``None`` lets the system choose one.
    workers
        Server processes beside each other.
    auth
        ``none``, ``key`` or ``token``.
    init_timeout, drain_seconds
        Seconds that ``init()`` may take; seconds that open requests get when a
        generation ends.
    runtime
        ``HOME/runtimes/<hash>``: the staged island, used for the supervisor.
    """

    service_id: str
    service_name: str
    service_dir: Path
    generation: int
    bundle: Path
    python: str
    environment: dict[str, str] = field(repr=False)
    host: str
    port: int | None
    workers: int
    auth: str
    init_timeout: float
    drain_seconds: float
    runtime: Path


@dataclass(frozen=True)
class WorkerState:
    """One server process: its slot, what it does, how often it was restarted, bytes and requests.

    ``rss`` (bytes) and ``requests`` are ``None`` when the process did not answer in time;
    ``failure`` is of the last request that the entry script failed, if one did.
    """

    slot: int
    pid: int
    state: str
    restarts: int
    rss: int | None
    requests: int | None
    failure: Problem | None = None


@dataclass(frozen=True)
class Observation:
    """What a target sees of a service now; ``reason`` is a sentence for people."""

    status: Status
    reason: str
    port: int | None = None
    generation: int | None = None
    workers: tuple[WorkerState, ...] = ()
    problem: Problem | None = None
    health_port: int | None = None


@runtime_checkable
class Target(Protocol):
    """A place where bundles run.

    Every method may be called from any process and any number of times.
    """

    name: str

    def capability(self) -> Capability:
        """Tell whether this target can be used here, without side effects and quickly."""

    def check(self, launch: Launch) -> None:
        """Refuse early what cannot work.

        Raises
        ------
        WebserviceException
            For instance the port is taken; the message names who has it.
        UserErrorException
            The request itself cannot work, for instance the interpreter does not exist.
        """

    def start(self, launch: Launch) -> None:
        """Start the generation beside the one that serves and return at once.

        It takes no traffic before :meth:`switch`, except when nothing serves
        yet: then the port answers 503 with ``Retry-After`` while it loads.
        """

    def wait_ready(
        self, launch: Launch, *, cancelled: Callable[[], bool], progress: Callable[[str], None]
    ) -> None:
        """Return when every worker of the generation is ready.

        Parameters
        ----------
        cancelled
            Asked a few times a second; when it says yes, the wait ends.
        progress
            Called with a short text whenever it changes (``loading model, 12 s``).

        Raises
        ------
        OperationFailed
            The generation failed; ``problem`` says why.
        OperationCancelled
            ``cancelled()`` said so. The generation is left to :meth:`discard`.
        """

    def probe(
        self, launch: Launch, method: str = "GET", path: str = "/", body: bytes = b""
    ) -> tuple[int, bytes]:
        """Send one request to each worker of the generation, past port and authentication.

        Returns the HTTP status and the body of the first answer that is not 200,
        otherwise of the last.
        """

    def switch(self, launch: Launch) -> None:
        """Give the traffic to the generation; the one before drains and ends."""

    def discard(self, service_dir: Path, generation: int) -> None:
        """End a generation that does not serve; nothing happens when there is none."""

    def observe(self, service_dir: Path) -> Observation:
        """Report what is there now.

        Raises nothing for a service that is dead, and starts nothing that was
        stopped; what lives without its supervisor gets a new one.
        """

    def stop(self, service_dir: Path, drain_seconds: float) -> None:
        """Drain and end everything of the service; nothing happens when nothing runs."""

    def resume(self, service_dir: Path) -> None:
        """Start the generation again that served last, on the same port, and return at once."""

    def logs(self, service_dir: Path, num_lines: int) -> str:
        """Return the last ``num_lines`` lines that the servers and the supervisor wrote."""
