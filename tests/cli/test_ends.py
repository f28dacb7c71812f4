"""Stopping everything, and deleting a workspace, from the command line."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

SCRIPT = "def init():\n    pass\n\n\ndef run(data):\n    return 1\n"


def deployed(call, folder, *names):
    (folder / "score.py").write_text(SCRIPT)
    (folder / "model.bin").write_bytes(b"weights")
    call("model", "register", "-n", "m", "-p", "model.bin")
    for name in names:
        call("model", "deploy", "-n", name, "-m", "m:1", "--es", "score.py")


def running():
    home = os.environ["MLDEPLOY_HOME"]
    return [
        process
        for process in psutil.process_iter(["cmdline", "status"])
        if process.info["status"] != psutil.STATUS_ZOMBIE
        and any(home in word for word in process.info["cmdline"] or ())
    ]


def test_stop_all(call, folder):
    deployed(call, folder, "svc-a", "svc-b", "svc-c")
    call("service", "stop", "svc-a")
    stopped = call.json("service", "stop", "--all")
    assert [(each["name"], each["status"]) for each in stopped] == [
        ("svc-b", "Stopped"),
        ("svc-c", "Stopped"),
    ]
    assert running() == []
    assert "No service runs." in call("service", "stop", "--all").stderr
    assert "not both" in call("service", "stop", "svc-a", "--all", code=2).stderr
    assert "Which service?" in call("service", "stop", code=2).stderr
    call("service", "start", "svc-b")
    assert call("service", "run", "-n", "svc-b", "-d", "{}").stdout == "1\n"


def test_workspace_delete(call, folder):
    deployed(call, folder, "svc-a")
    assert "svc-a" in call("workspace", "delete", "default", "-y", code=2).stderr
    call("workspace", "delete", "default", "-y", "--with-services")
    assert running() == []
    assert call.json("workspace", "list") == []
    home = Path(os.environ["MLDEPLOY_HOME"])
    left = {path.name for path in home.iterdir() if path.is_dir() and any(path.iterdir())}
    assert left <= {"runtimes", "cache", "artifacts"}
    assert [path for path in (home / "artifacts").rglob("*") if path.is_file()] == []
    call("workspace", "delete", "nobody", code=3)
    assert "Name the workspace" in call("workspace", "delete", code=2).stderr
