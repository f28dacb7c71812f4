"""Samples that are pandas data frames, in every orient."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from jupyter_mldeploy.serving.schema.pandas_type import PandasParameterType

SAMPLE = pd.DataFrame(
    {
        "n": [1, 2],
        "x": [0.5, 1.5],
        "s": ["a", "b"],
        "b": [True, False],
        "t": pd.to_datetime(["2020-01-01", "2020-01-02"]),
        "z": pd.to_datetime(["2020-01-01", "2020-01-02"], utc=True),
        "d": pd.to_timedelta([1, 2], unit="s"),
        "c": pd.Categorical(["u", "v"]),
        "i": pd.array([1, None], dtype="Int64"),
    }
)
ORIENTS = ("records", "split", "index", "columns", "values", "table")


@pytest.mark.parametrize("orient", ORIENTS)
def test_what_pandas_writes_is_read_back(orient):
    kind = PandasParameterType(SAMPLE, orient=orient)
    data = json.loads(SAMPLE.to_json(orient=orient, date_format="iso"))
    frame = kind.deserialize_input(data)
    if orient in {"index", "columns"}:
        frame.index = frame.index.astype(int)
    if orient == "table":
        frame.index.name = None
    pd.testing.assert_frame_equal(frame, SAMPLE)


@pytest.mark.parametrize("orient", ORIENTS)
def test_the_example_is_accepted(orient):
    kind = PandasParameterType(SAMPLE, orient=orient)
    schema = json.loads(json.dumps(kind.input_to_swagger()))
    assert schema["format"] == f"pandas.DataFrame:{orient}"
    frame = kind.deserialize_input(schema["example"])
    assert frame["n"].tolist() == [1, 2]
    assert frame.dtypes.to_dict() == SAMPLE.dtypes.to_dict()


def test_schema_of_records():
    schema = PandasParameterType(SAMPLE).input_to_swagger()
    assert schema["type"] == "array"
    row = schema["items"]
    assert row["required"] == list(SAMPLE.columns)
    assert row["properties"] == {
        "n": {"type": "integer", "format": "int64"},
        "x": {"type": "number", "format": "double"},
        "s": {"type": "string"},
        "b": {"type": "boolean"},
        "t": {"type": "string", "format": "date-time"},
        "z": {"type": "string", "format": "date-time"},
        "d": {"type": "string", "format": "timedelta"},
        "c": {"type": "string"},
        "i": {"type": "integer", "format": "int64"},
    }


SMALL = pd.DataFrame({"a": [1], "b": [0.5]})


@pytest.mark.parametrize(
    ("data", "a", "b"),
    [
        ([{"a": 1, "b": 2}], [1], [2.0]),
        ([{"b": 2, "a": 1}], [1], [2.0]),
        ([{"a": 1.0, "b": None}], [1], [np.nan]),
        ([], [], []),
    ],
)
def test_records(data, a, b):
    frame = PandasParameterType(SMALL).deserialize_input(data)
    assert list(frame.columns) == ["a", "b"]
    assert frame["a"].tolist() == a
    np.testing.assert_array_equal(frame["b"].to_numpy(), np.array(b, dtype=float))
    assert frame.dtypes.to_dict() == SMALL.dtypes.to_dict()


@pytest.mark.parametrize(
    ("orient", "data", "words"),
    [
        ("records", {"a": 1}, "expected an array of orient 'records'"),
        ("records", [1], "an array of objects"),
        ("records", [{"a": 1}], "missing: b"),
        ("records", [{"a": 1, "b": 1, "c": 1}], "not expected: c"),
        ("records", [{"a": 1, "x": 1}], "missing: b; not expected: x"),
        ("records", [{"a": 1.5, "b": 1}], r"column 'a' should have type int64: .*1\.5.* is not"),
        ("records", [{"a": None, "b": 1}], "row 0 has no value"),
        ("records", [{"a": "x", "b": 1}], "column 'a' should have type int64"),
        ("records", [{"a": 1, "b": "x"}], "column 'b' should have type float64"),
        ("values", [[1]], "rows of 2 values"),
        ("values", [[1, 2], [1, 2, 3]], "rows of 2 values"),
        ("split", {"data": [[1, 2]]}, "columns and data"),
        ("split", [[1, 2]], "expected an object"),
        ("table", {"schema": {}}, "an object with data"),
    ],
)
def test_misfits(orient, data, words):
    with pytest.raises(ValueError, match=words):
        PandasParameterType(SMALL, orient=orient).deserialize_input(data)


def test_categories_and_booleans_are_checked():
    row = json.loads(SAMPLE.head(1).to_json(orient="records", date_format="iso"))[0]
    with pytest.raises(ValueError, match=r"column 'c'.*'w' is not among its categories"):
        PandasParameterType(SAMPLE).deserialize_input([{**row, "c": "w"}])
    with pytest.raises(ValueError, match=r"column 'b'.*neither true nor false"):
        PandasParameterType(SAMPLE).deserialize_input([{**row, "b": "yes"}])


def test_numbers_as_names():
    sample = pd.DataFrame(np.array([[1.0, 2.0]]))
    frame = PandasParameterType(sample).deserialize_input([{"0": 1, "1": 2}])
    pd.testing.assert_frame_equal(frame, sample)


def test_frames_pass_through():
    frame = pd.DataFrame({"other": [1]})
    assert PandasParameterType(SMALL).deserialize_input(frame) is frame


def test_what_is_not_enforced():
    kind = PandasParameterType(SMALL, enforce_column_type=False, enforce_shape=False)
    assert list(kind.deserialize_input([{"z": 1}]).columns) == ["z"]


def test_names_by_position():
    with pytest.warns(DeprecationWarning, match="apply_column_names"):
        kind = PandasParameterType(SMALL, apply_column_names=True)
    assert kind.deserialize_input([{"x": 1, "y": 2}])["a"].tolist() == [1]


def test_misuse_is_told_at_once():
    with pytest.raises(TypeError, match="must be a pandas DataFrame"):
        PandasParameterType([[1]])
    with pytest.raises(ValueError, match="orient is 'rows'; it can be one of: records"):
        PandasParameterType(SMALL, orient="rows")
