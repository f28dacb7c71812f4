"""Deploy, score, update, roll back, stop, start, delete: with real processes and real HTTP."""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap

import pytest
import requests
from tests_sdk_helpers import alive, processes_become, processes_of

from jupyter_mldeploy import (
    InferenceConfig,
    LocalWebservice,
    Model,
    Operation,
    OperationFailed,
    UserErrorException,
    Webservice,
    WebserviceException,
    Workspace,
)


def test_deploy_score_delete(lab, free_port):
    model = lab.register(lab.first)
    config = LocalWebservice.deploy_configuration(port=free_port)
    service = lab.deploy([model], config=config)
    assert isinstance(service, LocalWebservice)
    assert service.state == "running"
    assert service.status == "Healthy"
    assert service.reason
    assert service.error is None
    assert service.compute_type == "Local"
    assert service.scoring_uri == f"http://localhost:{free_port}/score"
    assert service.swagger_uri == f"http://localhost:{free_port}/swagger.json"
    assert [m.id for m in service.models] == ["diabetes:1"]
    assert service.run(json.dumps(lab.body())) == lab.expect(lab.first)
    assert service.run(json.dumps(lab.body()).encode()) == lab.expect(lab.first)
    answer = requests.post(service.scoring_uri, json=lab.body(), timeout=10)
    assert answer.json() == lab.expect(lab.first)
    assert requests.get(service.scoring_uri.replace("score", ""), timeout=10).text == "Healthy"
    assert requests.get(service.swagger_uri, timeout=10).json()["info"]["title"] == "svc"
    assert "POST /score 200" in service.get_logs()
    pids = processes_of(service)
    assert len(pids) == 2  # supervisor and server
    service.delete()
    assert service.state == "deleted"
    assert not any(alive(pid) for pid in pids)
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", free_port))
    with pytest.raises(WebserviceException, match="WebserviceNotFound"):
        Webservice(lab.workspace, "svc")
    service.delete()  # says that there is none


def test_the_environment_of_the_contract(lab):
    model = lab.register(lab.first)
    names = ["AZUREML_MODEL_DIR", "AML_APP_ROOT", "AZUREML_ENTRY_SCRIPT", "SERVICE_NAME", "PWD"]
    service = lab.deploy([model])
    seen = service.run({"where": names})
    assert seen["AZUREML_ENTRY_SCRIPT"] == "score.py"
    assert seen["SERVICE_NAME"] == "svc"
    assert seen["AZUREML_MODEL_DIR"] == seen["AML_APP_ROOT"] + "/azureml-models/diabetes/1"
    other = lab.register(lab.second, "other")
    service.update(models=[model, other], wait=True)
    seen = service.run({"where": names})
    assert seen["AZUREML_MODEL_DIR"] == seen["AML_APP_ROOT"] + "/azureml-models"


def test_source_directory_and_folder_model(lab):
    lab.write("src/pkg/scorer.py", "FACTOR = 2\n")
    lab.write(
        "src/x/y/score.py",
        """
        import os
        from azureml.core.model import Model
        from pkg.scorer import FACTOR

        def init():
            global root
            root = Model.get_model_path("weights")

        def run(data):
            with open(os.path.join(root, "a", "w.txt")) as file:
                return {"w": int(file.read()) * FACTOR, "script": os.environ["AZUREML_ENTRY_SCRIPT"],
                        "source": os.environ["AZUREML_SOURCE_DIRECTORY"], "root": os.path.basename(root)}
        """,
    )
    lab.write("weights/a/w.txt", "21")
    model = Model.register(lab.workspace, "weights", "weights")
    service = lab.deploy([model], script="x/y/score.py", source="src")
    assert service.run("") == {
        "w": 42,
        "script": "src/x/y/score.py",
        "source": "src",
        "root": "weights",
    }


