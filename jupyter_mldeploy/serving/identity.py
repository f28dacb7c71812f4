"""Who a process is: host, boot, pid namespace, pid and kernel start time, never the pid alone.

A pid is used again, a home may be shared by two hosts, and two containers count
their pids separately. Only someone in the same place may say that a process is
dead; to everybody else it is unknown.

Part of the island: standard library only, and few modules of it, because the
supervisor holds this in memory for as long as a service lives (``dataclasses``
alone would cost it 3 MB).
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Identity"]

_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_DEAD_STATES = "ZXx"


class Identity:
    """One process, told apart from every other there ever was.

    Parameters
    ----------
    host
        Node name of the machine or container.
    boot_id
        The kernel's random id of this boot (Linux), the boot time (macOS).
    pid_namespace
        ``pid:[N]`` on Linux, empty where there are none.
    pid
        Process id in that namespace.
    start_ticks
        When the kernel started it: clock ticks since boot on Linux, seconds
        since the epoch elsewhere.
    """

    __slots__ = ("boot_id", "host", "pid", "pid_namespace", "start_ticks")

    def __init__(
        self, host: str, boot_id: str, pid_namespace: str, pid: int, start_ticks: int
    ) -> None:
        self.host = host
        self.boot_id = boot_id
        self.pid_namespace = pid_namespace
        self.pid = pid
        self.start_ticks = start_ticks

    @classmethod
    def of(cls, pid: int | None = None) -> Identity:
        """Return the identity of ``pid`` in this place, by default of this process.

        Raises
        ------
        ProcessLookupError
            There is no such process.
        """
        pid = os.getpid() if pid is None else pid
        found = _look(pid)
        if found is None:
            raise ProcessLookupError(f"there is no process {pid}")
        host, boot_id, namespace = _place()
        return cls(host, boot_id, namespace, pid, found[1])

    def is_same_place(self) -> bool:
        """Tell whether that process, if it lives, can be seen from here."""
        _, boot_id, namespace = _place()
        return self.boot_id == boot_id and self.pid_namespace == namespace

    def alive(self) -> bool | None:
        """Tell whether it runs; ``None`` when that cannot be known from here.

        A zombie is dead. After a reboot of this host everything of the boot
        before is dead. On another host or in another pid namespace of the same
        kernel it cannot be known.
        """
        if not self.is_same_place():
            host, boot_id, _ = _place()
            return False if self.host == host and self.boot_id != boot_id else None
        found = _look(self.pid)
        return found is not None and found[0] not in _DEAD_STATES and found[1] == self.start_ticks

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a JSON-able dictionary."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Identity:
        """Read what :meth:`to_dict` wrote; unknown keys (a newer writer's) are ignored."""
        return cls(
            host=str(data["host"]),
            boot_id=str(data["boot_id"]),
            pid_namespace=str(data["pid_namespace"]),
            pid=int(data["pid"]),
            start_ticks=int(data["start_ticks"]),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identity) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.boot_id, self.pid_namespace, self.pid, self.start_ticks))

    def __repr__(self) -> str:
        return f"Identity(host={self.host!r}, pid={self.pid}, start_ticks={self.start_ticks})"


def _place() -> tuple[str, str, str]:
    """Return host, boot id and pid namespace of the caller; read anew, they are cheap."""
    host = os.uname().nodename
    if not sys.platform.startswith("linux"):
        return host, _output_of("sysctl", "-n", "kern.boottime"), ""
    with open(_BOOT_ID, encoding="ascii") as file:  # noqa: PTH123 - pathlib costs memory
        return host, file.read().strip(), os.readlink("/proc/self/ns/pid")  # noqa: PTH115


def _look(pid: int) -> tuple[str, int] | None:
    """Return (state letter, start time) of ``pid``, or ``None`` when there is no such process."""
    if not sys.platform.startswith("linux"):
        return _look_with_ps(pid)
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
            stat = file.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the command name in brackets and may itself hold brackets and spaces.
    fields = stat[stat.rindex(b")") + 2 :].split()
    state, threads, start_ticks = fields[0].decode("ascii"), int(fields[17]), int(fields[19])
    if state in _DEAD_STATES and threads > 1:
        # Only its first thread has ended: the others still hold its files and its port.
        state = "R"
    return state, start_ticks


def _look_with_ps(pid: int) -> tuple[str, int] | None:
    import time  # noqa: PLC0415 - not needed on Linux

    state, _, started = _output_of("ps", "-o", "state=,lstart=", "-p", str(pid)).partition(" ")
    if not started:
        return None
    return state[:1], int(time.mktime(time.strptime(started.strip())))


def _output_of(*argv: str) -> str:
    import subprocess  # noqa: PLC0415 - not needed on Linux, where it would cost 3 MB

    environment = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment)
    return done.stdout.strip()
