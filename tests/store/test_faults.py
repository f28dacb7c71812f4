"""Faults of the place where the store is, each made for real."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import text

from jupyter_mldeploy.errors import StoreError
from jupyter_mldeploy.store import Store, database, storage
from jupyter_mldeploy.store.files import MissingContentError


@contextmanager
def mounted(folder: Path, *arguments: str):
    """Mount something for the time of the block; skip where that may not be."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        ["mount", *arguments, str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def writing(home: Path):
    """Another process that holds the write lock until the block ends, or says so."""
    code = (
        "import sqlite3, sys\n"
        f"c = sqlite3.connect({str(home / 'mldeploy.db')!r}, isolation_level=None)\n"
        "c.execute('BEGIN IMMEDIATE')\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()\n"
        "c.execute('ROLLBACK')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        try:
            yield other
        finally:
            other.stdin.close()


def test_a_writer_waits_for_another(store, home):
    said = []
    with writing(home) as other:
        thread = threading.Thread(target=lambda: said.append(store.workspaces.create("late")))
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
        assert not said
        assert store.workspaces.list() == []  # who reads does not wait
        other.stdin.close()
        thread.join()
    assert said[0].name == "late"


def test_a_writer_that_waits_too_long_says_for_what(home, monkeypatch):
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.2)
    with Store.open(home) as store, writing(home):
        with pytest.raises(StoreError, match="another process is writing to it") as raised:
            store.workspaces.create("x")
        assert str(home / "mldeploy.db") in raised.value.message
        assert "locked" not in str(raised.value)
        assert raised.value.hint


def test_a_read_only_file_system(tmp_path, model_file):
    with mounted(tmp_path / "disk", "-t", "tmpfs", "none") as disk:
        home = disk / "home"
        with Store.open(home) as store:
            workspace = store.workspaces.create("team")
            store.register_model(workspace.id, "m", model_file, created_by="me")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises(StoreError) as raised:
            Store.open(home).workspaces.create("another")
        assert str(home / "mldeploy.db") in raised.value.message
        assert "may write" in raised.value.hint


def test_a_read_only_file_system_under_an_open_store(tmp_path, model_file):
    disk = tmp_path / "disk"
    with mounted(disk, "-t", "tmpfs", "none"), Store.open(disk / "home") as store:
        workspace = store.workspaces.create("team")
        store.close()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises(StoreError) as raised:
            store.register_model(workspace.id, "m", model_file, created_by="me")
        assert "Read-only file system" in str(raised.value)
        assert str(disk / "home") in raised.value.message


def fill(folder: Path) -> Path:
    path = folder / "filler"
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    assert os.statvfs(folder).f_bavail == 0
    return path


@pytest.fixture
def small_disk(tmp_path):
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=8m", "none") as disk:
        yield disk


def test_a_disk_that_is_full_while_registering(small_disk, tmp_path):
    big = tmp_path / "big"
    big.write_bytes(os.urandom(12 << 20))
    with Store.open(small_disk / "home") as store:
        workspace = store.workspaces.create("team")
        with pytest.raises(StoreError, match="No space left") as raised:
            store.register_model(workspace.id, "m", big, created_by="me")
        assert raised.value.hint == "Free some disk space."
        assert store.models.page(workspace.id) == []
        assert os.listdir(store.files.root / "tmp") == []
        big.write_bytes(b"small")
        assert store.register_model(workspace.id, "m", big, created_by="me").version == 1


def create_many(store):
    for number in range(2000):  # until the space that the file had left is used
        store.workspaces.create(f"w{number}")


def test_a_disk_that_is_full_while_writing_a_row(small_disk):
    with Store.open(small_disk / "home") as store:
        filler = fill(small_disk)
        with pytest.raises(StoreError, match="full") as raised:
            create_many(store)
        assert str(small_disk / "home" / "mldeploy.db") in raised.value.message
        assert raised.value.hint == "Free some disk space, then try again."
        filler.unlink()
        store.workspaces.create("now")
        with store.database.read() as connection:
            assert connection.exec_driver_sql("PRAGMA quick_check").scalar() == "ok"


def test_a_database_damaged_in_the_middle(store, home):
    for number in range(200):
        store.workspaces.create(f"w{number}")
    store.close()
    with (home / "mldeploy.db").open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(4096)
        file.write(os.urandom(size - 4096))
    with pytest.raises(StoreError) as raised:
        Store.open(home).workspaces.list()
    assert str(home / "mldeploy.db") in raised.value.message
    assert raised.value.hint


