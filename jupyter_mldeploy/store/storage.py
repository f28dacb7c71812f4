"""On what kind of storage a folder is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

__all__ = ["file_system_of", "may_share_memory"]

# SQLite's write-ahead log needs memory that all its users share. On storage that other machines
# (or the machine that hosts this one) write to as well, it loses data without a word.
_SHARED = frozenset(
    {
        "9p",
        "afs",
        "afpfs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "prl_fs",
        "smb2",
        "smb3",
        "smbfs",
        "vboxsf",
        "virtiofs",
        "vmhgfs",
        "webdav",
    }
)


def may_share_memory(folder: Path) -> bool:
    """Tell whether a write-ahead log may be used in a folder that exists."""
    kind = file_system_of(folder)
    return kind not in _SHARED and kind.partition(".")[0] not in {"fuse", "macfuse", "osxfuse"}


def file_system_of(folder: Path) -> str:
    """Return the kind of file system, as ``mount`` writes it; empty when that is unknown.

    Python has no ``statfs``; the mount table says the same, with names instead of numbers.
    """
    real = folder.resolve()
    try:
        mounts = _linux() if sys.platform.startswith("linux") else _others()
    except OSError:
        return ""
    found = ""
    for point, kind in mounts:
        # The last one wins: it is mounted over those before it.
        if (point == real or point in real.parents) and len(point.parts) >= len(Path(found).parts):
            found, answer = str(point), kind
    return answer if found else ""


def _linux() -> list[tuple[Path, str]]:
    mounts = []
    for line in os.fsdecode(Path("/proc/self/mountinfo").read_bytes()).splitlines():
        before, _, after = line.partition(" - ")
        point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), before.split(" ")[4])
        mounts.append((Path(point), after.split(" ")[0]))
    return mounts


def _others() -> list[tuple[Path, str]]:
    # As macOS writes it: a share, "on", where it is mounted, its kind and options in brackets.
    said = subprocess.run(["/sbin/mount"], capture_output=True, text=True, check=False).stdout
    mounts = []
    for line in said.splitlines():
        place, _, options = line.rpartition(" (")
        mounts.append((Path(place.partition(" on ")[2]), options.partition(",")[0].rstrip(")")))
    return mounts
