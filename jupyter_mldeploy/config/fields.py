"""The facts of each declared field: what command-line flags and forms are made of."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, SecretStr
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

__all__ = ["FieldFacts", "fields_of"]

Kind = Literal["text", "integer", "number", "boolean", "mapping", "list", "section"]

_WORDS: dict[Kind, str] = {
    "text": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "mapping": "keys and values",
    "list": "a list",
    "section": "keys and values",
}
_SIMPLE: dict[Any, Kind] = {
    str: "text",
    SecretStr: "text",
    int: "integer",
    float: "number",
    bool: "boolean",
}


@dataclass(frozen=True)
class FieldFacts:
    """One field of a declaration.

    Parameters
    ----------
    path
        Names from the top, in Python's spelling: ``("keys", "primary_key")``.
    key
        The name in JSON and YAML files: ``primaryKey``.
    kind
        What it holds. A ``section`` has fields of its own, which follow it.
    help
        What it means, with its unit.
    minimum, maximum
        Bounds, themselves allowed unless `above` says otherwise; ``None`` for no bound.
    above
        The value must be greater than `minimum`, not equal.
    choices
        The allowed texts; empty when there is no such list.
    secret
        Never shown, stored apart.
    required
        There is no configuration without it.
    """

    path: tuple[str, ...]
    key: str
    kind: Kind
    help: str
    minimum: float | None = None
    maximum: float | None = None
    above: bool = False
    choices: tuple[str, ...] = ()
    secret: bool = False
    required: bool = False

    @property
    def name(self) -> str:
        """The name in Python."""
        return self.path[-1]

    def expectation(self) -> str:
        """Return what the value must be, in words: ``a whole number from 1 to 65535``."""
        if self.choices:
            quoted = [f'"{choice}"' for choice in self.choices]
            return quoted[0] if len(quoted) == 1 else f"one of {', '.join(quoted)}"
        words = _WORDS[self.kind]
        if self.kind == "text" and self.minimum:
            return "text that is not empty"
        if self.minimum is not None and self.maximum is not None:
            if self.above:
                return f"{words} above {_number(self.minimum)}, at most {_number(self.maximum)}"
            return f"{words} from {_number(self.minimum)} to {_number(self.maximum)}"
        if self.minimum is not None:
            return (
                f"{words} greater than {self.minimum:g}"
                if self.above
                else (f"{words}, at least {self.minimum:g}")
            )
        return words


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:g}"


def fields_of(declaration: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[FieldFacts]:
    """Yield the facts of every field, in the order of declaration; a section's fields after it."""
    for name, field in declaration.model_fields.items():
        facts = facts_of(name, field, path)
        yield facts
        section = section_of(field)
        if section is not None:
            yield from fields_of(section, facts.path)


def facts_of(name: str, field: FieldInfo, path: tuple[str, ...] = ()) -> FieldFacts:
    """Return the facts of one pydantic field."""
    plain = _without_none(field.annotation)
    limits = {limit: bound for part in field.metadata for limit, bound in _limits(part)}
    minimum = limits.get("gt", limits.get("ge", limits.get("min_length")))
    return FieldFacts(
        path=(*path, name),
        key=key_of(name, field),
        kind=_kind(plain),
        help=field.description or "",
        minimum=minimum,
        maximum=limits.get("le"),
        above="gt" in limits,
        choices=tuple(typing.get_args(plain)) if typing.get_origin(plain) is Literal else (),
        secret=plain is SecretStr,
        required=field.is_required(),
    )


def key_of(name: str, field: FieldInfo) -> str:
    """Return the name of a field in files."""
    # Before the validator is built, some versions of pydantic have not filled in the alias yet.
    return field.serialization_alias or to_camel(name)


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """Return the class of a field that has fields of its own, else ``None``."""
    plain = _without_none(field.annotation)
    return plain if isinstance(plain, type) and issubclass(plain, BaseModel) else None


def _limits(part: Any) -> Iterator[tuple[str, float]]:
    # annotated_types' Ge, Gt, Le and MinLen each carry one attribute of that name.
    for limit in ("gt", "ge", "le", "min_length"):
        bound = getattr(part, limit, None)
        if isinstance(bound, (int, float)):
            yield limit, bound


def _kind(plain: Any) -> Kind:
    if plain in _SIMPLE:
        return _SIMPLE[plain]
    origin = typing.get_origin(plain)
    if origin is Literal:
        return "text"
    if origin is list:
        return "list"
    if origin is dict:
        return "mapping"
    return "section"


def _without_none(annotation: Any) -> Any:
    if typing.get_origin(annotation) is typing.Annotated:
        return _without_none(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        rest = [part for part in typing.get_args(annotation) if part is not type(None)]
        if len(rest) == 1:
            return _without_none(rest[0])
    return annotation
