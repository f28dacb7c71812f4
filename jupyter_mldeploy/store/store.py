"""The store of one home: its database and its files, opened together."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from sqlalchemy import URL, select

from jupyter_mldeploy.errors import StoreError
from jupyter_mldeploy.store.copying import Progress
from jupyter_mldeploy.store.database import Database
from jupyter_mldeploy.store.files import Files, MissingContentError
from jupyter_mldeploy.store.migrate import ensure_current
from jupyter_mldeploy.store.models import Models
from jupyter_mldeploy.store.operations import Operations
from jupyter_mldeploy.store.records import ModelRecord
from jupyter_mldeploy.store.services import Services
from jupyter_mldeploy.store.tables import model_files
from jupyter_mldeploy.store.workspaces import Workspaces

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Removed", "Store"]

_ATTEMPTS = 5
_BATCH = 200


@dataclass(frozen=True, slots=True)
class Removed:
    """What a clean-up removed: number of files, and their bytes together."""

    files: int
    size: int


class Store:
    """Everything that one home remembers. Open it with :meth:`open`; close it, or use ``with``.

    Attributes
    ----------
    home
        The folder; rows hold paths relative to it.
    database_url, artifact_url
        As they were given; ``None`` where the home's own are used.
    workspaces, models, services, operations
        The repositories.
    files
        The content store.
    """

    def __init__(self, home: Path, database_url: str | None, artifact_url: str | None) -> None:
        self.home = home
        self.database_url = database_url
        self.artifact_url = artifact_url
        own = URL.create("sqlite", database=str(home / "mldeploy.db"))
        self.database = Database(database_url or own)
        self.files = Files(home / "artifacts" if artifact_url is None else _folder(artifact_url))
        self.workspaces = Workspaces(self.database)
        self.models = Models(self.database)
        self.services = Services(self.database)
        self.operations = Operations(self.database)

    @classmethod
    def open(
        cls,
        home: str | os.PathLike[str],
        database_url: str | None = None,
        artifact_url: str | None = None,
    ) -> Store:
        """Open the store of a home; make both when they do not exist.

        Parameters
        ----------
        home
            Folder; a new one is made for its owner only (0700).
        database_url
            ``sqlite:////absolute/path``; by default ``mldeploy.db`` in the home.
        artifact_url
            Folder of the content store, as a path or ``file://`` URL; by default ``artifacts``
            in the home.

        Raises
        ------
        StoreError
            It cannot be made or read.
        """
        folder = Path(home).expanduser().absolute()
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StoreError(
                f"The folder {folder} cannot be made: {error.strerror}.",
                hint="Set MLDEPLOY_HOME to a folder that you may write to.",
            ) from error
        store = cls(folder, database_url, artifact_url)
        try:
            ensure_current(store.database)
            store.files.remove_abandoned()
        except BaseException:
            store.close()
            raise
        return store

    def register_model(
        self,
        workspace_id: int,
        name: str,
        path: Path,
        *,
        created_by: str,
        child_paths: list[str] | None = None,
        progress: Progress | None = None,
        **fields: Any,
    ) -> ModelRecord:
        """Copy a file or folder into the store and add it as the next version of a model.

        A death on the way leaves contents that nothing refers to, never a row without them.

        Parameters
        ----------
        **fields
            As in :meth:`Models.register`.
        """
        self.database.require_writable()
        self.files.remove_abandoned()
        for attempt in range(1, _ATTEMPTS + 1):
            files = self.files.add_tree(path, child_paths, progress)
            try:
                # A clean-up holds the write lock while it removes: inside the transaction
                # what is there stays there.
                return self.models.register(
                    workspace_id,
                    name,
                    files=files,
                    created_by=created_by,
                    before=lambda files=files: self.files.require(files),  # type: ignore[misc]
                    **fields,
                )
            except MissingContentError:
                if attempt == _ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    def remove_unreferenced(
        self, min_age: float = 3600.0, among: Iterable[str] | None = None
    ) -> Removed:
        """Remove contents that no model refers to.

        Safe beside registrations: they look, under the same lock, whether their contents are
        still there, and add them again when not.

        Parameters
        ----------
        min_age
            Seconds since a content was last added; spares a registration the second copy.
        among
            Only these; by default all.
        """
        before = time.time() - min_age
        files = size = 0
        contents = self.files.contents() if among is None else iter(among)
        while batch := list(islice(contents, _BATCH)):
            with self.database.write() as connection:
                query = select(model_files.c.sha256).where(model_files.c.sha256.in_(batch))
                used = set(connection.scalars(query))
                for each in batch:
                    removed = None if each in used else self.files.remove(each, before)
                    if removed is not None:
                        files += 1
                        size += removed
        return Removed(files, size)

    def unreferenced(self, min_age: float = 3600.0) -> Removed:
        """Return what :meth:`remove_unreferenced` would remove now."""
        before = time.time() - min_age
        with self.database.read() as connection:
            used = set(connection.scalars(select(model_files.c.sha256)))
        sizes = []
        for each in self.files.contents():
            with suppress(FileNotFoundError):
                status = self.files.path_of(each).stat()
                if each not in used and status.st_mtime <= before:
                    sizes.append(status.st_size)
        return Removed(len(sizes), sum(sizes))

    def close(self) -> None:
        """Close the database's connections; the store may be used again."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Store({str(self.home)!r})"


def _folder(url: str) -> Path:
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.netloc in {"", "localhost"}:
        return Path(unquote(parts.path)).absolute()
    if "://" not in url:
        return Path(url).expanduser().absolute()
    raise StoreError(
        f"This version keeps model files in a folder, not at {parts.scheme}://.",
        hint="Set MLDEPLOY_ARTIFACT_URL to a path or a file:// URL, or leave it out.",
    )
