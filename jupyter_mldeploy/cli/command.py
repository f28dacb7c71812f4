"""The kinds of command: every one has the common flags, groups load theirs when needed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import redirect_stdout
from importlib import import_module
import sys
from typing import Any, cast

import click

from jupyter_mldeploy.cli.session import Session, session_of

__all__ = ["Command", "CommandGroup", "LazyGroup"]


def _stores(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def store(context: click.Context, _parameter: click.Parameter, value: Any) -> None:
        if value is not None and not context.resilient_parsing:
            setattr(session_of(context), name, value)

    return store


def _common() -> list[click.Parameter]:
    """Return the flags that every command has (spec section 11, common flags)."""
    return [
        click.Option(
            ["-o", "--output"],
            type=click.Choice(["table", "json"], case_sensitive=False),
            help="How to show the result: table (for people) or json (for scripts).",
            callback=_stores("form"),
            expose_value=False,
        ),
        click.Option(
            ["-w", "--workspace-name"],
            metavar="NAME",
            help="The workspace; by default the one that the folder's config.json names.",
            callback=_stores("workspace_name"),
            expose_value=False,
        ),
        click.Option(
            ["--path"],
            metavar="PATH",
            help="Where to look for config.json; by default the current folder and those above.",
            callback=_stores("path"),
            expose_value=False,
        ),
        click.Option(
            ["-v", "--verbose"],
            is_flag=True,
            default=None,
            help="Show an operation's log while waiting for it.",
            callback=_stores("verbose"),
            expose_value=False,
        ),
        click.Option(
            ["--debug"],
            is_flag=True,
            default=None,
            help="Show where in the program an error came from.",
            callback=_stores("debug"),
            expose_value=False,
        ),
        # The v1 commands carried them everywhere; a workspace here has no cloud around it.
        click.Option(["-g", "--resource-group"], hidden=True, expose_value=False),
        click.Option(["--subscription-id"], hidden=True, expose_value=False),
    ]


class Command(click.Command):
    """A command with the common flags, whose function gets the :class:`Session` first.

    What the SDK prints while it runs goes to standard error.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._common = _common()

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the command's own parameters, then the common ones, then ``--help``."""
        *own, last = super().get_params(ctx)
        return [*own, *self.own_later(), *self._common, last]

    def own_later(self) -> list[click.Parameter]:
        """Return parameters that are made when they are first needed: by default none."""
        return []

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command's function."""
        session = session_of(ctx)
        callback = cast("Callable[..., Any]", self.callback)
        with redirect_stdout(sys.stderr):
            return ctx.invoke(callback, session, **ctx.params)


class CommandGroup(click.Group):
    """A group of commands; without one it shows its help and ends well."""

    command_class = Command
    group_class = type

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("no_args_is_help", True)
        super().__init__(*args, **kwargs)


class LazyGroup(CommandGroup):
    """A group whose members are imported when they are called.

    Parameters
    ----------
    members
        Name to ``module:attribute``.
    """

    def __init__(self, *args: Any, members: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._members = members

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all members, in the order they were declared."""
        return [*self._members, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a member, importing it if it is one of the lazy ones."""
        if cmd_name not in self._members:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self._members[cmd_name].partition(":")
        return cast("click.Command", getattr(import_module(module), attribute))
