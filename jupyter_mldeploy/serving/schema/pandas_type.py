"""Samples that are pandas data frames (spec section 7.2)."""

from __future__ import annotations

import warnings
from typing import Any

import pandas as pd

from ..encoding import to_jsonable  # noqa: TID252 - the island moves as a whole
from .numpy_type import dtype_schema
from .parameter_type import EXAMPLE_ROWS, AbstractParameterType

__all__ = ["PandasParameterType"]

ORIENTS = ("records", "split", "index", "columns", "values", "table")


class PandasParameterType(AbstractParameterType):
    """A parameter that ``run()`` gets as a data frame.

    Parameters
    ----------
    input_sample
        A data frame.
    enforce_column_type
        Convert each column to the sample's type.
    enforce_shape
        Require the sample's columns, in any order.
    apply_column_names
        Deprecated in v1 already: give the frame the sample's names by position.
    orient
        Form of the JSON: ``records``, ``split``, ``index``, ``columns``,
        ``values`` or ``table``, as in ``DataFrame.to_json``.

    Raises
    ------
    TypeError
        The sample is not a data frame.
    ValueError
        There is no such orient.
    """

    def __init__(
        self,
        input_sample: Any,
        enforce_column_type: bool = True,
        enforce_shape: bool = True,
        apply_column_names: bool = False,
        orient: str = "records",
    ) -> None:
        if not isinstance(input_sample, pd.DataFrame):
            raise TypeError(
                f"The sample must be a pandas DataFrame, not {type(input_sample).__name__}."
            )
        if orient not in ORIENTS:
            raise ValueError(f"orient is {orient!r}; it can be one of: {', '.join(ORIENTS)}.")
        if apply_column_names:
            warnings.warn(
                "apply_column_names is deprecated: name the columns in the request instead.",
                DeprecationWarning,
                stacklevel=2,
            )
        super().__init__(input_sample)
        self.enforce_column_type = enforce_column_type
        self.enforce_shape = enforce_shape
        self.apply_column_names = apply_column_names
        self.orient = orient
        self._by_text = {str(name): name for name in input_sample.columns}

    def deserialize_input(self, input_data: Any) -> Any:
        """Return JSON of the declared orient as a data frame; a frame is returned as it is.

        Raises
        ------
        ValueError
            Form, columns or values do not fit the sample.
        """
        if isinstance(input_data, pd.DataFrame):
            return input_data
        expected = list if self.orient in {"records", "values"} else dict
        if not isinstance(input_data, expected):
            form = "an array" if expected is list else "an object"
            raise ValueError(f"expected {form} of orient {self.orient!r}.")  # noqa: TRY004 - a misfit
        frame = self._frame(input_data)
        if self.apply_column_names and len(frame.columns) == len(self.sample_input.columns):
            frame.columns = self.sample_input.columns.copy()
        # JSON knows only text as a name; the sample knows what was meant.
        frame.columns = [self._by_text.get(str(name), name) for name in frame.columns]
        if self.enforce_shape:
            frame = self._in_order(frame)
        if self.enforce_column_type:
            frame = self._typed(frame)
        return frame

    def _frame(self, data: Any) -> Any:
        columns = list(self.sample_input.columns)
        if self.orient == "values":
            width = {len(row) for row in data if isinstance(row, list)} or {len(columns)}
            if width != {len(columns)}:
                raise ValueError(f"expected rows of {len(columns)} values, got {sorted(width)}.")
            return pd.DataFrame(data, columns=columns)
        if self.orient == "records":
            if not all(isinstance(row, dict) for row in data):
                raise ValueError("expected an array of objects, one a row.")
            return pd.DataFrame(data) if data else pd.DataFrame(columns=columns)
        if self.orient == "split":
            _need(data, "columns", "data")
            return pd.DataFrame(data["data"], index=data.get("index"), columns=data["columns"])
        if self.orient == "table":
            _need(data, "data")
            keys = (data.get("schema") or {}).get("primaryKey") or []
            frame = pd.DataFrame(data["data"])
            return frame.set_index(keys) if keys else frame
        if self.orient == "index":
            return pd.DataFrame.from_dict(data, orient="index")
        return pd.DataFrame(data)

    def _in_order(self, frame: Any) -> Any:
        wanted = list(self.sample_input.columns)
        given = list(frame.columns)
        missing = [str(name) for name in wanted if name not in given]
        extra = [str(name) for name in given if name not in wanted]
        if missing or extra:
            parts = [f"missing: {', '.join(missing)}"] if missing else []
            parts += [f"not expected: {', '.join(extra)}"] if extra else []
            raise ValueError(
                f"expected the columns {', '.join(map(str, wanted))}; {'; '.join(parts)}."
            )
        return frame[wanted] if given != wanted else frame

    def _typed(self, frame: Any) -> Any:
        types = self.sample_input.dtypes
        columns = {}
        for name in frame.columns:
            column = frame[name]
            dtype = types.get(name)
            if dtype is not None and column.dtype != dtype:
                try:
                    column = _column(column, dtype)
                except (ValueError, TypeError, OverflowError) as error:
                    raise ValueError(
                        f"column {name!r} should have type {dtype}: {error}"
                    ) from error
            columns[name] = column
        return pd.DataFrame(columns, index=frame.index)

    def input_to_swagger(self) -> dict[str, Any]:
        """Return the schema of the declared orient."""
        frame = self.sample_input.head(EXAMPLE_ROWS)
        cells = {
            str(name): _cell_schema(frame.iloc[:, i])
            for i, name in enumerate(self.sample_input.columns)
        }
        schema = getattr(self, f"_schema_{self.orient}")(cells)
        return {
            **schema,
            "format": f"pandas.DataFrame:{self.orient}",
            "example": self._example(frame),
        }

    def _schema_records(self, cells: dict[str, Any]) -> dict[str, Any]:
        row = {"type": "object", "properties": cells, "required": list(cells)}
        return {"type": "array", "items": row}

    def _schema_values(self, cells: dict[str, Any]) -> dict[str, Any]:
        kinds = list(cells.values())
        item = kinds[0] if kinds and all(kind == kinds[0] for kind in kinds) else {}
        return {"type": "array", "items": {"type": "array", "items": item}}

    def _schema_split(self, cells: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["columns", "data"],
            "properties": {
                "columns": {"type": "array", "items": {"type": "string"}},
                "index": {"type": "array", "items": _cell_schema(self.sample_input.index)},
                "data": self._schema_values(cells),
            },
        }

    def _schema_index(self, cells: dict[str, Any]) -> dict[str, Any]:
        row = {"type": "object", "properties": cells, "required": list(cells)}
        return {"type": "object", "additionalProperties": row}

    def _schema_columns(self, cells: dict[str, Any]) -> dict[str, Any]:
        properties = {
            name: {"type": "object", "additionalProperties": cell} for name, cell in cells.items()
        }
        return {"type": "object", "properties": properties, "required": list(cells)}

    def _schema_table(self, cells: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["data"],
            "properties": {"schema": {"type": "object"}, "data": self._schema_records(cells)},
        }

    def _example(self, frame: Any) -> Any:
        records = to_jsonable(frame)
        index = [str(label) for label in frame.index]
        if self.orient == "records":
            return records
        names = [str(name) for name in frame.columns]
        values = [list(row.values()) for row in records]
        if self.orient == "values":
            return values
        if self.orient == "split":
            return {"columns": names, "index": to_jsonable(frame.index), "data": values}
        if self.orient == "index":
            return dict(zip(index, records, strict=True))
        if self.orient == "columns":
            return {
                name: {label: row[name] for label, row in zip(index, records, strict=True)}
                for name in names
            }
        keys = "index"
        labelled = [
            {keys: label, **row}
            for label, row in zip(to_jsonable(frame.index), records, strict=True)
        ]
        return {"schema": {"primaryKey": [keys]}, "data": labelled}


