"""What ``run()`` may return, and what clients then read."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import json
import math
import pathlib
import typing
import uuid

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mldeploy.serving.encoding import NotEncodableError, encode


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Word(str, enum.Enum):
    YES = "yes"


class Pair(typing.NamedTuple):
    a: object
    b: object


RECORDS = np.array([(1, 2.5), (3, float("nan"))], dtype=[("a", "i8"), ("b", "f8")])
FRAME = pd.DataFrame(
    {
        "n": [1, 2],
        "x": [0.5, float("nan")],
        "t": pd.to_datetime(["2020-01-01T10:00:00", None]),
        "s": ["a", None],
        "c": pd.Categorical(["u", "v"]),
        "i": pd.array([1, None], dtype="Int64"),
    }
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.float32(0.5), 0.5),
        (np.float64("nan"), None),
        (np.longdouble("0.5"), 0.5),
        (np.str_("a"), "a"),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.array(5), 5),
        (np.array([1.0, np.nan, np.inf]), [1.0, None, None]),
        (np.array([], dtype=float), []),
        (np.array(["a", "b"]), ["a", "b"]),
        (np.array([b"a"]), ["YQ=="]),
        (np.array([1, None, "x"], dtype=object), [1, None, "x"]),
        (np.array([1, 2], dtype=np.longdouble), [1.0, 2.0]),
        (np.array(["2020-01-02", "NaT"], dtype="M8[D]"), ["2020-01-02", None]),
        (np.datetime64("2020-01-02T03:04:05.123456789"), "2020-01-02T03:04:05.123456789"),
        (np.timedelta64(90, "s"), 90.0),
        (np.array([1500], dtype="m8[ms]"), [1.5]),
        (np.ma.array([1, 2], mask=[0, 1]), [1, None]),
        (RECORDS, [{"a": 1, "b": 2.5}, {"a": 3, "b": None}]),
        (RECORDS[0], {"a": 1, "b": 2.5}),
        ({"y": np.array([1])}, {"y": [1]}),
        (
            {np.int64(1): 1, 2.5: 2, None: 3, np.False_: 4},
            {"1": 1, "2.5": 2, "null": 3, "false": 4},
        ),
        ({Colour.RED: 1, (1, "a"): 2}, {"red": 1, "1, a": 2}),
        ([np.float32(1.5), {np.str_("k"): np.int8(1)}], [1.5, {"k": 1}]),
        (
            FRAME,
            [
                {"n": 1, "x": 0.5, "t": "2020-01-01T10:00:00", "s": "a", "c": "u", "i": 1},
                {"n": 2, "x": None, "t": None, "s": None, "c": "v", "i": None},
            ],
        ),
        (pd.DataFrame(), []),
        (pd.DataFrame([[1, 2]], columns=[("a", 1), ("a", 2)]), [{"a, 1": 1, "a, 2": 2}]),
        (pd.DataFrame([[1]], columns=[7]), [{"7": 1}]),
        (FRAME["x"], [0.5, None]),
        (pd.Index(["a", "b"]), ["a", "b"]),
        (pd.date_range("2020-01-01", periods=1, tz="UTC"), ["2020-01-01T00:00:00+00:00"]),
        (pd.Timestamp("2020-01-01"), "2020-01-01T00:00:00"),
        (pd.Timedelta("1 day"), "P1DT0H0M0S"),
        (pd.Period("2020-01", "M"), "2020-01"),
        (pd.NA, None),
        (pd.NaT, None),
        (dt.date(2020, 1, 2), "2020-01-02"),
        (dt.time(1, 2, 3), "01:02:03"),
        (dt.timedelta(minutes=1), 60.0),
        (decimal.Decimal("0.1"), 0.1),
        (decimal.Decimal("NaN"), None),
        (b"\x00", "AA=="),
        (bytearray(b"\x00"), "AA=="),
        ({1}, [1]),
        (Colour.RED, "red"),
        ([Level.HIGH, Word.YES], [3, "yes"]),
        (Pair(1, decimal.Decimal(2)), [1, 2.0]),
        (pathlib.Path("a") / "b", "a/b"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (collections.OrderedDict(a=np.int64(1)), {"a": 1}),
        (range(0), []),
        (None, {}),
        ("text", "text"),
        ('{"already": "json"}', '{"already": "json"}'),
    ],
)
def test_values(value, expected):
    assert json.loads(encode(value)) == expected


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (object(), "result is a builtins.object"),
        ({"a": [1, object()]}, "result['a'][1] is a builtins.object"),
        (1j, "result is a builtins.complex"),
        (np.array([1j]), "result has complex numbers"),
        (lambda: 1, "function"),
        (Colour, "result is a"),
    ],
)
def test_values_without_a_form(value, words):
    with pytest.raises(NotEncodableError) as caught:
        encode(value)
    assert words in str(caught.value)


def test_a_value_that_contains_itself():
    value = [np.int64(1)]
    value.append(value)
    with pytest.raises(NotEncodableError, match="contains itself"):
        encode(value)


def test_dataclasses_nest():
    @dataclasses.dataclass
    class Inner:
        x: np.ndarray

    @dataclasses.dataclass
    class Outer:
        inner: Inner

    assert json.loads(encode(Outer(Inner(np.array([1]))))) == {"inner": {"x": [1]}}


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def cleaned(value):
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [cleaned(item) for item in value]
    if isinstance(value, dict):
        return {key: cleaned(item) for key, item in value.items()}
    return value


@given(PLAIN.filter(lambda value: value is not None))
def test_json_values_survive(value):
    assert json.loads(encode(value)) == cleaned(value)


@given(st.lists(st.floats() | st.integers(-(2**60), 2**60), min_size=1))
def test_arrays_equal_lists(values):
    assert json.loads(encode(np.array(values, dtype=float))) == cleaned([float(v) for v in values])
