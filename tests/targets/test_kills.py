"""What serves goes on serving, whoever is killed."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import threading
from pathlib import Path

import pytest

from jupyter_mldeploy.errors import OperationFailed, WebserviceException
from jupyter_mldeploy.serving.identity import Identity
from jupyter_mldeploy.serving.supervisor import record
from jupyter_mldeploy.targets import Status

HANGS = "import time\ndef init():\n    time.sleep(600)\ndef run(data):\n    return 1\n"


def kill(service, *pids):
    identities = [Identity.of(pid) for pid in pids]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    service.until(lambda: not any(identity.alive() for identity in identities))


def test_worker_killed_alone_is_started_again(service):
    service.deploy()
    (worker,) = service.workers()
    kill(service, worker)
    seen = service.until(lambda: (o := service.observe()).status is not Status.HEALTHY and o)
    assert seen.status is Status.CRASHED
    assert "killed by SIGKILL; out of memory is the usual cause" in seen.reason
    assert seen.problem.kind == "SIGKILL"
    assert seen.problem.hint
    assert seen.workers[0].restarts == 1
    status, headers, body = service.request("POST", "/score", b"{}")
    assert status == 503
    assert int(headers["Retry-After"]) >= 1
    assert b"SIGKILL" in body
    service.until(lambda: service.observe().status is Status.HEALTHY)
    assert service.score()["pid"] != worker
    assert service.observe().problem is None


def test_the_other_worker_answers_everything_meanwhile(service, load):
    service.deploy(workers=2)
    first = service.workers()[0]
    kill(service, first)
    # Whoever comes after the kernel has ended it finds somebody.
    service.until(lambda: "1 of 2 workers answer" in service.observe().reason)
    with load(4) as clients:
        assert service.observe().status is Status.HEALTHY
        service.until(lambda: service.observe().reason == "All 2 workers answer.")
        before = clients.answers
        service.until(lambda: clients.answers > before + 50)
    assert clients.failures == []
    assert {service.score()["pid"] for _ in range(40)} == set(service.workers())


def test_restarts_come_slower_and_slower(service):
    script = "import os\ndef init():\n    pass\ndef run(data):\n    os._exit(7)\n"
    service.deploy(script=script)
    for restarts in (1, 2):
        with pytest.raises(OSError, match=r"reset|closed|abort|disconnected|without response"):
            service.score()
        service.until(lambda: service.observe().workers[0].restarts == restarts)  # noqa: B023
        seen = service.observe()
        assert "exit code 7" in seen.reason
        service.until(lambda: service.observe().status is Status.HEALTHY)
    server = service.state()["generations"]["1"]["servers"][0]
    assert server["backoff"] == 1.0


def test_supervisor_killed_is_succeeded(service, load):
    service.deploy(workers=2)
    port, workers, old = service.port, service.workers(), service.supervisor()
    with load() as clients:
        kill(service, old)
        seen = service.observe()
        assert seen.status is Status.HEALTHY
        assert seen.port == port
        assert [worker.pid for worker in seen.workers] == workers
        assert service.supervisor() != old
        service.deploy(2, workers=2)
        service.until(lambda: list(service.state()["generations"]) == ["2"])
        assert service.observe().port == port
    assert clients.failures == []
    assert service.score()["generation"] == 2
    assert len(service.processes()) == 3


def test_successor_notices_the_death_of_an_adopted_worker(service):
    service.deploy()
    kill(service, service.supervisor())
    (worker,) = service.workers()
    kill(service, worker)
    seen = service.until(lambda: (o := service.observe()).status is not Status.HEALTHY and o)
    assert seen.status is Status.CRASHED
    service.until(lambda: service.observe().status is Status.HEALTHY)
    assert service.workers() != [worker]


def test_worker_too_busy_to_answer_a_successor_goes_on_serving(service):
    service.deploy(1)
    (worker,) = service.workers()
    os.kill(worker, signal.SIGSTOP)  # as deaf as one whose run() holds the interpreter lock
    try:
        kill(service, service.supervisor())
        seen = service.observe()
        assert seen.status is Status.HEALTHY
        assert [w.pid for w in seen.workers] == [worker]
    finally:
        os.kill(worker, signal.SIGCONT)
    assert service.score()["pid"] == worker
    service.deploy(2)
    assert {service.score()["generation"] for _ in range(20)} == {2}
    service.until(lambda: worker not in service.processes())


def test_update_of_a_service_that_keeps_crashing(service):
    script = "import os\ndef init():\n    pass\ndef run(data):\n    os._exit(7)\n"
    service.deploy(script=script)
    with pytest.raises(OSError, match=r"reset|closed|abort|without response"):
        service.score()
    service.until(lambda: service.observe().status is Status.CRASHED)
    service.deploy(2)
    service.until(lambda: list(service.state()["generations"]) == ["2"])
    assert {service.score()["generation"] for _ in range(20)} == {2}
    assert len(service.processes()) == 2


def test_supervisor_and_one_worker_killed(service):
    service.deploy(workers=2)
    first, second = service.workers()
    kill(service, service.supervisor(), first)
    service.until(lambda: service.observe().reason == "All 2 workers answer.")
    assert second in service.workers()
    assert {service.score()["pid"] for _ in range(40)} == set(service.workers())


def test_supervisor_and_worker_killed_is_crashed_until_resumed(service):
    service.deploy()
    kill(service, service.supervisor(), *service.workers())
    seen = service.observe()
    assert seen.status is Status.CRASHED
    assert "start()" in seen.problem.hint
    assert service.processes() == []  # looking starts nothing
    launch = service.launch(1)
    service.target.check(launch)
    service.target.resume(service.dir)
    service.wait_ready(launch)
    assert service.observe().port == service.port
    assert service.score()["generation"] == 1


def test_deploy_after_everything_was_killed(service):
    service.deploy(1)
    kill(service, service.supervisor(), *service.workers())
    service.deploy(2)
    assert service.score()["generation"] == 2
    service.until(lambda: list(service.state()["generations"]) == ["2"])


def test_after_a_reboot_it_is_stopped_and_can_be_resumed(service):
    service.deploy()
    kill(service, service.supervisor(), *service.workers())
    state = service.state()
    state["supervisor"]["boot_id"] = "of the boot before"
    state["generations"]["1"]["servers"][0]["identity"]["boot_id"] = "of the boot before"
    record.write(str(service.dir), "process.json", state)
    seen = service.observe()
    assert seen.status is Status.STOPPED
    assert "restarted" in seen.reason
    service.target.resume(service.dir)
    service.wait_ready(service.launch(1))
    assert service.observe().status is Status.HEALTHY


def test_what_runs_on_another_host_is_left_alone(service):
    service.deploy()
    state = service.state()
    service.stop()
    for identity in (
        state["supervisor"],
        state["generations"]["1"]["servers"][0]["identity"],
    ):
        identity.update(host="elsewhere", boot_id="another")
    record.write(str(service.dir), "process.json", state)
    seen = service.observe()
    assert seen.status is Status.UNHEALTHY
    assert "elsewhere" in seen.reason
    with pytest.raises(WebserviceException, match="elsewhere"):
        service.target.resume(service.dir)
    with pytest.raises(WebserviceException, match="elsewhere"):
        service.stop()
    assert service.processes() == []
    (service.dir / "process.json").unlink()


def test_supervisor_killed_while_a_generation_loads(service, tmp_path):
    service.deploy(1)
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    script = f"def init():\n    open({str(gate)!r}).read()\ndef run(data):\n    return 2\n"
    launch = service.launch(2, script)
    service.target.start(launch)
    service.until(lambda: service.state()["generations"].get("2"))
    kill(service, service.supervisor())
    assert service.score()["generation"] == 1
    progress = service.told
    opener = threading.Thread(target=gate.write_text, args=("go",), daemon=True)  # waits for init()
    opener.start()
    service.wait_ready(launch)
    opener.join()
    assert progress[0].startswith("loading model")
    service.target.switch(launch)
    assert service.request("POST", "/score", b"{}")[2] == b"2"


def test_generation_killed_while_it_loads_has_failed(service):
    service.deploy(1)
    launch = service.launch(2, HANGS)
    service.target.start(launch)
    server = service.state()["generations"]["2"]["servers"][0]
    os.kill(server["identity"]["pid"], signal.SIGKILL)
    with pytest.raises(OperationFailed, match="SIGKILL") as caught:
        service.wait_ready(launch)
    assert "memory" in caught.value.hint
    service.target.discard(service.dir, 2)
    assert service.score()["generation"] == 1


def test_wait_ends_when_the_service_is_stopped_meanwhile(service):
    launch = service.launch(1, HANGS)
    service.target.start(launch)
    asked = []

    def stop_once():
        if not asked:
            asked.append(True)
            service.stop()
        return False

    with pytest.raises(OperationFailed, match="ended"):
        service.target.wait_ready(launch, cancelled=stop_once, progress=lambda _: None)
    assert service.processes() == []


def test_stop_after_everything_was_killed_leaves_no_socket(service, run_dir):
    service.deploy(workers=2)
    kill(service, service.supervisor(), *service.workers())
    assert list(run_dir.iterdir())
    service.stop()
    assert list(run_dir.iterdir()) == []


def test_supervisor_killed_at_any_moment_of_an_update(service, load):
    moments = random.Random(2026)
    service.deploy(1, workers=2)
    with load() as clients:
        for generation in range(2, 9):
            killer = threading.Timer(
                moments.random() * 0.3, os.kill, (service.supervisor(), signal.SIGKILL)
            )
            killer.start()
            service.deploy(generation, workers=2)
            killer.join()
            assert service.observe().generation == generation
        service.until(lambda: list(service.state()["generations"]) == ["8"])
    assert clients.failures == []
    service.until(lambda: len(service.processes()) == 3)


def test_removed_control_socket_is_made_again(service, run_dir):
    service.deploy()
    shutil.rmtree(run_dir)  # as at the end of the user's last session
    assert service.observe().status is Status.HEALTHY
    service.deploy(2)
    assert service.score()["generation"] == 2


def test_stop_after_the_supervisor_was_killed_leaves_nothing(service):
    service.deploy(workers=2)
    kill(service, service.supervisor())
    service.stop()
    assert service.processes() == []
    assert service.observe().status is Status.STOPPED


def test_sigterm_to_the_supervisor_is_a_stop(service):
    service.deploy()
    os.kill(service.supervisor(), signal.SIGTERM)
    service.until(lambda: not service.processes())
    seen = service.observe()
    assert seen.status is Status.STOPPED
    assert "SIGTERM" in seen.reason


def test_children_of_a_killed_worker_do_not_stay(service, tmp_path):
    note = tmp_path / "child"
    script = (
        "import subprocess, pathlib\n"
        "def init():\n"
        "    child = subprocess.Popen(['sleep', '600'])\n"
        f"    pathlib.Path({str(note)!r}).write_text(str(child.pid))\n"
        "def run(data):\n"
        "    return 1\n"
    )
    service.deploy(script=script)
    child = int(note.read_text())
    kill(service, *service.workers())
    service.until(lambda: child not in service.processes())
    service.until(lambda: service.observe().status is Status.HEALTHY)


def test_forgotten_supervisor_ends_by_itself(service):
    launch = service.launch()
    service.target.start(launch)
    service.wait_ready(launch)
    service.stop()
    settings = json.loads((service.dir / "supervisor.json").read_text())
    from jupyter_mldeploy.targets.supervision import ensure

    ensure(service.dir, {**settings, "idle_seconds": 0.1}).close()
    service.until(lambda: not service.processes())
    assert service.observe().status is Status.STOPPED


def test_damaged_record_is_not_a_crash_of_ours(service):
    service.deploy()
    service.stop()
    Path(service.dir / "process.json").write_text("{")
    assert service.observe().status is Status.STOPPED