@pytest.mark.parametrize("form", ["object", "id", "name", "path"])
def test_every_form_of_a_model(lab, form):
    model = lab.register(lab.first)
    lab.register(lab.second)
    if form == "path":  # served as it is, under version 0
        lab.register(lab.first, "spare")
        (lab.folder / "spare.joblib").rename(lab.folder / "diabetes")
    given = {"object": model, "id": "diabetes:1", "name": "diabetes", "path": "./diabetes"}[form]
    service = lab.deploy([given])
    wanted = lab.second if form == "name" else lab.first
    assert service.run(lab.body()) == lab.expect(wanted)
    directory = service.run({"where": ["AZUREML_MODEL_DIR"]})["AZUREML_MODEL_DIR"]
    version = {"object": "1", "id": "1", "name": "2", "path": "0"}[form]
    assert directory.endswith(f"azureml-models/diabetes/{version}")


def test_the_same_again_is_the_same_service(lab):
    model = lab.register(lab.first)
    service = lab.deploy([model])
    before = processes_of(service)
    again = lab.deploy([model])
    assert processes_of(again) == before
    assert again.generation == service.generation == 1


def test_something_else_under_the_name_needs_overwrite(lab):
    service = lab.deploy([lab.register(lab.first)])
    newer = lab.register(lab.second)
    with pytest.raises(WebserviceException, match="a service named svc already exists") as refused:
        lab.deploy([newer])
    assert "overwrite=True" in str(refused.value)
    assert service.run(lab.body()) == lab.expect(lab.first)
    lab.deploy([newer], overwrite=True)
    assert service.run(lab.body()) == lab.expect(lab.second)
    assert service.generation == 2


def test_update_rollback_reload(lab):
    first, second = lab.register(lab.first), lab.register(lab.second)
    service = lab.deploy([first])
    uri = service.scoring_uri
    service.update(models=[second])
    service.wait_for_deployment()
    assert service.scoring_uri == uri
    assert service.run(lab.body()) == lab.expect(lab.second)
    assert [m.version for m in service.models] == [2]
    service.rollback()
    assert service.run(lab.body()) == lab.expect(lab.first)
    assert [m.version for m in service.models] == [1]
    service.rollback(2)
    assert service.run(lab.body()) == lab.expect(lab.second)
    with pytest.raises(WebserviceException, match="no earlier generation 77"):
        service.rollback(77)
    lab.write("score.py", "def init(): pass\ndef run(data): return 'reloaded'\n")
    service.reload(wait=True)
    assert service.run("") == "reloaded"
    states = {entry["generation"]: entry["state"] for entry in service.history()}
    assert states == {1: "retired", 2: "retired", 3: "retired", 4: "retired", 5: "serving"}
    with pytest.raises(WebserviceException, match=r"No parameters provided to update\."):
        service.update()


def test_a_failing_update_leaves_the_old_one_serving(lab):
    model = lab.register(lab.first)
    service = lab.deploy([model])
    lab.write(
        "broken.py",
        """
        def init():
            open("no-such-file.bin")

        def run(data):
            return 1
        """,
    )
    with pytest.raises(OperationFailed) as failed:
        service.update(inference_config=InferenceConfig(entry_script="broken.py"), wait=True)
    text = str(failed.value)
    assert "FileNotFoundError" in text
    assert "no-such-file.bin" in text
    assert "broken.py:3" in text
    assert "Generation 1 is still serving" in text
    assert service.status == "Healthy"
    assert "no-such-file.bin" in service.error
    assert service.run(lab.body()) == lab.expect(lab.first)
    assert "no-such-file.bin" in service.get_logs()
    service.update(models=[model], wait=True)  # a good one heals
    assert service.error is None


def test_a_failing_first_deployment_is_explained_and_can_be_repeated(lab):
    model = lab.register(lab.first)
    lab.write("score.py", "def init():\n    return 1 / 0\n\ndef run(data):\n    return 1\n")
    service = lab.deploy([model], wait=False)
    with pytest.raises(WebserviceException) as failed:
        service.wait_for_deployment()
    text = str(failed.value)
    assert "ZeroDivisionError" in text
    assert "score.py:2" in text
    assert "return 1 / 0" in text
    assert service.status == "Crashed"
    assert service.state == "failed"
    assert "ZeroDivisionError" in service.reason
    assert "1 / 0" in service.get_logs()
    assert processes_of(service) == []
    with pytest.raises(WebserviceException, match=r"Cannot call run\(\) when service is failed"):
        service.run("")
    lab.write("score.py", "def init(): pass\ndef run(data): return 'mended'\n")
    assert lab.deploy([model]).run("") == "mended"


