"""The process target from start to stop, with real supervisors and servers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from jupyter_mldeploy.errors import (
    OperationCancelled,
    OperationFailed,
    UserErrorException,
    WebserviceException,
)
from jupyter_mldeploy.targets import Status, Target, load_target

FAILS = "def init():\n    open('/no/such/model.pkl')\ndef run(data):\n    return 1\n"
HANGS = "import time\ndef init():\n    time.sleep(600)\ndef run(data):\n    return 1\n"


def slow_script(gate: Path) -> str:
    """A script whose ``init()`` waits until the test opens the gate."""
    return (
        "def init():\n"
        f"    open({str(gate)!r}).read()\n"
        "def run(data):\n"
        "    return {'generation': 0}\n"
    )


@pytest.fixture
def gate(tmp_path):
    """A pipe in the file system: opening it to read waits for somebody who writes."""
    path = tmp_path / "gate"
    os.mkfifo(path)
    return path


def test_is_a_target(service):
    assert isinstance(service.target, Target)
    assert type(load_target("process")) is type(service.target)
    assert service.target.capability().available


def test_first_generation_serves(service):
    launch = service.deploy(workers=2)
    seen = service.observe()
    assert seen.status is Status.HEALTHY
    assert seen.reason == "All 2 workers answer."
    assert seen.generation == 1
    assert seen.problem is None
    assert {worker.slot for worker in seen.workers} == {0, 1}
    assert all(worker.state == "ready" and worker.rss > 2**20 for worker in seen.workers)
    assert service.score()["generation"] == 1
    assert service.target.probe(launch)[0] == 200
    status, body = service.target.probe(launch, "POST", "/score", b"{}")
    assert status == 200
    assert b"generation" in body
    assert service.told[0] == "loading model, 0 s"


def test_nothing_was_started(service):
    assert service.observe().status is Status.STOPPED
    service.target.stop(service.dir, 0)
    service.target.discard(service.dir, 1)
    assert service.target.logs(service.dir, 10) == ""
    with pytest.raises(WebserviceException, match="never run"):
        service.target.resume(service.dir)


def test_stop_and_resume_on_the_same_port(service):
    service.deploy()
    port = service.port
    service.stop()
    seen = service.observe()
    assert seen.status is Status.STOPPED
    assert seen.port == port
    assert seen.generation is None
    service.stop()  # again: nothing happens
    launch = service.launch(1)
    service.target.check(launch)
    service.target.resume(service.dir)
    service.wait_ready(launch)
    assert service.observe().port == port
    assert service.score()["generation"] == 1


def test_update_moves_the_traffic(service):
    service.deploy(1)
    first = service.workers()
    second = service.launch(2)
    service.target.start(second)
    service.wait_ready(second)
    assert service.score()["generation"] == 1
    service.target.switch(second)
    service.target.switch(second)  # again: nothing happens
    assert service.score()["generation"] == 2
    assert service.observe().generation == 2
    service.until(lambda: list(service.state()["generations"]) == ["2"])
    assert not set(first) & set(service.workers())


def test_updates_lose_no_request(service, load):
    service.deploy(1, workers=2)
    with load() as clients:
        for generation in range(2, 6):
            service.deploy(generation, workers=2)
            service.until(lambda: list(service.state()["generations"]) == [str(generation)])  # noqa: B023
    assert clients.failures == []
    assert clients.answers > 20


def test_fewer_and_more_workers_lose_no_request(service, load):
    service.deploy(1, workers=3)
    with load() as clients:
        for generation, workers in ((2, 1), (3, 4)):
            service.deploy(generation, workers=workers)
            assert len(service.observe().workers) == workers
    assert clients.failures == []
    assert service.score()["generation"] == 3


def test_failing_init_leaves_the_old_one_serving(service, load):
    service.deploy(1)
    with load(1) as clients:
        launch = service.launch(2, FAILS)
        service.target.start(launch)
        with pytest.raises(OperationFailed) as caught:
            service.wait_ready(launch)
        with pytest.raises(WebserviceException, match="not ready"):
            service.target.switch(launch)
        service.target.discard(service.dir, 2)
    assert caught.value.problem.kind == "FileNotFoundError"
    assert caught.value.problem.file.endswith("score.py")
    assert caught.value.problem.line == 2
    assert clients.failures == []
    assert service.observe().status is Status.HEALTHY
    assert list(service.state()["generations"]) == ["1"]


def test_first_generation_that_fails(service):
    launch = service.launch(1, FAILS, workers=2)
    service.target.start(launch)
    with pytest.raises(OperationFailed, match="model"):
        service.wait_ready(launch)
    seen = service.observe()
    assert seen.status is Status.FAILED
    assert seen.problem.kind == "FileNotFoundError"
    service.port = seen.port
    status, headers, body = service.request("POST", "/score", b"{}")
    assert status == 503
    assert int(headers["Retry-After"]) >= 1
    assert b"model.pkl" in body


def test_slow_init_is_starting_and_answers_503(service, gate):
    launch = service.launch(1, slow_script(gate))
    service.target.start(launch)
    seen = service.observe()
    service.port = seen.port
    assert seen.status is Status.STARTING
    status, headers, _ = service.request("POST", "/score", b"{}")
    assert status == 503
    assert headers["Retry-After"] == "1"
    opener = threading.Thread(target=lambda: gate.write_text("go"))
    opener.start()
    service.wait_ready(launch)
    opener.join()
    service.target.switch(launch)
    assert service.request("POST", "/score", b"{}")[0] == 200


def test_init_that_takes_too_long_is_ended(service):
    launch = service.launch(1, HANGS, init_timeout=0.5)
    service.target.start(launch)
    with pytest.raises(OperationFailed, match=r"0\.5 s") as caught:
        service.wait_ready(launch)
    assert caught.value.problem.kind == "TimeoutError"
    assert "init_timeout_seconds" in caught.value.hint
    assert service.until(lambda: not service.observe().workers[0].pid)


def test_wait_can_be_cancelled(service):
    launch = service.launch(1, HANGS)
    service.target.start(launch)
    with pytest.raises(OperationCancelled):
        service.target.wait_ready(launch, cancelled=lambda: True, progress=lambda _: None)
    service.target.discard(service.dir, 1)
    assert service.observe().status is Status.STOPPED
    service.until(lambda: not service.processes())  # nothing is left to serve or to supervise


def test_serving_generation_cannot_be_discarded(service):
    service.deploy()
    with pytest.raises(WebserviceException, match="generation 1 serves"):
        service.target.discard(service.dir, 1)
    assert service.score()["generation"] == 1


def test_two_starters_get_one_supervisor(service, tmp_path):
    program = (
        "import sys, pickle\n"
        "from jupyter_mldeploy.targets.process import ProcessTarget\n"
        "launch = pickle.load(open(sys.argv[1], 'rb'))\n"
        "input()\n"
        "ProcessTarget().start(launch)\n"
    )
    import pickle

    launch = service.launch()
    (tmp_path / "launch.pickle").write_bytes(pickle.dumps(launch))
    argv = [sys.executable, "-c", program, str(tmp_path / "launch.pickle")]
    starters = [
        subprocess.Popen(argv, stdin=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)
    ]
    for starter in starters:
        starter.stdin.write(b"\n")
        starter.stdin.flush()
    for starter in starters:
        _, errors = starter.communicate(timeout=60)
        assert starter.returncode == 0, errors.decode()
    service.wait_ready(launch)
    assert len(service.processes()) == 2  # one supervisor, one server
    assert service.target.logs(service.dir, 1000).count("listening on") == 1


def test_port_of_a_stranger_is_refused_with_its_name(service):
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        launch = service.launch(port=port)
        with pytest.raises(WebserviceException) as caught:
            service.target.check(launch)
        assert f"port {port}" in str(caught.value)
        assert f"pid {os.getpid()}" in str(caught.value)
        assert caught.value.status_code == 409
        with pytest.raises(WebserviceException, match=f"port {port}"):
            service.target.start(launch)
    service.until(lambda: not service.processes())


def test_port_of_another_service_of_ours_is_refused(service):
    service.deploy()
    other = service.another()
    with pytest.raises(WebserviceException, match=f"port {service.port}"):
        other.target.start(other.launch(port=service.port))
    service.target.check(service.launch(2))  # our own: fine


def test_interpreter_that_does_not_exist_is_refused(service):
    with pytest.raises(UserErrorException, match="/no/python"):
        service.target.check(service.launch(python="/no/python"))
    launch = service.launch(python="/no/python")
    service.target.start(launch)
    with pytest.raises(OperationFailed, match="/no/python"):
        service.wait_ready(launch)


def test_servers_inherit_their_sockets_and_nothing_else(service):
    service.deploy(workers=2)
    with Path(os.devnull).open() as stray:
        os.set_inheritable(stray.fileno(), True)
        service.deploy(2, workers=2)
    for pid in service.workers():
        links = [str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()]
        files = [link for link in links if link.startswith("/") and link != "/dev/null"]
        assert set(files) == {str(service.dir / "logs/service.log")}
        listening = _listening(service.port) & {link for link in links if "socket" in link}
        assert len(listening) == 1


def _listening(port: int) -> set[str]:
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    fields = [line.split() for line in lines]
    return {f"socket:[{f[9]}]" for f in fields if int(f[1].split(":")[1], 16) == port}


def test_supervisor_does_not_grow_descriptors(service):
    service.deploy(1, workers=2)
    folder = Path(f"/proc/{service.supervisor()}/fd")
    before = len(list(folder.iterdir()))
    for generation in (2, 3):
        service.deploy(generation, workers=2)
        service.until(lambda: list(service.state()["generations"]) == [str(generation)])  # noqa: B023
        service.request()
    assert service.until(lambda: len(list(folder.iterdir())) <= before)


def test_secrets_of_the_notebook_do_not_reach_the_script(service, monkeypatch):
    monkeypatch.setenv("JPY_API_TOKEN", "hidden")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    script = "import os\ndef init():\n    pass\ndef run(data):\n    return dict(os.environ)\n"
    service.deploy(script=script, environment={"MINE": "yes"})
    seen = service.score()
    assert seen["MINE"] == "yes"
    assert seen["OMP_NUM_THREADS"] == "3"
    assert "hidden" not in seen.values()
    assert not [name for name in seen if name.startswith("MLDEPLOY_")]


def test_files_are_private(service):
    service.deploy()
    assert (service.dir / "process.json").stat().st_mode & 0o777 == 0o600
    assert (service.dir / "supervisor.json").stat().st_mode & 0o777 == 0o600
    control = Path(service.state()["control"])
    assert control.parent.stat().st_mode & 0o777 == 0o700
    assert len(str(control)) < 100


def test_log_ends_with_what_happened_last(service):
    service.deploy(script="def init():\n    print('printed')\ndef run(data):\n    return 1\n")
    assert "generation 1 serves" in service.target.logs(service.dir, 1)
    assert len(service.target.logs(service.dir, 3).splitlines()) == 3
    assert "printed" in service.target.logs(service.dir, 100)
