"""What one run of the command line knows: the common flags, and the workspace they choose."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import IO, Any

import click

import jupyter_mldeploy as mldeploy
from jupyter_mldeploy.cli.output import facts, show_json, table

__all__ = ["Session", "session_of"]


@dataclass
class Session:
    """The common flags of the command that runs.

    Parameters
    ----------
    out
        Standard output. What the SDK prints does not go there: see :mod:`.output`.
    form
        ``table`` or ``json``.
    debug
        Show tracebacks.
    verbose
        Show the log of an operation while waiting for it.
    workspace_name
        Which workspace (``-w``); by default the folder's configuration decides.
    path
        Folder or file to look for that configuration in (``--path``).
    """

    out: IO[str] = field(default_factory=lambda: sys.stdout)
    form: str = "table"
    debug: bool = False
    verbose: bool = False
    workspace_name: str | None = None
    path: str | None = None

    def workspace(self) -> mldeploy.Workspace:
        """Open the workspace that the flags, or the folder's configuration, choose.

        Without either it is the default one, which the first command makes and says so.
        """
        from jupyter_mldeploy.cli.workspaces import open_workspace  # noqa: PLC0415 -- the store

        return open_workspace(self.workspace_name, self.path)

    @property
    def json(self) -> bool:
        """Whether the result is for a script."""
        return self.form == "json"

    def show_json(self, value: Any) -> None:
        """Write a result as JSON."""
        show_json(value, self.out)

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Write a result as a table."""
        table(headers, rows, self.out)

    def facts(self, rows: Sequence[tuple[str, str]]) -> None:
        """Write a result as names and values."""
        facts(rows, self.out)

    def say(self, text: str) -> None:
        """Write a line of a result."""
        click.echo(text, file=self.out)


def session_of(context: click.Context) -> Session:
    """Return the session of this run; it begins with the first call."""
    return context.find_root().ensure_object(Session)
