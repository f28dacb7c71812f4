"""A run() that takes too long: its request ends, others too, ``/`` answers on."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

SCRIPT = """
import time
from pathlib import Path

def init():
    pass

def run(data):
    Path("ran").open("a").write(data + "\\n")
    while data == "hang" and not Path("go").exists():
        time.sleep(0.01)
    return data
"""


def test_time_limit(serve):
    server = serve(SCRIPT, variables={"SCORING_TIMEOUT_MS": "400"})
    answers = {}

    def ask(body):
        answers[body] = server.request("POST", "/score", body)

    threads = [threading.Thread(target=ask, args=(body,)) for body in ("hang", "second", "third")]
    threads[0].start()
    while not Path(server.app, "ran").exists():
        time.sleep(0.01)
    for thread in threads[1:]:
        thread.start()
    assert server.request("GET", "/")[::2] == (200, b"Healthy")
    for thread in threads:
        thread.join()
    for status, headers, body in answers.values():
        assert status == 500
        assert json.loads(body) == {"message": "Scoring timeout after 400 ms"}
        assert headers["x-ms-run-function-failed"] == "True"
        assert "x-request-id" in headers
    assert server.control().ask("status")["in_flight"] == 0
    Path(server.app, "go").touch()
    while server.request("POST", "/score", "after")[0] != 200:
        time.sleep(0.01)
    # What timed out while waiting is never run.
    assert "second" not in Path(server.app, "ran").read_text()
    assert "A request exceeded 400 ms, in run()." in server.log
    assert "A request exceeded 400 ms, waiting for earlier requests." in server.log
    assert server.control().ask("status")["errors"] >= 3


def test_a_hanging_run_does_not_hold_a_drain_up(serve):
    server = serve(SCRIPT)
    control = server.control()
    connection = server.connection()
    connection.request("POST", "/score", "hang")
    while control.ask("status")["in_flight"] != 1:
        time.sleep(0.01)
    control.ask("drain", seconds=0.1)
    assert control.event("drained")
    assert server.wait() == 0
