"""An operation's log and its worker's output have an end."""

from __future__ import annotations

import os
import subprocess
import sys

from jupyter_mldeploy.operations import log as operation_log
from jupyter_mldeploy.operations.log import OperationLog


def test_a_full_log_says_so_once_and_still_takes_errors(tmp_path, monkeypatch):
    monkeypatch.setattr(operation_log, "MAX_BYTES", 2000)
    log = OperationLog(tmp_path, "one")
    for number in range(100):
        log.write(f"line {number}", phase="stage")
    log.write("what went wrong", level="error")
    lines = [line.text for line in log.read()[0]]
    assert lines[:2] == ["line 0", "line 1"]
    assert "is left out" in lines[-2]
    assert lines[-1] == "what went wrong"
    assert sum("left out" in line for line in lines) == 1
    assert log.path.stat().st_size < 2500


def test_the_workers_output_begins_anew(tmp_path):
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from jupyter_mldeploy.operations import log\n"
        "log.MAX_BYTES = 1000\n"
        "for number in range(45):\n"
        "    os.write(1, f'line {number} {\"x\" * 100}\\n'.encode())\n"
        "    log.bound_worker_output(Path(sys.argv[1]))\n"
    )
    with (tmp_path / "worker.err").open("ab") as errors:
        subprocess.run(
            [sys.executable, "-c", program, str(tmp_path)],
            stdout=errors,
            stderr=errors,
            check=True,
            timeout=60,
            env=os.environ,
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["worker.err", "worker.err.1"]
    assert all(path.stat().st_size < 1200 for path in tmp_path.iterdir())
    assert "line 44 " in (tmp_path / "worker.err").read_text()


def test_output_that_is_not_the_workers_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(operation_log, "MAX_BYTES", 10)
    (tmp_path / "worker.err").write_text("somebody else's, and long\n")
    operation_log.bound_worker_output(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["worker.err"]
