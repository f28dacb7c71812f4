"""``ws.check``: what it finds, and that a deployment refuses what it calls an error."""

import contextlib
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mldeploy import (
    InferenceConfig,
    LocalWebservice,
    Model,
    Operation,
    WebserviceException,
)

GOOD = """
    import json

    import joblib
    from azureml.core.model import Model
    from features import FACTOR


    def init():
        global model
        model = joblib.load(Model.get_model_path("diabetes"))


    def run(data):
        return FACTOR
"""


@pytest.fixture
def small(lab):
    """A registered model that costs no training and no import."""
    path = lab.folder / "small.bin"
    path.write_bytes(b"x" * 100)
    return Model.register(lab.workspace, str(path), "diabetes")


def check(lab, script, models, source="src", **configuration):
    lab.write("src/score.py", script)
    where = {"source_directory": "src", "entry_script": "score.py"}
    if source is None:
        where = {"entry_script": "src/score.py"}
    return lab.workspace.check(
        models, InferenceConfig(**where), LocalWebservice.deploy_configuration(**configuration)
    )


def test_nothing_to_say(lab, small):
    lab.write("src/features.py", "raise SystemExit('never run by a check')\n")
    report = check(lab, GOOD, [small])
    assert report.ok
    assert list(report) == []
    assert report
    assert repr(report) == "Ready to deploy (0 errors, 0 warnings)."
    assert "azureml-models/\n  diabetes/\n    1/\n      small.bin  100 bytes" in report.tree
    assert "src/\n  features.py" in report.tree


@pytest.mark.parametrize(
    ("script", "words", "line", "fix"),
    [
        ("def run(data): pass\n", "has no function init()", None, None),
        ("import cv2\ndef init(): pass\ndef run(data): pass\n", "opencv-python", 1, "add_package"),
        (
            "def init():\n    import yaml_of_mine\ndef run(data): pass\n",
            "yaml_of_mine cannot",
            2,
            None,
        ),
        (
            (
                "from azureml.core.model import Model\n"
                "def init():\n    Model.get_model_path('diabetis')\ndef run(data): pass\n"
            ),
            "called diabetes, not diabetis",
            3,
            "use_model_path",
        ),
        (
            (
                "from azureml.core.model import Model\n"
                "def init():\n    Model.get_model_path('diabetes', 9)\ndef run(data): pass\n"
            ),
            "Version 9 of diabetes was not deployed",
            3,
            "use_model_path",
        ),
    ],
    ids=["signature", "package", "module", "name", "version"],
)
def test_errors(lab, small, script, words, line, fix):
    report = check(lab, script, [small])
    assert not report.ok
    (error,) = report.errors
    assert words in error.text
    assert error.way_out
    assert error.file == str(lab.folder / "src" / "score.py")
    assert error.line == line
    assert (error.fix.kind if error.fix else None) == fix
    assert error.text in repr(report)
    json.dumps(report.to_dict())


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (
            (
                "try:\n    import cv2\nexcept ImportError:\n    cv2 = None\n"
                "def init(): pass\ndef run(data): pass\n"
            ),
            "cv2 cannot be imported",
        ),
        (
            (
                "import os\ndef init():\n    open(os.path.join(os.environ['AZUREML_MODEL_DIR'], "
                "'smal.bin'))\ndef run(data): pass\n"
            ),
            "azureml-models/diabetes/1/small.bin",
        ),
        (
            "def init():\n    model = 1\ndef run(data):\n    return model\n",
            "without `global model`",
        ),
    ],
    ids=["guarded", "path", "global"],
)
def test_warnings_do_not_refuse(lab, small, script, words):
    report = check(lab, script, [small])
    assert report.ok
    (warning,) = report.warnings
    assert words in str(warning)
    assert warning.line


def test_a_module_that_is_broken_or_left_behind(lab, small):
    lab.write("src/features.py", "x = 1\n")
    report = check(lab, "import features\ndef init(): pass\ndef run(data): pass\n", [small], None)
    (error,) = report.errors
    assert error.fix.kind == "set_source_directory"
    assert error.fix.arguments == {"source_directory": str(lab.folder / "src")}


