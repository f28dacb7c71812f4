"""From pydantic's findings to sentences that name the field as the user wrote it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from jupyter_mldeploy.config.fields import facts_of, key_of, section_of
from jupyter_mldeploy.errors import ConfigurationError

__all__ = ["BrokenRuleError", "explain", "spellings", "unknown_key"]


# Found by a rule that the bounds do not tell.
_SAID_BY_PYDANTIC = frozenset({"string_pattern_mismatch", "string_too_long", "string_unicode"})


class BrokenRuleError(ValueError):
    """Fields that do not go together.

    Parameters
    ----------
    template
        The sentence; ``{field_name}`` stands for the field as the user spells it.
    """

    def __init__(self, template: str) -> None:
        self.template = template
        super().__init__(template)


def spellings(declaration: type[BaseModel]) -> dict[str, str]:
    """Return every accepted spelling of every field: ``{"sourceDirectory": "source_directory"}``.

    A class's own ``_also_spelled`` adds spellings that v1 files use.
    """
    known = {name: name for name in declaration.model_fields}
    known |= {key_of(name, field): name for name, field in declaration.model_fields.items()}
    return known | getattr(declaration, "_also_spelled", {})


class _Spelling(dict[str, str]):
    """For sentences: a field's name as it stands in `written`, else in the style of that place."""

    def __init__(
        self, declaration: type[BaseModel], written: Mapping[Any, Any], *, file: bool
    ) -> None:
        super().__init__()
        for name, field in declaration.model_fields.items():
            self[name] = key_of(name, field) if file else name
        known = spellings(declaration)
        for key in written:
            if isinstance(key, str) and key in known:
                self[known[key]] = key


def explain(
    declaration: type[BaseModel],
    written: Mapping[Any, Any],
    invalid: ValidationError,
    *,
    file: bool,
    source: str = "",
) -> ConfigurationError:
    """Return the error for the user.

    Parameters
    ----------
    declaration
        The class that refused the values.
    written
        The values, with the keys the user wrote.
    file
        Fields that are not in `written` are named in camelCase, as in files.
    source
        The file they came from, named first.
    """
    sentences: list[str] = []
    hints: list[str] = []
    for fault in invalid.errors(include_url=False):
        sentence, hint = _sentence(declaration, written, fault, file=file)
        if sentence not in sentences:
            sentences.append(sentence)
            hints.append(hint)
    title = source or f"The {_title(declaration)}"
    hint = " ".join(dict.fromkeys(hint for hint in hints if hint))
    if len(sentences) == 1:
        return ConfigurationError(
            f"{source}: {sentences[0]}" if source else sentences[0], hint=hint
        )
    listed = "\n".join(f"  - {sentence}" for sentence in sentences)
    return ConfigurationError(f"{title} has {len(sentences)} faults:\n{listed}", hint=hint)


def unknown_key(key: object, known: Iterable[str], title: str) -> tuple[str, str]:
    """Return the sentence and the hint for a key that does not exist."""
    names = sorted(known)
    near = difflib.get_close_matches(str(key)[:100].rpartition(".")[2], names, n=1, cutoff=0.6)
    hint = f"Did you mean `{near[0]}`?" if near else f"It has {', '.join(names)}."
    return f"`{str(key)[:100]}` is no key of the {title}.", hint


def _title(declaration: type[BaseModel]) -> str:
    return str(getattr(declaration, "_title", declaration.__name__))


def _sentence(
    declaration: type[BaseModel], written: Mapping[Any, Any], fault: Any, *, file: bool
) -> tuple[str, str]:
    """Return what is wrong, and a hint that may be empty."""
    trail = _follow(declaration, written, fault["loc"], file=file)
    name = ".".join(trail.names)
    cause = fault.get("ctx", {}).get("error")
    if isinstance(cause, BrokenRuleError):
        return cause.template.format_map(trail.spelling), ""
    if isinstance(cause, ConfigurationError):
        return f"`{name}`: {cause.message}", cause.hint
    if fault["type"] in {"extra_forbidden", "no_such_attribute"}:
        return unknown_key(name, trail.spelling.values(), _title(trail.declaration))
    if fault["type"] == "frozen_instance":
        return f"`{name}` cannot be changed.", f"Make a new {_title(declaration)}."
    return f"{_expected(trail, fault, name)}.", ""


def _expected(trail: _Trail, fault: Any, name: str) -> str:
    """Return ``<name> is <value>; it must be <words with the bounds>``."""
    if trail.field is None:
        return f"{name or _title(trail.declaration)}: {_message(fault)}"
    if fault["type"] == "missing":
        return f"`{name}` is missing. {trail.field.description or ''}".rstrip(" .")
    if trail.inside:
        # A value of a mapping may be a secret: its type is enough.
        return f"`{name}` is {_type_words(fault['input'])}; it must be text"
    facts = facts_of(trail.names[-1], trail.field)
    shown = "not usable" if facts.secret else _shown(fault["input"])
    if "error" in fault.get("ctx", {}) or fault["type"] in _SAID_BY_PYDANTIC:
        return f"`{name}` is {shown}: {_message(fault)}"
    return f"`{name}` is {shown}; it must be {facts.expectation()}"


class _Trail:
    """Where a fault is: names from the top, and the class and field that they end at."""

    def __init__(
        self, declaration: type[BaseModel], written: Mapping[Any, Any], *, file: bool
    ) -> None:
        self.declaration = declaration
        self.spelling = _Spelling(declaration, written, file=file)
        self.names: list[str] = []
        self.field: FieldInfo | None = None
        self.inside = False
        self._leaf = False
        self._here: Any = written
        self._file = file

    def step(self, name: str) -> None:
        """Go to the field `name`, or to an item of the field where this trail is."""
        if self._leaf:
            self.inside = True
            self.names.append(name[:100])
            return
        self.field = self.declaration.model_fields.get(name)
        self.names.append(self.spelling.get(name, name[:100]))
        self._here = self._here.get(self.names[-1]) if isinstance(self._here, Mapping) else None
        below = section_of(self.field) if self.field is not None else None
        self._leaf = below is None
        if below is not None:
            self.declaration = below
            written = self._here if isinstance(self._here, Mapping) else {}
            self.spelling = _Spelling(below, written, file=self._file)


def _follow(
    declaration: type[BaseModel], written: Mapping[Any, Any], loc: Iterable[Any], *, file: bool
) -> _Trail:
    trail = _Trail(declaration, written, file=file)
    for step in loc:
        if step != "[key]":
            trail.step(str(step))
    if len(trail.names) == 2 and trail.names[0] not in written and trail.names[1] in written:
        # A field of a section that Python callers give beside the others (primary_key).
        del trail.names[0]
    return trail


def _message(fault: Any) -> str:
    cause = fault.get("ctx", {}).get("error")
    return str(cause if cause is not None else fault["msg"]).rstrip(".")


def _shown(value: object) -> str:
    if isinstance(value, (dict, list, tuple, set)):
        return _type_words(value)
    try:
        text = repr(value)
    except Exception:  # the user's own object may refuse, a whole number may be too long
        return _type_words(value)
    return text if len(text) <= 80 else f"{text[:76]}...{text[-1]}"


def _type_words(value: object) -> str:
    words = {
        "dict": "a mapping",
        "list": "a list",
        "tuple": "a tuple",
        "str": "text",
        "int": "a number",
        "float": "a number",
        "bool": "true or false",
        "NoneType": "empty",
    }
    return words.get(type(value).__name__, f"a {type(value).__name__}")
