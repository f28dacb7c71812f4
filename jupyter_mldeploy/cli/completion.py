"""``mldeploy completion``: the script that makes a shell complete commands and names."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from jupyter_mldeploy.cli.command import COMPLETE_VARIABLE, Command
from jupyter_mldeploy.cli.session import Session

__all__ = ["completion"]


@click.command(
    cls=Command,
    examples=(
        "bash:  echo 'eval \"$(mldeploy completion bash)\"' >> ~/.bashrc",
        "zsh:   echo 'eval \"$(mldeploy completion zsh)\"' >> ~/.zshrc",
        "fish:  mldeploy completion fish > ~/.config/fish/completions/mldeploy.fish",
    ),
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, session: Session, shell: str) -> None:
    """Print a shell's completion script.

    It completes commands, flags, and the names of models, services and operations.
    """
    kind = get_completion_class(shell)
    if kind is None:  # a shell that this version of click does not know
        raise click.UsageError(f"There is no completion for {shell} here.", context)
    root = context.find_root().command
    session.say(kind(root, {}, "mldeploy", COMPLETE_VARIABLE).source())
