"""What a person sees when a deployment does not work, and how they end one."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from jupyter_mldeploy.sdk.observe import Status

BROKEN = """\
def init():
    print("about to fail")
    open("nothing.bin")

def run(data):
    return data
"""
WORKING = "def init(): ...\ndef run(data): return 'fine'\n"


@pytest.fixture
def scripts(folder):
    (folder / "broken.py").write_text(BROKEN)
    (folder / "working.py").write_text(WORKING)
    # It loads until somebody makes the file, however long the test takes.
    (folder / "waits.py").write_text(
        "import os, time\n"
        "def init():\n"
        f"    while not os.path.exists({str(folder / 'go')!r}):\n"
        "        time.sleep(0.02)\n"
        "def run(data): return 'waited'\n"
    )
    return folder


def test_a_script_that_fails(call, scripts):
    told = call("model", "deploy", "-n", "svc", "--es", "broken.py", code=1).stderr
    assert "start ✕" in told
    assert "✕ init() raised FileNotFoundError" in told
    assert 'broken.py:3  open("nothing.bin")' in told
    assert "about to fail" in told
    assert "mldeploy service logs svc" in told
    assert "mldeploy operation show " in told
    (listed,) = call.json("service", "list")
    assert listed["status"] == Status.CRASHED.value
    assert "✕ Crashed" in call("service", "show", "svc").stdout


def test_a_failed_update_leaves_the_old_one(call, scripts):
    call("model", "deploy", "-n", "svc", "--es", "working.py")
    told = call("service", "update", "svc", "--es", "broken.py", code=1).stderr
    assert "Generation 1 of svc is still serving." in told
    assert call.json("service", "run", "svc", "-d", "{}") == "fine"


def test_a_request_that_fails_names_the_log(call, scripts):
    (scripts / "raises.py").write_text("def init(): ...\ndef run(data): raise ValueError(data)\n")
    call("model", "deploy", "-n", "svc", "--es", "raises.py")
    told = call("service", "run", "svc", "-d", "{}", code=1)
    assert told.stdout == ""
    assert "Response Code: 500" in told.stderr
    assert "mldeploy service logs svc" in told.stderr


def test_what_is_refused_at_once(call, scripts):
    (scripts / "bad.py").write_text("def init(: ...\n")
    told = call("model", "deploy", "-n", "svc", "--es", "bad.py", code=2).stderr
    assert "bad.py:1" in told
    assert "Traceback" not in told
    call("model", "deploy", "-n", "Not A Name", "--es", "working.py", code=2)
    call("model", "deploy", "-n", "svc", "--es", "missing.py", code=2)
    call("model", "deploy", "-n", "svc", "-m", "nothing:3", "--es", "working.py", code=3)
    call("model", "deploy", "-n", "svc", code=2)
    assert call.json("service", "list") == []


def operation_of(call, *arguments):
    call(*arguments, "--no-wait")
    return call.json("operation", "list")[0]["id"]


def test_follow_from_another_shell(call, scripts):
    started = operation_of(call, "model", "deploy", "-n", "svc", "--es", "waits.py")
    call("model", "deploy", "-n", "svc", "--es", "working.py", code=4)
    (scripts / "go").touch()
    told = call("operation", "follow", started[:16]).stderr
    assert "switch done" in told
    assert call.json("operation", "show", started)["state"] == "Succeeded"
    assert "check ✓" in call("operation", "show", started).stdout
    assert call.json("operation", "cancel", started)["state"] == "Succeeded"


def test_cancel_from_another_shell(call, scripts):
    started = operation_of(call, "model", "deploy", "-n", "svc", "--es", "waits.py")
    assert call.json("operation", "cancel", started)["state"] == "Cancelled"
    call("operation", "follow", started, code=5)
    call("operation", "follow", "nothing", code=3)


def test_ctrl_c_leaves_the_operation_at_work(shell, call, scripts):
    watching = subprocess.Popen(
        [shell.command, "model", "deploy", "-n", "svc", "--es", "waits.py"],
        cwd=shell.folder,
        env=os.environ,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with watching:
        assert "check ✓" in watching.stderr.readline()
        watching.send_signal(signal.SIGINT)
        told = watching.stderr.read()
        assert watching.wait(timeout=30) == 130
    assert "The deploy of svc goes on." in told
    name = call.json("operation", "list")[0]["id"][:16]
    assert f"mldeploy operation follow {name}" in told
    assert f"mldeploy operation cancel {name}" in told
    (scripts / "go").touch()
    call("operation", "follow", name)
    assert call.json("service", "run", "svc", "-d", "{}") == "waited"
