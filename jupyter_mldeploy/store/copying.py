"""Bytes from file to file, as fast as the file system allows, hashed on the way."""

from __future__ import annotations

import fcntl
import hashlib
import os
import queue
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

__all__ = ["Progress", "clone", "copy_hashing", "hash_open_file", "place"]

Progress = Callable[[int], None]
"""Called with the number of bytes that have been handled since the last call."""

# Linux: share the blocks of one file with another until either is written to (btrfs, xfs, ...).
_FICLONE = 0x40049409
_CHUNK = 1 << 20
# Below this a second thread costs more than it brings.
_ALONE = 4 << 20


def clone(source: int, target: int) -> bool:
    """Make open file `target` a reflink of `source`; ``False`` where that is impossible."""
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        return False
    return True


def hash_open_file(source: int, progress: Progress | None = None) -> tuple[str, int]:
    """Read `source` to its end and return its hex SHA-256 and its size in bytes."""
    digest = hashlib.sha256()
    size = 0
    buffer = bytearray(_CHUNK)
    while count := os.readv(source, [buffer]):
        digest.update(memoryview(buffer)[:count])
        size += count
        if progress is not None:
            progress(count)
    return digest.hexdigest(), size


def copy_hashing(
    source: int, target: int, expected: int, progress: Progress | None = None
) -> tuple[str, int]:
    """Copy `source` to `target` in one pass; return the hex SHA-256 and the size in bytes.

    Parameters
    ----------
    source, target
        Open files, both at their beginning.
    expected
        Size of `source`; it decides only whether the hash gets a thread of its own.
    progress
        Called after each chunk.
    """
    digest = hashlib.sha256()
    if expected > _ALONE:
        size = _copy_beside_hash(source, target, digest.update, progress)
        return digest.hexdigest(), size
    size = 0
    buffer = bytearray(min(_CHUNK, expected + 1))
    while count := os.readv(source, [buffer]):
        chunk = memoryview(buffer)[:count]
        digest.update(chunk)
        _write(target, chunk)
        size += count
        if progress is not None:
            progress(count)
    return digest.hexdigest(), size


def _copy_beside_hash(
    source: int, target: int, update: Callable[[memoryview], None], progress: Progress | None
) -> int:
    # Hashing and writing both release the interpreter lock: together they take as
    # long as the slower of the two. Buffers go round between the two threads.
    full: queue.SimpleQueue[tuple[bytearray, int] | None] = queue.SimpleQueue()
    free: queue.SimpleQueue[bytearray] = queue.SimpleQueue()

    def hash_all() -> None:
        while (item := full.get()) is not None:
            buffer, count = item
            update(memoryview(buffer)[:count])
            free.put(buffer)

    for _ in range(3):
        free.put(bytearray(_CHUNK))
    thread = threading.Thread(target=hash_all, name="mldeploy-hash")
    thread.start()
    size = 0
    try:
        while True:
            buffer = free.get()
            count = os.readv(source, [buffer])
            if not count:
                return size
            full.put((buffer, count))
            _write(target, memoryview(buffer)[:count])
            size += count
            if progress is not None:
                progress(count)
    finally:
        full.put(None)
        thread.join()


def _write(target: int, chunk: memoryview) -> None:
    while chunk:
        chunk = chunk[os.write(target, chunk) :]


def place(source: Path, target: Path, *, mode: int, link: bool, reflink: bool) -> bool:
    """Put the content of `source` at `target`, which must not exist.

    Parameters
    ----------
    mode
        Permission bits of `target`, unless it becomes a hard link.
    link
        Whether it may be a hard link: the two are then one file, read-only for good.
    reflink
        Whether to try a reflink first.

    Returns
    -------
    bool
        Whether a reflink was possible: callers with many files stop trying when not.
    """
    if reflink:
        with source.open("rb") as reader, target.open("xb") as writer:
            if clone(reader.fileno(), writer.fileno()):
                os.fchmod(writer.fileno(), mode)
                return True
        target.unlink()
    if link:
        try:
            os.link(source, target)
        except FileExistsError:
            raise
        except OSError:
            pass  # another file system, no hard links there, or too many of this file
        else:
            return False
    with source.open("rb") as reader, target.open("xb") as writer:
        shutil.copyfileobj(reader, writer, _CHUNK)
        os.fchmod(writer.fileno(), mode)
    return False
