"""Commands whose flags are made from the configuration classes, and what those flags said."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import click

from jupyter_mldeploy.cli.command import Command

__all__ = ["ConfiguredCommand", "collect", "given", "key_values", "merged"]

_META = "jupyter_mldeploy.cli.flags."


class ConfiguredCommand(Command):
    """A command that also takes every field of the two configurations as a flag.

    The flags are made when the command is called or its help is shown, because the
    configuration classes take longer to import than most commands take to run.

    Parameters
    ----------
    without
        Fields of the deployment configuration that this command sets in another way.
    """

    def __init__(self, *args: Any, without: Collection[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._without = without
        self._made: list[click.Parameter] | None = None

    def own_later(self) -> list[click.Parameter]:
        """Return the generated flags."""
        if self._made is None:
            from jupyter_mldeploy.cli.generated import generated_options  # noqa: PLC0415 -- pydantic

            self._made = generated_options(self._without)
        return self._made


def collect(context: click.Context, family: str, keys: tuple[str, ...], value: Any) -> None:
    """Keep what a flag said, at its place in the file that it stands for."""
    place = context.meta.setdefault(_META + family, {})
    for key in keys[:-1]:
        place = place.setdefault(key, {})
    place[keys[-1]] = value


def given(context: click.Context, family: str) -> dict[str, Any]:
    """Return the flags of a ``family`` (``inference``, ``deployment``) as keys of its file."""
    return dict(context.meta.get(_META + family, {}))


def key_values(
    context: click.Context, parameter: click.Parameter, values: Collection[str]
) -> dict[str, str]:
    """Read ``key=value``, given any number of times; for an option's callback."""
    found: dict[str, str] = {}
    for text in values or ():
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{text!r} is not of the form key=value.", context, parameter)
        found[key] = value
    return found


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``under`` with the keys of ``over`` on top, section by section."""
    found = dict(under)
    for key, value in over.items():
        beneath = found.get(key)
        if isinstance(beneath, Mapping) and isinstance(value, Mapping):
            found[key] = merged(beneath, value)
        else:
            found[key] = value
    return found
