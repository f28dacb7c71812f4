"""Whether a port can be had, and who has it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from jupyter_mldeploy.errors import Fix, Problem, WebserviceException
from jupyter_mldeploy.serving.supervisor.sockets import PortTakenError, claim

__all__ = ["describe_owner", "require_free", "taken"]

_LISTENING = "0A"


def require_free(host: str, port: int) -> None:
    """Raise when a service could not listen there now.

    Raises
    ------
    WebserviceException
        Status 409; the message names the port and, where the system lets us see
        it, the process that has it.
    """
    try:
        claim(host, port).close()
    except PortTakenError as error:
        raise taken(str(error), port) from None


def taken(message: str, port: int) -> WebserviceException:
    """Return the error for a port that cannot be had."""
    owner = describe_owner(port)
    if owner:
        message = f"{message.removesuffix('.')}: {owner}."
    problem = Problem(
        what=message,
        hint="Choose another port in the deployment configuration, or leave it out to get a free "
        "one, or end that process.",
        kind="WebserviceException",
        fix=Fix("other_port", {"port": port}),
    )
    return WebserviceException(message, 409, problem=problem)


def describe_owner(port: int) -> str:
    """Return ``command (pid N)`` of the process that listens on ``port``; empty when unknown."""
    if not sys.platform.startswith("linux"):
        return ""
    inodes = _listening_inodes(port)
    if not inodes:
        return ""
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for pid in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208 - many of them
        if _holds(pid, wanted):
            command = _command(pid)
            return f"{command} (pid {pid})" if command else f"pid {pid}"
    return ""


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(fields[9])
    return inodes


def _holds(pid: str, wanted: set[str]) -> bool:
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)  # noqa: PTH208
    except OSError:  # another user's, or it ended meanwhile
        return False
    for name in names:
        try:
            if os.readlink(f"{folder}/{name}") in wanted:  # noqa: PTH115
                return True
        except OSError:
            continue
    return False


def _command(pid: str) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return ""
    text = " ".join(word for word in words if word)
    return text if len(text) <= 80 else text[:77] + "..."
