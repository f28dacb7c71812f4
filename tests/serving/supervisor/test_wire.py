"""Control connections: whole lines, descriptors, and the end of the other side."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import jupyter_mldeploy.serving
from jupyter_mldeploy.serving.supervisor.wire import LineReader, encode


@pytest.fixture
def ends():
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def test_lines_arrive_whole_however_they_were_cut(ends):
    sender, receiver = ends
    reader = LineReader(receiver)
    line = encode({"text": "é\n"}) + encode({"n": 2})
    sender.sendall(line[:5])
    assert reader.receive() == ([], False)
    sender.sendall(line[5:])
    assert reader.receive() == ([{"text": "é\n"}, {"n": 2}], False)
    sender.close()
    assert reader.receive() == ([], True)


def test_descriptors_come_along_and_are_not_inherited(ends):
    sender, receiver = ends
    reader = LineReader(receiver)
    readable, writable = os.pipe()
    socket.send_fds(sender, [encode({"id": 1, "ok": True})], [writable])
    os.close(writable)
    assert reader.receive()[0] == [{"id": 1, "ok": True}]
    (received,) = reader.fds
    assert not os.get_inheritable(received)
    os.write(received, b"x")
    assert os.read(readable, 1) == b"x"
    os.close(received)
    os.close(readable)


@pytest.mark.parametrize("line", [b"no json\n", b"[1]\n", b'"text"\n'])
def test_what_is_no_message_is_refused(ends, line):
    sender, receiver = ends
    sender.sendall(line)
    with pytest.raises(ValueError):
        LineReader(receiver).receive()


def test_supervisor_stays_small():
    """Each service pays for every module the supervisor imports, all its life."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import serving.supervisor.run\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    folder = str(Path(jupyter_mldeploy.serving.__file__).parent.parent)
    argv = [sys.executable, "-I", "-S", "-c", program, folder]
    loaded = set(subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split())
    heavy = {"asyncio", "subprocess", "logging", "typing", "dataclasses", "inspect", "pathlib"}
    assert not heavy & loaded
    assert "socket" in loaded
