"""Names that exist, for the shell's completion."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, redirect_stdout

import click
from click.shell_completion import CompletionItem

import jupyter_mldeploy as mldeploy
from jupyter_mldeploy.cli.session import session_of
from jupyter_mldeploy.deployment.restart import only_looking

__all__ = ["model_ids", "operation_ids", "service_names"]

_Names = Iterable[tuple[str, str]]
_MOST = 200


def service_names(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the services whose name begins so."""
    return _matching(
        context,
        incomplete,
        lambda ws: ((each.name, "") for each in mldeploy.Webservice.list(ws)),
    )


def model_ids(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the models, as ``name:version``, that begin so."""
    return _matching(
        context,
        incomplete,
        lambda ws: ((each.id, each.description or "") for each in mldeploy.Model.list(ws)),
    )


def operation_ids(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the operations whose id begins so."""
    return _matching(
        context,
        incomplete,
        lambda ws: (
            (each.id, f"{each.kind} {each.subject}, {each.state}")
            for each in mldeploy.Operation.list(ws)
        ),
    )


def _matching(
    context: click.Context, incomplete: str, names: Callable[[mldeploy.Workspace], _Names]
) -> list[CompletionItem]:
    # Whatever is wrong, the person is in the middle of typing: no names then, and no words.
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), only_looking():
            found = [
                CompletionItem(name, help=text)
                for name, text in names(session_of(context).workspace())
                if name.startswith(incomplete)
            ]
    except Exception:
        return []
    return found[:_MOST]
