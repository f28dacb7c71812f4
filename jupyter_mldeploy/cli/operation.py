"""``mldeploy operation``: slow work, followed from any shell."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

import jupyter_mldeploy as mldeploy
from jupyter_mldeploy.cli.command import CommandGroup
from jupyter_mldeploy.cli.errors import explained
from jupyter_mldeploy.cli.names import operation_ids, service_names
from jupyter_mldeploy.cli.output import notice
from jupyter_mldeploy.cli.progress import phase_line, watch
from jupyter_mldeploy.cli.session import Session
from jupyter_mldeploy.cli.wording import ago, state_words

__all__ = ["operation"]

_STATES = ("Queued", "Running", "Succeeded", "Failed", "Cancelled")
_ACTIVE = ("Queued", "Running")
_SHORT = 16


@click.group(cls=CommandGroup)
def operation() -> None:
    """See, follow and cancel slow work."""


def _one_operation(function: Callable[..., Any]) -> Callable[..., Any]:
    @click.argument("operation_id", metavar="ID", shell_complete=operation_ids)
    @wraps(function)
    def chosen(session: Session, *args: Any, operation_id: str, **kwargs: Any) -> Any:
        found = mldeploy.Operation(session.workspace(), operation_id)
        return function(session, found, *args, **kwargs)

    return chosen


def as_dict(found: mldeploy.Operation) -> dict[str, Any]:
    """Return an operation as JSON."""
    error = found.error
    return {
        "id": found.id,
        "kind": found.kind,
        "subject": found.subject,
        "state": found.state,
        "phase": found.phase,
        "phases": found.phases,
        "progress": found.progress,
        "createdTime": found.created_time.isoformat(),
        "error": error.to_dict() if error else None,
    }


@operation.command("list")
@click.option(
    "-s",
    "--subject",
    metavar="NAME",
    shell_complete=service_names,
    help="Only those on this service.",
)
@click.option(
    "--state", type=click.Choice(_STATES, case_sensitive=False), help="Only those in this state."
)
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many."
)
def list_operations(session: Session, subject: str | None, state: str | None, limit: int) -> None:
    """List operations, the newest first."""
    found = mldeploy.Operation.list(session.workspace(), subject, state, limit)
    if session.json:
        session.show_json([as_dict(each) for each in found])
        return
    if not found:
        notice("No operations yet. The first: mldeploy model deploy -n NAME -m MODEL --es score.py")
        return
    session.table(
        ["ID", "STATE", "KIND", "SUBJECT", "STARTED", "PHASE"],
        [
            [
                each.id[:_SHORT],
                state_words(each.state),
                each.kind,
                each.subject,
                ago(each.created_time),
                each.phase or "",
            ]
            for each in found
        ],
    )


@operation.command("show")
@_one_operation
def show(session: Session, found: mldeploy.Operation) -> None:
    """Show one operation: its phases, its log, and what went wrong."""
    if session.json:
        session.show_json({**as_dict(found), "log": found.get_logs().splitlines()})
        return
    session.facts(
        [
            ("id", found.id),
            ("operation", f"{found.kind} {found.subject}"),
            ("state", state_words(found.state)),
            ("started", ago(found.created_time)),
            ("phases", phase_line(found.phases)),
            ("log", found.get_logs()),
        ]
    )
    error = found.error
    if error is not None:
        notice(explained(error))
        for line in error.traceback.splitlines():
            notice(click.style(f"  {line}", dim=True))


@operation.command("follow")
@_one_operation
@click.pass_context
def follow(context: click.Context, session: Session, found: mldeploy.Operation) -> None:
    """Show an operation's log until it ends, and end as it does."""
    session.verbose = True
    code = watch(session, found)
    if session.json:
        session.show_json(as_dict(found))
    context.exit(code)


@operation.command("cancel")
@_one_operation
@click.option("--no-wait", is_flag=True, help="Do not wait until it has ended.")
def cancel(session: Session, found: mldeploy.Operation, no_wait: bool) -> None:
    """Cancel an operation; what it had begun is undone."""
    if found.state not in _ACTIVE:
        notice(f"The {found.kind} of {found.subject} had ended already: {found.state.lower()}.")
    else:
        found.cancel()
        if no_wait:
            notice(f"The {found.kind} of {found.subject} was asked to end.")
        else:
            for _line in found.follow():
                pass
            notice(f"The {found.kind} of {found.subject}: {found.state.lower()}.")
    if session.json:
        session.show_json(as_dict(found))
