"""``mldeploy gc``: remove what nothing uses any more."""

from __future__ import annotations

from dataclasses import asdict

import click

from jupyter_mldeploy.cli.command import Command
from jupyter_mldeploy.cli.output import notice
from jupyter_mldeploy.cli.session import Session
from jupyter_mldeploy.cli.wording import size

__all__ = ["gc"]


@click.command(cls=Command)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
def gc(session: Session, dry_run: bool) -> None:
    """Remove what nothing uses any more, in all workspaces of the home.

    What serves, what can be rolled back to and what is being built stays.
    """
    freed = session.workspace().gc(dry_run=dry_run)
    total = sum(each.bytes for each in freed)
    if session.json:
        kinds = [asdict(each) for each in freed]
        session.show_json({"dryRun": dry_run, "bytes": total, "kinds": kinds})
        return
    found = [each for each in freed if each.count]
    if found:
        rows = [[each.kind, str(each.count), size(each.bytes), each.rule] for each in found]
        session.table(["KIND", "COUNT", "SIZE", "WHICH"], rows)
    verb = "would be freed" if dry_run else "freed"
    notice(f"{size(total)} {verb}." if found else "There is nothing to remove.")
