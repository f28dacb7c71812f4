"""``mldeploy service logs``, which v1 called ``get-logs``."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from copy import copy
from typing import Any

import click

import jupyter_mldeploy as mldeploy
from jupyter_mldeploy.cli.command import Command
from jupyter_mldeploy.cli.output import notice
from jupyter_mldeploy.cli.parameters import service_name
from jupyter_mldeploy.cli.session import Session

__all__ = ["get_logs", "logs", "new_lines"]

_TICK_SECONDS = 0.3
_WINDOW = 2000


def _declared(function: Callable[..., Any]) -> Callable[..., Any]:
    for decorate in (
        click.option("-i", "--init", is_flag=True, hidden=True, expose_value=False),
        click.option("-f", "--follow", is_flag=True, help="Go on showing new lines until Ctrl-C."),
        click.option(
            "-l",
            "--num-lines",
            type=click.IntRange(min=1),
            default=5000,
            show_default=True,
            help="At most so many of the last lines.",
        ),
        service_name,
    ):
        function = decorate(function)
    return function


@_declared
def _logs(session: Session, name: str, num_lines: int, follow: bool) -> None:
    """Show what a service wrote: init(), run(), the server and its supervisor."""
    service = mldeploy.Webservice(session.workspace(), name)
    text = service.get_logs(num_lines=num_lines)
    if session.json and not follow:
        session.show_json(text.splitlines())
        return
    if not text and not follow:
        notice(f"{name} has written nothing yet.")
    seen = _write(session, text)
    while follow:
        time.sleep(_TICK_SECONDS)
        now = _whole_lines(service.get_logs(num_lines=_WINDOW))
        for line in new_lines(seen, now):
            session.say(line)
        seen = now


def _write(session: Session, text: str) -> list[str]:
    lines = _whole_lines(text)
    for line in lines:
        session.say(line)
    return lines


def _whole_lines(text: str) -> list[str]:
    # A line that is still being written is shown when it is whole.
    return text.split("\n")[:-1]


def new_lines(seen: Sequence[str], now: Sequence[str]) -> Sequence[str]:
    """Return the lines of ``now`` that come after those of ``seen``.

    Both are the end of one log that grows; ``now`` may begin later than ``seen``.
    """
    for known in range(min(len(seen), len(now)), 0, -1):
        if list(seen[len(seen) - known :]) == list(now[:known]):
            return now[known:]
    return now


logs = click.command("logs", cls=Command)(_logs)
get_logs = copy(logs)
get_logs.name, get_logs.hidden = "get-logs", True
