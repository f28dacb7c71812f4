"""Samples that are numpy arrays (spec section 7.2)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..encoding import to_jsonable  # noqa: TID252 - the island moves as a whole
from .parameter_type import EXAMPLE_ROWS, AbstractParameterType

__all__ = ["NumpyParameterType", "dtype_schema"]

FORMAT = "numpy.ndarray"
TIME_UNITS: dict[str, Any] = {
    "years": "Y", "months": "M", "weeks": "W", "days": "D", "hours": "h", "minutes": "m",
    "seconds": "s", "milliseconds": "ms", "microseconds": "us", "nanoseconds": "ns",
}  # fmt: skip


class NumpyParameterType(AbstractParameterType):
    """A parameter that ``run()`` gets as an array.

    Parameters
    ----------
    input_sample
        An array, shape ``(rows, ...)``.
    enforce_column_type
        Convert to the sample's dtype. Only conversions that keep every value are
        made: 1.5 for a sample of integers is an error, not 1.
    enforce_shape
        Require the sample's number of dimensions and its size in all but the first.

    Raises
    ------
    TypeError
        The sample is not an array.
    """

    def __init__(
        self, input_sample: Any, enforce_column_type: bool = True, enforce_shape: bool = True
    ) -> None:
        if not isinstance(input_sample, np.ndarray):
            raise TypeError(
                f"The sample must be a numpy array, not {type(input_sample).__name__}: "
                "wrap it in numpy.array(...)."
            )
        super().__init__(input_sample)
        self.enforce_column_type = enforce_column_type
        self.enforce_shape = enforce_shape

    def deserialize_input(self, input_data: Any) -> Any:
        """Return nested lists as an array; an array is returned as it is.

        Raises
        ------
        ValueError
            Shape or values do not fit the sample.
        """
        if isinstance(input_data, np.ndarray):
            return input_data
        dtype = self.sample_input.dtype
        if self.sample_input.ndim and not isinstance(input_data, (list, tuple)):
            raise ValueError(f"expected an array, got {_named(input_data)}.")
        try:
            array = (
                _convert(input_data, dtype) if self.enforce_column_type else np.array(input_data)
            )
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueError(f"expected values of type {dtype}: {error}") from error
        if self.enforce_shape:
            self._check_shape(array.shape)
        return array

    def _check_shape(self, shape: tuple[int, ...]) -> None:
        expected = self.sample_input.shape
        if len(shape) != len(expected):
            raise ValueError(
                f"expected an array with {len(expected)} dimensions, got {len(shape)} "
                f"(shape {shape})."
            )
        if shape[1:] != expected[1:]:
            wanted = ", ".join(["any", *map(str, expected[1:])])
            raise ValueError(f"expected an array of shape ({wanted}), got {shape}.")

    def input_to_swagger(self) -> dict[str, Any]:
        """Return nested array schemas, the element's type innermost."""
        schema = dtype_schema(self.sample_input.dtype)
        for _ in self.sample_input.shape:
            schema = {"type": "array", "items": schema}
        sample = self.sample_input[:EXAMPLE_ROWS] if self.sample_input.ndim else self.sample_input
        return {**schema, "format": FORMAT, "example": to_jsonable(sample)}


def dtype_schema(dtype: Any) -> dict[str, Any]:
    """Return the schema of one element.

    Raises
    ------
    TypeError
        Swagger has no such type.
    """
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        schema = dtype_schema(base)
        for _ in shape:
            schema = {"type": "array", "items": schema}
        return schema
    if dtype.names:
        return {
            "type": "object",
            "properties": {name: dtype_schema(dtype[name]) for name in dtype.names},
        }
    kind, name = dtype.kind, dtype.name
    if kind in "iu":
        return {"type": "integer", "format": name}
    if kind == "f":
        return {"type": "number", "format": "double" if dtype.itemsize > 4 else "float"}
    if kind == "O":
        return {"type": "object"}
    plain: dict[str, dict[str, Any]] = {
        "b": {"type": "boolean"},
        "U": {"type": "string"},
        "T": {"type": "string"},
        "M": {"type": "string", "format": "date-time"},
        "m": {"type": "string", "format": "timedelta"},
        "S": {"type": "string", "format": "binary"},
        "V": {"type": "string", "format": "binary"},
    }
    if kind not in plain:
        raise TypeError(f"A sample of dtype {dtype} has no schema: Swagger has no such type.")
    return plain[kind]


def _convert(data: Any, dtype: Any) -> Any:
    if dtype.names:
        return np.array(_rows(data, dtype), dtype=dtype)
    if dtype.kind in "iub":
        return _exactly(np.array(data), dtype)
    if dtype.kind == "M":
        return np.array(_map(data, _moment), dtype=dtype)
    if dtype.kind == "m":
        return np.array(_map(data, _duration), dtype=dtype)
    if dtype.kind in "US":
        return np.array(data, dtype=dtype.kind)  # as long as needed: the sample's width would cut
    return np.array(data, dtype=dtype)


def _exactly(array: Any, dtype: Any) -> Any:
    """Convert to integers or booleans if that keeps every value."""
    if array.size == 0:
        return array.astype(dtype)
    if array.dtype.kind not in "biuf":
        values = array.ravel().tolist()
        odd = next((item for item in values if not isinstance(item, (int, float))), values[0])
        raise ValueError(f"{odd!r} is among the values.")
    if array.dtype.kind == "b" and dtype.kind != "b":
        raise ValueError("true and false are no numbers.")
    with np.errstate(invalid="ignore"):
        converted = array.astype(dtype)
    wrong = converted != array
    if wrong.any():
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(
            f"{array[where].item()!r} at {list(where)} is not. If such values are meant, give "
            "a sample that has them."
        )
    return converted


def _rows(data: Any, dtype: Any) -> Any:
    """Return rows of a structured array as tuples; objects with the field names are taken too."""
    if isinstance(data, dict):
        missing = [name for name in dtype.names if name not in data]
        if missing:
            raise ValueError(f"a row has no {', '.join(missing)}.")
        data = [data[name] for name in dtype.names]
    elif data and isinstance(data, (list, tuple)) and isinstance(data[0], (list, tuple, dict)):
        return [_rows(row, dtype) for row in data]
    elif not data:
        return []
    if len(data) != len(dtype.names):
        raise ValueError(f"a row has {len(data)} values, not {len(dtype.names)}.")
    return tuple(
        _rows(value, dtype[name]) if dtype[name].names else _scalar(value, dtype[name])
        for name, value in zip(dtype.names, data, strict=True)
    )


def _scalar(value: Any, dtype: Any) -> Any:
    if dtype.kind in "iubMm":
        return _convert(value, dtype)[()]
    return value


def _map(data: Any, convert: Any) -> Any:
    if isinstance(data, (list, tuple)):
        return [_map(item, convert) for item in data]
    return convert(data)


def _moment(value: Any) -> Any:
    # numpy has no time zones; UTC is what its values mean.
    return value.removesuffix("Z") if isinstance(value, str) else value


def _duration(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    number, _, unit = value.partition(" ")
    code = TIME_UNITS.get(unit.strip().lower())
    if code is None:
        raise ValueError(f"{value!r} is no duration such as '3 days'.")
    return np.timedelta64(int(number), code)


def _named(value: Any) -> str:
    return {
        "dict": "an object", "str": "a string", "int": "a number", "float": "a number",
        "bool": "a boolean", "NoneType": "null",
    }.get(type(value).__name__, type(value).__name__)  # fmt: skip
