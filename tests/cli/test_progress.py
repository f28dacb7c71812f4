"""Phases on one line, and which log lines are new."""

from __future__ import annotations

import time

import click
import pytest

from jupyter_mldeploy.cli.progress import phase_line
from jupyter_mldeploy.cli.service_logs import new_lines


def test_phases_on_one_line():
    phases = [
        {"name": "check", "state": "done", "seconds": 0.21},
        {"name": "stage", "state": "failed", "seconds": 1.5},
        {"name": "start", "state": "running", "started": time.time() + 60, "seconds": None},
        {"name": "probe", "state": "pending", "seconds": None},
    ]
    line = click.unstyle(phase_line(phases, "loading model"))
    before, at_work, after = line.partition("start ▸ ")
    assert before == "check ✓ 0.2   stage ✕ 1.5   "
    assert at_work
    assert after.endswith(" loading model   probe")


@pytest.mark.parametrize(
    ("seen", "now", "new"),
    [
        ("", "ab", "ab"),
        ("ab", "ab", ""),
        ("ab", "abc", "c"),
        ("abc", "bcd", "d"),
        ("abc", "xyz", "xyz"),
        ("aa", "aaa", "a"),
        ("abc", "", ""),
    ],
)
def test_new_lines(seen, now, new):
    assert list(new_lines(list(seen), list(now))) == list(new)
