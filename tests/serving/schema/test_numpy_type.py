"""Samples that are numpy arrays."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mldeploy.serving.schema.numpy_type import NumpyParameterType

PEOPLE = np.array([(1, 2.5, "ab")], dtype=[("id", "i4"), ("score", "f8"), ("name", "U2")])


@pytest.mark.parametrize(
    ("sample", "data", "expected"),
    [
        ([[1, 2]], [[3, 4], [5, 6]], np.array([[3, 4], [5, 6]])),
        ([[1, 2]], [[3.0, 4.0]], np.array([[3, 4]])),
        ([[1.5]], [[2], [3]], np.array([[2.0], [3.0]])),
        ([1.5], [1, None], np.array([1.0, np.nan])),
        ([True], [False, True], np.array([False, True])),
        ([True], [0, 1], np.array([False, True])),
        (["ab"], ["longer than the sample"], np.array(["longer than the sample"])),
        ([1], [], np.array([], dtype=int)),
        (
            np.array(["2020-01-01"], "M8[s]"),
            ["2020-05-06T07:08:09Z"],
            np.array(["2020-05-06T07:08:09"], "M8[s]"),
        ),
        (np.array([1], "m8[s]"), ["3 minutes", 5], np.array([180, 5], "m8[s]")),
        (5, 7, np.array(7)),
    ],
)
def test_conversion(sample, data, expected):
    converted = NumpyParameterType(np.array(sample)).deserialize_input(data)
    assert converted.shape == expected.shape
    np.testing.assert_array_equal(converted, expected)
    if converted.dtype.kind != "U":
        assert converted.dtype == np.array(sample).dtype


def test_small_floats_keep_their_type():
    kind = NumpyParameterType(np.array([[1.0]], dtype=np.float32))
    assert kind.deserialize_input([[0.1]]).dtype == np.float32


@pytest.mark.parametrize("row", [[7, 0.5, "longer"], {"id": 7, "score": 0.5, "name": "longer"}])
def test_structured_rows(row):
    converted = NumpyParameterType(PEOPLE).deserialize_input([row])
    assert converted.dtype == PEOPLE.dtype
    assert converted[0]["id"] == 7
    assert converted[0]["score"] == 0.5


@pytest.mark.parametrize(
    ("sample", "data", "words"),
    [
        ([[1]], [[1.5]], r"1.5 at \[0, 0\] is not"),
        ([[1, 2]], [[1, 2], [3, 4.25]], r"4.25 at \[1, 1\] is not"),
        ([1], ["x"], "'x' is among the values"),
        ([1], [True], "true and false are no numbers"),
        ([1], [None], "None is among the values"),
        ([1], [2**70], "among the values"),
        (np.array([1], np.uint8), [300], "300 at"),
        (np.array([1], np.uint8), [-1], "-1 at"),
        ([1], [float("nan")], "nan at"),
        ([True], [2], "2 at"),
        ([1.5], ["x"], "could not convert"),
        ([[1, 2]], [[1, 2, 3]], r"shape \(any, 2\), got \(1, 3\)"),
        ([[1, 2]], [1, 2], "2 dimensions, got 1"),
        ([[1, 2]], [[1, 2], [3]], "inhomogeneous"),
        ([1], {"a": 1}, "expected an array, got an object"),
        ([1], "text", "expected an array, got a string"),
        ([1], None, "expected an array, got null"),
        (np.array([1], "m8[s]"), ["3 parsecs"], "no duration"),
        (PEOPLE, [[1, 2]], "2 values, not 3"),
        (PEOPLE, [{"id": 1}], "no score, name"),
        (PEOPLE, [[1.5, 2, "x"]], "1.5"),
    ],
)
def test_misfits(sample, data, words):
    with pytest.raises(ValueError, match=words):
        NumpyParameterType(np.array(sample)).deserialize_input(data)


def test_what_is_not_enforced():
    kind = NumpyParameterType(np.array([[1, 2]]), enforce_column_type=False, enforce_shape=False)
    assert kind.deserialize_input([1.5]).tolist() == [1.5]


def test_the_data_is_not_changed():
    data = [[1, 2]]
    NumpyParameterType(np.array([[1, 2]])).deserialize_input(data)
    assert data == [[1, 2]]


@pytest.mark.parametrize("sample", [[1, 2], None, "x", 5])
def test_the_sample_must_be_an_array(sample):
    with pytest.raises(TypeError, match="must be a numpy array"):
        NumpyParameterType(sample)


@pytest.mark.parametrize(
    ("dtype", "schema"),
    [
        ("i8", {"type": "integer", "format": "int64"}),
        ("u1", {"type": "integer", "format": "uint8"}),
        ("f8", {"type": "number", "format": "double"}),
        ("f4", {"type": "number", "format": "float"}),
        ("?", {"type": "boolean"}),
        ("U3", {"type": "string"}),
        ("S3", {"type": "string", "format": "binary"}),
        ("M8[s]", {"type": "string", "format": "date-time"}),
        ("m8[s]", {"type": "string", "format": "timedelta"}),
        ("O", {"type": "object"}),
    ],
)
def test_schemas_of_elements(dtype, schema):
    found = NumpyParameterType(np.zeros((2, 2), dtype=dtype)).input_to_swagger()
    assert found["items"]["items"] == schema
    json.dumps(found)


def test_schema_of_a_structured_array():
    found = NumpyParameterType(PEOPLE).input_to_swagger()
    assert found["items"]["properties"]["id"] == {"type": "integer", "format": "int32"}
    assert found["example"] == [{"id": 1, "score": 2.5, "name": "ab"}]


def test_a_training_set_as_sample_does_not_become_the_document():
    kind = NumpyParameterType(np.zeros((10_000, 2)))
    assert len(kind.input_to_swagger()["example"]) == 100


@given(st.lists(st.lists(st.integers(-(2**62), 2**62), min_size=2, max_size=2), min_size=1))
def test_integers_survive(rows):
    kind = NumpyParameterType(np.array([[1, 2]]))
    assert kind.deserialize_input(json.loads(json.dumps(rows))).tolist() == rows


@given(
    st.recursive(st.none() | st.floats() | st.text(max_size=3), lambda s: st.lists(s, max_size=3))
)
def test_anything_is_converted_or_refused(data):
    kind = NumpyParameterType(np.array([[1, 2]]))
    try:
        converted = kind.deserialize_input(data)
    except ValueError:
        return
    assert converted.shape[1:] == (2,)
