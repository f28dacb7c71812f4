"""Models as users hold them: the calls, attributes and errors of spec section 2."""

from __future__ import annotations

import io
import json
import re
import stat
from contextlib import redirect_stdout
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mldeploy.config import ResourceConfiguration
from jupyter_mldeploy.errors import (
    ConfigurationError,
    MLDeployError,
    ModelNotFoundException,
    StoreError,
    UserErrorException,
    WebserviceException,
)
from jupyter_mldeploy.sdk import registration
from jupyter_mldeploy.sdk.model import Model
from jupyter_mldeploy.sdk.registration import FRAMEWORKS
from jupyter_mldeploy.sdk.settings import close_stores
from jupyter_mldeploy.sdk.workspace import Workspace


@pytest.fixture
def ws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    monkeypatch.delenv("AML_APP_ROOT", raising=False)
    yield Workspace.create("team")
    close_stores()


@pytest.fixture
def model_file(ws: Workspace, tmp_path: Path) -> Path:
    del ws
    path = tmp_path / "cwd" / "ridge.pkl"
    path.write_bytes(b"weights")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "net"
    (path / "sub").mkdir(parents=True)
    (path / "a.bin").write_bytes(b"a")
    (path / "sub" / "b.bin").write_bytes(b"b")
    return path


def contents(ws: Workspace) -> int:
    return len(list(ws._store.files.contents()))


def test_register(ws: Workspace, model_file: Path, capsys):
    model = Model.register(
        ws,
        "ridge.pkl",
        "ridge",
        tags={"area": "diabetes"},
        properties={"p": "1"},
        description="Ridge regression",
        datasets=[("training", "d1")],
        model_framework=Model.Framework.SCIKITLEARN,
        model_framework_version="1.5",
        sample_input_dataset="i",
        sample_output_dataset="o",
        resource_configuration=ResourceConfiguration(cpu=1, memory_in_gb=0.5),
    )
    assert capsys.readouterr().out == "Registering model ridge\n"
    assert (model.name, model.version, model.id) == ("ridge", 1, "ridge:1")
    assert (model.tags, model.properties) == ({"area": "diabetes"}, {"p": "1"})
    assert (model.description, model.mime_type) == ("Ridge regression", "application/json")
    assert (model.model_framework, model.model_framework_version) == ("ScikitLearn", "1.5")
    assert (model.unpack, model.run, model.run_id, model.experiment_name) == (
        False,
        None,
        None,
        None,
    )
    assert model.url.startswith("aml://asset/")
    assert model.datasets == {"training": ["d1"]}
    assert (model.sample_input_dataset, model.sample_output_dataset) == ("i", "o")
    assert model.resource_configuration == ResourceConfiguration(cpu=1, memory_in_gb=0.5)
    assert model.size == 7
    assert len(model.sha256) == 64
    assert model.created_by
    assert model.created_time.tzinfo is not None
    assert model.workspace is ws
    assert "id='ridge:1'" in repr(model)


def test_the_registering_environment_is_recorded(ws: Workspace, model_file: Path):
    sklearn = pytest.importorskip("sklearn")
    model = Model.register(ws, model_file, "ridge", model_framework="ScikitLearn")
    recorded = model.registered_environment
    assert recorded["python_version"].count(".") == 2
    assert recorded["packages"]["scikit-learn"] == sklearn.__version__


def test_the_same_name_gives_the_next_version_and_equal_content_is_kept_once(
    ws: Workspace, model_file: Path
):
    versions = [Model.register(ws, model_file, "ridge").version for _ in range(3)]
    assert versions == [1, 2, 3]
    assert contents(ws) == 1
    assert ws.models["ridge"].version == 3


def test_a_copy_that_takes_long_says_how_far_it_is(
    ws: Workspace, model_file: Path, capsys, monkeypatch
):
    Model.register(ws, model_file, "short")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(registration, "_QUIET_SECONDS", 0.0)
    model_file.write_bytes(bytes(60_000_000))
    Model.register(ws, model_file, "long")
    said = capsys.readouterr()
    assert said.out == "Registering model long\n"
    assert said.err.splitlines()[-1] == "long: 0.1 GB copied"


def test_a_path_outside_the_current_folder_may_be_registered(ws: Workspace, folder: Path):
    model = Model.register(ws, folder, "net")
    assert sorted(model.get_sas_urls()) == ["net/a.bin", "net/sub/b.bin"]


def test_child_paths(ws: Workspace, folder: Path):
    model = Model.register(ws, folder, "net", child_paths=["sub"])
    assert list(model.get_sas_urls()) == ["net/sub/b.bin"]


