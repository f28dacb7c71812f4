"""Secrets on the command line: never as plain arguments, which every process list shows."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

__all__ = ["SECRET_METAVAR", "read_secret"]

SECRET_METAVAR = "-|@FILE|env:VARIABLE"  # noqa: S105 -- how to give one, not one


def read_secret(context: click.Context, parameter: click.Parameter, value: Any) -> str | None:
    """Return the secret that an option points to; for its callback.

    ``-`` is standard input (asked for without showing it, on a terminal), ``@FILE`` a
    file's text, ``env:VARIABLE`` an environment variable.

    Raises
    ------
    click.BadParameter
        The secret itself was written on the command line, or there is none at that place.
    """
    if value is None or context.resilient_parsing:
        return None
    if value == "-":
        secret = _from_standard_input(parameter)
    elif value.startswith("@"):
        secret = _from_file(context, parameter, value[1:])
    elif value.startswith("env:"):
        # Taken out: the processes started from here on need not have it.
        secret = os.environ.pop(value[4:], "")
    else:
        raise click.BadParameter(
            "a secret on the command line can be read by everybody who lists processes, and stays "
            "in the shell's history. Give - (to type or pipe it), @FILE or env:VARIABLE; and take "
            "another secret: this one was seen.",
            context,
            parameter,
        )
    if not secret:
        raise click.BadParameter(f"{value} holds no secret.", context, parameter)
    return secret


def _from_standard_input(parameter: click.Parameter) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(parameter.human_readable_name, hide_input=True, err=True))
    # A line each: two secrets can come from one pipe.
    return sys.stdin.readline().rstrip("\r\n")


def _from_file(context: click.Context, parameter: click.Parameter, name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise click.BadParameter(
            f"the file {name} cannot be read: {reason}.", context, parameter
        ) from None
