"""The entry point of ``mldeploy`` and ``jupyter mldeploy``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NoReturn

import click

from jupyter_mldeploy import __version__
from jupyter_mldeploy.cli.command import COMPLETE_VARIABLE, LazyGroup, write_examples
from jupyter_mldeploy.cli.errors import show_error
from jupyter_mldeploy.cli.exits import Exit
from jupyter_mldeploy.cli.output import notice
from jupyter_mldeploy.cli.session import session_of

__all__ = ["cli", "main"]

_EXAMPLES = (
    "mldeploy model register -n diabetes -p model.pkl",
    "mldeploy model deploy -n diabetes-svc -m diabetes:1 --es score.py",
    "mldeploy service run -n diabetes-svc -d '{\"data\": [[0.1, 0.2]]}'",
)

_GROUPS = {
    name: f"jupyter_mldeploy.cli.{module}:{attribute}"
    for name, module, attribute in (
        ("model", "model", "model"),
        ("service", "service", "service"),
        ("operation", "operation", "operation"),
        ("workspace", "workspace", "workspace"),
        ("check", "check", "check"),
        ("gc", "gc", "gc"),
        ("doctor", "doctor", "doctor"),
        ("config", "config", "config"),
        ("completion", "completion", "completion"),
    )
}


class _Root(LazyGroup):
    """The outermost group: whatever ends a command becomes words and an exit code here."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, BrokenPipeError):
            raise  # click's own way to end
        except click.Abort:  # a question was left without an answer
            notice("\nCancelled.")
            ctx.exit(Exit.CANCELLED)
        except KeyboardInterrupt:
            notice("\nInterrupted.")
            ctx.exit(Exit.INTERRUPTED)
        except Exception as error:  # a user never sees a traceback that was not asked for
            ctx.exit(show_error(error, debug=session_of(ctx).debug))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        write_examples(_EXAMPLES, formatter)
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(int(code)), code.meaning) for code in Exit])


@click.group(
    cls=_Root,
    members=_GROUPS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(
    __version__, "--version", prog_name="mldeploy", message="%(prog)s %(version)s"
)
@click.pass_context
def cli(context: click.Context) -> None:
    """Register a model, deploy it as an HTTP endpoint, update it without downtime."""
    if os.environ.get("NO_COLOR"):
        context.color = False


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process with its exit code.

    Parameters
    ----------
    argv
        The arguments; those of the process by default.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal that cannot show a character must not end the command.
            stream.reconfigure(errors="replace")
    called = Path(sys.argv[0]).name
    cli.main(
        args=None if argv is None else list(argv),
        prog_name="jupyter mldeploy" if called == "jupyter-mldeploy" else "mldeploy",
        complete_var=COMPLETE_VARIABLE,
    )