@pytest.mark.parametrize("framework", [*FRAMEWORKS, None])
def test_frameworks(ws: Workspace, model_file: Path, framework):
    assert Model.register(ws, model_file, "m", model_framework=framework).model_framework == (
        framework
    )


def test_the_framework_constants_are_those_that_register_takes():
    constants = {value for key, value in vars(Model.Framework).items() if key.isupper()}
    assert constants == set(FRAMEWORKS)


@pytest.mark.parametrize(
    ("wrong", "kind", "says"),
    [
        ({"model_path": "nothing.pkl"}, WebserviceException, r"'nothing\.pkl' cannot be found"),
        ({"model_path": 3}, WebserviceException, "it must be a path"),
        ({"model_name": "a b"}, UserErrorException, "cannot be a model name"),
        ({"model_name": None}, UserErrorException, "must be text"),
        ({"tags": ["a"]}, WebserviceException, "tags must be a dict"),
        ({"tags": {"alpha": 0.5}}, WebserviceException, r"Write tags=\{'alpha': '0.5'\}"),
        ({"properties": "x"}, WebserviceException, "properties must be a dict"),
        ({"model_framework_version": "1"}, WebserviceException, "without model_framework"),
        ({"model_framework": "sklearn"}, WebserviceException, "none of Custom, TensorFlow"),
        ({"description": 3}, UserErrorException, "description is int"),
        ({"datasets": ["d"]}, UserErrorException, "no pair of a purpose"),
        ({"datasets": [("p", 3)]}, UserErrorException, "has no id"),
        ({"sample_input_dataset": 3}, UserErrorException, "sample_input_dataset is int"),
        ({"resource_configuration": {"cpu": 1}}, UserErrorException, "is dict"),
        ({"child_paths": "a"}, UserErrorException, "must be a list"),
        ({"child_paths": ["a"]}, UserErrorException, "needs a folder"),
    ],
)
def test_what_cannot_be_registered_is_refused_before_anything_is_copied(
    ws: Workspace, model_file: Path, wrong, kind, says
):
    request = {"model_path": model_file, "model_name": "ridge", **wrong}
    with pytest.raises(kind, match=says):
        Model.register(ws, **request)
    assert contents(ws) == 0
    assert Model.list(ws) == []


@given(
    name=st.text(max_size=12) | st.from_regex(r"[a-zA-Z0-9._-]{0,9}"),
    tags=st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers(), max_size=3),
)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_name_and_tags_are_kept_exactly_or_refused(ws, model_file, name, tags):
    allowed = all(isinstance(value, str) for value in tags.values()) and re.fullmatch(
        r"[a-zA-Z0-9][a-zA-Z0-9\-._]{0,254}", name
    )
    with redirect_stdout(io.StringIO()):
        if not allowed:
            with pytest.raises(MLDeployError) as caught:
                Model.register(ws, model_file, name, tags=tags)
            assert caught.value.hint
            return
        model = Model.register(ws, model_file, name, tags=tags)
    found = Model(ws, id=model.id)
    assert (found.name, found.tags) == (name, tags)


def test_lookup(ws: Workspace, model_file: Path):
    first = Model.register(ws, model_file, "ridge", tags={"k": "v"}, model_framework="Onnx")
    Model.register(ws, model_file, "ridge")
    assert Model(ws, "ridge").version == 2
    assert Model(ws, "ridge", version=1).id == first.id
    assert Model(ws, id="ridge:1").id == first.id
    assert Model(ws, "ridge", tags=["k"]).version == 1
    assert Model(ws, "ridge", tags=[["k", "v"]], model_framework="Onnx").version == 1
    assert Model.get(ws, "ridge").version == 2
    assert Model.get(ws, id="ridge:1").version == 1
    assert Model._find(ws, "ridge").version == 2
    assert Model._find(ws, "ridge:1").version == 1
    assert Model._find(ws, "ridge:x") is Model._find(ws, "lasso") is None


@pytest.mark.parametrize(
    "wanted",
    [
        {"name": "lasso"},
        {"name": "ridge", "version": 9},
        {"id": "ridge:9"},
        {"id": "ridge"},
        {"id": "ridge:x"},
        {"name": "ridge", "tags": ["k"]},
        {"name": "ridge", "version": 1, "run_id": "r"},
    ],
)
def test_a_model_that_is_not_there(ws: Workspace, model_file: Path, wanted):
    Model.register(ws, model_file, "ridge")
    with pytest.raises(WebserviceException, match=r"^ModelNotFound: Model with ") as caught:
        Model(ws, **wanted)
    assert caught.value.status_code == 404


