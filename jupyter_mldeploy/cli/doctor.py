"""``mldeploy doctor``: what this machine can do, and why not."""

from __future__ import annotations

import click

from jupyter_mldeploy.cli.command import Command
from jupyter_mldeploy.cli.exits import Exit
from jupyter_mldeploy.cli.session import Session

__all__ = ["doctor"]

_MARKS = {True: ("✓", "green"), False: ("✗", "red"), None: ("·", "yellow")}


@click.command(cls=Command)
@click.pass_context
def doctor(context: click.Context, session: Session) -> None:
    """Say what this machine can do, what it cannot, and the way out.

    Ends with 0 unless services cannot run here at all.
    """
    from jupyter_mldeploy.cli.checks import findings  # noqa: PLC0415 -- the store and the targets

    usable = True
    shown = []
    for finding in findings(session.path):
        usable = usable and not (finding.name == "target process" and finding.ok is False)
        if session.json:
            shown.append(finding.to_dict())
            continue
        mark, colour = _MARKS[finding.ok]
        session.say(f"{click.style(mark, fg=colour)} {finding.name:<14} {finding.text}")
        if finding.hint:
            session.say(f"  {'':<14} {finding.hint}")
    if session.json:
        session.show_json({"usable": usable, "findings": shown})
    context.exit(Exit.OK if usable else Exit.FAILED)