def _need(data: dict[str, Any], *keys: str) -> None:
    missing = [key for key in keys if key not in data]
    if missing:
        raise ValueError(f"expected an object with {' and '.join(keys)}.")


def _cell_schema(column: Any) -> dict[str, Any]:
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _cell_schema(dtype.categories)
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return {"type": "string", "format": "date-time"}
    if pd.api.types.is_bool_dtype(dtype):
        return {"type": "boolean"}
    if isinstance(dtype, pd.StringDtype):
        return {"type": "string"}
    if getattr(dtype, "kind", "") == "O":
        first = next((item for item in column if item is not None), None)
        return {"type": "string"} if isinstance(first, str) else {"type": "object"}
    numeric = getattr(dtype, "numpy_dtype", dtype)  # of nullable integers and floats
    return dtype_schema(numeric) if hasattr(numeric, "kind") else {"type": "object"}


def _column(column: Any, dtype: Any) -> Any:
    if pd.api.types.is_datetime64_any_dtype(dtype):
        zone = getattr(dtype, "tz", None)
        moments = pd.to_datetime(column, utc=zone is not None, format="ISO8601")
        return moments.dt.tz_convert(zone).astype(dtype) if zone else moments.astype(dtype)
    if pd.api.types.is_timedelta64_dtype(dtype):
        return pd.to_timedelta(column).astype(dtype)
    if isinstance(dtype, pd.CategoricalDtype):
        unknown = set(column.dropna()) - set(dtype.categories)
        if unknown:
            raise ValueError(f"{min(map(str, unknown))!r} is not among its categories.")
        return column.astype(dtype)
    if pd.api.types.is_bool_dtype(dtype):
        wrong = [item for item in column if not isinstance(item, bool) and item not in {0, 1}]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is neither true nor false.")
        return column.astype(dtype)
    if pd.api.types.is_integer_dtype(dtype):
        return _integers(column, dtype)
    return column.astype(dtype)


def _integers(column: Any, dtype: Any) -> Any:
    """Convert only what stays the same; pandas itself would cut 1.5 to 1."""
    if column.isna().any() and not pd.api.types.is_extension_array_dtype(dtype):
        raise ValueError(
            f"row {int(column.isna().to_numpy().argmax())} has no value. If values can be "
            "missing, give a sample of type float or Int64."
        )
    numbers = pd.to_numeric(column)
    converted = numbers.astype(dtype)
    wrong = (converted != numbers).fillna(False).to_numpy(dtype=bool)
    if wrong.any():
        raise ValueError(f"{column.iloc[int(wrong.argmax())]!r} is not.")
    return converted
