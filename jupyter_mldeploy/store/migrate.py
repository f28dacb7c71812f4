"""Bring a database to the revision this version of the package works with."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from jupyter_mldeploy.errors import StoreError
from jupyter_mldeploy.store.database import Database
from jupyter_mldeploy.store.storage import may_share_memory
from jupyter_mldeploy.store.tables import REVISION

__all__ = ["MIGRATIONS", "ensure_current", "stored_revision"]

MIGRATIONS = Path(__file__).with_name("migrations")


def ensure_current(database: Database) -> None:
    """Create the database, or migrate it, when it is not at our revision.

    When it is, this is one SELECT, and alembic is never imported. One that a newer version
    wrote can only be read.

    Raises
    ------
    StoreError
        The database is not ours, or cannot be used.
    """
    if database.path.exists() and not may_share_memory(database.path.parent):
        database.use_journal("DELETE")  # it may have come here from a disk of its own
    if database.path.exists() and stored_revision(database) == REVISION:
        return
    with _only_one(database.path):
        revision = stored_revision(database)  # another process may have done it meanwhile
        if revision != REVISION:
            _migrate(database, revision)


def stored_revision(database: Database) -> str | None:
    """Return the revision the database is at; ``None`` when it is empty."""
    try:
        with database.read() as connection:
            row = connection.execute(text("SELECT version_num FROM alembic_version")).first()
    except StoreError as error:
        if isinstance(error.__cause__, OperationalError) and "no such table" in str(error):
            return None
        raise
    return None if row is None else str(row[0])


def _migrate(database: Database, revision: str | None) -> None:
    # Alembic costs about 100 ms to import, and only a new or old database needs it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        # Within a major version migrations only add: what we know of it can be read.
        database.only_read(
            f"The database {database.path} was written by a newer version of jupyter_mldeploy "
            f"(its revision is {revision}, this version knows {REVISION}): here it can be read, "
            "not changed.",
            "Upgrade this environment: pip install --upgrade jupyter_mldeploy",
        )
        return
    if revision is None:
        _refuse_foreign(database)
        if may_share_memory(database.path.parent):
            database.use_journal("WAL")
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _refuse_foreign(database: Database) -> None:
    with database.read() as connection:
        tables = connection.execute(text("SELECT name FROM sqlite_master LIMIT 1")).first()
    if tables is not None:
        raise StoreError(
            f"The database {database.path} holds tables of another program ({tables[0]}, ...).",
            hint="Give a path of its own: MLDEPLOY_DATABASE_URL or database_url=.",
        )


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    """Let one process at a time create or migrate; the file is readable by its owner only."""
    lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # SQLite gives the log files the mode of the database.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        yield
    finally:
        os.close(lock)