def test_an_import_that_kills_its_process(lab, small, monkeypatch):
    lab.write("site/deadly.py", "import os\nos.abort()\n")
    monkeypatch.setenv("PYTHONPATH", str(lab.folder / "site"), prepend=":")
    report = check(lab, "import deadly\ndef init(): pass\ndef run(data): pass\n", [small])
    (error,) = report.errors
    assert "killed by signal 6" in error.text


def test_versions_of_the_registration(lab, small):
    lab.workspace._store.models.update(
        small._record.id, registered_environment={"packages": {"numpy": "1.9.2", "absent": "3"}}
    )
    report = check(lab, "def init(): pass\ndef run(data): pass\n", [small])
    assert report.ok
    texts = [finding.text for finding in report.warnings]
    assert any("registered with numpy 1.9.2" in text for text in texts)
    assert any("absent 3; it is not installed" in text for text in texts)
    pins = [finding.fix.arguments["package"] for finding in report.warnings]
    assert sorted(pins) == ["absent", "numpy"]


def test_a_port_that_is_taken(lab, small):
    with contextlib.closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        script = "def init(): pass\ndef run(data): pass\n"
        report = check(lab, script, [small], port=port)
    (error,) = report.errors
    assert str(port) in error.text
    assert error.fix.kind == "other_port"
    assert error.check == "port"


def test_memory_counts_every_worker(lab, small, monkeypatch):
    from jupyter_mldeploy.deployment.preflight import machine
    from jupyter_mldeploy.targets.limits import Limits

    limits = Limits(2, None, 64_000_000_000, 200_000_000)
    monkeypatch.setattr(machine, "read_limits", lambda: limits)
    monkeypatch.setattr(machine, "memory_used", lambda: 0)
    script = "def init(): pass\ndef run(data): pass\n"
    assert check(lab, script, [small], workers=2).ok
    report = check(lab, script, [small], workers=8)
    (error,) = report.errors
    assert "this container has 200 MB" in error.text
    monkeypatch.setattr(machine, "memory_used", lambda: 190_000_000)
    report = check(lab, script, [small], workers=1)
    assert report.ok
    assert "10 MB are free" in report.warnings[0].text


def test_a_deployment_refuses_what_the_check_finds(lab, small):
    lab.write("score.py", "import cv2\ndef init(): pass\ndef run(data): pass\n")
    service = lab.deploy([small], wait=False)
    with pytest.raises(WebserviceException, match="opencv-python-headless"):
        service.wait_for_deployment()
    operation = Operation.list(lab.workspace, subject="svc")[0]
    assert operation.phase == "check"
    assert operation.error.fix.kind == "add_package"
    assert operation.error.line == 1


def test_a_deployment_logs_the_warnings(lab, small):
    lab.write("score.py", "def init():\n    model = 1\ndef run(data):\n    return model\n")
    service = lab.deploy([small])
    assert "without `global model`" in service._last_operation().get_logs()


def test_the_command(lab, small):
    lab.write("score.py", "import cv2\ndef init(): pass\ndef run(data): pass\n")
    command = [Path(sys.executable).with_name("mldeploy"), "check", "-m", "diabetes:1"]
    command += ["-w", "test", "--es", "score.py"]

    def run(*more):
        return subprocess.run(
            [*command, *more], capture_output=True, text=True, timeout=60, check=False
        )

    done = run("-o", "json")
    assert done.returncode == 1, done.stderr
    shown = json.loads(done.stdout)
    assert not shown["ok"]
    assert shown["findings"][0]["fix"]["kind"] == "add_package"
    done = run()
    assert done.returncode == 1
    assert "opencv-python-headless" in done.stdout
    assert "score.py:1" in done.stdout
    lab.write("score.py", "def init(): pass\ndef run(data): pass\n")
    done = run()
    assert done.returncode == 0
    assert "Ready to deploy: 0 errors, 0 warnings." in done.stdout
