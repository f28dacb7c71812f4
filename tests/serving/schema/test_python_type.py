"""Samples that are plain Python values."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mldeploy.serving.schema.numpy_type import NumpyParameterType
from jupyter_mldeploy.serving.schema.python_type import StandardPythonParameterType

UTC = dt.timezone.utc
# Without a zone, as many samples are.
NEW_YEAR = dt.datetime.fromisoformat("2020-01-01")
LATER = dt.datetime.fromisoformat("2021-02-03T04:05:06")
MORNING = dt.datetime.fromisoformat("2020-01-02T03:00:00")


@pytest.mark.parametrize(
    ("sample", "data", "expected"),
    [
        (1, 5, 5),
        (1.5, 5, 5.0),
        ("a", "b", "b"),
        (True, False, False),
        (b"x", "AAE=", b"\x00\x01"),
        (bytearray(b"x"), "AAE=", bytearray(b"\x00\x01")),
        (dt.date(2020, 1, 1), "2021-02-03", dt.date(2021, 2, 3)),
        (NEW_YEAR, "2021-02-03T04:05:06", LATER),
        (NEW_YEAR, "2021-02-03T04:05:06Z", dt.datetime(2021, 2, 3, 4, 5, 6, tzinfo=UTC)),
        (dt.time(1), "02:03:04", dt.time(2, 3, 4)),
        ([1.0], [1, 2.5], [1.0, 2.5]),
        ((1,), [1, 2], (1, 2)),
        ([], [1, "a"], [1, "a"]),
        ([1, "a"], ["x", 2], ["x", 2]),
        ({"a": 1, "b": {"c": [1.5]}}, {"a": 2, "b": {"c": [1]}, "more": 3}, {"a": 2, "b": {"c": [1.0]}, "more": 3}),
        (dt.date(2020, 1, 1), dt.date(2021, 1, 1), dt.date(2021, 1, 1)),
    ],
)  # fmt: skip
def test_conversion(sample, data, expected):
    converted = StandardPythonParameterType(sample).deserialize_input(data)
    assert converted == expected
    assert type(converted) is type(expected)


def test_other_parameter_types_inside():
    kind = StandardPythonParameterType(
        {"rows": NumpyParameterType(np.array([[1, 2]])), "name": "x"}
    )
    converted = kind.deserialize_input({"rows": [[3, 4]], "name": "y"})
    assert isinstance(converted["rows"], np.ndarray)
    schema = kind.input_to_swagger()
    assert schema["properties"]["rows"]["format"] == "numpy.ndarray"
    assert schema["example"] == {"rows": [[1, 2]], "name": "x"}


@pytest.mark.parametrize(
    ("sample", "data", "words"),
    [
        (1, "5", "expected int, got str"),
        (1, 1.5, "expected int, got float"),
        (1, True, "expected int, got bool"),
        (1.5, None, "expected float, got NoneType"),
        ("a", 1, "expected str, got int"),
        (True, 1, "expected bool, got int"),
        (b"x", "***", "no base64"),
        (b"x", 5, "expected bytes, got int"),
        (dt.date(2020, 1, 1), "yesterday", "it is 'yesterday'"),
        ([1], {"a": 1}, "expected an array"),
        ([1], [1, "x"], r"\[1\] should be int, got str"),
        ({"a": {"b": 1}}, {"a": {"b": "x"}}, "a.b should be int"),
        ({"a": 1, "b": 2}, {}, "the object has no a, b"),
        ({"a": 1}, [1], "expected an object"),
    ],
)
def test_misfits(sample, data, words):
    with pytest.raises(ValueError, match=words):
        StandardPythonParameterType(sample).deserialize_input(data)


@pytest.mark.parametrize(
    ("sample", "schema"),
    [
        (1, {"type": "integer", "format": "int64", "example": 1}),
        (1.5, {"type": "number", "format": "double", "example": 1.5}),
        ("a", {"type": "string", "example": "a"}),
        (True, {"type": "boolean", "example": True}),
        (b"\x00", {"type": "string", "format": "byte", "example": "AA=="}),
        (dt.date(2020, 1, 2), {"type": "string", "format": "date", "example": "2020-01-02"}),
        (dt.time(1, 2), {"type": "string", "format": "time", "example": "01:02:00"}),
        (
            MORNING,
            {"type": "string", "format": "date-time", "example": "2020-01-02T03:00:00"},
        ),
        (
            {"a": [1]},
            {
                "type": "object",
                "required": ["a"],
                "properties": {
                    "a": {"type": "array", "items": {"type": "integer", "format": "int64"}}
                },
                "example": {"a": [1]},
            },
        ),
        ([], {"type": "array", "items": {"type": "object"}, "example": []}),
        (
            [1, "a"],
            {
                "type": "array",
                "items": {"oneOf": [{"type": "integer", "format": "int64"}, {"type": "string"}]},
                "example": [1, "a"],
            },
        ),
    ],
)
def test_schemas(sample, schema):
    assert StandardPythonParameterType(sample).input_to_swagger() == schema


@pytest.mark.parametrize(
    ("sample", "versions"),
    [
        ([1, 2], ("2.0", "3.0", "3.1")),
        ([1, "a"], ("3.0", "3.1")),
        ({"a": {"b": [1, 2.5]}}, ("3.0", "3.1")),
        ([[1], ["a"]], ("3.0", "3.1")),
    ],
)
def test_swagger_2_cannot_mix(sample, versions):
    assert StandardPythonParameterType(sample).supported_versions() == versions


@pytest.mark.parametrize("sample", [None, object(), {"a": object()}, {1, 2}])
def test_samples_that_say_nothing(sample):
    with pytest.raises(TypeError):
        StandardPythonParameterType(sample)


SAMPLES = st.recursive(
    st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3)
        | st.dictionaries(st.text(), inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)


@given(SAMPLES)
def test_every_sample_accepts_its_own_example(sample):
    kind = StandardPythonParameterType(sample)
    schema = json.loads(json.dumps(kind.input_to_swagger()))
    assert kind.deserialize_input(schema["example"]) == sample
