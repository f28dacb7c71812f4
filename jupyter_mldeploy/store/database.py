"""The connection to the database: how it is opened, how a read and a write begin and end."""

from __future__ import annotations

import os
import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import Pool

from jupyter_mldeploy.errors import MLDeployError, StoreError

__all__ = ["Database"]

_BUSY_SECONDS = 30

# SQLite's words that users would take for something else.
_SAID = {"database is locked": "another process is writing to it"}

_databases: weakref.WeakSet[Database] = weakref.WeakSet()
_inherited: list[Pool] = []


class Database:
    """An open database.

    Connections are kept, not made anew for each transaction: closing the last
    connection of an SQLite file moves its whole write-ahead log with two fsyncs.
    They may be used from any thread. A forked child never touches those of its parent.

    Parameters
    ----------
    url
        SQLAlchemy URL. This version works with ``sqlite:///`` and an absolute path.

    Raises
    ------
    StoreError
        The URL cannot be read or names another kind of database.
    """

    def __init__(self, url: str | URL) -> None:
        self.url = _checked(url)
        self.path = Path(self.url.database or "")
        self._engine = create_engine(self.url, connect_args={"timeout": _BUSY_SECONDS})
        event.listen(self._engine, "connect", _prepare)
        event.listen(self._engine, "begin", _begin)
        self._refusal: StoreError | None = None
        self._writer = self._engine.execution_options(immediate=True)
        _databases.add(self)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database until the block ends."""
        with self._transaction(self._engine) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection that alone may write until the block ends (BEGIN IMMEDIATE).

        Raises
        ------
        StoreError
            It cannot be written to, or :meth:`only_read` was called.
        """
        self.require_writable()
        with self._transaction(self._writer) as connection:
            yield connection

    def only_read(self, why: str, hint: str) -> None:
        """Refuse to write from now on, with that sentence and that way out."""
        self._refusal = StoreError(why, hint=hint)

    def require_writable(self) -> None:
        """Raise what :meth:`only_read` was given, if it was."""
        if self._refusal is not None:
            raise StoreError(self._refusal.message, hint=self._refusal.hint)

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Connection]:
        try:
            with engine.begin() as connection:
                yield connection
        except (IntegrityError, MLDeployError):
            raise  # has a meaning that only the repository, or the caller, knows
        except ValueError as error:  # a column that holds no JSON, no time, ...
            raise StoreError(
                f"The database {self.path} holds a record that cannot be read: {error}.",
                hint="Restore a copy of that file, or move it away and begin anew.",
            ) from error
        except SQLAlchemyError as error:
            cause = str(getattr(error, "orig", None) or error)
            said = _SAID.get(cause, cause)
            raise StoreError(
                f"The database {self.path} could not be used: {said}", hint=_hint(cause)
            ) from error

    def use_journal(self, mode: str) -> None:
        """Set the journal mode, ``WAL`` or ``DELETE``. It is kept in the file."""
        # Not in a transaction; and what was agreed about fsyncs depends on it.
        raw = self._engine.raw_connection()
        try:
            raw.execute(f"PRAGMA journal_mode={mode}")
        except sqlite3.OperationalError as error:
            raise StoreError(
                f"The database {self.path} could not be used: {error}", hint=_hint(str(error))
            ) from error
        finally:
            raw.close()
        self._engine.dispose()

    def close(self) -> None:
        """Close the connections. The object opens new ones if it is used again."""
        self._engine.dispose()

    def leave_to_parent(self) -> None:
        """Forget, in a forked child, the connections of the parent without closing them."""
        _inherited.append(self._engine.pool)
        self._engine.dispose(close=False)


def _checked(url: str | URL) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError(
            f"The database URL {url!r} cannot be read.",
            hint="Write it as sqlite:////absolute/path/mldeploy.db, or leave it out.",
        ) from error
    if parsed.get_backend_name() != "sqlite":
        raise StoreError(
            f"This version keeps its records in SQLite, not in {parsed.get_backend_name()}.",
            hint="Leave MLDEPLOY_DATABASE_URL out, or give sqlite:////absolute/path/mldeploy.db.",
        )
    if not parsed.database or not os.path.isabs(parsed.database):  # noqa: PTH117
        raise StoreError(
            f"The database URL {url!r} names no absolute path.",
            hint="Write it with four slashes: sqlite:////absolute/path/mldeploy.db.",
        )
    return parsed


def _prepare(dbapi_connection: Any, record: object) -> None:  # noqa: ARG001
    # The driver must not open transactions by its own rules: `_begin` does.
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    if cursor.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
        # With a write-ahead log: no fsync a commit, and still never a broken database.
        cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later can fail halfway in SQLite;
    # one that says so at its start waits its turn.
    immediate = connection.get_execution_options().get("immediate")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _hint(cause: str) -> str:
    if "locked" in cause or "busy" in cause:
        return (
            f"Another process has been writing for more than {_BUSY_SECONDS} s; "
            "end it, then try again."
        )
    if "readonly" in cause or "unable to open" in cause:
        return "Check that you may write there, or set MLDEPLOY_HOME to a folder of yours."
    if "full" in cause:
        return "Free some disk space, then try again."
    if "malformed" in cause or "not a database" in cause:
        return "The file is damaged or is not ours; move it away or restore a copy of it."
    return "Run `mldeploy doctor` to see what this machine allows."


def _after_fork() -> None:
    for database in list(_databases):
        database.leave_to_parent()


os.register_at_fork(after_in_child=_after_fork)
