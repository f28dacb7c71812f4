"""Processes are told apart by more than their pid, and only by those who can see them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mldeploy.serving.identity import Identity


@pytest.fixture
def child():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.stdin.close()
    process.wait()


def changed(identity, **fields):
    return Identity.from_dict({**identity.to_dict(), **fields})


def test_a_living_process_is_alive(child):
    identity = Identity.of(child.pid)
    assert identity.alive() is True
    assert identity.is_same_place()
    assert identity.pid == child.pid
    assert Identity.of() == Identity.of(os.getpid())


def test_a_zombie_is_dead(child):
    identity = Identity.of(child.pid)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended, nobody has reaped it
    assert Path(f"/proc/{child.pid}").exists()
    assert identity.alive() is False


def test_a_process_whose_first_thread_has_ended_lives(tmp_path):
    program = (
        "import ctypes, threading\n"
        "threading.Thread(target=input).start()\n"
        "print('going', flush=True)\n"
        "ctypes.CDLL(None).syscall(60, 0)\n"  # exit of this thread alone, on x86-64
    )
    if os.uname().machine != "x86_64":
        pytest.skip("the number of the system call is another one here")
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        identity = Identity.of(process.pid)
        process.stdout.readline()
        stat = Path(f"/proc/{process.pid}/stat")
        while stat.read_text().rpartition(") ")[2][0] != "Z":
            pass
        assert identity.alive() is True
        process.kill()


def test_an_ended_process_is_dead(child):
    identity = Identity.of(child.pid)
    child.kill()
    child.wait()
    assert identity.alive() is False
    with pytest.raises(ProcessLookupError):
        Identity.of(child.pid)


def test_the_same_pid_started_at_another_time_is_another_process(child):
    identity = Identity.of(child.pid)
    assert changed(identity, start_ticks=identity.start_ticks - 1).alive() is False


def test_after_a_reboot_everything_is_dead(child):
    assert changed(Identity.of(child.pid), boot_id="before").alive() is False


def test_of_another_host_or_namespace_nothing_is_known(child):
    identity = Identity.of(child.pid)
    assert changed(identity, host="elsewhere", boot_id="another").alive() is None
    assert changed(identity, pid_namespace="pid:[1]").alive() is None
    assert not changed(identity, pid_namespace="pid:[1]").is_same_place()


def test_a_renamed_host_is_the_same_place(child):
    assert changed(Identity.of(child.pid), host="renamed").alive() is True


def test_a_command_name_with_brackets_and_spaces_is_read(tmp_path):
    program = tmp_path / "a) R 1 (b"
    program.symlink_to("/bin/sleep")
    process = subprocess.Popen([program, "600"])
    try:
        assert Identity.of(process.pid).alive() is True
    finally:
        process.kill()
        process.wait()


def test_dictionary_round_trip():
    identity = Identity.of()
    again = Identity.from_dict({**identity.to_dict(), "of_a_newer_version": 1})
    assert again == identity
    assert hash(again) == hash(identity)
    assert again != changed(identity, pid=1)
