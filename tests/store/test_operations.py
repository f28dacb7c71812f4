"""Rows of slow work: claimed once, ended once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from jupyter_mldeploy.errors import UserErrorException, WebserviceException
from jupyter_mldeploy.store import OperationRecord, Store, WorkspaceRecord


@pytest.fixture
def create(store: Store, workspace: WorkspaceRecord):
    def one(kind: str = "deploy", subject: str = "scores", **fields) -> OperationRecord:
        return store.operations.create(workspace.id, kind, subject, created_by="ann", **fields)

    return one


def test_the_life_of_an_operation(store: Store, create):
    made = create(payload={"models": ["ridge:1"]})
    assert store.operations.get(made.id) == made
    assert (made.state, made.finished) == ("Queued", False)
    running = store.operations.claim(made.id, {"pid": 1})
    assert (running.state, running.worker) == ("Running", {"pid": 1})
    assert running.started_time >= made.created_time
    store.operations.update(made.id, phase="stage", phases=[{"name": "stage"}], progress=0.5)
    assert store.operations.request_cancel(made.id)
    assert store.operations.finish(made.id, "Succeeded", result={"uri": "u"})
    ended = store.operations.get(made.id)
    assert (ended.phase, ended.progress, ended.cancel_requested) == ("stage", 0.5, True)
    assert (ended.state, ended.result, ended.finished) == ("Succeeded", {"uri": "u"}, True)
    assert not store.operations.finish(made.id, "Failed", problem={"what": "late"})
    assert not store.operations.request_cancel(made.id)
    assert store.operations.get(made.id) == ended


def test_one_of_many_claims_wins(store: Store, create):
    made = create()
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda pid: store.operations.claim(made.id, {"pid": pid}), range(8)))
    (winner,) = [each for each in claims if each is not None]
    assert store.operations.get(made.id).worker == winner.worker


def test_a_cancelled_operation_is_not_claimed(store: Store, create):
    made = create()
    store.operations.finish(made.id, "Cancelled")
    assert store.operations.claim(made.id, {}) is None


def test_lists(store: Store, workspace: WorkspaceRecord, create):
    first, second, third = create(), create("update"), create(subject="other")
    store.operations.claim(second.id, {})

    def found(**filters) -> list[str]:
        return [each.id for each in store.operations.list(workspace.id, **filters)]

    assert set(found()) == {first.id, second.id, third.id}
    assert set(found(subject="scores")) == {first.id, second.id}
    assert found(state="Running") == [second.id]
    assert found(kind="update") == [second.id]
    assert found(limit=2) == found()[:2]
    assert found() == sorted(found(), reverse=True)


def test_found_by_the_beginning_of_its_id(store: Store, workspace: WorkspaceRecord, create):
    made = [create() for _ in range(3)]
    assert store.operations.find(workspace.id, made[0].id) == [made[0]]
    assert len(store.operations.find(workspace.id, made[0].id[:4])) == 2
    assert store.operations.find(workspace.id, "%") == []
    with pytest.raises(UserErrorException, match=r"^OperationNotFound"):
        store.operations.get("nothing")


def test_one_at_a_time(store: Store, create):
    first = create()
    with pytest.raises(
        WebserviceException, match=f"deploy of scores is still under way .*{first.id}"
    ) as caught:
        create(exclusive=True)
    assert caught.value.status_code == 409
    create(subject="other", exclusive=True)
    store.operations.finish(first.id, "Failed")
    create(exclusive=True)
