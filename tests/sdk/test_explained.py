"""What a user is told of a failure, by the SDK, after a real deployment."""

import time

import pytest
import requests

from jupyter_mldeploy import LocalWebservice, Operation, OperationFailed

OURS = ("mldeploy_serving", "jupyter_mldeploy/")


def failure(lab, script, models=(), **configuration):
    lab.write("score.py", script)
    config = LocalWebservice.deploy_configuration(**configuration)
    service = lab.deploy(list(models), config=config, wait=False)
    with pytest.raises(OperationFailed) as failed:
        service.wait_for_deployment()
    return str(failed.value), service


def test_a_module_beside_the_script(lab):
    lab.write("features.py", "x = 1\n")
    text, service = failure(
        lab, "def init(): load()\ndef load():\n    import features\ndef run(data): return data\n"
    )
    assert "ModuleNotFoundError: No module named 'features'" in text
    assert "features.py is beside the script" in text
    assert f'Set source_directory="{lab.folder}"' in text
    assert "score.py:3" in text
    assert not any(word in text for word in OURS)
    problem = Operation.list(lab.workspace, subject="svc")[0].error
    assert problem.fix.kind == "set_source_directory"
    assert problem.fix.arguments == {"source_directory": str(lab.folder)}
    assert not any(word in problem.traceback for word in OURS)
    assert service.status == "Crashed"
    assert "source_directory" in service.error
    assert service.serialize()["error"]["fix"]["kind"] == "set_source_directory"


def test_where_init_hangs(lab):
    text, service = failure(
        lab,
        "import threading\ndef init():\n    wait()\ndef wait():\n    threading.Event().wait()\n"
        "def run(data): return data\n",
        init_timeout_seconds=2,
    )
    assert "init() was still in wait() after 2 s" in text
    assert "score.py:5  threading.Event().wait()" in text
    assert "init_timeout_seconds" in text
    problem = Operation.list(lab.workspace, subject="svc")[0].error
    assert problem.fix.kind == "more_time"
    assert "in init" in problem.traceback
    assert not any(word in problem.traceback for word in OURS)
    assert "most recent call first" in service.get_logs()


def test_where_compiled_code_crashed(lab):
    text, _ = failure(
        lab,
        "import ctypes\ndef init():\n    ctypes.string_at(0)\ndef run(data): return data\n",
    )
    assert "Compiled code crashed with SIGSEGV" in text
    assert "score.py:3  ctypes.string_at(0)" in text


def test_versions_that_differ_from_those_at_registration(lab, monkeypatch):
    path = lab.folder / "old.pkl"
    path.write_bytes(b"cnumpy.oldnumeric.array\nArray\n.")
    from jupyter_mldeploy import Model

    model = Model.register(lab.workspace, str(path), "old")
    record = model._record
    lab.workspace._store.models.update(
        record.id, registered_environment={"packages": {"numpy": "1.9.2"}}
    )
    text, _ = failure(
        lab,
        """
        import pickle
        from azureml.core.model import Model

        def init():
            with open(Model.get_model_path("old"), "rb") as file:
                pickle.load(file)

        def run(data):
            return data
        """,
        [model],
    )
    assert "old:1 was saved with numpy 1.9.2" in text
    assert "numpy==1.9.2" in text


def test_a_request_that_fails(lab):
    service = lab.deploy([lab.register(lab.first)])
    assert service.error is None
    answer = requests.post(service.scoring_uri, json={"rows": [[1]]}, timeout=10)
    assert answer.status_code == 500
    assert "rows" not in answer.text  # the client is told nothing of the inside
    assert "score.py" not in answer.text
    told = "The request has no 'data'; it has: 'rows'."
    assert told in service.error
    assert "score.py:" in service.error
    assert told in service.get_logs()
    assert service.status == "Healthy"


def test_a_crash_while_serving(lab):
    lab.write(
        "score.py",
        "import ctypes\ndef init(): pass\ndef run(data):\n    ctypes.string_at(0)\n",
    )
    service = lab.deploy([])
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.post(service.scoring_uri, data="{}", timeout=10)
    deadline = time.monotonic() + 20
    while (problem := service._state().problem) is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert "Compiled code crashed with SIGSEGV" in problem.what
    assert problem.line == 4
