"""The whole path with the real command: register, deploy, run, update, roll back, delete."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import joblib
import pytest
import requests
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

SCRIPT = """\
import json
import os
from pathlib import Path

import joblib

def init():
    global model
    model = joblib.load(next(Path(os.environ["AZUREML_MODEL_DIR"]).iterdir()))
    print("loaded", model)

def run(data):
    return model.predict(json.loads(data)["data"]).tolist()
"""


@pytest.fixture
def models(folder):
    """Two fitted models, saved; what each answers for the first row."""
    rows, target = load_diabetes(return_X_y=True)
    (folder / "score.py").write_text(SCRIPT)
    (folder / "row.json").write_text(json.dumps({"data": rows[:1].tolist()}))
    expected = []
    for number, alpha in enumerate((0.5, 5.0), 1):
        fitted = Ridge(alpha=alpha).fit(rows, target)
        joblib.dump(fitted, folder / f"model{number}.joblib")
        expected.append(pytest.approx(fitted.predict(rows[:1]).tolist()))
    return expected


def test_register_deploy_run_update_rollback_delete(shell, call, models, folder):
    row = (folder / "row.json").read_text()
    shell.run("model", "register", "-n", "diabetes", "-p", "model1.joblib", "-t", "meta.json")
    deploy = ("model", "deploy", "-n", "dia-svc", "-f", "meta.json", "--es", "score.py")
    deployed = shell.run(*deploy)
    assert "● Healthy" in deployed.stdout
    assert "http://localhost:" in deployed.stdout
    for phase in ("check", "stage", "environment", "start", "probe", "switch"):
        assert f"{phase} ✓ " in deployed.stderr

    answered = shell.run("service", "run", "-n", "dia-svc", "-d", "-", stdin=row)
    assert json.loads(answered.stdout) == models[0]
    assert call.json("service", "run", "-n", "dia-svc", "-d", row) == models[0]
    assert call.json("service", "run", "dia-svc", "-d", "@row.json") == models[0]

    assert "serves exactly that already" in call(*deploy).stderr
    assert "--overwrite" in call(*deploy, "--workers", "2", code=4).stderr

    call("model", "register", "-n", "diabetes", "-p", "model2.joblib")
    shell.run("service", "update", "-n", "dia-svc", "-m", "diabetes")
    shown = call.json("service", "show", "dia-svc")
    assert shown["modelIds"] == ["diabetes:2"]
    assert shown["generation"] == 2
    assert call.json("service", "run", "dia-svc", "-d", row) == models[1]
    assert "dia-svc" in call("model", "delete", "diabetes:2", code=4).stderr
    assert "used by" in call("model", "show", "diabetes:2").stdout

    shell.run("service", "rollback", "dia-svc")
    assert call.json("service", "run", "dia-svc", "-d", row) == models[0]
    call("service", "rollback", "dia-svc", "--generation", "17", code=1)

    log = call("service", "get-logs", "-n", "dia-svc", "-l", "500").stdout
    assert "loaded Ridge(alpha=0.5)" in log
    assert len(call.json("service", "logs", "dia-svc", "-l", "3")) == 3
    kinds = [each["kind"] for each in call.json("operation", "list", "-s", "dia-svc")]
    assert kinds == ["rollback", "update", "deploy"]
    assert "dia-svc" in call("service", "list", "--model-name", "diabetes").stdout

    shell.run("service", "delete", "dia-svc")
    assert call.json("service", "list") == []
    call("model", "delete", "diabetes:1")


def test_keys_stop_and_start(call, folder):
    (folder / "score.py").write_text("def init(): ...\ndef run(data): return 'hello'\n")
    (folder / "key").write_text("a-key-of-mine\n")
    made = call.json(*("model", "deploy", "-n", "safe", "--es", "score.py", "--ae", "--kp", "@key"))
    assert made["authEnabled"]
    assert requests.post(made["scoringUri"], data="{}", timeout=10).status_code == 401
    keys = call.json("service", "get-keys", "safe")
    assert keys["primaryKey"] == "a-key-of-mine"
    assert "primary" in call("service", "get-keys", "safe").stdout
    assert call.json("service", "run", "safe", "-d", "{}") == "hello"

    call("service", "regen-key", "safe", "-k", "Primary", "-s", "-", input="another-key\n")
    call("service", "regen-key", "safe", "-k", "secondary")
    new = call.json("service", "get-keys", "safe")
    assert new["primaryKey"] == "another-key"
    assert new["secondaryKey"] != keys["secondaryKey"]
    call("service", "get-access-token", "safe", code=1)

    assert "■ Stopped" in call("service", "stop", "safe").stdout
    call("service", "run", "safe", "-d", "{}", code=1)
    assert "● Healthy" in call("service", "start", "safe").stdout
    assert call.json("service", "run", "safe", "-d", "{}") == "hello"

    call("service", "update", "safe", "--ae", "false", "--token-auth-enabled")
    token = call.json("service", "get-access-token", "safe")
    assert token["tokenType"] == "Bearer"
    asked = requests.post(
        made["scoringUri"],
        data="{}",
        headers={"Authorization": f"Bearer {token['accessToken']}"},
        timeout=10,
    )
    assert asked.json() == "hello"


def test_labels_and_a_changed_script(call, folder):
    script = folder / "score.py"
    script.write_text("def init(): ...\ndef run(data): return 1\n")
    call("model", "deploy", "-n", "svc", "--es", "score.py")
    call("service", "update", "svc", code=2)
    call("service", "update", "svc", "--add-tag", "a=1", "--add-property", "p=1")
    shown = call.json("service", "update", "svc", "--remove-tag", "a", "--add-tag", "b=2")
    assert (shown["tags"], shown["properties"]) == ({"b": "2"}, {"p": "1"})
    assert shown["generation"] == 1
    script.write_text("def init(): ...\ndef run(data): return 2\n")
    call("service", "reload", "svc")
    assert call.json("service", "run", "svc", "-d", "{}") == 2


def test_jupyter_mldeploy(shell):
    jupyter = Path(sys.executable).with_name("jupyter")
    done = subprocess.run(
        [jupyter, "mldeploy", "service", "list", "-o", "json"],
        cwd=shell.folder,
        env={**os.environ, "PATH": f"{jupyter.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "[]\n"


def test_logs_are_followed(shell, call, folder):
    (folder / "score.py").write_text("def init(): ...\ndef run(data): print('heard', data)\n")
    call("model", "deploy", "-n", "svc", "--es", "score.py")
    following = subprocess.Popen(
        [shell.command, "service", "logs", "svc", "-f"], stdout=subprocess.PIPE, text=True
    )
    with following:
        for line in following.stdout:
            if "is ready" in line:
                break
        call("service", "run", "svc", "-d", "one")
        for line in following.stdout:
            if "heard" in line:
                assert line.rstrip().endswith("heard one")
                break
        following.send_signal(signal.SIGINT)
        assert following.wait(timeout=30) == 130
