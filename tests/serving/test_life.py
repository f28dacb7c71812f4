"""The life of a server process: accepting, draining, handing over, ending."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time

import pytest
from process import ServerProcess, read_all, write_app

SCRIPT = """
import json, os, sys, time
from pathlib import Path

def init():
    while Path("hold").exists():
        time.sleep(0.01)

def run(data):
    if data == "slow":
        time.sleep(0.5)
    if data.startswith("exit"):
        sys.exit(int(data.partition(" ")[2] or 0))
    return {"pid": os.getpid(), "env": sorted(k for k in os.environ if k.startswith("MLDEPLOY"))}
"""


def test_loading_is_answered_with_503(serve):
    server = serve(SCRIPT, files={"hold": ""}, wait=False)
    control = server.control()
    assert control.hello == {
        "event": "hello", "state": "loading", "pid": server.process.pid,
        "generation": 3, "slot": 1, "error": None,
    }  # fmt: skip
    for path in ("/", "/score", "/swagger.json"):
        status, headers, body = server.request("GET", path)
        assert status == 503
        assert headers["retry-after"] == "1"
        assert "starting" in json.loads(body)["message"]
    assert control.probe("GET", "/")["status"] == 503
    (server.app / "hold").unlink()
    assert control.event("ready")["seconds"] > 0
    assert server.request("GET", "/")[0] == 200


def test_accept_later_waits_for_listen(serve):
    server = serve(SCRIPT, accept="later")
    with server.open() as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            sock.recv(1)
        control = server.control()
        assert control.probe("GET", "/")["status"] == 200
        assert control.ask("listen") == {"id": 2, "ok": True}
        sock.settimeout(30)
        assert b"Healthy" in read_all(sock)
    assert control.ask("listen")["ok"] is True


def test_several_listening_sockets(serve):
    server = serve(SCRIPT, listeners=3)
    for listening in server.listening:
        with socket.create_connection(listening.getsockname()) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert b"Healthy" in read_all(sock)


def test_the_script_does_not_see_our_variables(serve):
    server = serve(SCRIPT)
    assert server.score("x")[2]["env"] == []


def test_drain_answers_each_connection_once_more(serve):
    server = serve(SCRIPT)
    control = server.control()
    idle, busy = server.connection(), server.connection()
    idle.request("GET", "/")
    assert idle.getresponse().read() == b"Healthy"
    busy.request("POST", "/score", "slow")
    while control.ask("status")["in_flight"] != 1:
        time.sleep(0.01)
    assert control.ask("drain", seconds=30)["ok"] is True
    assert control.ask("status")["state"] == "draining"
    answer = busy.getresponse()
    assert (answer.status, answer.getheader("Connection")) == (200, "close")
    answer.read()
    assert server.process.poll() is None
    idle.request("GET", "/")
    answer = idle.getresponse()
    assert (answer.status, answer.getheader("Connection")) == (200, "close")
    assert answer.read() == b"Healthy"
    assert control.event("drained") == {"event": "drained"}
    assert server.wait() == 0


def test_drain_ends_when_time_is_up(serve):
    server = serve(SCRIPT)
    control = server.control()
    with server.open() as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        sock.recv(4096)
        control.ask("drain", seconds=30)
        control.ask("drain", seconds=0.1)
        assert control.event("drained")
        assert server.wait() == 0


def test_drain_lets_pipelined_requests_finish(serve):
    server = serve(SCRIPT)
    control = server.control()
    request = b"POST /score HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nslow"
    with server.open() as sock:
        sock.sendall(request + request.replace(b"slow", b"fast"))
        while control.ask("status")["in_flight"] != 1:
            time.sleep(0.01)
        control.ask("drain", seconds=30)
        data = read_all(sock)
    assert data.count(b"HTTP/1.1 200") == 2
    assert data.count(b"Connection: close") == 1
    assert server.wait() == 0


def test_after_a_drain_began_others_get_the_connections(serve, runtime):
    first = serve(SCRIPT)
    held = first.connection()
    held.request("GET", "/")
    held.getresponse().read()
    second = serve(SCRIPT, listening=[first.listening[0].dup()], accept="later")
    second.control().ask("listen")
    first.control().ask("drain", seconds=30)
    for _ in range(20):
        assert first.score("x")[2]["pid"] == second.process.pid
    held.request("GET", "/")
    assert held.getresponse().read() == b"Healthy"
    assert first.wait() == 0


def test_no_request_is_lost_in_a_switch(serve):
    """A client that keeps its connection and never retries sees no failure."""
    current = serve(SCRIPT)
    port, stop, outcomes = current.port, threading.Event(), []

    def client():
        connection = current.connection()
        while not stop.is_set():
            try:
                connection.request("POST", "/score", "x")
                response = connection.getresponse()
                response.read()
                outcomes.append(response.status)
            except OSError as error:
                outcomes.append(repr(error))
                connection.close()

    threads = [threading.Thread(target=client) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(4):
        following = serve(SCRIPT, listening=[current.listening[0].dup()], accept="later")
        following.control().ask("listen")
        current.control().ask("drain", seconds=30)
        assert current.wait() == 0
        current = following
    stop.set()
    for thread in threads:
        thread.join()
    assert current.port == port
    assert len(outcomes) > 50
    assert set(outcomes) == {200}


def test_sigterm_drains(serve):
    server = serve(SCRIPT)
    control = server.control()
    server.process.send_signal(signal.SIGINT)
    assert server.request("GET", "/")[0] == 200
    server.terminate()
    assert control.event("drained")
    assert server.wait() == 0


def test_sigterm_while_loading(serve):
    server = serve(SCRIPT, files={"hold": ""}, wait=False)
    assert server.control().hello["state"] == "loading"
    server.terminate()
    assert server.wait() == 0


def test_handover_passes_the_sockets_on(serve):
    server = serve(SCRIPT, listeners=2)
    control = server.control()
    assert control.ask("handover")["ok"] is True
    ports = []
    for descriptor in control.descriptors:
        with socket.socket(fileno=descriptor) as sock:
            ports.append(sock.getsockname()[1])
    assert ports == [sock.getsockname()[1] for sock in server.listening]
    control.ask("drain", seconds=5)
    assert server.wait() == 0


def test_handover_is_refused_while_draining(serve):
    server = serve(SCRIPT)
    control = server.control()
    with server.open() as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        sock.recv(4096)
        control.ask("drain", seconds=30)
        answer = control.ask("handover")
    assert answer["ok"] is False
    assert "draining" in answer["error"]


def test_status_counts(serve):
    server = serve(SCRIPT + "\n    # noqa\n")
    server.request("GET", "/")
    server.score("x")
    server.request("GET", "/nope")
    status = server.control().ask("status")
    assert {k: status[k] for k in ("state", "requests", "errors", "in_flight")} == {
        "state": "ready", "requests": 2, "errors": 0, "in_flight": 0,
    }  # fmt: skip
    assert 5_000_000 < status["rss"] < 500_000_000


def test_probes_are_not_counted_and_see_the_same_answers(serve):
    server = serve(SCRIPT)
    control = server.control()
    answer = control.probe("POST", "/score?x=1", b"x", Content_Type="text/plain", X_Request_Id="r")
    assert answer["status"] == 200
    assert answer["headers"]["x-request-id"] == "r"
    assert json.loads(answer["body"])["pid"] == server.process.pid
    assert control.probe("DELETE", "/score")["status"] == 405
    assert control.ask("status")["requests"] == 0


@pytest.mark.parametrize(
    "line",
    [b"nonsense\n", b"[1]\n", b'"x"\n', b"\xff\xfe\n", b"\n", b'{"op": 1}\n', b'{"id": 1}\n',
     b'{"op": "drain", "seconds": "soon"}\n', b'{"op": "drain", "seconds": -1}\n',
     b'{"op": "drain", "seconds": null}\n', b'{"op": "probe", "body": "*"}\n',
     b'{"op": "probe", "headers": [1]}\n', b'{"op": "probe", "body": 5}\n'],
)  # fmt: skip
def test_wrong_control_messages_are_answered(life, line):
    control = life.control()
    control.socket.sendall(line)
    answer = control.read()
    assert answer["ok"] is False
    assert answer["error"]
    assert life.request("GET", "/")[0] == 200
    control.close()


@pytest.fixture(scope="module")
def life(serve_once):
    return serve_once(SCRIPT)


def test_control_clients_come_and_go(life):
    keep = life.control()
    for _ in range(50):
        control = life.control()
        control.send({"id": 1, "op": "status"})
        control.close()
    assert keep.ask("status")["ok"] is True


@pytest.mark.parametrize(("data", "code"), [("exit 7", 7), ("exit", 1), ("exit 0", 1)])
def test_exit_in_run_ends_the_process(serve, data, code):
    server = serve(SCRIPT)
    control = server.control()
    status, headers, body = server.request("POST", "/score", data)
    assert status == 500
    assert headers["content-type"].startswith("text/html")
    assert headers["x-ms-run-function-failed"] == "True"
    assert headers["connection"] == "close"
    assert b"Internal Server Error" in body
    assert control.event("failed")["error"]["kind"] == "SystemExit"
    assert server.wait() == code


def test_a_server_without_control_socket(runtime, tmp_path):
    app = write_app(tmp_path / "app", {"score.py": SCRIPT})
    server = ServerProcess(runtime, app, variables={"MLDEPLOY_CONTROL_FD": ""})
    try:
        deadline = time.monotonic() + 30
        while server.request("GET", "/")[0] != 200:
            assert time.monotonic() < deadline
        assert server.request("POST", "/score", "x")[0] == 200
    finally:
        server.close()


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"MLDEPLOY_AUTH": "magic"}, "MLDEPLOY_AUTH is 'magic'"),
        ({"MLDEPLOY_AUTH": "key"}, "MLDEPLOY_SECRETS_DIR is not set"),
        ({"MLDEPLOY_AUTH": "key", "MLDEPLOY_SECRETS_DIR": "/nowhere"}, "keys.json does not exist"),
        ({"SCORING_TIMEOUT_MS": "soon"}, "SCORING_TIMEOUT_MS is 'soon'"),
        ({"SCORING_TIMEOUT_MS": "0"}, "SCORING_TIMEOUT_MS is 0"),
        ({"MLDEPLOY_LISTEN_FDS": "x"}, "MLDEPLOY_LISTEN_FDS is 'x'"),
        ({"MLDEPLOY_LISTEN_FDS": "999"}, "Descriptor 999 is not a socket"),
    ],
)
def test_settings_that_cannot_be_used(serve, variables, words):
    server = serve(SCRIPT, variables=variables, wait=False)
    assert server.wait() == 1
    assert words in server.log


def test_descriptors_are_not_passed_to_programs_of_the_script(serve):
    script = """
import os, subprocess, sys
def init(): pass
def run(data):
    code = "import os; print(len([f for f in os.listdir('/proc/self/fd')]))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, close_fds=False).stdout
"""
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("needs /proc")
    assert int(serve(script).score("x")[2]) <= 5
