"""The log is renamed when it is large; whoever writes to it follows, and no line is lost."""

from __future__ import annotations

import os
import re
import signal
import threading
from pathlib import Path

import pytest

from jupyter_mldeploy.errors import UserErrorException
from jupyter_mldeploy.serving.identity import Identity
from jupyter_mldeploy.targets.log_limits import log_limits

# Every request writes a numbered line from Python, from C by its own buffer, and from C directly.
TALKS = """
import ctypes, os
count = 0
libc = ctypes.CDLL(None)
def init():
    pass
def run(data):
    global count
    count += 1
    print(f"python line {count} " + "x" * 400)
    libc.puts(f"stdio line {count} {'x' * 400}".encode())
    libc.fflush(None)
    os.write(2, f"direct line {count} {'x' * 400}\\n".encode())
    return count
"""


@pytest.fixture
def small_logs(monkeypatch):
    monkeypatch.setenv("MLDEPLOY_LOG_BYTES", "20000")
    monkeypatch.setenv("MLDEPLOY_LOG_FILES", "200")


def logs(service):
    folder = service.dir / "logs"
    numbered = [(int(path.suffix[1:]), path) for path in folder.glob("service.log.*")]
    return [path for _, path in sorted(numbered, reverse=True)] + [folder / "service.log"]


def numbers(service, kind):
    text = "".join(path.read_text() for path in logs(service))
    return [
        int(number) for number in re.findall(rf"{kind} line (\d+) x{{400}}$", text, re.MULTILINE)
    ]


def open_logs(pid):
    links = [str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()]
    return {Path(link).name for link in links if "/logs/" in link}


def score_until_rotated(service, times):
    wanted = len(logs(service)) + times
    service.until(lambda: service.score() and len(logs(service)) >= wanted)


def test_no_line_is_lost_and_every_writer_follows(service, small_logs):
    service.deploy(script=TALKS)
    score_until_rotated(service, 3)
    last = service.score()
    for kind in ("python", "stdio", "direct"):
        assert numbers(service, kind) == list(range(1, last + 1))
    (worker,) = service.workers()
    for pid in (worker, service.supervisor()):
        service.until(lambda pid=pid: open_logs(pid) == {"service.log"})
    tail = service.target.logs(service.dir, 10**6)
    assert [int(n) for n in re.findall(r"direct line (\d+) ", tail)] == list(range(1, last + 1))


def test_only_so_many_files_are_kept(service, monkeypatch):
    monkeypatch.setenv("MLDEPLOY_LOG_BYTES", "20000")
    monkeypatch.setenv("MLDEPLOY_LOG_FILES", "2")
    service.deploy(script=TALKS)
    first = service.dir / "logs" / "service.log.1"
    service.until(lambda: service.score() and first.exists())
    before = first.stat().st_ino
    service.until(lambda: service.score() and first.stat().st_ino != before)
    assert sorted(path.name for path in first.parent.iterdir()) == ["service.log", "service.log.1"]


def test_a_rotation_is_carried_on_after_the_supervisor_was_killed_in_it(service, small_logs):
    service.deploy(script=TALKS)
    (worker,) = service.workers()
    supervisor = Identity.of(service.supervisor())
    os.kill(supervisor.pid, signal.SIGKILL)
    service.until(lambda: not supervisor.alive())
    log = service.dir / "logs" / "service.log"
    log.rename(log.with_name("service.log.1"))  # it died right here
    assert open_logs(worker) == {"service.log.1"}
    service.observe()
    service.until(lambda: open_logs(worker) == {"service.log"})
    last = service.score()
    assert numbers(service, "direct") == list(range(1, last + 1))


def test_a_log_that_somebody_removed_is_made_again(service):
    service.deploy(script=TALKS)
    (service.dir / "logs" / "service.log").unlink()
    service.until((service.dir / "logs" / "service.log").exists)
    (worker,) = service.workers()
    service.until(lambda: open_logs(worker) == {"service.log"})
    service.score()
    assert numbers(service, "stdio") == [1]


def test_output_that_the_script_sends_elsewhere_stays_there(service, small_logs, tmp_path):
    own = tmp_path / "own.txt"
    script = TALKS.replace(
        "def init():\n    pass",
        f"def init():\n    os.dup2(os.open({str(own)!r}, os.O_WRONLY | os.O_CREAT), 1)",
    )
    service.deploy(script=script)
    score_until_rotated(service, 2)
    last = service.score()
    assert len(re.findall(r"^stdio line", own.read_text(), re.MULTILINE)) == last
    assert numbers(service, "direct") == list(range(1, last + 1))


def test_nothing_is_read_twice_while_it_rotates(service, small_logs):
    service.deploy(script=TALKS)
    end = threading.Event()
    wrong = []

    def read():
        while not end.is_set():
            text = service.target.logs(service.dir, 10**6)
            found = [int(number) for number in re.findall(r"direct line (\d+) ", text)]
            if len(set(found)) != len(found):
                wrong.append(found)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        score_until_rotated(service, 3)
    finally:
        end.set()
        reader.join()
    assert wrong == []


@pytest.mark.parametrize("value", ["0", "-1", "10 MB", "1e6"])
def test_limits_that_are_no_number_are_refused(value):
    with pytest.raises(UserErrorException, match="MLDEPLOY_LOG_BYTES"):
        log_limits({"MLDEPLOY_LOG_BYTES": value})
