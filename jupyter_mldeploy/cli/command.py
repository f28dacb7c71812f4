"""The kinds of command: every one has the common flags, groups load theirs when needed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from importlib import import_module
from typing import Any, cast

import click

from jupyter_mldeploy.cli.session import session_of

__all__ = ["COMPLETE_VARIABLE", "Command", "CommandGroup", "LazyGroup", "write_examples"]


COMPLETE_VARIABLE = "_MLDEPLOY_COMPLETE"
"""Set by the shell's completion script when it asks what may come next."""


def write_examples(lines: Sequence[str], formatter: click.HelpFormatter) -> None:
    """Write command lines as they are, unwrapped."""
    if lines:
        with formatter.section("Examples"):
            for line in lines:
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


def _stores(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def store(context: click.Context, _parameter: click.Parameter, value: Any) -> None:
        if value is not None and not context.resilient_parsing:
            setattr(session_of(context), name, value)

    return store


def _common() -> list[click.Parameter]:
    """Return the flags that every command has (spec section 11, common flags).

    Their names begin with ``common_``, apart from those of every command's own.
    """
    return [
        click.Option(
            ["-o", "--output", "common_output"],
            type=click.Choice(["table", "json"], case_sensitive=False),
            help="How to show the result: table (for people) or json (for scripts).",
            callback=_stores("form"),
            expose_value=False,
        ),
        click.Option(
            ["-w", "--workspace-name", "common_workspace"],
            metavar="NAME",
            help="The workspace; by default the one that the folder's config.json names.",
            callback=_stores("workspace_name"),
            expose_value=False,
        ),
        click.Option(
            ["--path", "common_path"],
            metavar="PATH",
            help="Where to look for config.json; by default the current folder and those above.",
            callback=_stores("path"),
            expose_value=False,
        ),
        click.Option(
            ["-v", "--verbose", "common_verbose"],
            is_flag=True,
            default=None,
            help="Show an operation's log while waiting for it.",
            callback=_stores("verbose"),
            expose_value=False,
        ),
        click.Option(
            ["--debug", "common_debug"],
            is_flag=True,
            default=None,
            help="Show where in the program an error came from.",
            callback=_stores("debug"),
            expose_value=False,
        ),
        # The v1 commands carried them everywhere; a workspace here has no cloud around it.
        click.Option(["-g", "--resource-group", "common_group"], hidden=True, expose_value=False),
        click.Option(["--subscription-id", "common_subscription"], hidden=True, expose_value=False),
    ]


class Command(click.Command):
    """A command with the common flags, whose function gets the :class:`Session` first.

    What the SDK prints while it runs goes to standard error.

    Parameters
    ----------
    examples
        Command lines to show in the help.
    """

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._common = _common()
        self._examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples below the flags."""
        del ctx
        write_examples(self._examples, formatter)

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
