"""A workspace that is deleted leaves nothing; one in use stays."""

import os
import socket
from pathlib import Path

import pytest
from sqlalchemy import func, select
from tests_sdk_helpers import alive, processes_of

from jupyter_mldeploy import Model, UserErrorException, Webservice, WebserviceException, Workspace
from jupyter_mldeploy.serving.identity import Identity
from jupyter_mldeploy.store.tables import metadata


@pytest.fixture
def other(lab):
    """Another workspace of the same home, with a model of the same content and one of its own."""
    made = Workspace.create("other")
    model = lab.register(lab.first)
    Model.register(made, str(lab.folder / "diabetes.joblib"), "same")
    lab.write("own.txt", "own")
    Model.register(made, str(lab.folder / "own.txt"), "own")
    yield made, model
    lab.workspace = Workspace.create("test", exist_ok=True)


def rows(store):
    with store.database.read() as connection:
        return {
            name: connection.scalar(select(func.count()).select_from(table))
            for name, table in metadata.tables.items()
        }


def files(store):
    return {path for path in store.home.rglob("*") if path.is_file() and ".db" not in path.name}


def test_refused_while_it_has_services(lab):
    lab.deploy([lab.register(lab.first)])
    with pytest.raises(UserErrorException, match="has services: svc") as caught:
        lab.workspace.delete()
    assert "delete_dependent_resources=True" in caught.value.hint
    assert Webservice(lab.workspace, "svc").run(lab.body()) == lab.expect(lab.first)


def test_nothing_of_it_is_left(lab, other):
    _, model = other
    store = lab.workspace._store
    fresh = Workspace.create("empty")
    before = rows(store)
    fresh.delete()
    services = [lab.deploy([model], name=name) for name in ("svc-a", "svc-b")]
    services[1].update(models=[lab.register(lab.second)], wait=True)
    services[1].delete()
    pids = [pid for service in services for pid in processes_of(service)]
    port = services[0]._row().port
    runtimes = {path for path in files(store) if path.is_relative_to(store.home / "runtimes")}
    lab.workspace.delete(delete_dependent_resources=True)
    assert not any(alive(pid) for pid in pids)
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))
    left = rows(store)
    assert before["workspaces"] == left["workspaces"] + 2
    assert left["services"] == left["operations"] == left["generations"] == 0
    assert left["models"] == left["model_names"] == left["model_files"] == 2
    contents = {path for path in files(store) if path.is_relative_to(store.files.root)}
    assert len(contents) == 2  # what the other workspace's models need, one of it shared
    kept = runtimes | contents
    assert {path for path in files(store) - kept if "cache" not in path.parts} == set()
    with pytest.raises(UserErrorException, match="WorkspaceNotFound"):
        Workspace.get("test")
    for name in ("same", "own"):
        copy = Model(other[0], name).download(str(lab.folder / "copy"))
        assert Path(copy).exists()


def test_refused_while_somebody_deploys(lab):
    store, number = lab.workspace._store, lab.workspace._record.id
    record = store.operations.create(number, "deploy", "coming", created_by="me")
    store.operations.claim(record.id, _this_process())
    with pytest.raises(WebserviceException, match="coming"):
        lab.workspace.delete()
    assert Workspace.get("test") == lab.workspace
    store.operations.finish(record.id, "Cancelled")


def _this_process():
    return Identity.of(os.getpid()).to_dict()
