"""Why a worker ended, in words."""

from __future__ import annotations

import signal

import pytest

from jupyter_mldeploy.errors import Problem
from jupyter_mldeploy.serving.supervisor import words


@pytest.mark.parametrize(
    ("signum", "hint"),
    [
        (signal.SIGKILL, "Out of memory"),
        (signal.SIGSEGV, "Compiled code crashed"),
        (signal.SIGTERM, "ended it"),
        (signal.SIGUSR1, "log says more"),
    ],
)
def test_signals_are_named_with_their_usual_cause(signum, hint):
    problem = Problem.from_dict(words.ended(1, "serving", int(signum)))
    assert problem.what.startswith(f"Worker 1 was killed by {signum.name}")
    assert hint in problem.hint
    assert problem.kind == signum.name


def test_exit_codes_are_told():
    problem = Problem.from_dict(words.ended(0, "loading the model", 7 << 8))
    assert problem.what == "Worker 0 ended with exit code 7 while loading the model."
    assert "exit()" in words.ended(0, "serving", 0)["hint"]
    assert "not known" in words.ended(0, "serving", None)["what"]


def test_a_missing_program_is_named():
    error = FileNotFoundError(2, "No such file or directory", "/no/python")
    problem = Problem.from_dict(words.not_started(0, error))
    assert "/no/python" in problem.what
    assert "deploy" in problem.hint