def test_stop_and_start(lab):
    service = lab.deploy([lab.register(lab.first)])
    uri = service.scoring_uri
    service.stop()
    assert service.status == "Stopped"
    assert processes_of(service) == []
    with pytest.raises(requests.ConnectionError):
        requests.get(uri, timeout=5)
    service.start()
    assert service.status == "Healthy"
    assert service.scoring_uri == uri
    assert service.run(lab.body()) == lab.expect(lab.first)
    service.stop()
    lab.deploy([lab.workspace.models["diabetes"]])  # the same request brings it back
    assert service.status == "Healthy"


def test_keys(lab):
    config = LocalWebservice.deploy_configuration(
        auth_enabled=True, primary_key="first-key-0123", drain_seconds=2
    )
    service = lab.deploy([lab.register(lab.first)], config=config)
    assert service.auth_enabled
    primary, secondary = service.get_keys()
    assert primary == "first-key-0123"
    refused = requests.post(service.scoring_uri, json=lab.body(), timeout=10)
    assert refused.status_code == 401
    assert "message" in refused.json()
    for header in ({"Authorization": f"Bearer {secondary}"}, {"X-API-Key": primary}):
        answer = requests.post(service.scoring_uri, json=lab.body(), headers=header, timeout=10)
        assert answer.json() == lab.expect(lab.first)
    assert service.run(lab.body()) == lab.expect(lab.first)
    service.regen_key("primary")
    assert service.get_keys()[0] != primary
    assert service.get_keys()[1] == secondary
    old = requests.post(
        service.scoring_uri, json=lab.body(), headers={"X-API-Key": primary}, timeout=10
    )
    assert old.status_code == 401
    service.regen_key("Secondary", set_key="chosen-key-0123")
    assert service.get_keys()[1] == "chosen-key-0123"
    with pytest.raises(UserErrorException, match="tertiary"):
        service.regen_key("tertiary")
    with pytest.raises(WebserviceException, match="does not use tokens"):
        service.get_token()
    home = lab.workspace._store.home
    for path in home.rglob("*"):
        if path.is_file() and path.name != "keys.json":
            assert b"first-key-0123" not in path.read_bytes(), path
    keys = next(home.rglob("keys.json"))
    assert keys.stat().st_mode & 0o777 == 0o600


def test_tokens(lab):
    config = LocalWebservice.deploy_configuration(token_auth_enabled=True, drain_seconds=2)
    service = lab.deploy([lab.register(lab.first)], config=config)
    token, refresh_after = service.get_token()
    assert requests.post(service.scoring_uri, json=lab.body(), timeout=10).status_code == 401
    header = {"Authorization": f"Bearer {token}"}
    answer = requests.post(service.scoring_uri, json=lab.body(), headers=header, timeout=10)
    assert answer.json() == lab.expect(lab.first)
    assert service.run(lab.body()) == lab.expect(lab.first)
    access = service.get_access_token()
    assert access.token_type == "Bearer"
    assert refresh_after < access.expiry_on
    assert access.access_token not in repr(access)
    with pytest.raises(WebserviceException, match="does not use keys"):
        service.get_keys()


def test_what_can_be_refused_is_refused_before_anything_starts(lab):
    model = lab.register(lab.first)
    good = InferenceConfig(entry_script="score.py")
    deploy, ws = Model.deploy, lab.workspace
    with pytest.raises(UserErrorException, match="Bad_Name"):
        deploy(ws, "Bad_Name", [model], good)
    with pytest.raises(UserErrorException, match="inference_config is required"):
        deploy(ws, "svc", [model])
    with pytest.raises(WebserviceException, match="ModelNotFound"):
        deploy(ws, "svc", ["no-such-model:3"], good)
    with pytest.raises(UserErrorException, match="must be a list"):
        deploy(ws, "svc", model, good)
    with pytest.raises(UserErrorException, match="listed twice"):
        deploy(ws, "svc", [model, "diabetes:1"], good)
    with pytest.raises(UserErrorException, match="deploy_configuration"):
        deploy(ws, "svc", [model], good, {"port": 1})
    with pytest.raises(UserErrorException, match="InferenceConfig"):
        deploy(ws, "svc", [model], {"entryScript": "score.py"})
    lab.write("no_run.py", "def init(): pass\n")
    with pytest.raises(UserErrorException, match=r"has no function run\(\)"):
        deploy(ws, "svc", [model], InferenceConfig(entry_script="no_run.py"))
    lab.write("env.yml", "dependencies: []\n")
    conda = InferenceConfig(entry_script="score.py", conda_file="env.yml")
    with pytest.raises(UserErrorException, match=r"env\.yml"):
        deploy(ws, "svc", [model], conda)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(WebserviceException, match=str(port)):
            deploy(ws, "svc", [model], good, LocalWebservice.deploy_configuration(port=port))
    assert ws.webservices == {}
    assert ws.operations == {}


