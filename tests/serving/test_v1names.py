"""The v1 import names in a fresh interpreter: ours where nothing real is installed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

PREPARE = "import sys, json\nfrom jupyter_mldeploy.serving import v1names\nv1names.install()\n"


def run(code, *paths):
    program = f"import sys\nsys.path[:0] = {list(map(str, paths))!r}\n{PREPARE}{code}"
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_names_are_light():
    code = """
from azureml.core.model import Model
from azureml.core import Model as Same
import azureml.core
from inference_schema.schema_decorators import input_schema, output_schema
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_util import get_input_schema, get_output_schema, is_schema_decorated
from inference_schema.schema_util import get_supported_versions, get_schemas_dict
from inference_schema.parameter_types.abstract_parameter_type import AbstractParameterType
assert Same is Model and azureml.core.model.Model is Model
assert sys.meta_path[-1].__class__.__module__.endswith("v1names")
v1names.install()
assert sum(f.__class__.__module__.endswith("v1names") for f in sys.meta_path) == 1
print(json.dumps([m for m in ("numpy", "pandas") if m in sys.modules]))
"""
    assert run(code) == []


def test_numpy_and_pandas_types():
    code = """
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
print(json.dumps([NumpyParameterType.__name__, PandasParameterType.__name__]))
"""
    assert run(code) == ["NumpyParameterType", "PandasParameterType"]


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("from azureml.contrib.services.aml_request import AMLRequest", "raw HTTP requests"),
        ("from azureml.contrib.services.aml_response import AMLResponse", "raw HTTP requests"),
        ("import azureml_inference_server_http.api", "raw HTTP requests"),
        ("from azureml.monitoring import ModelDataCollector", "data collection"),
        ("from azureml.core import Run", "azureml.core.Run is not available"),
        ("import azureml.train.automl", "No module named 'azureml.train'"),
        ("import inference_schema.parameter_types.spark_parameter_type", "Spark"),
        ("import sklearn.linear_model.nothing", "No module named"),
    ],
)
def test_what_is_not_there(statement, words):
    code = f"""
try:
    {statement}
except ImportError as error:
    print(json.dumps(str(error)))
"""
    assert words in run(code)


def test_inspecting_the_modules_is_harmless():
    code = """
import azureml.core, inspect
print(json.dumps([hasattr(azureml.core, "__wrapped__"), inspect.ismodule(azureml.core)]))
"""
    assert run(code) == [False, True]


def test_real_packages_win(tmp_path):
    files = {
        "azureml/core/__init__.py": "REAL = True",
        "azureml/core/model.py": "class Model: REAL = True",
        "inference_schema/__init__.py": "",
        "inference_schema/schema_decorators.py": "input_schema = 'real'",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    code = """
from azureml.core.model import Model
from inference_schema.schema_decorators import input_schema
print(json.dumps([Model.REAL, input_schema]))
"""
    assert run(code, tmp_path) == [True, "real"]


@pytest.mark.parametrize("init", [None, ""])
def test_a_partial_install_is_completed(tmp_path, init):
    (tmp_path / "azureml" / "other").mkdir(parents=True)
    (tmp_path / "azureml" / "other" / "__init__.py").write_text("HERE = 1")
    if init is not None:
        (tmp_path / "azureml" / "__init__.py").write_text(init)
    code = """
import azureml.other
from azureml.core.model import Model
print(json.dumps([azureml.other.HERE, Model.__name__]))
"""
    assert run(code, tmp_path) == [1, "Model"]


def test_old_pickles():
    code = """
import pickle
from sklearn.externals import joblib as old
import joblib
assert old is joblib and joblib.__spec__.name == "joblib"
import sklearn.externals.joblib.numpy_pickle as numpy_pickle
assert numpy_pickle is joblib.numpy_pickle
import sklearn.externals.joblib
names = []
for module, name in (("ridge", "Ridge"), ("logistic", "LogisticRegression"), ("bayes", "BayesianRidge")):
    loaded = pickle.loads(f"csklearn.linear_model.{module}\\n{name}\\n.".encode())
    names.append(loaded.__module__)
    spec = sys.modules[loaded.__module__].__spec__.name
    assert spec == loaded.__module__, spec
from sklearn.externals import array_api_compat
print(json.dumps(names))
"""
    assert run(code) == [f"sklearn.linear_model._{name}" for name in ("ridge", "logistic", "bayes")]
