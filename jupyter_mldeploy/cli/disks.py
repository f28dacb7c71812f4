"""What a folder's file system is and can do."""

from __future__ import annotations

import errno
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

__all__ = ["NETWORK_KINDS", "can_reflink", "existing_parent", "free_bytes", "kind_of"]

NETWORK_KINDS = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "9p",
        "afs",
        "ceph",
        "lustre",
        "gpfs",
        "fuse.sshfs",
        "fuse.s3fs",
        "fuse.gcsfuse",
        "fuse.blobfuse2",
        "fuse.glusterfs",
    }
)
"""Kinds of file system on which other machines may write as well."""

# From linux/fs.h: share the blocks of another file.
_FICLONE = 0x40049409


def existing_parent(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    return next(each for each in (folder, *folder.parents) if each.is_dir())


def free_bytes(folder: Path) -> int:
    """Return what this user may still write there, in bytes."""
    return shutil.disk_usage(folder).free


def kind_of(folder: Path, mountinfo: Path = Path("/proc/self/mountinfo")) -> str:
    """Return the kind of file system a folder is on, e.g. ``ext4``; empty when unknown."""
    try:
        lines = mountinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    place = folder.resolve()
    best, kind = -1, ""
    for line in lines:
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if len(fields) < 5 or not after:
            continue
        point = re.sub(r"\\(\d{3})", lambda found: chr(int(found[1], 8)), fields[4])
        # A later mount at the same place hides the earlier one.
        if len(point) >= best and place.is_relative_to(point):
            best, kind = len(point), after.split(" ")[0]
    return kind


def can_reflink(folder: Path) -> bool | None:
    """Tell whether files there can share blocks, so that a copy costs nothing.

    Tries it with two files without names.

    Returns
    -------
    bool or None
        ``None`` when it cannot be tried.
    """
    if sys.platform != "linux":
        return None
    import fcntl  # noqa: PLC0415 -- not on every platform

    try:
        with tempfile.TemporaryFile(dir=folder) as one, tempfile.TemporaryFile(dir=folder) as two:
            one.write(b"x" * 4096)
            one.flush()
            fcntl.ioctl(two.fileno(), _FICLONE, one.fileno())
    except OSError as error:
        if error.errno in {errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL, errno.ENOSYS}:
            return False
        return None
    return True


def writable(folder: Path) -> str:
    """Return an empty string when this user may write there, else why not."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return os.strerror(error.errno) if error.errno else str(error)
