"""What was meant to run comes back after a restart of the machine; a crash is something else."""

import json
import os
import signal
import subprocess
import sys

import pytest
from tests_sdk_helpers import alive, processes_become, processes_of

from jupyter_mldeploy import LocalWebservice, Operation, Webservice, Workspace
from jupyter_mldeploy.deployment.restart import only_looking
from jupyter_mldeploy.serving.identity import Identity
from jupyter_mldeploy.targets.supervision import wait_for_exit

OPEN = "import jupyter_mldeploy as m; m.Workspace.get('test')"


def kill_all(service):
    processes = [Identity.of(pid) for pid in processes_of(service)]
    for process in processes:
        os.kill(process.pid, signal.SIGKILL)
    for process in processes:  # with its last thread: until then it is there to be adopted
        assert wait_for_exit(process, 20)


def restart_machine(service, **identity):
    """Kill what runs, and have it belong to an earlier boot, as a restart does."""
    kill_all(service)
    path = service._folder / "process.json"
    state = json.loads(path.read_text())
    changes = {"boot_id": "an-earlier-boot", **identity}
    state["supervisor"].update(changes)
    for generation in state["generations"].values():
        for server in generation["servers"]:
            if server["identity"]:
                server["identity"].update(changes)
    path.write_text(json.dumps(state))


def starts(service):
    found = Operation.list(service.workspace, subject=service.name)
    return [operation for operation in found if operation.kind == "start"]


@pytest.fixture
def services(lab):
    model = lab.register(lab.first)
    return [lab.deploy([model], name=name) for name in ("svc-a", "svc-b")]


def test_what_was_meant_to_run_is_started_and_said_once(lab, services, capfd):
    first, second = services
    uri = first.scoring_uri
    second.stop()
    for service in services:
        restart_machine(service)
    capfd.readouterr()
    workspace = Workspace.get("test")
    said = capfd.readouterr().err
    assert said == "After a restart of this machine: starting svc-a.\n"
    again = Webservice(workspace, "svc-a")
    assert again.run(lab.body()) == lab.expect(lab.first)  # waits for it
    assert again.status == "Healthy"
    assert again.scoring_uri == uri
    assert Webservice(Workspace.get("test"), "svc-b").status == "Stopped"
    assert capfd.readouterr().err == ""
    assert len(starts(again)) == 1


def test_a_shutdown_that_told_the_supervisor_to_end_is_no_stop_on_request(lab, services):
    first, _ = services
    os.kill(processes_of(first)[0], signal.SIGTERM)
    assert processes_become(first, 0)
    assert first.status == "Stopped"
    Workspace.get("test")
    assert starts(first) == []  # this boot: somebody wanted it
    restart_machine(first)
    Workspace.get("test")
    first.wait_for_deployment()
    assert first.run(lab.body()) == lab.expect(lab.first)


def test_several_processes_start_it_once(lab, services):
    for service in services:
        restart_machine(service)
    openers = [
        subprocess.Popen([sys.executable, "-c", OPEN], stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    said = "".join(opener.communicate(timeout=60)[1] for opener in openers)
    assert [opener.returncode for opener in openers] == [0] * 4
    assert said.count("svc-a") == said.count("svc-b") == 1
    for service in services:
        service.wait_for_deployment()
        assert len(starts(service)) == 1
        assert service.run(lab.body()) == lab.expect(lab.first)
        assert len(processes_of(service)) == 2


def test_another_host_is_left_alone(lab, services):
    first, _ = services
    restart_machine(first, host="elsewhere")
    Workspace.get("test")
    assert starts(first) == []
    assert first.status == "Unhealthy"
    (first._folder / "process.json").unlink()  # as the hint says: that host is gone


def test_the_shells_completion_starts_nothing(lab, services):
    restart_machine(services[0])
    with only_looking():
        Workspace.get("test")
    assert starts(services[0]) == []


def test_one_that_cannot_start_is_tried_once_and_says_why(lab, services, capfd):
    first, _ = services
    bundle = lab.workspace._store.services.generation(first._id, 1).bundle
    manifest = lab.workspace._store.home / bundle / "manifest.json"
    text = manifest.read_text()
    manifest.unlink()
    restart_machine(first)
    for _ in range(3):
        Workspace.get("test")
        (operation,) = starts(first)
        _ended(operation)
    assert capfd.readouterr().err.count("svc-a") == 1
    assert first.status == "Failed"
    assert "There is no bundle" in first.reason
    manifest.write_text(text)
    first.start()
    assert first.run(lab.body()) == lab.expect(lab.first)


def _ended(operation):
    with pytest.raises(Exception, match="There is no bundle"):
        operation.wait()


def test_an_operation_that_the_machine_took_along_does_not_keep_the_service_busy(lab, services):
    first, _ = services
    supervisor = json.loads((first._folder / "process.json").read_text())["supervisor"]
    operations = lab.workspace._store.operations
    record = operations.create(lab.workspace._record.id, "update", "svc-a", created_by="me")
    operations.claim(record.id, {**supervisor, "boot_id": "an-earlier-boot"})
    restart_machine(first)
    Workspace.get("test")
    first.wait_for_deployment()
    assert first.run(lab.body()) == lab.expect(lab.first)
    assert operations.get(record.id).state == "Failed"


def test_everything_killed_in_one_boot_is_crashed_and_start_brings_it_back(lab, services):
    first, _ = services
    uri = first.scoring_uri
    kill_all(first)
    service = Webservice(Workspace.get("test"), "svc-a")
    assert service.status == "Crashed"
    assert service.state == "failed"
    assert service.reason == "Its supervisor and all its workers were killed."
    assert "service.start()" in service.error
    assert starts(service) == []
    service.start()
    assert service.status == "Healthy"
    assert service.scoring_uri == uri
    assert service.run(lab.body()) == lab.expect(lab.first)
    assert isinstance(service, LocalWebservice)
    assert all(alive(pid) for pid in processes_of(service))
