"""The rules for names, with a corrected suggestion when one is broken (spec section 1)."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from jupyter_mldeploy.errors import UserErrorException

__all__ = ["check_entry_script_name", "check_model_name", "check_service_name"]


@dataclass(frozen=True)
class _Rule:
    """One row of the table of name rules.

    Parameters
    ----------
    thing
        What is named, as users call it.
    pattern
        The regular expression of spec section 1; matched against the whole name.
    shortest, longest
        Bounds of the length in characters.
    words
        The rule, as a sentence that follows "A model name".
    bad
        Runs of characters that the name cannot have; replaced by ``-`` in a suggestion.
    edges
        Characters a suggestion may not begin with, and may not end with.
    lower
        Whether a suggestion is written in lower case.
    """

    thing: str
    pattern: re.Pattern[str]
    shortest: int
    longest: int
    words: str
    bad: re.Pattern[str]
    edges: tuple[str, str]
    lower: bool

    def allows(self, name: str) -> bool:
        return (
            self.shortest <= len(name) <= self.longest and self.pattern.fullmatch(name) is not None
        )

    def suggest(self, name: str) -> str:
        """Return the allowed name nearest to `name`; a plain example when none is near."""
        text = name.lower() if self.lower else name
        text = self.bad.sub("-", text).lstrip(self.edges[0])[: self.longest].rstrip(self.edges[1])
        if len(text) < self.shortest:
            text = f"{text}-{self.thing}" if text else f"my-{self.thing}"
        return text if self.allows(text) else f"my-{self.thing}"

    def check(self, name: object) -> str:
        if not isinstance(name, str):
            raise UserErrorException(
                f"The {self.thing} name is {_shown(name)}; it must be text.",
                hint=f'For example "my-{self.thing}".',
            )
        if not self.allows(name):
            raise UserErrorException(
                f"{_shown(name)} cannot be a {self.thing} name. A {self.thing} name {self.words}.",
                hint=f'"{self.suggest(name)}" would do.',
            )
        return name


_MODEL = _Rule(
    thing="model",
    pattern=re.compile(r"[a-zA-Z0-9][a-zA-Z0-9\-._]{0,254}"),
    shortest=1,
    longest=255,
    words=("has 1 to 255 letters, digits, '-', '.' and '_', and begins with a letter or a digit"),
    bad=re.compile(r"[^a-zA-Z0-9\-._]+"),
    edges=("-._", ""),
    lower=False,
)

_SERVICE = _Rule(
    thing="service",
    pattern=re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?"),
    shortest=3,
    longest=32,
    words=(
        "has 3 to 32 lower-case letters, digits and '-', begins with a letter, "
        "and ends with a letter or a digit"
    ),
    bad=re.compile(r"[^a-z0-9]+"),
    edges=("-0123456789", "-"),
    lower=True,
)


def check_model_name(name: object) -> str:
    """Return `name` when it can be a model's name.

    Raises
    ------
    UserErrorException
        It cannot; the message says the rule (spec section 1) and a name that would do.
    """
    return _MODEL.check(name)


def check_service_name(name: object) -> str:
    """Return `name` when it can be a service's name.

    Raises
    ------
    UserErrorException
        It cannot; the message says the rule (spec section 1) and a name that would do.
    """
    return _SERVICE.check(name)


def check_entry_script_name(path: str) -> str:
    """Return `path` when its last part can be imported as a module: ``identifier.py``.

    Raises
    ------
    UserErrorException
        It cannot; the message says the rule (spec section 1) and a name that would do.
    """
    name = PurePosixPath(path).name
    stem, dot, suffix = name.rpartition(".")
    if f"{dot}{suffix}" != ".py":
        raise UserErrorException(
            f"{_shown(path)} cannot be an entry script: its name must end with .py.",
            hint=f'For example "{_module_name(name.partition(".")[0])}.py".',
        )
    if not stem.isidentifier() or keyword.iskeyword(stem):
        raise UserErrorException(
            f"{_shown(path)} cannot be an entry script: it is imported, so {_shown(stem)} must "
            "be a Python name (letters, digits and '_', not beginning with a digit, "
            "and no keyword).",
            hint=f'Rename it, for example to "{_module_name(stem)}.py".',
        )
    return path


def _module_name(stem: str) -> str:
    text = re.sub(r"[^a-zA-Z0-9_]+", "_", stem).strip("_")[:60]
    if not text:
        return "score"
    return text if text.isidentifier() and not keyword.iskeyword(text) else f"score_{text}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:76]}...{text[-1]}"
