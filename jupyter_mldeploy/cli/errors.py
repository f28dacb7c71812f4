"""How an error reads: what happened, where, what to do; a traceback only on request."""

from __future__ import annotations

import traceback

import click

from jupyter_mldeploy.cli.exits import Exit, exit_of
from jupyter_mldeploy.cli.output import notice
from jupyter_mldeploy.errors import MLDeployError, Problem

__all__ = ["explain", "show_error", "show_problem"]


def show_error(error: BaseException, *, debug: bool) -> Exit:
    """Show any error that ended a command, and return the exit code for it."""
    if debug:
        notice("".join(traceback.format_exception(error)).rstrip())
    if isinstance(error, MLDeployError):
        notice(explain(str(error)))
        return exit_of(error)
    if isinstance(error, OSError):
        where = f": {error.filename}" if error.filename is not None else ""
        notice(explain(f"{error.strerror or error}{where}"))
        return Exit.FAILED
    notice(explain(f"Internal error: {type(error).__name__}: {error}"))
    if not debug:
        notice("  Run it again with --debug and report what it prints.")
    return Exit.FAILED


def show_problem(problem: Problem) -> None:
    """Show what went wrong in an operation, with the user's own part of the traceback."""
    notice(explain(str(problem)))
    if problem.traceback:
        notice("")
        for line in problem.traceback.rstrip().splitlines():
            notice(click.style(f"  {line}", dim=True))


def explain(text: str) -> str:
    """Return an explained error with its first line marked."""
    first, _, rest = text.partition("\n")
    marked = click.style(f"✕ {first}", fg="red")
    return f"{marked}\n{rest}" if rest else marked
