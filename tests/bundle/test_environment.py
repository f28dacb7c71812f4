from __future__ import annotations

import bz2
import gzip
import importlib.metadata
import json
import lzma
import os
import pickle
import subprocess
import sys
import venv
import zlib
from collections import OrderedDict
from pathlib import Path

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from jupyter_mldeploy.bundle import EnvironmentRecord, current_environment, packages_of_model, scan
from jupyter_mldeploy.bundle import environment as module
from jupyter_mldeploy.errors import UserErrorException


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    return current_environment(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def model():
    pipeline = make_pipeline(StandardScaler(), Ridge())
    return pipeline.fit(np.arange(12.0).reshape(6, 2), np.arange(6.0))


def test_it_agrees_with_importlib(record):
    for name in ("numpy", "scikit-learn", "PyYAML", "jupyter_mldeploy"):
        assert record.packages[name] == importlib.metadata.version(name)
    assert record.python == str(Path(sys.executable).absolute())
    assert record.python_version == ".".join(map(str, sys.version_info[:3]))
    assert record.imports["sklearn"] == ["scikit-learn"]
    assert record.imports["yaml"] == ["PyYAML"]
    assert record.installed("Scikit_Learn") == "scikit-learn"
    assert record.installed("no-such-package") is None


def test_it_is_scanned_once(tmp_path, monkeypatch):
    first = current_environment(tmp_path)
    module._known.clear()
    monkeypatch.setattr(scan, "scan", lambda _places: pytest.fail("it was scanned again"))
    assert current_environment(tmp_path) == first


def test_another_home_may_be_read_only(tmp_path):
    (tmp_path / "cache").write_text("in the way")
    module._known.clear()
    assert current_environment(tmp_path).packages


@pytest.mark.parametrize("content", ["", "[]", '{"stamps": 3}', "\xff"])
def test_a_damaged_cache_is_made_again(tmp_path, content):
    first = current_environment(tmp_path / "a")
    module._known.clear()
    current_environment(tmp_path)
    (file,) = (tmp_path / "cache").iterdir()
    file.write_text(content, encoding="latin-1")
    module._known.clear()
    assert current_environment(tmp_path).packages == first.packages
    assert json.loads(file.read_text())["packages"]


def test_another_interpreter_and_a_new_package(tmp_path):
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    python = tmp_path / "venv" / "bin" / "python"
    found = current_environment(tmp_path, str(python))
    assert found.python == str(python)
    assert "numpy" not in found.packages
    (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    info = site / "My_Thing-1.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: My.Thing\nVersion: 1.5\n\nText\n")
    (info / "RECORD").write_text(
        "my_thing/__init__.py,,\nmy_single.py,,\n../../bin/tool,,\nMy_Thing-1.5.dist-info/RECORD,,\n"
    )
    found = current_environment(tmp_path, str(python))
    assert found.packages["My.Thing"] == "1.5"
    assert found.imports["my_thing"] == ["My.Thing"]
    assert found.imports["my_single"] == ["My.Thing"]


def test_an_interpreter_that_is_none(tmp_path):
    for path in (tmp_path / "none", "/bin/false", "/bin/true"):
        with pytest.raises(UserErrorException, match="interpreter"):
            current_environment(tmp_path, str(path))


def test_broken_metadata_is_no_obstacle(tmp_path):
    (tmp_path / "odd-2.0.dist-info").mkdir()
    (tmp_path / "old-3.0-py3.11.egg-info").write_text("no header\n")
    (tmp_path / ".dist-info").mkdir()
    packages, imports = scan.scan([str(tmp_path), str(tmp_path / "nowhere")])
    assert packages == {"odd": "2.0", "old": "3.0"}
    assert imports == {}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickled_model(tmp_path, record, model, protocol):
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(model, protocol=protocol))
    found = packages_of_model([path], None, record)
    for name in ("scikit-learn", "numpy", "scipy", "joblib"):
        assert found[name] == importlib.metadata.version(name)
    assert "pandas" not in found
    assert "pytest" not in found


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)])
def test_a_model_of_joblib(tmp_path, record, model, compress):
    joblib.dump(model, tmp_path / "model", compress=compress)
    assert "scikit-learn" in packages_of_model([str(tmp_path / "model")], None, record)


def test_a_model_behind_a_large_array(tmp_path, record):
    data = OrderedDict(first=bytes(9 << 20), then=np.float64(3.5))
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(data))
    assert "numpy" in packages_of_model([tmp_path / "model.pkl"], None, record)


def test_a_folder_and_a_framework(tmp_path, record, model):
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "a.txt").write_text("no pickle")
    (tmp_path / "folder" / "deep" / "b.pkl").write_bytes(pickle.dumps(model))
    assert "scikit-learn" in packages_of_model([tmp_path / "folder"], None, record)
    assert "scikit-learn" in packages_of_model([], "ScikitLearn", record)
    onnx = tmp_path / "net.onnx"
    onnx.write_bytes(b"\x08\x07")
    assert "onnxruntime" in packages_of_model([onnx], None, record)


def test_what_is_not_installed_is_not_named(record):
    assert packages_of_model([], "PyTorch", record) == {}
    assert packages_of_model([], "NoSuchFramework", record) == {}


def test_strange_paths_do_not_raise(tmp_path, record):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "here").symlink_to(".")
    paths = [tmp_path / "none", tmp_path, tmp_path / "loop", "nul\0l", tmp_path / "pipe"]
    assert packages_of_model(paths, None, record) == {}


RECORD = EnvironmentRecord("/p", "3.11.7", "x", {"numpy": "2"}, {"numpy": ["numpy"]})
starts = st.sampled_from([b"", b"\x80\x04", b"(", b"PK\x03\x04", b"\x1f\x8b", b"\x78\x9c", b"BZh"])


@given(
    start=starts,
    data=st.binary(max_size=2000),
    pack=st.sampled_from([bytes, gzip.compress, bz2.compress, lzma.compress, zlib.compress]),
)
@settings(max_examples=150, deadline=None)
def test_no_file_raises(tmp_path_factory, start, data, pack):
    path = tmp_path_factory.getbasetemp() / "any.bin"
    path.write_bytes(pack(start + data))
    found = packages_of_model([path], None, RECORD)
    assert set(found) <= {"numpy"}


@pytest.mark.parametrize("unit", [b"c", b"ca\n", b"\n", b"\x8c\x01a", b"\x8c\x01a\x94", b"c."])
def test_no_file_takes_long(tmp_path, unit):
    # A pattern that tries every start again and again would need hours for these.
    (tmp_path / "model").write_bytes(b"\x80\x04" + unit * (4_000_000 // len(unit)))
    assert packages_of_model([tmp_path / "model"], None, RECORD) == {}


def test_scan_runs_alone():
    said = subprocess.run(
        [sys.executable, "-I", "-S", scan.__file__], capture_output=True, check=True
    )
    assert json.loads(said.stdout)["packages"] == {}
