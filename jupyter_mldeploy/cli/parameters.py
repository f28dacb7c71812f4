"""Parameters that several commands share: which service, which model, which models."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import click

from jupyter_mldeploy.cli.exits import Exit
from jupyter_mldeploy.cli.names import model_ids, service_names
from jupyter_mldeploy.cli.output import notice
from jupyter_mldeploy.errors import ConfigurationError

__all__ = [
    "agreed",
    "labelled",
    "model_choice",
    "models_from",
    "service_name",
    "service_name_or_all",
    "yes",
]


def service_name(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``name``: a service, as ``NAME`` or as v1's ``-n NAME``."""

    @click.argument("positional", metavar="NAME", required=False, shell_complete=service_names)
    @click.option(
        "-n", "--name", "name", metavar="NAME", help="The service.", shell_complete=service_names
    )
    @wraps(function)
    def named(*args: Any, positional: str | None, name: str | None, **kwargs: Any) -> Any:
        return function(*args, name=_one(positional, name, "service"), **kwargs)

    return named


def service_name_or_all(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``name`` as :func:`service_name` does, or ``None`` for ``--all``."""

    @click.argument("positional", metavar="NAME", required=False, shell_complete=service_names)
    @click.option(
        "-n", "--name", "name", metavar="NAME", help="The service.", shell_complete=service_names
    )
    @click.option("--all", "every", is_flag=True, help="All services of the workspace.")
    @wraps(function)
    def named(
        *args: Any, positional: str | None, name: str | None, every: bool, **kwargs: Any
    ) -> Any:
        found = _one_or_none(positional, name)
        if every and found:
            raise click.UsageError(f"Give a name, {found}, or --all; not both.")
        return function(*args, name=None if every else _one(found, None, "service"), **kwargs)

    return named


def model_choice(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``model_id``: ``name:version``, or ``name`` for the latest version."""

    @click.argument("positional", metavar="MODEL", required=False, shell_complete=model_ids)
    @click.option(
        "-i",
        "--model-id",
        "given_id",
        metavar="NAME:VERSION",
        help="The model; without a version, the latest.",
        shell_complete=model_ids,
    )
    @click.option("-n", "--model-name", "--name", metavar="NAME", help="The model's name.")
    @click.option("--version", "--model-version", type=int, help="Its version; with -n.")
    @wraps(function)
    def chosen(
        *args: Any,
        positional: str | None,
        given_id: str | None,
        model_name: str | None,
        version: int | None,
        **kwargs: Any,
    ) -> Any:
        named = model_name
        if version is not None:
            if model_name is None:
                raise click.UsageError("--version goes with -n NAME.")
            named = f"{model_name}:{version}"
        model_id = _one(_one_or_none(positional, given_id), named, "model")
        return function(*args, model_id=model_id, **kwargs)

    return chosen


def _one_or_none(first: str | None, second: str | None) -> str | None:
    if first is not None and second is not None and first != second:
        raise click.UsageError(f"Two are named, {first} and {second}; give one.")
    return first if first is not None else second


def _one(first: str | None, second: str | None, thing: str) -> str:
    found = _one_or_none(first, second)
    if not found:
        context = click.get_current_context()
        raise click.UsageError(
            f"Which {thing}? Name it: {context.command_path} NAME "
            f"(`mldeploy {thing} list` shows those there are).",
            context,
        )
    return found


def _filters(
    context: click.Context, parameter: click.Parameter, values: Sequence[str]
) -> list[str | list[str]] | None:
    """Read ``key`` or ``key=value``, any number of times, as the SDK's filters."""
    del context, parameter
    found: list[str | list[str]] = []
    for text in values:
        key, equals, value = text.partition("=")
        found.append([key, value] if equals else key)
    return found or None


def labelled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a list command ``tags`` and ``properties``, the SDK's filters."""
    for flag, name, word in (("--property", "properties", "property"), ("--tag", "tags", "tag")):
        function = click.option(
            flag,
            name,
            multiple=True,
            metavar="KEY[=VALUE]",
            callback=_filters,
            help=f"Only those with this {word}; may be repeated.",
        )(function)
    return function


def models_from(ids: Sequence[str], files: Sequence[str]) -> list[str]:
    """Return the ids given by ``-m`` and those in the files given by ``-f``.

    Parameters
    ----------
    ids
        ``name:version``, ``name``, or the path of a model that is not registered.
    files
        What ``model register -t`` wrote: JSON with ``modelId``.

    Raises
    ------
    ConfigurationError
        A file cannot be read or names no model.
    """
    return [*ids, *(_model_id_in(file) for file in files)]


def _model_id_in(file: str) -> str:
    hint = "Write it with: mldeploy model register -n NAME -p PATH -t FILE"
    try:
        found = json.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"The model metadata file {file} cannot be read: {error.strerror}.", hint=hint
        ) from error
    except ValueError as error:
        raise ConfigurationError(
            f"The model metadata file {file} is not JSON: {error}.", hint=hint
        ) from error
    model_id = found.get("modelId") if isinstance(found, dict) else None
    if not isinstance(model_id, str) or not model_id:
        raise ConfigurationError(f"The model metadata file {file} has no `modelId`.", hint=hint)
    return model_id


def yes(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``-y/--yes``, which answers its question."""
    return click.option("-y", "--yes", is_flag=True, help="Do not ask.")(function)


def agreed(question: str, *, yes: bool) -> None:
    """Ask once before something is destroyed, if there is somebody to ask.

    After a no, the command ends as cancelled.
    """
    # A script is not asked: the v1 commands went ahead as well.
    if not yes and _somebody_to_ask() and not click.confirm(question, err=True):
        notice("Nothing was deleted.")
        click.get_current_context().exit(Exit.CANCELLED)


def _somebody_to_ask() -> bool:
    return sys.stdin.isatty()
