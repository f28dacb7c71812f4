"""What nothing uses goes, and nothing else: rows, files and sockets made for each rule."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from jupyter_mldeploy.bundle import ensure_runtime
from jupyter_mldeploy.deployment import retention
from jupyter_mldeploy.deployment.collect import collect
from jupyter_mldeploy.serving.identity import Identity
from jupyter_mldeploy.serving.supervisor import record
from jupyter_mldeploy.store import Store
from jupyter_mldeploy.store import operations as operations_module

OLD = 40 * 86400.0


@pytest.fixture
def store(tmp_path, short_run_dir):
    with Store.open(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def workspace(store):
    return store.workspaces.create("test").id


def file_of(folder, name="content", size=1000):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"x" * size)
    return folder


def service_of(store, workspace, name="svc"):
    return store.services.create(
        workspace, name, compute_type="Local", target="process", host="here", created_by="me"
    ).id


def operation_of(store, workspace, subject="svc", state="Succeeded"):
    record = store.operations.create(workspace, "update", subject, created_by="me")
    file_of(store.home / "operations" / record.id)
    if state == "Running":
        store.operations.claim(record.id, Identity.of().to_dict())
    else:
        store.operations.finish(record.id, state)
    return record.id


def freed(found):
    return {each.kind: (each.count, each.bytes) for each in found if each.count}


def both(store):
    """Collect, after a dry run that says the same and changes nothing."""
    before = sorted(store.home.rglob("*"))
    said = freed(collect(store, dry_run=True))
    assert sorted(store.home.rglob("*")) == before
    assert freed(collect(store)) == said
    assert freed(collect(store)) == {}
    return said


def aged(path, seconds=OLD):
    then = time.time() - seconds
    os.utime(path, (then, then))
    return path


def test_nothing_in_a_new_home(store):
    assert both(store) == {}


def test_bundles_that_no_generation_names(store, workspace):
    service = service_of(store, workspace)
    kept = []
    for state in ("serving", "retired", "staged", "failed", "pruned"):
        name = f"bundles/{state}"
        file_of(store.home / name)
        store.services.add_generation(service, state=state, bundle=name)
        kept += [name] if state in {"serving", "retired", "staged"} else []
    file_of(store.home / "bundles" / "named-by-nobody", size=50)
    deleted = service_of(store, workspace, "deleted")
    store.services.add_generation(deleted, state="serving", bundle="bundles/of-a-deleted-one")
    file_of(store.home / "bundles" / "of-a-deleted-one")
    store.services.delete(deleted)
    assert both(store) == {"bundles": (4, 3050)}
    assert {f"bundles/{path.name}" for path in (store.home / "bundles").iterdir()} == set(kept)


def test_what_a_live_operation_builds_stays_and_what_a_dead_one_built_goes(store, workspace):
    alive = operation_of(store, workspace, "alive", "Running")
    ended = operation_of(store, workspace, "ended", "Failed")
    process = subprocess.Popen(["sleep", "60"])
    dead = store.operations.create(workspace, "update", "dead", created_by="me")
    store.operations.claim(dead.id, Identity.of(process.pid).to_dict())
    bundles = store.home / "bundles"
    for operation in (alive, ended, dead.id):
        file_of(bundles / f".{operation}-half")
        file_of(bundles / operation)
    process.kill()
    process.wait()
    collect(store)
    assert sorted(path.name for path in bundles.iterdir()) == [f".{alive}-half", alive]
    assert store.operations.get(dead.id).state == "Failed"


def test_hard_links_of_model_files_free_nothing(store):
    bundle = file_of(store.home / "bundles" / "one", "own", 10)
    model = file_of(store.home / "models", "model", 5000) / "model"
    os.link(model, bundle / "linked")
    assert both(store) == {"bundles": (1, 10)}
    assert model.stat().st_nlink == 1


def test_operations_beyond_the_newest_and_the_old_ones(
    store, workspace, monkeypatch, short_run_dir
):
    monkeypatch.setattr(retention, "KEPT_OPERATIONS", 3)
    service_of(store, workspace)
    many = [operation_of(store, workspace) for _ in range(5)]
    service_of(store, workspace, "quiet")
    then = datetime.now(timezone.utc) - timedelta(days=31)
    monkeypatch.setattr(operations_module, "utc_now", lambda: then)
    old = [operation_of(store, workspace, "quiet") for _ in range(2)]
    orphan = operation_of(store, workspace, "a-deleted-service")
    monkeypatch.undo()
    monkeypatch.setattr(retention, "KEPT_OPERATIONS", 3)
    monkeypatch.setenv("MLDEPLOY_RUN_DIR", str(short_run_dir))
    file_of(store.home / "operations" / "without-a-row")
    running = operation_of(store, workspace, state="Running")
    assert both(store) == {"operations": (2 + 1 + 1 + 1 + 1, 6000)}
    left = {path.name for path in (store.home / "operations").iterdir()}
    assert left == {*many[-2:], running, old[-1]}
    assert {each.id for each in store.operations.list(workspace)} == left
    assert orphan not in left


def test_history_beyond_the_newest(store, workspace, monkeypatch):
    monkeypatch.setattr(retention, "KEPT_GENERATION_ROWS", 2)
    service = service_of(store, workspace)
    for state in ("pruned", "failed", "retired", "pruned", "pruned", "serving"):
        store.services.add_generation(service, state=state, bundle="bundles/x")
    assert both(store) == {"history": (2, 0)}
    assert [each.number for each in store.services.generations(service)] == [6, 5, 4, 3]
    assert store.services.add_generation(service, bundle="bundles/y") == 7


def test_folders_of_services_that_are_gone_unless_something_runs(store, workspace):
    services = store.home / "services"
    kept = service_of(store, workspace)
    file_of(services / kept)
    gone = service_of(store, workspace, "gone")
    file_of(services / gone / "logs", "service.log")
    store.services.delete(gone)
    running = file_of(services / "running")
    state = {
        "layout": 1,
        "supervisor": Identity.of().to_dict(),
        "generations": {},
        "stopped": None,
    }
    record.write(str(running), "process.json", state)
    assert both(store) == {"services": (1, 1000)}
    assert {path.name for path in services.iterdir()} == {kept, "running"}


def test_runtimes_that_no_supervisor_was_started_from(store, workspace):
    current = ensure_runtime(store.home)
    runtimes = store.home / "runtimes"
    file_of(services := store.home / "services" / service_of(store, workspace))
    record.write(str(services), "supervisor.json", {"runtime": str(runtimes / "used")})
    for name in ("used", "fresh", "unused", ".half-made"):
        file_of(runtimes / name)
    for path in (current, runtimes / "used", runtimes / "unused", runtimes / ".half-made"):
        aged(path)
    assert both(store) == {"runtimes": (1, 1000), "temporary": (1, 1000)}
    assert {path.name for path in runtimes.iterdir()} == {current.name, "used", "fresh"}


def test_using_a_runtime_says_so(store):
    folder = aged(ensure_runtime(store.home))
    ensure_runtime(store.home)
    assert folder.stat().st_mtime > time.time() - OLD / 2


def test_dead_control_sockets(store, tmp_path):
    run = Path("/tmp") / f"mldeploy-test-{os.getpid()}"  # tmp_path may be too long for a socket
    os.environ["MLDEPLOY_RUN_DIR"] = str(run)
    run.mkdir(mode=0o700)
    names = ("0123456789ab.sock", "0123456789ab.3.0.sock", "ba9876543210.sock", "strange.sock")
    listening = []
    try:
        for name in names:
            one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            one.bind(str(run / name))
            aged(run / name)
            listening.append(one)
        listening[0].listen()  # the others: bound, and nobody listens
        fresh = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        fresh.bind(str(run / "aaaaaaaaaaaa.sock"))
        listening.append(fresh)
        assert both(store) == {"sockets": (2, 0)}
        left = {path.name for path in run.iterdir()}
        assert left == {"0123456789ab.sock", "strange.sock", "aaaaaaaaaaaa.sock"}
    finally:
        for one in listening:
            one.close()
        for path in run.iterdir():
            path.unlink()
        run.rmdir()


def test_contents_that_no_model_names(store, workspace, tmp_path):
    (tmp_path / "kept").write_text("kept")
    (tmp_path / "gone").write_text("no longer")
    store.register_model(workspace, "m", tmp_path / "kept", created_by="me")
    content = store.files.path_of(store.files.add_file(tmp_path / "gone").sha256)
    assert both(store) == {}
    aged(content)
    assert both(store) == {"contents": (1, 9)}
    assert not content.exists()


def test_deleted_services_are_forgotten_after_a_while(store, workspace, monkeypatch):
    service = service_of(store, workspace)
    store.services.add_generation(service, state="retired", bundle="bundles/x")
    store.services.delete(service)
    assert both(store) == {}
    monkeypatch.setattr(retention, "OPERATION_DAYS", -1)
    assert both(store) == {"history": (1, 0)}
    assert store.services.get_by_id(service) is None
