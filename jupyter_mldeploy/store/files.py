"""The content store: every content once, under the name of its SHA-256, never changed."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from jupyter_mldeploy.errors import StoreError, UserErrorException
from jupyter_mldeploy.store.copying import (
    Progress,
    clone,
    copy_hashing,
    hash_open_file,
    place,
)
from jupyter_mldeploy.store.records import FileEntry
from jupyter_mldeploy.store.tree import files_under

__all__ = ["Files", "MissingContentError", "StoredFile"]


class MissingContentError(StoreError):
    """A file that a model should be made of is not in the content store."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A content in the store: hex SHA-256 and size in bytes."""

    sha256: str
    size: int


class Files:
    """Add contents, find them and put them where they are used.

    Parameters
    ----------
    root
        Folder of the store. Contents are ``sha256/ab/ab12...`` in it, with mode 0444; what is
        being written is in ``tmp``, locked by its writer for as long as it lives.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._contents = root / "sha256"
        self._temporary = root / "tmp"

    def path_of(self, sha256: str) -> Path:
        """Return where that content is kept, whether or not it is there."""
        return self._contents / sha256[:2] / sha256

    def add_tree(
        self,
        path: Path,
        child_paths: Sequence[str] | None = None,
        progress: Progress | None = None,
    ) -> list[FileEntry]:
        """Add a file, or all files of a folder; see :func:`.tree.files_under`.

        Raises
        ------
        UserErrorException
            What stands there cannot be a model, or changed while it was read.
        StoreError
            The store cannot be written to.
        """
        entries = []
        for name, file in files_under(path, child_paths):
            stored, mode = self._add(file, progress)
            entries.append(FileEntry(name, stored.sha256, stored.size, mode))
        return entries

    def add_file(self, path: Path, progress: Progress | None = None) -> StoredFile:
        """Copy a file into the store, unless its content is there, and hash it on the way.

        The copy shares no block list that its owner may change: it is a reflink where the
        file system has those, else a true copy, and never a hard link.

        Raises
        ------
        UserErrorException
            The file cannot be read, or it changed meanwhile.
        StoreError
            The store cannot be written to.
        """
        return self._add(path, progress)[0]

    def _add(self, path: Path, progress: Progress | None) -> tuple[StoredFile, int]:
        try:
            source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise UserErrorException(
                f"{path} cannot be read: {error.strerror}.", hint="Check its permissions."
            ) from error
        try:
            before = os.fstat(source)
            with self._writing() as (target, temporary):
                if clone(source, target):
                    # The clone cannot change any more: what is hashed is what is kept.
                    stored = StoredFile(*hash_open_file(target, progress))
                else:
                    copied = copy_hashing(source, target, before.st_size, progress)
                    stored = StoredFile(*copied)
                    after = os.fstat(source)
                    if stored.size != before.st_size or after.st_mtime_ns != before.st_mtime_ns:
                        raise UserErrorException(
                            f"{path} changed while it was being registered.",
                            hint="Wait until it is written completely, then register it again.",
                        )
                self._keep(target, temporary, stored)
        finally:
            os.close(source)
        return stored, before.st_mode & 0o777

    @contextmanager
    def _writing(self) -> Iterator[tuple[int, Path]]:
        """Give a new open file and its path; remove it when the block left it there."""
        try:
            target, temporary = self._new_temporary()
            try:
                yield target, temporary
            finally:
                with suppress(FileNotFoundError):
                    temporary.unlink()
                os.close(target)
        except OSError as error:
            full = error.errno in {errno.ENOSPC, errno.EDQUOT}
            raise StoreError(
                f"The content store {self.root} cannot be written to: {error.strerror}.",
                hint="Free some disk space." if full else "Check its permissions.",
            ) from error

    def _new_temporary(self) -> tuple[int, Path]:
        """Return a new open file, locked, and its path."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        while True:
            temporary = self._temporary / secrets.token_hex(16)
            try:
                target = os.open(temporary, flags, 0o600)
            except FileNotFoundError:
                self._temporary.mkdir(parents=True, exist_ok=True, mode=0o700)
                target = os.open(temporary, flags, 0o600)
            # The kernel gives the lock back when its owner dies: no pid to mistake.
            fcntl.flock(target, fcntl.LOCK_EX)
            if os.fstat(target).st_nlink:
                return target, temporary
            os.close(target)  # a clean-up came between the two and took it for abandoned

    def _keep(self, target: int, temporary: Path, stored: StoredFile) -> None:
        final = self.path_of(stored.sha256)
        if self._touch(final, stored.size):
            return
        os.fchmod(target, 0o444)
        try:
            temporary.rename(final)
        except FileNotFoundError:
            final.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            temporary.rename(final)

    def _touch(self, final: Path, size: int) -> bool:
        """Say that a content is wanted now; ``False`` when it is not there, or damaged."""
        try:
            if final.stat().st_size != size:
                return False
            os.utime(final)
        except FileNotFoundError:
            return False
        except PermissionError:
            pass  # another user's file in a shared store: there, and theirs to date
        return True

    def require(self, entries: Iterable[FileEntry]) -> None:
        """Check that every content is there in its full size.

        Raises
        ------
        MissingContentError
            One is not.
        """
        for entry in entries:
            self._checked(entry)

    def _checked(self, entry: FileEntry) -> Path:
        source = self.path_of(entry.sha256)
        try:
            size = source.stat().st_size
        except FileNotFoundError:
            size = None
        if size != entry.size:
            what = "is missing" if size is None else f"has {size} bytes instead of {entry.size}"
            raise MissingContentError(
                f"The content of {entry.path} {what} in the store: {source}.",
                hint="Restore that file from a backup, or register the model again.",
            )
        return source

    def _verify(self, source: Path, entry: FileEntry) -> None:
        """Hash a content; one that has changed is moved aside, so that it can be added again."""
        with source.open("rb", buffering=0) as file:
            if hash_open_file(file.fileno())[0] == entry.sha256:
                return
        damaged = self.root / "damaged" / entry.sha256
        damaged.parent.mkdir(mode=0o700, exist_ok=True)
        source.replace(damaged)
        raise MissingContentError(
            f"The content of {entry.path} was changed in the store after it was registered; it "
            f"was moved to {damaged}.",
            hint="Register the model again from its original file, or restore "
            f"{source} from a backup.",
        )

    def materialise(
        self,
        entries: Iterable[FileEntry],
        dest: Path,
        *,
        link: bool = True,
        overwrite: bool = False,
    ) -> None:
        """Put files under `dest`, each at its path.

        Parameters
        ----------
        link
            ``True``: for reading. Files are mode 0444 (0555 where executable), as reflinks,
            else hard links of the store's files, else copies. ``False``: for the user to keep
            and change. Files are their owner's to write, never hard links.
        overwrite
            Replace files that are there.

        Raises
        ------
        MissingContentError
            A content is missing, or is not any more what was registered: it is hashed on the
            way out.
        FileExistsError
            A file is there, without `overwrite`.
        """
        reflink = True
        made: set[Path] = set()
        for entry in entries:
            source = self._checked(entry)
            self._verify(source, entry)
            target = dest / entry.path
            if target.parent not in made:
                target.parent.mkdir(parents=True, exist_ok=True)
                made.add(target.parent)
            if overwrite:
                target.unlink(missing_ok=True)
            executable = entry.mode & 0o111
            # All hard links of a content have one mode: an executable needs a file of its own.
            mode = 0o444 | executable if link else (entry.mode | 0o600) & 0o777
            reflink = place(
                source, target, mode=mode, link=link and not executable, reflink=reflink
            )

    def contents(self) -> Iterator[str]:
        """Yield the SHA-256 of every content in the store."""
        if self._contents.is_dir():
            for folder in sorted(self._contents.iterdir()):
                yield from sorted(os.listdir(folder))  # noqa: PTH208  (names, not paths)

    def remove(self, sha256: str, unused_since: float) -> int | None:
        """Remove a content that nobody touched since then (epoch seconds).

        Returns
        -------
        int or None
            Its size in bytes; ``None`` when it stays or is gone already.
        """
        path = self.path_of(sha256)
        with suppress(FileNotFoundError):
            status = path.stat()
            if status.st_mtime <= unused_since:
                path.unlink()
                return status.st_size
        return None

    def remove_abandoned(self) -> int:
        """Remove what writers that died have left half written; return how many files."""
        try:
            names = os.listdir(self._temporary)  # noqa: PTH208  (names, not paths)
        except OSError:
            return 0
        return sum(self._remove_if_abandoned(self._temporary / name) for name in names)

    def _remove_if_abandoned(self, path: Path) -> bool:
        with suppress(OSError):
            file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            finally:
                os.close(file)
            return True
        return False
