"""The v1 documentation's scikit-learn walk-through; only the import lines differ.

Run it in this folder: ``python walk_through.py``. It uses port 8890.
"""

# The v1 lines were:
#   from azureml.core import Workspace
#   from azureml.core.model import InferenceConfig, Model
#   from azureml.core.webservice import LocalWebservice
import json

import joblib
import requests
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

from jupyter_mldeploy import InferenceConfig, LocalWebservice, Model, Workspace

# A model to start with.
X, y = load_diabetes(return_X_y=True)
joblib.dump(Ridge().fit(X, y), "sklearn_regression_model.pkl")

# Register the model.
ws = Workspace.from_config()
model = Model.register(
    workspace=ws,
    model_path="sklearn_regression_model.pkl",
    model_name="sklearn_regression_model.pkl",
    tags={"area": "diabetes", "type": "regression"},
    description="Ridge regression model to predict diabetes",
)
print(model.name, model.id, model.version, sep="\t")

# Describe how it is served, and deploy it.
inference_config = InferenceConfig(runtime="python", entry_script="score.py")
deployment_config = LocalWebservice.deploy_configuration(port=8890)
service = Model.deploy(ws, "myservice", [model], inference_config, deployment_config)
service.wait_for_deployment(show_output=True)
print(service.state)

# Consume it.
headers = {"Content-Type": "application/json"}
if service.auth_enabled:
    headers["Authorization"] = "Bearer " + service.get_keys()[0]
elif service.token_auth_enabled:
    headers["Authorization"] = "Bearer " + service.get_token()[0]
test_sample = json.dumps(
    {"data": [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]]}
)
response = requests.post(service.scoring_uri, data=test_sample, headers=headers, timeout=60)
print(response.status_code)
print(response.elapsed)
print(response.json())
print(service.run(input_data=test_sample))
print(requests.get(service.swagger_uri, timeout=60).json()["definitions"]["ServiceInput"])

# Update it: a new model version is applied by hand.
joblib.dump(Ridge(alpha=0.1).fit(X, y), "sklearn_regression_model.pkl")
new_model = Model.register(
    workspace=ws,
    model_path="sklearn_regression_model.pkl",
    model_name="sklearn_regression_model.pkl",
)
service.update(models=[new_model], inference_config=inference_config)
service.wait_for_deployment(show_output=True)
print(service.state)
print(service.run(input_data=test_sample))

# Clean up.
service.delete()
model.delete()
new_model.delete()
