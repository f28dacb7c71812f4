import os
from pathlib import Path

import pytest

from jupyter_mldeploy.operations import submit, wait
from jupyter_mldeploy.store import Store


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "home") as store:
        yield store


@pytest.fixture
def workspace_id(store):
    return store.workspaces.create("test").id


@pytest.fixture
def start(store, workspace_id, monkeypatch):
    """Submit a procedure of ``procedures_under_test``; whatever still runs at the end is ended."""
    here = str(Path(__file__).parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([here, os.environ.get("PYTHONPATH", "")]))
    begun = []

    def start(kind, subject="thing", **payload):
        record = submit(
            store,
            workspace_id=workspace_id,
            kind=kind,
            subject=subject,
            payload=payload,
            procedures="procedures_under_test",
            created_by="tester",
        )
        begun.append(record.id)
        return record

    yield start
    for operation_id in begun:
        store.operations.request_cancel(operation_id)
        wait(store, operation_id, timeout=30)
