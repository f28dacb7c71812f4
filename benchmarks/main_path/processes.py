"""Start what is compared with, wait for its first right answer, measure its memory."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

__all__ = ["bare", "first_answer", "free_port", "memory", "same", "serving"]

_BARE = Path(__file__).with_name("bare.py")
_PAUSE = 0.0005
_PATIENCE = 120.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def same(answer: object, expected: Sequence[float]) -> bool:
    """Say whether an answer is the expected predictions."""
    return (
        isinstance(answer, list)
        and len(answer) == len(expected)
        and all(abs(a - b) < 1e-6 * abs(b) for a, b in zip(answer, expected, strict=True))
    )


def first_answer(
    process: subprocess.Popen,
    port: int,
    body: bytes,
    expected: Sequence[float],
    path: str = "/score",
    predictions: Callable[[object], object] = lambda answer: answer,
) -> None:
    """Ask until the right answer comes."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args} ended with {process.returncode}")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            content = response.read()
            if response.status == 200:
                answer = predictions(json.loads(content))
                if not same(answer, expected):
                    raise RuntimeError(f"wrong answer: {answer}")
                return
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(_PAUSE)
    raise RuntimeError(f"{process.args} did not answer within {_PATIENCE:g} s")


@contextmanager
def serving(command: Sequence[str], **options: object) -> Iterator[subprocess.Popen]:
    """Run a command, and end it with all its children."""
    process = subprocess.Popen(command, start_new_session=True, **options)
    try:
        yield process
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, number)
                process.wait(3)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass


@contextmanager
def bare(
    model: Path, body: bytes, expected: Sequence[float]
) -> Iterator[tuple[float, subprocess.Popen]]:
    """Give the bare process after its first right answer, and the seconds that took."""
    port = free_port()
    started = time.perf_counter()
    with serving([sys.executable, str(_BARE), str(model), str(port)]) as process:
        first_answer(process, port, body, expected)
        yield time.perf_counter() - started, process


def memory(pid: int) -> tuple[float, float]:
    """Return resident and proportional size of a process, MB (10^6 bytes)."""
    sizes = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        key, value, _ = line.split()
        sizes[key] = int(value) * 1024 / 1e6
    return sizes["Rss:"], sizes["Pss:"]
