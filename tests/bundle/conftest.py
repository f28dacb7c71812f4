from __future__ import annotations

import pytest

from jupyter_mldeploy.bundle import ModelSource, current_environment, ensure_runtime, stage
from jupyter_mldeploy.store.files import Files

SCRIPT = """\
import json
import os
from pathlib import Path


def init():
    global text
    from azureml.core.model import Model

    text = Path(Model.get_model_path("greeting")).read_text()


def run(data):
    return {
        "said": text,
        "cwd": os.getcwd(),
        "given": json.loads(data),
        "variables": {k: v for k, v in os.environ.items() if k.startswith(("AZUREML", "AML", "MY"))},
    }
"""


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def runtime(home):
    return ensure_runtime(home)


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path / "artifacts")


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "src"
    folder.mkdir()
    (folder / "score.py").write_text(SCRIPT)
    return folder


@pytest.fixture
def greeting(tmp_path, files):
    """A model of one file."""
    path = tmp_path / "hello.txt"
    path.write_text("hello")
    return ModelSource("greeting", 3, files.add_tree(path))


@pytest.fixture
def make(home, runtime, files, source, tmp_path):
    """Stage a bundle from the source folder; arguments change what is staged."""

    def staged(name="bundle", **changes):
        arguments = {
            "dest": tmp_path / "bundles" / name,
            "service_name": "my-service",
            "models": [],
            "source_directory": source,
            "entry_script": "score.py",
            "environment": current_environment(home),
            "environment_variables": {},
            "files": files,
            "runtime": runtime,
        }
        arguments |= changes
        warnings = stage(**arguments)
        return arguments["dest"], warnings

    return staged
