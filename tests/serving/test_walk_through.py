"""The seeds' entry scripts, unchanged, with real scikit-learn models."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from process import ServerProcess, write_app
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

EXAMPLES = Path(__file__).parents[2] / "examples"
SWAGGER = (EXAMPLES / "v1_walkthrough" / "score.py").read_text()

FRAMES = """
import os
import pickle
import numpy as np
import pandas as pd
from inference_schema.schema_decorators import input_schema, output_schema
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType

def init():
    global model
    folder = os.environ["AZUREML_MODEL_DIR"]
    with open(os.path.join(folder, "ridge.pickle"), "rb") as file:
        model = pickle.load(file)

sample = pd.DataFrame([{"age": 0.1, "bmi": 0.2}])

@input_schema("data", PandasParameterType(sample))
@output_schema(NumpyParameterType(np.array([1.0])))
def run(data):
    return model.predict(data)  # an array: encoded by the server
"""


@pytest.fixture(scope="module")
def models():
    features, target = load_diabetes(return_X_y=True, as_frame=True)
    return Ridge().fit(features.to_numpy(), target), Ridge().fit(features[["age", "bmi"]], target)


def test_the_example_of_the_documentation(runtime, tmp_path, models):
    app = write_app(tmp_path, {"score.py": SWAGGER})
    folder = app / "azureml-models" / "sklearn_regression_model.pkl" / "1"
    folder.mkdir(parents=True)
    joblib.dump(models[0], folder / "sklearn_regression_model.pkl")
    server = ServerProcess(runtime, app, variables={"SERVICE_NAME": "myservice"})
    try:
        server.ready()
        rows = [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]]
        status, _, answer = server.score({"data": rows})
        assert status == 200
        np.testing.assert_allclose(answer, models[0].predict(np.array(rows)))
        assert server.score({"data": [[1, 2]]})[0] == 500
        document = json.loads(server.request("GET", "/swagger.json")[2])
        assert document["definitions"]["ServiceInput"]["example"] == {"data": [rows[1]]}
        assert document["definitions"]["ServiceOutput"]["example"] == [3726.995]
        assert "expected an array of shape (any, 10), got (1, 2)" in server.log
    finally:
        server.close()


def test_frames_in_and_arrays_out(runtime, tmp_path, models):
    app = write_app(tmp_path, {"src/score.py": FRAMES})
    folder = app / "azureml-models" / "ridge" / "3"
    folder.mkdir(parents=True)
    (folder / "ridge.pickle").write_bytes(pickle.dumps(models[1]))
    variables = {"AZUREML_SOURCE_DIRECTORY": "src", "AZUREML_MODEL_DIR": str(folder)}
    server = ServerProcess(runtime, app, entry="src/score.py", variables=variables)
    try:
        server.ready()
        rows = [{"bmi": 0.05, "age": 0.01}, {"bmi": 0, "age": 1}]
        status, _, answer = server.score({"data": rows})
        assert status == 200
        expected = models[1].predict(pd.DataFrame(rows)[["age", "bmi"]])
        np.testing.assert_allclose(answer, expected)
    finally:
        server.close()
