"""``get_model_path`` by the rules of spec section 2.1."""

from __future__ import annotations

import pytest

from jupyter_mldeploy.serving.model_path import Model, ModelNotFoundException, get_model_path


@pytest.fixture
def root(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("AML_APP_ROOT", str(tmp_path))
    return tmp_path


def put(root, name, version, *files):
    folder = root / "azureml-models" / name / str(version)
    folder.mkdir(parents=True)
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()
    return folder


def test_the_one_file(root):
    folder = put(root, "m", 1, "model.pkl")
    assert Model.get_model_path("m") == str(folder / "model.pkl")
    assert Model.get_model_path("m", 1) == str(folder / "model.pkl")
    assert Model.get_model_path("m", version=1, _workspace=None) == str(folder / "model.pkl")


def test_the_one_folder(root):
    folder = put(root, "m", 1, "outputs/a", "outputs/b")
    assert get_model_path("m") == str(folder / "outputs")


def test_the_largest_version_by_number(root):
    for version in (1, 9, 10):
        put(root, "m", version, "f")
    put(root, "m", "latest", "f")
    assert get_model_path("m").endswith("/m/10/f")
    assert get_model_path("m", 9).endswith("/m/9/f")


def test_without_app_root_the_current_folder_counts(root, monkeypatch):
    monkeypatch.delenv("AML_APP_ROOT")
    folder = put(root / "elsewhere", "m", 2, "f")
    assert get_model_path("m") == str(folder / "f")


def test_a_given_root_wins(root, tmp_path):
    put(root, "m", 1, "f")
    folder = put(tmp_path / "other", "m", 3, "f")
    assert get_model_path("m", root=tmp_path / "other") == str(folder / "f")


def test_a_file_in_the_current_folder(root):
    (root / "elsewhere" / "model.pkl").touch()
    assert get_model_path("model.pkl") == str(root / "elsewhere" / "model.pkl")
    assert get_model_path("model.pkl", 7) == str(root / "elsewhere" / "model.pkl")


@pytest.mark.parametrize("files", [(), ("a", "b")])
def test_exactly_one_entry(root, files):
    put(root, "m", 1, *files)
    with pytest.raises(ModelNotFoundException, match="can contain only 1 file or folder"):
        get_model_path("m")


@pytest.mark.parametrize("version", ["1", 1.0, True])
def test_version_is_a_number(root, version):
    with pytest.raises(TypeError, match="version must be a whole number"):
        get_model_path("m", version)


def test_the_error_lists_what_is_there(root):
    put(root, "other", 1, "f")
    put(root, "m", 1, "f")
    with pytest.raises(ModelNotFoundException) as caught:
        get_model_path("missing")
    assert "Model missing was not found" in str(caught.value)
    assert "has m, other" in str(caught.value)
    with pytest.raises(ModelNotFoundException, match=r"Model m, version 2, .*m \(has 1\)"):
        get_model_path("m", 2)
