"""Secrets on the command line: never as plain arguments, which every process list shows."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

__all__ = ["read_secret", "secret_variable"]


def secret_variable(name: str) -> str:
    """Return the environment variable that a secret is taken from: ``MLDEPLOY_PRIMARY_KEY``."""
    return f"MLDEPLOY_{name.upper()}"


def read_secret(context: click.Context, parameter: click.Parameter, value: Any) -> str | None:
    """Return the secret that an option names: ``-`` (standard input), ``@FILE``, or a variable.

    Raises
    ------
    click.UsageError
        The secret itself was written on the command line, or is empty.
    """
    if value is None or context.resilient_parsing:
        return None
    if context.get_parameter_source(parameter.name or "") is ParameterSource.ENVIRONMENT:
        # Not for the processes that are started from here on.
        os.environ.pop(str(parameter.envvar), None)
        return str(value)
    if value == "-":
        secret = _from_standard_input(parameter)
    elif value.startswith("@"):
        secret = _from_file(context, parameter, value[1:])
    else:
        raise click.BadParameter(
            "a secret on the command line can be read by everybody who lists processes, and stays "
            f"in your shell's history. Give - (to type or pipe it), @FILE, or set "
            f"{parameter.envvar}; and choose another secret, this one was seen.",
            context,
            parameter,
        )
    if not secret:
        raise click.BadParameter("the secret is empty.", context, parameter)
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