def test_a_model_in_use_cannot_be_deleted(lab):
    model = lab.register(lab.first)
    service = lab.deploy([model])
    with pytest.raises(WebserviceException, match="svc") as refused:
        model.delete()
    assert refused.value.status_code == 412
    service.delete()
    model.delete()
    assert lab.workspace.models == {}


def test_list_filters_and_tags(lab):
    first = lab.register(lab.first)
    second = lab.register(lab.second, "other")
    config = LocalWebservice.deploy_configuration(
        tags={"team": "a"}, properties={"p": "1"}, description="words", drain_seconds=1
    )
    one = lab.deploy([first], name="one", config=config)
    lab.write("other.py", "def init(): pass\ndef run(data): return 1\n")
    lab.deploy([second], name="two", script="other.py")
    ws = lab.workspace

    def names(**filters):
        return [service.name for service in Webservice.list(ws, **filters)]

    assert names() == ["one", "two"]
    assert names(model_name="diabetes") == ["one"]
    assert names(model_id="other:1") == ["two"]
    assert names(model_id="other:9") == []
    assert names(tags=["team"]) == names(tags=[["team", "a"]]) == ["one"]
    assert names(tags=[["team", "b"]]) == []
    assert names(properties=[["p", "1"]]) == ["one"]
    assert names(compute_type="local") == ["one", "two"]
    assert names(compute_type="AKS") == []
    assert sorted(ws.webservices) == ["one", "two"]
    assert one.description == "words"
    one.add_tags({"stage": "x"})
    one.remove_tags(["team"])
    assert one.tags == {"stage": "x"}
    one.add_properties({"q": "2"})
    with pytest.raises(WebserviceException, match="cannot be changed"):
        one.add_properties({"p": "2"})
    assert one.properties == {"p": "1", "q": "2"}


def test_another_process_sees_and_uses_the_service(lab):
    service = lab.deploy([lab.register(lab.first)])
    script = f"""
        from jupyter_mldeploy import Operation, Webservice, Workspace
        ws = Workspace.get("test")
        service = Webservice(ws, "svc")
        print(service.status, service.run({json.dumps(lab.body(1))!r}))
        operation = Operation.list(ws)[0]
        print(operation.kind, operation.state, operation.subject)
        service.stop()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Healthy [")
    assert lines[1] == "deploy Succeeded svc"
    assert service.status == "Stopped"


def test_the_deployment_outlives_the_process_that_asked_for_it(lab):
    lab.register(lab.first)
    script = """
        import os
        from jupyter_mldeploy import InferenceConfig, Model, Workspace
        ws = Workspace.get("test")
        Model.deploy(ws, "svc", ["diabetes"], InferenceConfig(entry_script="score.py"))
        os._exit(9)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    service = Webservice(lab.workspace, "svc")
    service.wait_for_deployment()
    assert service.run(lab.body()) == lab.expect(lab.first)


def test_a_killed_supervisor_is_replaced_and_nothing_is_lost(lab):
    service = lab.deploy([lab.register(lab.first)])
    supervisor, server = processes_of(service)
    os.kill(supervisor, signal.SIGKILL)
    assert service.run(lab.body()) == lab.expect(lab.first)
    assert service.status == "Healthy"
    successor, same_server = processes_of(service)
    assert successor != supervisor
    assert same_server == server
    service.update(models=[lab.register(lab.second)], wait=True)
    assert service.run(lab.body()) == lab.expect(lab.second)


