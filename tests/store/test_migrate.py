"""Creation, migration and refusal of databases."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import StaticPool

from jupyter_mldeploy.errors import StoreError
from jupyter_mldeploy.store import Store
from jupyter_mldeploy.store.tables import metadata


def test_migrations_build_what_the_tables_say(store: Store) -> None:
    with store.database.read() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []


def test_a_table_that_no_migration_builds_would_be_seen(store: Store) -> None:
    with store.database.write() as connection:
        connection.execute(text("DROP TABLE model_tags"))
    with store.database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata)


def test_migrations_write_the_same_sql_as_the_tables(store: Store) -> None:
    # compare_metadata looks neither at the names of keys nor at partial indexes.
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.begin() as connection:
        metadata.create_all(connection)
        wanted = _statements(connection)
    engine.dispose()
    with store.database.read() as connection:
        built = _statements(connection)
    del built["alembic_version"]
    assert built == wanted


def _statements(connection: Connection) -> dict[str, set[str]]:
    rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
    return {
        row.name: {line.strip(" \t,") for line in row.sql.splitlines()} - {"", ")"}
        for row in rows
        if not row.name.startswith("sqlite_")
    }


def test_home_and_database_are_private(store: Store, home: Path) -> None:
    store.workspaces.create("x")
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    for name in ("mldeploy.db", "mldeploy.db-wal", "mldeploy.db-shm"):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600


def test_connections_have_the_agreed_settings(store: Store) -> None:
    with store.database.read() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
        }
    assert settings == {
        "journal_mode": "wal",
        "foreign_keys": 1,
        "synchronous": 1,
        "busy_timeout": 30000,
    }


def test_opening_a_current_database_does_not_import_alembic(store: Store, home: Path) -> None:
    store.close()
    code = (
        "import sys\n"
        "from jupyter_mldeploy.store import Store\n"
        f"Store.open({str(home)!r}).close()\n"
        "print([name for name in ('alembic', 'sqlalchemy.orm') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"


def test_a_newer_database_can_be_read_and_a_write_names_the_upgrade(
    store: Store, home: Path, model_file: Path
) -> None:
    workspace = store.workspaces.create("team")
    store.register_model(workspace.id, "m", model_file, created_by="me")
    with store.database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with Store.open(home) as older:
        assert older.models.get(workspace.id, "m").version == 1
        before = sorted(older.files.contents())
        model_file.write_text("another")
        for write in (
            lambda: older.register_model(workspace.id, "m", model_file, created_by="me"),
            lambda: older.workspaces.create("another"),
            lambda: older.operations.create(workspace.id, "deploy", "svc", created_by="me"),
        ):
            with pytest.raises(StoreError, match="newer version") as raised:
                write()
            assert "pip install --upgrade jupyter_mldeploy" in raised.value.hint
        assert sorted(older.files.contents()) == before


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(StoreError, match="tables of another program"):
        Store.open(tmp_path / "home", f"sqlite:///{path}")
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]
    connection.close()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database at all, but long enough to have a header " * 10)
    with pytest.raises(StoreError, match="not a database"):
        Store.open(tmp_path / "home", f"sqlite:///{path}")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://u:p@h/db", "SQLite, not in postgresql"),
        ("sqlite://", "no absolute path"),
        ("sqlite:///relative.db", "four slashes"),
        ("nonsense", "cannot be read"),
    ],
)
def test_other_database_urls_are_refused(tmp_path: Path, url: str, says: str) -> None:
    with pytest.raises(StoreError, match=says):
        Store.open(tmp_path / "home", url)


def test_other_artifact_urls_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="not at s3://"):
        Store.open(tmp_path / "home", artifact_url="s3://bucket/x")


@pytest.mark.parametrize("form", ["{}", "file://{}"])
def test_artifacts_may_be_elsewhere(tmp_path: Path, model_file: Path, form: str) -> None:
    elsewhere = tmp_path / "else where"
    url = form.format(str(elsewhere).replace(" ", "%20") if "file" in form else elsewhere)
    with Store.open(tmp_path / "home", artifact_url=url) as store:
        stored = store.files.add_file(model_file)
    assert (elsewhere / "sha256" / stored.sha256[:2] / stored.sha256).is_file()
    assert not (tmp_path / "home" / "artifacts").exists()


def test_a_home_with_odd_characters(tmp_path: Path) -> None:
    home = tmp_path / "a b?c#d%20é"
    with Store.open(home) as store:
        store.workspaces.create("x")
    assert (home / "mldeploy.db").is_file()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_home_that_cannot_be_made(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="MLDEPLOY_HOME"):
        Store.open(tmp_path / "home")


def test_a_home_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(StoreError, match="cannot be made"):
        Store.open(tmp_path / "home")


def test_many_processes_create_one_database(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from jupyter_mldeploy.store import Store\n"
        "sys.stdin.read(1)\n"
        f"with Store.open({str(tmp_path / 'home')!r}) as store:\n"
        "    store.workspaces.create(sys.argv[1])\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", code, f"w{number}"],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    with Store.open(tmp_path / "home") as store:
        assert [each.name for each in store.workspaces.list()] == ["w0", "w1", "w2", "w3"]
