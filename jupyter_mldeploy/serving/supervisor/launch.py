"""Start a server process with exactly the descriptors it should have."""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["end_group", "reap", "spawn"]


def spawn(
    python: str, argv: Sequence[str], cwd: str, env: Mapping[str, str], fds: Sequence[int]
) -> int:
    """Start ``python`` in a session of its own and return its pid.

    It inherits ``fds`` under their numbers, reads nothing, and writes where
    this process writes. Everything else here is close-on-exec.

    Raises
    ------
    OSError
        The folder or the program is not there or may not be used.
    """
    failure, report = os.pipe()
    pid = os.fork()
    if pid == 0:  # pragma: no cover - no coverage in a forked child
        try:
            os.setsid()
            for signum in (signal.SIGPIPE, signal.SIGXFSZ):
                signal.signal(signum, signal.SIG_DFL)  # Python ignores these two
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.chdir(cwd)
            for fd in fds:
                os.set_inheritable(fd, True)
            os.execve(python, list(argv), dict(env))  # noqa: S606 - no shell wanted
        except OSError as error:
            os.write(report, f"{error.errno or 0} {error.filename or python}".encode())
        finally:
            os._exit(127)
    os.close(report)
    # Ends empty when the exec has happened: the other end is close-on-exec.
    with os.fdopen(failure, "rb") as pipe:
        said = pipe.read().decode()
    if said:
        os.waitpid(pid, 0)
        number, _, filename = said.partition(" ")
        raise OSError(int(number), os.strerror(int(number)), filename)
    return pid


def reap(pid: int) -> int | None:
    """Return the wait status of an ended child and take its left-over children along.

    ``None`` while it runs. The group is ended before the child is reaped: until
    then nobody else can get its number.
    """
    if hasattr(os, "waitid"):
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return None
        end_group(pid)
    found, status = os.waitpid(pid, os.WNOHANG)
    return status if found else None


def end_group(pid: int) -> None:
    """Kill what is left of the process group that ``pid`` led."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # empty; macOS says so for zombies
        return