def test_a_killed_server_comes_back(lab):
    service = lab.deploy([lab.register(lab.first)])
    _, server = processes_of(service)
    os.kill(server, signal.SIGKILL)
    service.wait_until("Crashed", "Starting", "Unhealthy", timeout_sec=10)
    service.wait_until("Healthy", timeout_sec=60)
    assert service.run(lab.body()) == lab.expect(lab.first)


def test_a_killed_worker_is_said_and_leaves_the_old_one(lab):
    service = lab.deploy([lab.register(lab.first)])
    lab.write("slow.py", "import time\ndef init(): time.sleep(600)\ndef run(data): return 1\n")
    service.update(inference_config=InferenceConfig(entry_script="slow.py"))
    operation = Operation.list(lab.workspace)[0]
    for line in operation.follow(timeout=30):
        if "environment done" in line.text:
            break
    os.kill(operation._row().worker["pid"], signal.SIGKILL)
    with pytest.raises(OperationFailed, match="ended unexpectedly"):
        service.wait_for_deployment()
    assert service.run(lab.body()) == lab.expect(lab.first)
    service.update(models=[lab.register(lab.second)], wait=True)  # clears what was left
    assert service.run(lab.body()) == lab.expect(lab.second)
    assert processes_become(service, 2)


def test_cancel_leaves_the_old_one(lab):
    service = lab.deploy([lab.register(lab.first)])
    lab.write("slow.py", "import time\ndef init(): time.sleep(600)\ndef run(data): return 1\n")
    service.update(inference_config=InferenceConfig(entry_script="slow.py"))
    operation = Operation.list(lab.workspace)[0]
    for line in operation.follow(timeout=30):
        if "environment done" in line.text:
            break
    with pytest.raises(WebserviceException, match="still under way"):
        service.reload()
    operation.cancel()
    with pytest.raises(WebserviceException, match="cancelled"):
        service.wait_for_deployment()
    assert operation.state == "Cancelled"
    assert service.run(lab.body()) == lab.expect(lab.first)
    assert processes_become(service, 2)


def test_run_while_it_is_being_deployed_waits(lab):
    service = lab.deploy([lab.register(lab.first)], wait=False)
    assert service.run(lab.body()) == lab.expect(lab.first)


def test_a_script_error_reaches_the_caller_tersely_and_the_log_fully(lab):
    lab.write("bad.py", "def init(): pass\ndef run(data):\n    return {}['secret-detail']\n")
    service = lab.deploy([lab.register(lab.first)], script="bad.py")
    with pytest.raises(WebserviceException, match="Received bad response from service") as bad:
        service.run("{}")
    assert bad.value.status_code == 500
    assert "secret-detail" not in str(bad.value)
    assert "KeyError: 'secret-detail'" in service.get_logs()


def test_two_workspaces_may_use_one_name(lab):
    service = lab.deploy([lab.register(lab.first)])
    other = Workspace.create("other")
    lab.write("other.py", "def init(): pass\ndef run(data): return 'other'\n")
    second = Model.deploy(other, "svc", [], InferenceConfig(entry_script="other.py"))
    try:
        second.wait_for_deployment()
        assert second.run("") == "other"
        assert service.run(lab.body()) == lab.expect(lab.first)
    finally:
        second.delete()
    assert service.status == "Healthy"


def test_a_switch_whose_worker_died_before_its_row_is_recorded_later(lab):
    """Between the switch and its row a worker can die: then the target is right, not the row."""
    first, second = lab.register(lab.first), lab.register(lab.second)
    service = lab.deploy([first])
    service.update(models=[second], wait=True)
    services = lab.workspace._store.services
    before = services.generation(service._id, 1)
    services.set_generation_state(service._id, 1, "serving")
    services.set_generation_state(service._id, 2, "staged")
    services.update(
        service._id, serving_generation=1, model_ids=before.model_ids, request_hash="old"
    )
    assert service.status == "Healthy"
    assert service.generation == 2
    assert [m.version for m in service.models] == [2]
    services.set_generation_state(service._id, 2, "staged")
    services.update(service._id, serving_generation=1)
    service.update(models=[first], wait=True)  # takes generation 2 for no leftover
    assert {h["generation"]: h["state"] for h in service.history()} == {
        1: "retired",
        2: "retired",
        3: "serving",
    }
    assert service.run(lab.body()) == lab.expect(lab.first)
