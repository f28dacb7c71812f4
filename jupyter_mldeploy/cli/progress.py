"""Watch an operation: its phases, live; what went wrong, if something did."""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections.abc import Sequence
from typing import Any

import click

import jupyter_mldeploy as mldeploy
from jupyter_mldeploy.cli.errors import explained
from jupyter_mldeploy.cli.exits import Exit
from jupyter_mldeploy.cli.output import notice
from jupyter_mldeploy.cli.session import Session
from jupyter_mldeploy.cli.wording import lasted

__all__ = ["ENDED", "left_at_work", "phase_line", "watch"]

_TICK_SECONDS = 0.1
_SAY_WHAT_AFTER_SECONDS = 2.0
_SERVICE_LOG_LINES = 15
ENDED = {"Succeeded": Exit.OK, "Failed": Exit.FAILED, "Cancelled": Exit.CANCELLED}


def watch(session: Session, operation: mldeploy.Operation) -> Exit:
    """Show an operation until it ends; when it failed, show why and where to look.

    Returns
    -------
    Exit
        What the command ends with. Ctrl-C ends the watching, not the operation.
    """
    started = time.monotonic()
    try:
        if session.verbose:
            for line in operation.follow():
                notice(f"{line.phase:<12} {line.text}")
        elif sys.stderr.isatty():
            _live(operation, started)
        else:
            _plain(operation)
    except KeyboardInterrupt:
        return left_at_work(operation)
    return _end(operation, time.monotonic() - started)


def phase_line(phases: Sequence[dict[str, Any]], doing: str = "") -> str:
    """Return the phases on one line: ``check ✓ 0.2   stage ▸ copying   start``.

    Parameters
    ----------
    phases
        ``name``, ``state``, ``started`` and ``seconds`` each.
    doing
        What the phase at work does or waits for.
    """
    return "   ".join(_phase(phase, doing) for phase in phases)


def _phase(phase: dict[str, Any], doing: str) -> str:
    name, state, seconds = phase["name"], phase["state"], phase.get("seconds")
    took = "" if seconds is None else f" {seconds:.1f}"
    if state == "done":
        return f"{name} {click.style('✓', fg='green')}{took}"
    if state == "failed":
        return f"{name} {click.style('✕', fg='red')}{took}"
    if state == "running":
        elapsed = time.time() - phase["started"] if phase.get("started") else 0.0
        return f"{name} ▸ {elapsed:.1f}{f' {doing}' if doing else ''}"
    return click.style(name, dim=True)


def _live(operation: mldeploy.Operation, started: float) -> None:
    """Keep one line of the terminal current."""
    while True:
        # The state first: the phases read after it are then the last ones.
        ended = operation.state in ENDED
        doing = ""
        if not ended and time.monotonic() - started > _SAY_WHAT_AFTER_SECONDS:
            doing = _last_words(operation)
        line = phase_line(operation.phases, doing) or operation.state.lower()
        width = shutil.get_terminal_size().columns - 1
        if len(click.unstyle(line)) > width:
            line = click.unstyle(line)[: width - 1] + "…"
        notice(f"\r\x1b[K{line}", nl=ended)
        if ended:
            return
        time.sleep(_TICK_SECONDS)


def _plain(operation: mldeploy.Operation) -> None:
    """Write a line for each phase when it has ended."""
    shown = 0
    while True:
        ended = operation.state in ENDED
        over = [phase for phase in operation.phases if phase["state"] in {"done", "failed"}]
        for phase in over[shown:]:
            notice(f"{_phase(phase, '')} s")
        shown = len(over)
        if ended:
            return
        time.sleep(_TICK_SECONDS)


def _last_words(operation: mldeploy.Operation) -> str:
    phase = operation.phase or ""
    last = operation.get_logs().rpartition("\n")[2]
    # Only what this phase says: the line that ended the one before it is no news.
    if not phase or not last.startswith(phase):
        return ""
    # The time beside the phase is the current one.
    return re.sub(r",? \d+ s$", "", last.removeprefix(phase).strip())


def left_at_work(operation: mldeploy.Operation) -> Exit:
    """Say how to see the rest of an operation that somebody stopped watching."""
    notice("")
    if operation.state in ENDED:
        return ENDED[operation.state]
    name = operation.id[:16]
    notice(f"The {operation.kind} of {operation.subject} goes on.")
    notice(f"  Follow it: mldeploy operation follow {name}")
    notice(f"  Cancel it: mldeploy operation cancel {name}")
    return Exit.INTERRUPTED


def _end(operation: mldeploy.Operation, seconds: float) -> Exit:
    state = operation.state
    if state == "Succeeded":
        return Exit.OK
    problem = operation.error
    notice(explained(problem) if problem else f"{state} after {lasted(seconds)}.")
    if state == "Failed":
        _show_service(operation)
    notice(f"  All of the operation: mldeploy operation show {operation.id[:16]}")
    return ENDED[state]


def _show_service(operation: mldeploy.Operation) -> None:
    """Show what is left of the service: whether it still serves, what its script said last."""
    try:
        service = mldeploy.Webservice(operation.workspace, operation.subject)
        log = service.get_logs(num_lines=_SERVICE_LOG_LINES).rstrip()
        if service.status == "Healthy":
            notice(f"  Generation {service.generation} of {service.name} is still serving.")
    except mldeploy.MLDeployError:
        return  # the service is gone, or never ran: there is nothing to show
    if log:
        notice(f"\nThe last lines of the log of {service.name}:")
        for line in log.splitlines():
            notice(click.style(f"  {line}", dim=True))
        notice(f"\n  All of the log: mldeploy service logs {service.name}")
