"""A workspace with a real model, and services that end with the test."""

import contextlib
import socket
import textwrap

import joblib
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

from jupyter_mldeploy import InferenceConfig, LocalWebservice, Model, Workspace

SCORE = """
    import json
    import os

    import joblib
    from azureml.core.model import Model


    def init():
        global model
        model = joblib.load(Model.get_model_path("diabetes"))


    def run(data):
        request = json.loads(data)
        if request.get("where"):
            return {key: os.environ.get(key) for key in request["where"]}
        return model.predict(request["data"]).tolist()
"""


class Lab:
    """What a test needs of a workspace: data, two models, a script, and a way to deploy."""

    def __init__(self, folder):
        self.folder = folder
        self.rows, target = load_diabetes(return_X_y=True)
        self.models = {}
        self.workspace = Workspace.create("test")
        self.first = Ridge(alpha=1.0).fit(self.rows, target)
        self.second = Ridge(alpha=0.01).fit(self.rows, target)
        self.write("score.py", SCORE)

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    def register(self, estimator, name="diabetes"):
        path = self.folder / f"{name}.joblib"
        joblib.dump(estimator, path)
        return Model.register(self.workspace, str(path), name)

    def deploy(self, models, script="score.py", name="svc", wait=True, config=None, **options):
        service = Model.deploy(
            self.workspace,
            name,
            models,
            InferenceConfig(entry_script=script, source_directory=options.pop("source", None)),
            config or LocalWebservice.deploy_configuration(drain_seconds=2),
            **options,
        )
        if wait:
            service.wait_for_deployment()
        return service

    def body(self, count=2):
        return {"data": self.rows[:count].tolist()}

    def expect(self, estimator, count=2):
        return pytest.approx(estimator.predict(self.rows[:count]).tolist())


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lab = Lab(tmp_path)
    yield lab
    for service in lab.workspace.webservices.values():
        service.delete()
    assert list((lab.workspace._store.home / "bundles").glob("*")) == []


@pytest.fixture
def free_port():
    with contextlib.closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