def test_arguments_that_cannot_be_looked_up(ws: Workspace):
    with pytest.raises(WebserviceException, match="one of id or name"):
        Model(ws)
    with pytest.raises(UserErrorException, match="whole number"):
        Model(ws, "ridge", version=1.5)
    with pytest.raises(UserErrorException, match="tags must be a list"):
        Model(ws, "ridge", tags="k")


def test_list_and_search(ws: Workspace, model_file: Path):
    for name, tags in (("a", {"k": "1"}), ("a", {"k": "2"}), ("b", {})):
        Model.register(ws, model_file, name, tags=tags)

    def ids(models) -> list[str]:
        return [each.id for each in models]

    assert ids(Model.list(ws)) == ["b:1", "a:2", "a:1"]
    assert ids(Model.list(ws, latest=True)) == ["b:1", "a:2"]
    assert ids(Model.list(ws, "a", tags=[["k", "1"]], page_count=20)) == ["a:1"]
    assert ids(Model.search(ws, "A", limit=1)) == ["a:2"]
    assert ids(Model.search(ws, "A", limit=1, offset=1)) == ["a:1"]
    assert ids(Model.search(ws, tags=["k"], latest=True)) == ["a:2"]
    for wrong in ({"tags": "k"}, {"properties": {"k": "1"}}, {"page_count": 19}):
        with pytest.raises(UserErrorException):
            Model.list(ws, **wrong)
    for wrong in ({"limit": -1}, {"offset": "1"}):
        with pytest.raises(UserErrorException, match="whole number from 0"):
            Model.search(ws, **wrong)


def test_changes(ws: Workspace, model_file: Path):
    model = Model.register(ws, model_file, "ridge", tags={"a": "1"}, properties={"p": "1"})
    model.add_tags({"a": "2", "b": "3"})
    model.remove_tags(["a", "nothing"])
    model.add_properties({"q": "2"})
    model.add_dataset_references([("training", "d1"), ("training", "d2")])
    assert (model.tags, model.properties) == ({"b": "3"}, {"p": "1", "q": "2"})
    assert model.datasets == {"training": ["d1", "d2"]}
    model.update_tags_properties({"c": "4"}, ["b"], {"r": "3"})
    assert (model.tags, model.properties) == ({"c": "4"}, {"p": "1", "q": "2", "r": "3"})
    model.update(tags={"z": "1"}, description="new")
    assert (model.tags, model.description) == ({"z": "1"}, "new")
    model.update(
        description="newer",
        sample_input_dataset="i",
        resource_configuration=ResourceConfiguration(gpu=1),
    )
    assert Model(ws, "ridge").serialize() == model.serialize()
    assert model.tags == {"z": "1"}
    assert model.resource_configuration == ResourceConfiguration(gpu=1)


def test_properties_never_change(ws: Workspace, model_file: Path):
    model = Model.register(ws, model_file, "ridge", properties={"p": "1"})
    with pytest.raises(WebserviceException, match="Properties cannot be changed"):
        model.update_tags_properties(add_tags={"t": "1"}, add_properties={"p": "2"})
    assert (Model(ws, "ridge").tags, model.properties) == ({}, {"p": "1"})
    for wrong in (lambda: model.add_tags("x"), lambda: model.remove_tags({"x": 1})):
        with pytest.raises(WebserviceException):
            wrong()


def test_serialize(ws: Workspace, model_file: Path):
    model = Model.register(ws, model_file, "ridge", model_framework="Onnx")
    payload = json.loads(json.dumps(model.serialize()))
    assert set(payload) == {
        *("createdTime", "createdBy", "description", "id", "mimeType", "name", "framework"),
        *("frameworkVersion", "tags", "properties", "unpack", "url", "version"),
        *("experimentName", "runId", "runDetails", "datasets", "resourceConfiguration"),
        *("sampleInputDatasetId", "sampleOutputDatasetId"),
    }
    assert (payload["id"], payload["framework"]) == ("ridge:1", "Onnx")
    assert Model.deserialize(ws, payload).serialize() == model.serialize()


def test_download_a_file(ws: Workspace, model_file: Path, tmp_path: Path):
    model = Model.register(ws, model_file, "ridge")
    path = model.download(tmp_path / "out" / "deep")
    assert path == str(tmp_path / "out" / "deep" / "ridge.pkl")
    Path(path).write_bytes(b"mine")
    with pytest.raises(WebserviceException, match="already exists"):
        model.download(tmp_path / "out" / "deep")
    assert Path(path).read_bytes() == b"mine"
    for agree in ({"exist_ok": True}, {"exists_ok": True}):
        model.download(tmp_path / "out" / "deep", **agree)
        assert Path(path).read_bytes() == b"weights"


