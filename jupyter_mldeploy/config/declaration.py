"""The base of everything users declare: one place for a field, its bounds and its help."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar

from pydantic import (
    AliasGenerator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    SecretStr,
    ValidationError,
)
from pydantic.alias_generators import to_camel

from jupyter_mldeploy.config.documents import read_document, write_document
from jupyter_mldeploy.config.explain import explain, spellings
from jupyter_mldeploy.config.fields import key_of
from jupyter_mldeploy.errors import ConfigurationError

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Declaration", "PathText", "section"]

# Text that also takes a pathlib.Path, because that is what a path often is in a notebook.
PathText = Annotated[
    str,
    BeforeValidator(lambda given: os.fspath(given) if isinstance(given, os.PathLike) else given),
]

_D = TypeVar("_D", bound="Declaration")


class Declaration(BaseModel):
    """A frozen set of fields, the same in Python (snake_case) and in files (camelCase).

    A field that was not given is ``None`` and stays so: what stands for it is decided where it is
    used.

    Raises
    ------
    ConfigurationError
        From every way in: an unknown key (the nearest known one is named), a wrong type or a
        value out of its bounds, named as the user wrote it.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        # Values are validated by field name; keys of files are renamed before (see _by_name).
        alias_generator=AliasGenerator(serialization_alias=to_camel),
        # The validator is built when it is first used: importing costs nothing.
        defer_build=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,
    )

    _title: ClassVar[str] = "declaration"
    _also_spelled: ClassVar[dict[str, str]] = {}

    def __init__(self, /, **values: Any) -> None:
        _fill(self, values, file=False)
        self.check()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, source: str = "") -> Self:
        """Read the keys of a configuration file; Python's spelling is accepted too.

        Files that the values name are not looked at: a stored declaration can be read after they
        are gone. :meth:`check` does.

        Parameters
        ----------
        source
            Where the data came from, named in errors.
        """
        return _shaped(cls, data, source=source)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Self:
        """Read a JSON file, or a YAML one when its name ends with ``.yml`` or ``.yaml``.

        Paths inside stay as written: they are relative to the current folder, not to the file,
        as in v1.
        """
        made = cls.from_dict(read_document(path), source=str(path))
        made.check()
        return made

    def to_dict(self, *, secrets: bool = False) -> dict[str, Any]:
        """Return the keys of a configuration file, without those that are ``None``.

        Parameters
        ----------
        secrets
            Also return keys and passwords, readable.
        """
        found: dict[str, Any] = {}
        for name, field in type(self).model_fields.items():
            value = _plain(getattr(self, name), secrets=secrets)
            if value is not None:
                found[key_of(name, field)] = value
        return found

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the file that :meth:`from_file` reads; with mode 0600 when it holds a secret."""
        public, whole = self.to_dict(), self.to_dict(secrets=True)
        return write_document(path, whole, private=public != whole)

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """Return the JSON Schema (2020-12) of the configuration file."""
        schema = cls.model_json_schema(by_alias=True, mode="serialization")
        for part in (schema, *schema.get("$defs", {}).values()):
            # The first sentence of the class: the rest is for Python's callers.
            part["description"] = part["description"].partition("\n")[0]
        return schema

    def check(self) -> None:
        """Check what only a user's own declaration must meet: by default nothing more."""

    @classmethod
    def _arranged(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Move values (by field name) before they are validated: by default none."""
        return values

    def __setattr__(self, name: str, value: Any) -> None:
        try:
            super().__setattr__(name, value)
        except ValidationError as invalid:
            raise explain(type(self), {name: value}, invalid, file=False) from None


def section(kind: type[_D]) -> BeforeValidator:
    """Return the annotation for a field that holds another declaration.

    A mapping is read by field names as at the top, so that its faults keep their place.
    """

    def read(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        made = kind.__new__(kind)
        BaseModel.__init__(made, **_by_name(kind, value, file=True))
        return made

    return BeforeValidator(read)


def _shaped(kind: type[_D], data: Mapping[str, Any], *, source: str) -> _D:
    if not isinstance(data, Mapping):
        raise ConfigurationError(
            f"A {kind._title} is made of keys and values, not of a {type(data).__name__}.",  # noqa: SLF001
            hint='For example {"entryScript": "score.py"}.',
        )
    made = kind.__new__(kind)
    _fill(made, data, file=True, source=source)
    return made


def _fill(made: Declaration, data: Mapping[str, Any], *, file: bool, source: str = "") -> None:
    kind = type(made)
    try:
        values = kind._arranged(_by_name(kind, data, file=file))  # noqa: SLF001
        BaseModel.__init__(made, **values)
    except ValidationError as invalid:
        # Without its cause: pydantic's own text would show the values, secrets among them.
        raise explain(kind, data, invalid, file=file, source=source) from None
    except ConfigurationError as wrong:
        if not source:
            raise
        raise ConfigurationError(f"{source}: {wrong.message}", hint=wrong.hint) from None


def _by_name(kind: type[Declaration], data: Mapping[Any, Any], *, file: bool) -> dict[str, Any]:
    known = spellings(kind)
    values: dict[str, Any] = {}
    for key, value in data.items():
        if not isinstance(key, str):
            raise ConfigurationError(
                f"The key {key!r:.80} of the {kind._title} is not text.",  # noqa: SLF001
                hint="Write it in quotes." if file else "",
            )
        name = known.get(key, key)
        if name in values:
            raise ConfigurationError(
                f"`{key}` is given twice, in two spellings.", hint="Keep one of them."
            )
        values[name] = value
    return values


def _plain(value: Any, *, secrets: bool) -> Any:
    if isinstance(value, Declaration):
        return value.to_dict(secrets=secrets) or None
    if isinstance(value, SecretStr):
        return value.get_secret_value() if secrets else None
    return copy.deepcopy(value) if isinstance(value, (dict, list)) else value
