"""From what ``run()`` returns to JSON, encoded once (spec section 9.3).

The contract answers 500 to a numpy array; here it is encoded, as are the other
things that models return. What JSON cannot say (NaN, infinity) becomes null.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import json
import math
import sys
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any

__all__ = ["NotEncodableError", "encode", "to_jsonable"]

DEPTH = 200  # nesting a client could still read; also ends self-references


class NotEncodableError(TypeError):
    """The result has no form in JSON; the message names the type and where it is."""


def encode(result: Any) -> bytes:
    """Return `result` as JSON; ``None`` becomes ``{}`` as in the contract.

    Raises
    ------
    NotEncodableError
        Something in it has no form in JSON.
    """
    if result is None:
        return b"{}"
    try:
        # By far the most results are plain: one pass in C.
        return json.dumps(result, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        return json.dumps(to_jsonable(result), allow_nan=False).encode()


def to_jsonable(  # noqa: PLR0911 - one return a kind
    value: Any, path: str = "result", depth: int = 0
) -> Any:
    """Return `value` in the types that JSON has.

    Parameters
    ----------
    value
        Anything; numpy, pandas, dates, decimals, bytes (as base64), sets,
        dataclasses, enumerations and whatever has ``tolist()`` are understood.
    path
        Where `value` is, for the message of the error.

    Raises
    ------
    NotEncodableError
        There is no form for it.
    """
    if isinstance(value, Enum):
        return to_jsonable(value.value, path, depth + 1)
    if value is None or isinstance(value, (str, bool)):
        return value
    if depth > DEPTH:
        raise NotEncodableError(f"{path} is nested too deeply, or contains itself.")
    if isinstance(value, int):
        return int(value)
    if isinstance(value, (float, Decimal)):
        number = float(value)
        return number if math.isfinite(number) else None
    if isinstance(value, Mapping):
        return {
            _key(key, path): to_jsonable(item, f"{path}[{key!r}]", depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple, range)):
        return [to_jsonable(item, f"{path}[{i}]", depth + 1) for i, item in enumerate(value)]
    return _other(value, path, depth)


def _other(  # noqa: C901, PLR0911 - one return a kind
    value: Any, path: str, depth: int
) -> Any:
    special = _pandas(value, path, depth)
    if special is _NOT:
        special = _numpy(value, path, depth)
    if special is not _NOT:
        return special
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, AbstractSet):
        return [to_jsonable(item, path, depth + 1) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: to_jsonable(getattr(value, field.name), f"{path}.{field.name}", depth + 1)
            for field in dataclasses.fields(value)
        }
    if isinstance(value, PurePath) or type(value).__name__ == "UUID":
        return str(value)
    for method in ("tolist", "model_dump"):  # tensors; pydantic models
        convert = getattr(value, method, None)
        if callable(convert) and not isinstance(value, type):
            return to_jsonable(convert(), path, depth + 1)
    kind = type(value)
    raise NotEncodableError(
        f"{path} is a {kind.__module__}.{kind.__qualname__}, which has no form in JSON."
    )


_NOT = object()


def _pandas(  # noqa: PLR0911 - one return a kind
    value: Any, path: str, depth: int
) -> Any:
    pandas = sys.modules.get("pandas")
    # A package that is still being imported by another thread has no names yet.
    if pandas is None or not hasattr(pandas, "DataFrame"):
        return _NOT
    if value is pandas.NA or value is pandas.NaT:
        return None
    if isinstance(value, pandas.DataFrame):
        names = [_key(name, path) for name in value.columns]
        columns = [
            to_jsonable(value.iloc[:, i], f"{path}[{name!r}]", depth + 1)
            for i, name in enumerate(names)
        ]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    if isinstance(value, (pandas.Series, pandas.Index)):
        if value.dtype.kind == "M":
            return [None if item is pandas.NaT else item.isoformat() for item in value]
        return to_jsonable(value.tolist(), path, depth + 1)
    if isinstance(value, (pandas.Timedelta, pandas.Timestamp, pandas.Period)):
        return str(value) if isinstance(value, pandas.Period) else value.isoformat()
    return _NOT


def _numpy(  # noqa: PLR0911 - one return a kind
    value: Any, path: str, depth: int
) -> Any:
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(value, (numpy.ndarray, numpy.generic)):
        return _NOT
    kind = value.dtype.kind
    if kind == "M":
        text = numpy.datetime_as_string(value)
        plain = text.tolist() if isinstance(value, numpy.ndarray) else str(text)
        return _without_nat(plain)
    if kind == "m":
        seconds = value / numpy.timedelta64(1, "s")
        return to_jsonable(seconds, path, depth + 1)
    if value.dtype.names and isinstance(value, numpy.ndarray):
        names = value.dtype.names
        fields = [to_jsonable(value[name], f"{path}[{name!r}]", depth + 1) for name in names]
        return [dict(zip(names, row, strict=True)) for row in zip(*fields, strict=True)]
    if kind == "f":
        if value.dtype.itemsize > 8:  # a long double has no Python equal
            value = value.astype(float)
        if numpy.isfinite(value).all():
            return value.tolist()
    if kind == "c":
        raise NotEncodableError(f"{path} has complex numbers, which have no form in JSON.")
    if kind == "V" and value.dtype.names:  # one row of a structured array
        return {name: to_jsonable(value[name], f"{path}[{name!r}]", depth + 1)
                for name in value.dtype.names}  # fmt: skip
    return to_jsonable(value.tolist(), path, depth + 1)


def _without_nat(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_nat(item) for item in value]
    return None if value == "NaT" else value


def _key(key: Any, path: str) -> str:
    if isinstance(key, Enum):
        key = key.value
    plain = to_jsonable(key, path, DEPTH - 2) if not isinstance(key, (str, tuple)) else key
    if isinstance(plain, str):
        return plain
    if isinstance(plain, tuple):
        return ", ".join(str(part) for part in plain)  # a level of a pandas MultiIndex each
    return json.dumps(plain)