def test_download_a_folder(ws: Workspace, folder: Path):
    model = Model.register(ws, folder, "net")
    path = Path(model.download())
    assert path == Path("net")
    (path / "notes.txt").write_text("the user's own")
    (path / "a.bin").write_bytes(b"changed")
    model.download(exist_ok=True)
    assert sorted(str(each) for each in path.rglob("*.*")) == [
        "net/a.bin",
        "net/notes.txt",
        "net/sub/b.bin",
    ]
    assert (path / "a.bin").read_bytes() == b"a"


def test_download_to_where_a_file_is(ws: Workspace, model_file: Path):
    model = Model.register(ws, model_file, "ridge")
    with pytest.raises(WebserviceException, match="cannot be written"):
        model.download(model_file)


def test_a_content_that_is_gone_is_said(ws: Workspace, model_file: Path, tmp_path: Path):
    model = Model.register(ws, model_file, "ridge")
    url = model.get_sas_urls()["ridge.pkl"]
    Path(urlsplit(url).path).unlink()
    with pytest.raises(StoreError, match=r"ridge\.pkl is missing"):
        model.download(tmp_path / "out")


def test_delete(ws: Workspace, model_file: Path):
    model = Model.register(ws, model_file, "ridge")
    model.delete()
    model.delete()
    assert Model.list(ws) == []
    assert Model.register(ws, model_file, "ridge").version == 2


def test_a_model_in_use_cannot_be_deleted_and_the_message_names_its_users(
    ws: Workspace, model_file: Path
):
    model = Model.register(ws, model_file, "ridge")
    service = ws._store.services.create(
        ws._record.id,
        "scores",
        compute_type="LOCAL",
        target="process",
        host="h",
        created_by="ann",
    )
    ws._store.services.add_generation(service.id, bundle="b", model_rows=[model._record.id])
    with pytest.raises(WebserviceException, match="used by service scores") as caught:
        model.delete()
    assert caught.value.status_code == 412


def test_get_model_path_in_the_cache(ws: Workspace, tmp_path: Path, monkeypatch):
    root = tmp_path / "app"
    for version in (2, 10):
        target = root / "azureml-models" / "ridge" / str(version) / "ridge.pkl"
        target.parent.mkdir(parents=True)
        target.touch()
    monkeypatch.setenv("AML_APP_ROOT", str(root))
    assert Model.get_model_path("ridge") == str(target)
    assert Model.get_model_path("ridge", 2) == str(target.parents[1] / "2" / "ridge.pkl")
    (target.parent / "second").touch()
    with pytest.raises(ModelNotFoundException, match="can contain only 1 file or folder"):
        Model.get_model_path("ridge", 10)


def test_get_model_path_falls_back_to_the_current_folder(ws: Workspace):
    Path("ridge").mkdir()
    assert Model.get_model_path("ridge") == str(Path.cwd() / "ridge")
    assert Model.get_model_path("ridge", _workspace=ws) == str(Path.cwd() / "ridge")


def test_get_model_path_asks_the_registry(ws: Workspace, folder: Path, model_file: Path):
    Model.register(ws, model_file, "m")
    Model.register(ws, folder, "m")
    first = Path(Model.get_model_path("m", 1, _workspace=ws))
    latest = Path(Model.get_model_path("m", _workspace=ws))
    assert first == Path.cwd() / "azureml-models/m/1/ridge.pkl"
    assert latest == Path.cwd() / "azureml-models/m/2/net"
    assert (latest / "sub/b.bin").read_bytes() == b"b"
    assert Model.get_model_path("m", _workspace=ws) == str(latest)
    assert Model.get_model_path("m", 1) == str(first)
    assert sorted(each.name for each in Path("azureml-models/m").iterdir()) == ["1", "2"]
    assert stat.S_IMODE(first.parent.stat().st_mode) == 0o755
    with pytest.raises(ModelNotFoundException, match="was not found"):
        Model.get_model_path("m", 3, _workspace=ws)
    with pytest.raises(TypeError, match="whole number"):
        Model.get_model_path("m", "1", _workspace=ws)


def test_a_resource_configuration_has_bounds():
    with pytest.raises(ConfigurationError):
        ResourceConfiguration(cpu=0)