@pytest.mark.parametrize("damage", ["{not json", "\x00"])
def test_a_damaged_record_is_a_sentence(store, home, workspace, damage):
    record = store.services.create(
        workspace.id, "svc", compute_type="Local", target="process", host="h", created_by="me"
    )
    with store.database.write() as connection:
        connection.execute(text("UPDATE services SET tags = :damage"), {"damage": damage})
    for read in (
        lambda: store.services.get(workspace.id, "svc"),
        lambda: store.services.list(workspace.id),
        lambda: store.services.get_by_id(record.id),
    ):
        with pytest.raises(StoreError, match="holds a record that cannot be read") as raised:
            read()
        assert str(home / "mldeploy.db") in raised.value.message


def test_a_damaged_time_is_a_sentence(store, workspace):
    store.operations.create(workspace.id, "deploy", "svc", created_by="me")
    with store.database.write() as connection:
        connection.execute(text("UPDATE operations SET created_time = 'yesterday'"))
    with pytest.raises(StoreError, match="cannot be read"):
        store.operations.list(workspace.id)


def test_a_clock_that_was_set_back(store, workspace):
    """Written as if an hour ago the clock had been an hour ahead."""
    early = store.operations.create(workspace.id, "deploy", "svc", created_by="me")
    ahead = datetime.now(timezone.utc) + timedelta(hours=1)
    moved = f"{int(ahead.timestamp() * 1000):012x}{early.id[12:]}"
    with store.database.write() as connection:
        connection.execute(
            text("UPDATE operations SET id = :id, created_time = :time"),
            {"id": moved, "time": int(ahead.timestamp() * 1_000_000)},
        )
    assert store.operations.claim(moved, {})
    assert store.operations.finish(moved, "Succeeded")
    ended = store.operations.get(moved)
    assert ended.created_time <= ended.started_time <= ended.finished_time
    later = [
        store.operations.create(workspace.id, "update", "svc", created_by="me").id for _ in "abc"
    ]
    assert later == sorted(later)
    assert [o.id for o in store.operations.list(workspace.id)] == [*reversed(later), moved]
    store.operations.claim(later[0], {})
    store.operations.finish(later[0], "Failed")
    last = store.operations.get(later[0])
    assert last.created_time <= last.started_time <= last.finished_time


def test_kinds_of_storage_are_told_apart(tmp_path):
    assert storage.file_system_of(Path("/proc/self")) == "proc"
    with mounted(tmp_path / "a disk", "-t", "tmpfs", "none") as disk:
        (disk / "home").mkdir()
        assert storage.file_system_of(disk / "home") == "tmpfs"
        (tmp_path / "link").symlink_to(disk)
        assert storage.file_system_of(tmp_path / "link" / "home") == "tmpfs"
        assert storage.may_share_memory(disk / "home")
        assert (
            storage.file_system_of(tmp_path) != "tmpfs"
            or tmp_path.stat().st_dev != disk.stat().st_dev
        )


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "fuse", "9p", "virtiofs"])
def test_shared_storage_is_known(kind, monkeypatch):
    monkeypatch.setattr(storage, "file_system_of", lambda folder: kind)
    assert not storage.may_share_memory(Path("/"))


def test_a_home_on_shared_storage_uses_a_rollback_journal(tmp_path, model_file, monkeypatch):
    """A real disk of a kind that is taken for a shared one: there is none at hand in a test."""
    with mounted(tmp_path / "disk", "-t", "tmpfs", "none") as disk:
        with Store.open(disk / "home") as store:
            assert journal(store) == ("wal", 1)
        monkeypatch.setattr(storage, "_SHARED", storage._SHARED | {"tmpfs"})
        for home in (disk / "home", disk / "new"):  # one that came from elsewhere, a new one
            with Store.open(home) as store:
                assert journal(store) == ("delete", 2)
                workspace = store.workspaces.create("team")
                store.register_model(workspace.id, "m", model_file, created_by="me")
            assert not list(home.glob("*-wal"))
        raw = sqlite3.connect(disk / "home" / "mldeploy.db")
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        raw.close()


def journal(store):
    with store.database.read() as connection:
        return tuple(
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous")
        )


@pytest.mark.parametrize("link", [True, False])
def test_a_content_changed_behind_our_back_is_refused_and_can_be_added_again(
    store, workspace, model_file, tmp_path, link
):
    model = store.register_model(workspace.id, "m", model_file, created_by="me")
    content = store.files.path_of(model.files[0].sha256)
    content.chmod(0o644)
    content.write_bytes(b"W" + model_file.read_bytes()[1:])  # of the same size
    with pytest.raises(MissingContentError, match=r"changed in the store .* moved to") as raised:
        store.files.materialise(model.files, tmp_path / "out", link=link)
    assert "Register the model again" in raised.value.hint
    with pytest.raises(MissingContentError, match="is missing"):
        store.files.materialise(model.files, tmp_path / "out", link=link)
    store.register_model(workspace.id, "m", model_file, created_by="me")
    store.files.materialise(model.files, tmp_path / "out", link=link)
    assert (tmp_path / "out" / model.root).read_bytes() == model_file.read_bytes()
