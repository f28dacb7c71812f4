"""A service moves to another port or host: bound first, then switched, then the old one closed."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket

import pytest

from jupyter_mldeploy.errors import WebserviceException
from jupyter_mldeploy.serving.identity import Identity
from jupyter_mldeploy.targets import Status


@pytest.fixture
def new_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def ask(port, host="127.0.0.1"):
    """Return the generation that answers there, or the status when none does."""
    connection = http.client.HTTPConnection(host, port, timeout=20)
    try:
        connection.request("POST", "/score", b"{}", {"Content-Type": "application/json"})
        response = connection.getresponse()
        body = response.read()
        return json.loads(body)["generation"] if response.status == 200 else response.status
    finally:
        connection.close()


def refused(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) != 0


def kill_supervisor(service):
    supervisor = Identity.of(service.supervisor())
    os.kill(supervisor.pid, signal.SIGKILL)
    service.until(lambda: not supervisor.alive())


def test_the_old_port_answers_until_the_switch_and_the_new_one_after_it(service, load, new_port):
    service.deploy()
    old = service.port
    launch = service.launch(2, port=new_port)
    with load() as clients:
        service.target.check(launch)
        service.target.start(launch)
        assert ask(new_port) == 503  # bound already, and nobody is sent there yet
        service.wait_ready(launch)
        assert ask(old) == 1
        before = clients.answers
        service.until(lambda: clients.answers > before + 50)
    assert clients.failures == []
    service.target.switch(launch)
    assert ask(new_port) == 2
    service.until(lambda: refused(old))
    service.until(lambda: list(service.state()["generations"]) == ["2"])
    seen = service.observe()
    assert (seen.status, seen.port, seen.generation) == (Status.HEALTHY, new_port, 2)
    assert len(service.processes()) == 2


def test_connections_that_are_open_at_the_old_port_are_answered_to_their_end(service, new_port):
    service.deploy()
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=20)
    headers = {"Content-Type": "application/json"}
    connection.request("POST", "/score", b"{}", headers)
    assert json.loads(connection.getresponse().read())["generation"] == 1
    service.deploy(2, port=new_port)
    connection.request("POST", "/score", b"{}", headers)
    response = connection.getresponse()
    assert json.loads(response.read())["generation"] == 1
    assert response.getheader("Connection") == "close"
    connection.close()


def test_a_taken_port_changes_nothing(service):
    service.deploy()
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        launch = service.launch(2, port=stranger.getsockname()[1])
        for step in (service.target.check, service.target.start):  # it may be taken in between
            with pytest.raises(WebserviceException, match=f"pid {os.getpid()}") as caught:
                step(launch)
            assert caught.value.status_code == 409
    assert service.score()["generation"] == 1
    assert list(service.state()["generations"]) == ["1"]
    service.deploy(2)
    assert service.score()["generation"] == 2


def test_a_generation_that_fails_gives_its_port_back(service, new_port):
    service.deploy()
    launch = service.launch(2, "def init():\n    1 / 0\ndef run(data):\n    pass\n", port=new_port)
    service.target.start(launch)
    with pytest.raises(WebserviceException):
        service.wait_ready(launch)
    service.target.discard(service.dir, 2)
    service.until(lambda: refused(new_port))
    assert service.score()["generation"] == 1


def test_there_and_back_with_the_supervisor_killed_in_between(service, new_port):
    service.deploy(workers=2)
    old = service.port
    service.deploy(2, workers=2, port=new_port)
    kill_supervisor(service)
    assert service.observe().port == new_port
    assert ask(new_port) == 2
    service.deploy(3, workers=2, port=old)
    kill_supervisor(service)
    assert service.observe().port == old
    assert ask(old) == 3
    service.until(lambda: refused(new_port))
    service.until(lambda: len(service.processes()) == 3)


def test_killed_while_the_new_generation_waits_at_its_port(service, load, new_port):
    service.deploy()
    old = service.port
    launch = service.launch(2, port=new_port)
    service.target.start(launch)
    service.wait_ready(launch)
    with load() as clients:
        kill_supervisor(service)
        assert service.observe().port == old
        assert ask(old) == 1
        assert ask(new_port) == 503
    assert clients.failures == []
    service.target.switch(launch)
    assert ask(new_port) == 2
    service.until(lambda: refused(old))


def test_everything_killed_after_a_move_is_resumed_at_the_new_port(service, new_port):
    service.deploy()
    service.deploy(2, port=new_port)
    processes = [Identity.of(pid) for pid in service.processes()]
    for process in processes:
        os.kill(process.pid, signal.SIGKILL)
    service.until(lambda: not any(process.alive() for process in processes))
    service.target.resume(service.dir)
    service.wait_ready(service.launch(2, port=new_port))
    assert ask(new_port) == 2
    service.port = new_port


def test_stopped_service_is_deployed_at_another_port(service, new_port):
    service.deploy()
    service.stop()
    service.deploy(2, port=new_port)
    assert service.port == new_port
    assert ask(new_port) == 2


def test_to_every_address_and_back_under_the_same_number(service, load):
    service.deploy()
    port = service.port
    with load() as clients:
        service.deploy(2, host="0.0.0.0")
        service.until(lambda: list(service.state()["generations"]) == ["2"])
        assert ask(port, "127.0.0.2") == 2
        service.deploy(3, host="127.0.0.1")
        service.until(lambda: list(service.state()["generations"]) == ["3"])
    # A connection that waits when an address is given up may be cut off, no more than that.
    assert all("Reset" in str(failure) for failure in clients.failures)
    assert service.port == port
    assert ask(port) == 3
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.2", port)) != 0


def test_two_names_of_one_address_are_one(service):
    service.deploy()
    port = service.port
    service.deploy(2, host="localhost")
    assert service.port == port
    assert service.score()["generation"] == 2
