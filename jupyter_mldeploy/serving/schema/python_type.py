"""Samples that are plain Python values (spec section 7.2)."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Callable
from typing import Any

from .parameter_type import (
    ALL_VERSIONS,
    EXAMPLE_ROWS,
    OPENAPI_VERSIONS,
    AbstractParameterType,
)

__all__ = ["StandardPythonParameterType"]


class StandardPythonParameterType(AbstractParameterType):
    """A parameter that ``run()`` gets as a Python value.

    Parameters
    ----------
    sample_input
        Number, text, bytes (base64 in JSON), date, time, list or dictionary;
        items and values may be parameter types themselves.

    Raises
    ------
    TypeError
        The sample is ``None`` or of a type that JSON cannot carry.
    """

    def __init__(self, sample_input: Any) -> None:
        if sample_input is None:
            raise TypeError("The sample cannot be None: it shows which type is expected.")
        super().__init__(sample_input)
        self._schema = _schema(sample_input)

    def deserialize_input(self, input_data: Any) -> Any:
        """Return what JSON gave in the types of the sample.

        Raises
        ------
        ValueError
            A value is missing or has another type.
        """
        return _convert(input_data, self.sample_input, "")

    def input_to_swagger(self) -> dict[str, Any]:
        """Return the schema."""
        return dict(self._schema)

    def supported_versions(self) -> tuple[str, ...]:
        """Return all versions, or without 2.0 where a list mixes types."""
        return OPENAPI_VERSIONS if _mixes(self.sample_input) else ALL_VERSIONS


def _date(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def _utc(text: str) -> str:
    return text.removesuffix("Z") + "+00:00" if text.endswith("Z") else text  # Python 3.10


def _datetime(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(_utc(text))


def _time(text: str) -> dt.time:
    return dt.time.fromisoformat(_utc(text))


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"no base64: {error}") from None


# Type -> schema, form in JSON, way back. A datetime is a date and a bool an int:
# the narrower one comes first.
SCALARS: dict[
    type[Any], tuple[dict[str, Any], Callable[[Any], Any], Callable[[str], Any] | None]
] = {
    bool: ({"type": "boolean"}, bool, None),
    int: ({"type": "integer", "format": "int64"}, int, None),
    float: ({"type": "number", "format": "double"}, float, None),
    str: ({"type": "string"}, str, None),
    dt.datetime: (
        {"type": "string", "format": "date-time"}, dt.datetime.isoformat, _datetime,
    ),
    dt.date: ({"type": "string", "format": "date"}, dt.date.isoformat, _date),
    dt.time: ({"type": "string", "format": "time"}, dt.time.isoformat, _time),
    bytes: (
        {"type": "string", "format": "byte"}, lambda v: base64.b64encode(v).decode(), _bytes,
    ),
    bytearray: (
        {"type": "string", "format": "byte"},
        lambda v: base64.b64encode(v).decode(),
        lambda text: bytearray(_bytes(text)),
    ),
}  # fmt: skip


def _scalar(sample: Any) -> type[Any] | None:
    return next((kind for kind in SCALARS if isinstance(sample, kind)), None)


def _schema(sample: Any) -> dict[str, Any]:
    if isinstance(sample, AbstractParameterType):
        return sample.input_to_swagger()
    kind = _scalar(sample)
    if kind is not None:
        schema, to_json, _ = SCALARS[kind]
        return {**schema, "example": to_json(sample)}
    if isinstance(sample, dict):
        parts = {str(name): _schema(value) for name, value in sample.items()}
        example = {name: part.pop("example") for name, part in parts.items()}
        return {
            "type": "object",
            "required": list(parts),
            "properties": parts,
            "example": example,
        }
    if isinstance(sample, (list, tuple, range)):
        items = [_schema(value) for value in list(sample)[:EXAMPLE_ROWS]]
        example_items = [item.pop("example") for item in items]
        kinds: list[dict[str, Any]] = []
        for item in items:
            if item not in kinds:
                kinds.append(item)
        one = kinds[0] if len(kinds) == 1 else ({"oneOf": kinds} if kinds else {"type": "object"})
        return {"type": "array", "items": one, "example": example_items}
    if sample is None:
        return {"type": "object", "example": None}
    raise TypeError(f"A sample of type {type(sample).__name__} has no form in JSON.")


def _mixes(sample: Any) -> bool:
    if isinstance(sample, AbstractParameterType):
        return sample.supported_versions() != ALL_VERSIONS
    if isinstance(sample, dict):
        return any(_mixes(value) for value in sample.values())
    if isinstance(sample, (list, tuple)):
        return "oneOf" in _schema(sample)["items"] or any(_mixes(value) for value in sample)
    return False


def _convert(value: Any, sample: Any, path: str) -> Any:
    if isinstance(sample, AbstractParameterType):
        return sample.deserialize_input(value)
    kind = _scalar(sample)
    if kind is not None:
        return _convert_scalar(value, kind, path)
    if isinstance(sample, dict):
        if not isinstance(value, dict):
            raise _misfit(value, "an object", path)
        missing = [str(name) for name in sample if name not in value]
        if missing:
            raise ValueError(f"{path or 'the object'} has no {', '.join(missing)}.")
        return {
            name: _convert(item, sample[name], f"{path}.{name}".lstrip("."))
            if name in sample
            else item
            for name, item in value.items()
        }
    if isinstance(sample, (list, tuple)):
        if not isinstance(value, (list, tuple)):
            raise _misfit(value, "an array", path)
        if not sample or _mixes(sample):
            items = list(value)
        else:
            items = [_convert(item, sample[0], f"{path}[{i}]") for i, item in enumerate(value)]
        return tuple(items) if isinstance(sample, tuple) else items
    return value


def _convert_scalar(value: Any, kind: type[Any], path: str) -> Any:
    _, _, parse = SCALARS[kind]
    if parse is not None and isinstance(value, str):
        try:
            return parse(value)
        except ValueError as error:
            raise ValueError(f"{path or 'it'} is {value!r}: {error}") from None
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, bool) and kind is not bool:
        raise _misfit(value, kind.__name__, path)
    if isinstance(value, dt.datetime) and kind is dt.date:
        raise _misfit(value, "date", path)
    if not isinstance(value, kind):
        raise _misfit(value, kind.__name__, path)
    return value


def _misfit(value: Any, expected: str, path: str) -> ValueError:
    where = f"{path} should be" if path else "expected"
    return ValueError(f"{where} {expected}, got {type(value).__name__}.")
