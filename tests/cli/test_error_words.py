"""An error says what happened, where, and what to do in the shell."""

from __future__ import annotations

import click
import pytest

from jupyter_mldeploy.cli.errors import explained, for_shell
from jupyter_mldeploy.errors import Problem


def test_what_where_and_what_to_do():
    problem = Problem(
        what="init() raised FileNotFoundError: model.pkl",
        file="score.py",
        line=9,
        code='model = joblib.load("model.pkl")',
        hint="Look at service.get_logs().",
    )
    assert click.unstyle(explained(problem)) == (
        "✕ init() raised FileNotFoundError: model.pkl\n"
        '  score.py:9  model = joblib.load("model.pkl")\n'
        "  Look at `mldeploy service logs`."
    )


@pytest.mark.parametrize(
    ("advice", "words"),
    [
        ("Deploy it with auth_enabled=True.", "Deploy it with --auth-enabled."),
        ("Or token_auth_enabled=True.", "Or --token-auth-enabled."),
        ("deploy with overwrite=True", "deploy with --overwrite"),
        ("service.start() brings it back", "`mldeploy service start` brings it back"),
        ("Make it with Workspace.create('w')", "Make it with `mldeploy workspace create w`"),
        ("Nothing of Python here.", "Nothing of Python here."),
    ],
)
def test_the_sdks_advice_as_commands(advice, words):
    assert for_shell(advice) == words
