"""Two hosts on one home, as two pid namespaces with names of their own."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mldeploy import InferenceConfig, LocalWebservice, Model, Webservice, Workspace
from tests.faults import invariants
from tests.faults.points import pids_of

ELSEWHERE = ["unshare", "--pid", "--fork", "--mount-proc", "--uts", "sh", "-c"]
SCRIPT = "def init():\n    pass\ndef run(data):\n    return 1\n"
ASK = """
import json, os, sys
from jupyter_mldeploy import Operation, Webservice, Workspace
from jupyter_mldeploy.errors import MLDeployError

workspace = Workspace.get("hosts")
said = {"host": os.uname().nodename}
service = Webservice(workspace, "svc")
said["status"], said["reason"] = service.status, service.reason
said["operations"] = [o.state for o in Operation.list(workspace)]
for call in sys.argv[1:]:
    try:
        getattr(service, call)(**({"wait": True} if call == "reload" else {}))
        said[call] = "done"
    except MLDeployError as error:
        said[call] = str(error)
said["status after"] = service.status
print(json.dumps(said))
"""


def elsewhere(*calls):
    """Look, and make those calls, on the other host; return what was said there."""
    script = f'hostname other-host && exec {sys.executable} -c "$0" "$@"'
    done = subprocess.run(
        [*ELSEWHERE, script, ASK, *calls],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        check=True,
        timeout=120,
    )
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["host"] == "other-host"
    return said


@pytest.fixture
def deploy(tmp_path):
    done = subprocess.run([*ELSEWHERE, "true"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"namespaces cannot be made here: {done.stderr.strip()}")
    workspace = Workspace.create("hosts")
    path = tmp_path / "score.py"

    def deploy(script=SCRIPT):
        path.write_text(script)
        return Model.deploy(
            workspace,
            "svc",
            [],
            InferenceConfig(entry_script=str(path)),
            LocalWebservice.deploy_configuration(drain_seconds=1),
        )

    yield deploy
    for service in workspace.webservices.values():
        service.delete()
    assert not invariants.eventually(lambda: invariants._processes(workspace._store.home))


def pids(service):
    return pids_of(service._folder, serving=True)


def test_what_runs_on_another_host_is_neither_adopted_nor_called_crashed(deploy):
    service = deploy()
    service.wait_for_deployment()
    before, generation = pids(service), service.generation
    said = elsewhere("reload", "stop", "delete")
    assert said["status"] == said["status after"] == "Unhealthy"
    assert f"It runs on {socket.gethostname()}, or in another container" in said["reason"]
    for call in ("reload", "stop", "delete"):
        assert f"runs on {socket.gethostname()}" in said[call], said[call]
    assert pids(service) == before
    assert service.status == "Healthy"
    assert service.generation == generation
    assert service.run("1") == 1
    service.reload(wait=True)
    assert service.run("1") == 1


def test_an_operation_of_another_host_is_not_called_dead(deploy, tmp_path):
    gate = tmp_path / "gate"
    service = deploy(
        "import pathlib, time\n"
        "def init():\n"
        f"    while not pathlib.Path({str(gate)!r}).exists():\n"
        "        time.sleep(0.02)\n"
        "def run(data):\n    return 2\n"
    )
    said = elsewhere("reload")
    assert said["operations"] == ["Running"]
    assert said["status"] in {"Building", "Starting"}
    assert "still under way" in said["reload"]
    gate.touch()
    service.wait_for_deployment()
    assert service.run("1") == 2


def test_what_was_stopped_may_be_started_on_another_host_and_then_is_theirs(deploy):
    service = deploy()
    service.wait_for_deployment()
    service.stop()
    # The namespace, and all in it, ends with the call: nobody here can know that.
    assert elsewhere("start")["start"] == "done"
    state = Webservice(service.workspace, "svc")._state()
    assert state.status.value == "Unhealthy"
    assert "It runs on other-host" in state.reason
    (service._folder / "process.json").unlink()  # as the hint says, for a place that is gone
    service.reload(wait=True)
    assert service.run("1") == 1
