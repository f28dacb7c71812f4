"""``@input_schema`` and ``@output_schema``, and the documents made of them."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from jupyter_mldeploy.serving.schema.decorators import input_schema, output_schema
from jupyter_mldeploy.serving.schema.inspection import (
    get_input_schema,
    get_output_schema,
    get_schemas_dict,
    get_supported_versions,
    is_schema_decorated,
    schemas_of,
)
from jupyter_mldeploy.serving.schema.numpy_type import NumpyParameterType
from jupyter_mldeploy.serving.schema.python_type import StandardPythonParameterType


def seed_run():
    """The example of the v1 documentation."""

    @input_schema("data", NumpyParameterType(np.array([[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]])))
    @output_schema(NumpyParameterType(np.array([3726.995])))
    def run(data):
        return data

    return run


def test_the_documents_of_the_example():
    run = seed_run()
    assert get_input_schema(run) == {
        "type": "object",
        "properties": {
            "data": {
                "type": "array",
                "items": {"type": "array", "items": {"type": "integer", "format": "int64"}},
                "format": "numpy.ndarray",
            }
        },
        "example": {"data": [[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]]},
    }
    assert get_output_schema(run) == {
        "type": "array",
        "items": {"type": "number", "format": "double"},
        "format": "numpy.ndarray",
        "example": [3726.995],
    }
    assert get_supported_versions(run) == ["2.0", "3.0", "3.1"]


def test_conversion_and_values_that_are_converted_already():
    run = seed_run()
    row = [list(range(10))]
    for given in (run(row), run(data=row), run(np.array(row))):
        assert isinstance(given, np.ndarray)
    array = np.array([[1.5]])
    assert run(array) is array


def test_the_function_stays_itself():
    run = seed_run()
    assert run.__name__ == "run"
    assert list(inspect.signature(run).parameters) == ["data"]
    with pytest.raises(TypeError, match="missing 1 required"):
        run()
    with pytest.raises(TypeError, match="takes 1 positional"):
        run([[1] * 10], 2)
    with pytest.raises(TypeError, match="multiple values"):
        run([[1] * 10], data=[[1] * 10])
    with pytest.raises(TypeError, match="unexpected keyword"):
        run(other=1)


def test_a_cell_run_twice():
    first, second = seed_run(), seed_run()
    assert get_input_schema(first) == get_input_schema(second)
    name = f"{__name__}.seed_run.<locals>.run"
    assert get_schemas_dict()[name]["input"] == get_input_schema(second)


def test_decorating_again_replaces():
    run = input_schema("data", StandardPythonParameterType([1]))(seed_run())
    run = output_schema(StandardPythonParameterType("x"))(run)
    assert get_input_schema(run)["example"] == {"data": [1]}
    assert get_output_schema(run)["example"] == "x"
    assert run([5]) == [5]


def test_optional_and_unconverted_parameters():
    @input_schema("a", StandardPythonParameterType(1.0))
    @input_schema("b", StandardPythonParameterType(b"x"), convert_to_provided_type=False)
    @input_schema("c", StandardPythonParameterType("x"), optional=True)
    def run(a, b, c=None):
        return a, b, c

    assert run(1, "eA==") == (1.0, "eA==", None)
    assert run(1, b="eA==", c=None) == (1.0, "eA==", None)
    assert get_input_schema(run)["required"] == ["b", "a"]
    assert schemas_of(run).optional == {"c"}


def test_undecorated():
    def run(data):
        return data

    assert is_schema_decorated(run) is False
    assert get_input_schema(run) == get_output_schema(run) == {"type": "object"}
    assert schemas_of(run) is None


def test_a_misfit_names_the_parameter():
    with pytest.raises(ValueError, match=r"The value of 'data' does not fit: expected an array"):
        seed_run()([1, 2])


def test_misuse_is_told_at_once():
    with pytest.raises(TypeError, match="param_type must be a parameter type"):
        input_schema("data", [1])
    with pytest.raises(TypeError, match="output_type must be a parameter type"):
        output_schema(int)
    with pytest.raises(ValueError, match="run\\(\\) has no parameter 'date'; it has: data"):

        @input_schema("date", StandardPythonParameterType(1))
        def run(data):
            return data
