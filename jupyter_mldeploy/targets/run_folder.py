"""Where control sockets live: a short folder of this user on a local disk.

Not in the home: a socket's path may have about 100 bytes, and a home may be on NFS.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from jupyter_mldeploy.errors import RunEnvironmentException

__all__ = ["LONGEST", "run_folder"]

# macOS allows 103 bytes for the path of a socket, Linux 107; its name here needs 33 at
# most ("/", 12 of the service's id, ".GENERATION.SLOT.sock").
LONGEST = 66


def run_folder() -> Path:
    """Return the folder, made when it is not there: mode 0700 and owned by this user.

    ``/tmp/mldeploy-<uid>``, or the absolute path in ``MLDEPLOY_RUN_DIR``. Not
    ``$XDG_RUNTIME_DIR``: that folder goes with the user's last login, and services stay.
    Not ``$TMPDIR``: it may be long, and differs between processes of one user.

    Raises
    ------
    RunEnvironmentException
        It cannot be used; the message says why.
    """
    chosen = os.environ.get("MLDEPLOY_RUN_DIR", "")
    # In /tmp anybody may have made it: owner, kind and mode are checked.
    folder = Path(chosen) if chosen else Path("/tmp") / f"mldeploy-{os.getuid()}"  # noqa: S108
    problem = _prepare(folder)
    if not problem and len(os.fsencode(folder)) > LONGEST:
        problem = f"its path has more than {LONGEST} bytes"
    if problem:
        raise RunEnvironmentException(
            f"Control sockets cannot be kept in {folder}: {problem}.",
            hint="Remove it, or set MLDEPLOY_RUN_DIR to the absolute path of a short folder on "
            "a local disk that only you can use.",
        )
    return folder


def _prepare(folder: Path) -> str:
    """Make the folder; return an empty string or why it cannot be used."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except FileExistsError:
        return "it is not a folder"
    except OSError as error:
        return f"{error.strerror}"
    problem = _why_not(folder)
    if not problem and stat.S_IMODE(folder.lstat().st_mode) != 0o700:
        folder.chmod(0o700)
    return problem


def _why_not(folder: Path) -> str:
    try:
        found = folder.lstat()
    except OSError as error:
        return f"{error.strerror}"
    if not stat.S_ISDIR(found.st_mode):
        return "it is not a folder"
    if found.st_uid != os.getuid():
        return f"it belongs to user {found.st_uid}"
    if not folder.is_absolute():
        return "its path is relative"
    return "" if os.access(folder, os.W_OK | os.X_OK) else "it is not writable"
