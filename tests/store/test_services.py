"""Services, generations, and which models are in use."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mldeploy.errors import UserErrorException, WebserviceException
from jupyter_mldeploy.store import ModelRecord, ServiceRecord, Store, WorkspaceRecord


@pytest.fixture
def create(store: Store, workspace: WorkspaceRecord):
    def one(name: str = "scores", **fields) -> ServiceRecord:
        fields = {"host": "here", "compute_type": "LOCAL", "target": "process", **fields}
        return store.services.create(workspace.id, name, created_by="ann", **fields)

    return one


@pytest.fixture
def model(store: Store, workspace: WorkspaceRecord, model_file: Path) -> ModelRecord:
    return store.register_model(workspace.id, "ridge", model_file, created_by="ann")


def test_what_is_created_is_read_back(store: Store, workspace: WorkspaceRecord, create):
    made = create(tags={"a": "1"}, deployment_config={"port": 1}, problem={"what": "x"})
    assert store.services.get(workspace.id, "scores") == made
    assert store.services.get_by_id(made.id) == made
    assert store.services.get(workspace.id, "other") is None


def test_a_name_is_taken_until_its_service_is_deleted(
    store: Store, workspace: WorkspaceRecord, create
):
    first = create()
    with pytest.raises(WebserviceException, match="already a service with name scores") as caught:
        create()
    assert caught.value.status_code == 409
    store.services.delete(first.id)
    assert store.services.get(workspace.id, "scores") is None
    assert store.services.list(workspace.id) == []
    assert store.services.get_by_id(first.id).deleted
    second = create()
    store.services.delete(second.id)
    assert create().id not in {first.id, second.id}


def test_filters(store: Store, workspace: WorkspaceRecord, create):
    create("one", model_ids=["ridge:1"], tags={"a": "1"}, properties={"p": "1"})
    create("two", model_ids=["ridge:12", "lasso:1"], tags={"a": "2"}, compute_type="AKS")

    def found(**filters) -> list[str]:
        return [each.name for each in store.services.list(workspace.id, **filters)]

    assert found() == ["one", "two"]
    assert found(model_name="ridge") == ["one", "two"]
    assert found(model_name="rid") == []
    assert found(model_id="ridge:1") == ["one"]
    assert found(tags=["a"]) == ["one", "two"]
    assert found(tags=[["a", "2"]]) == ["two"]
    assert found(properties=["p"]) == ["one"]
    assert found(compute_type="local") == ["one"]
    with pytest.raises(UserErrorException, match="tags must be a list"):
        found(tags="a")


def test_update(store: Store, create):
    made = create()
    changed = store.services.update(made.id, port=8890, desired_state="stopped")
    assert (changed.port, changed.desired_state) == (8890, "stopped")
    assert changed.updated_time > made.updated_time
    assert store.services.update(made.id, port=None).port is None
    with pytest.raises(TypeError, match="cannot update name"):
        store.services.update(made.id, name="x")
    with pytest.raises(WebserviceException, match=r"^WebserviceNotFound"):
        store.services.update("0" * 32, port=1)


def test_generations(store: Store, create):
    made = create()
    numbers = [
        store.services.add_generation(
            made.id, bundle="bundles/b", request={"name": "scores"}, operation_id="o"
        )
        for _ in range(3)
    ]
    assert numbers == [1, 2, 3]
    store.services.update_generation(made.id, 1, bundle="bundles/1")
    store.services.serve_generation(made.id, 1, port=1234)
    served = store.services.serve_generation(made.id, 2, model_ids=["ridge:2"])
    assert (served.serving_generation, served.port, served.model_ids) == (2, 1234, ["ridge:2"])
    store.services.set_generation_state(made.id, 3, "failed")
    states = [(each.number, each.state) for each in store.services.generations(made.id)]
    assert states == [(3, "failed"), (2, "serving"), (1, "retired")]
    assert store.services.generation(made.id, 1).bundle == "bundles/1"
    assert store.services.generation(made.id, 9) is None


def test_a_model_in_use_cannot_be_deleted_and_the_message_names_its_users(
    store: Store, create, model: ModelRecord
):
    for name in ("one", "two"):
        service = create(name)
        store.services.add_generation(service.id, bundle="b", model_rows=[model.id, model.id])
    store.services.serve_generation(service.id, 1)
    assert store.models.usage(model.id) == ["one", "two"]
    with pytest.raises(WebserviceException, match=r"ridge:1 .* service one, two") as caught:
        store.models.delete(model.id)
    assert caught.value.status_code == 412
    assert store.models.get_by_id(model.id) == model


def test_a_model_that_served_before_can_be_deleted(
    store: Store, workspace: WorkspaceRecord, create, model: ModelRecord
):
    service = create()
    store.services.add_generation(service.id, bundle="b", model_rows=[model.id])
    store.services.serve_generation(service.id, 1)
    store.services.add_generation(service.id, bundle="b")
    store.services.serve_generation(service.id, 2)
    assert store.models.usage(model.id) == []
    store.models.delete(model.id)
    assert store.services.generation(service.id, 1).state == "retired"


def test_deleting_the_service_frees_its_models(store: Store, create, model: ModelRecord):
    service = create()
    store.services.add_generation(service.id, bundle="b", model_rows=[model.id])
    store.services.delete(service.id)
    store.models.delete(model.id)
    assert store.models.get_by_id(model.id) is None


def test_a_model_that_was_deleted_meanwhile(store: Store, create, model: ModelRecord):
    store.models.delete(model.id)
    with pytest.raises(WebserviceException, match="deleted meanwhile"):
        store.services.add_generation(create().id, bundle="b", model_rows=[model.id])
