"""Flags made from the configuration classes: a field is declared once, there."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import click

from jupyter_mldeploy.cli.flags import collect, key_values
from jupyter_mldeploy.cli.secret_text import SECRET_METAVAR, read_secret
from jupyter_mldeploy.cli.spellings import DEPLOYMENT, HONOURED, INFERENCE, PATHS, WITHOUT_MEANING
from jupyter_mldeploy.config import InferenceConfig, LocalDeploymentConfiguration
from jupyter_mldeploy.config.fields import FieldFacts, fields_of

__all__ = ["generated_options"]


def generated_options(without: Collection[str]) -> list[click.Parameter]:
    """Return an option for every field of the configurations, and v1's that mean nothing here.

    Parameters
    ----------
    without
        Names of fields to leave out.
    """
    refused = [_refused(names, reason) for names, reason in WITHOUT_MEANING.items()]
    return [*_inference(), *_deployment(without), *refused]


def _inference() -> list[click.Option]:
    return [
        _option("inference", facts, (facts.key,), INFERENCE[facts.name])
        for facts in fields_of(InferenceConfig)
        if len(facts.path) == 1 and facts.name in INFERENCE
    ]


def _deployment(without: Collection[str]) -> list[click.Option]:
    keys: dict[tuple[str, ...], tuple[str, ...]] = {(): ()}
    made: list[click.Option] = []
    for facts in fields_of(LocalDeploymentConfiguration):
        keys[facts.path] = (*keys[facts.path[:-1]], facts.key)
        if facts.kind != "section" and facts.name not in {"compute_type", *without}:
            names = DEPLOYMENT.get(facts.name, (f"--{facts.name.replace('_', '-')}",))
            made.append(_option("deployment", facts, keys[facts.path], names))
    return made


def _option(
    family: str, facts: FieldFacts, keys: tuple[str, ...], names: tuple[str, ...]
) -> click.Option:
    settings: dict[str, Any] = {"help": facts.help, "type": _type_of(facts)}
    if family == "inference" and facts.name not in HONOURED:
        settings.update(hidden=True)  # accepted, so that its refusal can say why
    read: Callable[[click.Context, click.Parameter, Any], Any] | None = None
    if facts.kind == "boolean":
        # v1 took both: `--ae` and `--ae true`.
        settings.update(is_flag=False, flag_value="true", metavar="[true|false]")
    elif facts.kind == "mapping":
        settings.update(multiple=True, metavar="KEY=VALUE")
        read = key_values
    elif facts.secret:
        settings.update(metavar=SECRET_METAVAR)
        read = read_secret

    def take(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        value = read(context, parameter, value) if read else value
        if value is not None and value != {}:
            collect(context, family, keys, value)

    dest = f"{family}_{'_'.join(facts.path)}"
    return click.Option([*names, dest], callback=take, expose_value=False, **settings)


def _type_of(facts: FieldFacts) -> click.ParamType[Any]:
    if facts.choices:
        return click.Choice(list(facts.choices))
    if facts.kind == "integer":
        low, high = facts.minimum, facts.maximum
        return click.IntRange(
            min=None if low is None else int(low),
            max=None if high is None else int(high),
            min_open=facts.above,
        )
    if facts.kind == "number":
        return click.FloatRange(min=facts.minimum, max=facts.maximum, min_open=facts.above)
    if facts.kind == "boolean":
        return click.BOOL
    return click.Path() if facts.name in PATHS else click.STRING


def _refused(names: tuple[str, ...], reason: str) -> click.Option:
    def refuse(context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
        # Switched off, it changes nothing.
        if value is not None and value.lower() != "false":
            raise click.UsageError(f"{'/'.join(names)} has no meaning here: {reason}.", context)

    dest = "refused_" + names[0].strip("-").replace("-", "_")
    return click.Option(
        [*names, dest],
        hidden=True,
        is_flag=False,
        flag_value="true",
        callback=refuse,
        expose_value=False,
    )
