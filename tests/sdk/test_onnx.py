"""An ONNX model, registered as such and served by onnxruntime."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from jupyter_mldeploy import Model

SCRIPT = """
    import numpy as np
    import onnxruntime
    from azureml.core.model import Model
    from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
    from inference_schema.schema_decorators import input_schema, output_schema

    def init():
        global session
        session = onnxruntime.InferenceSession(
            Model.get_model_path("digits"), providers=["CPUExecutionProvider"]
        )

    @input_schema("data", NumpyParameterType(np.zeros((1, 64), dtype=np.float32)))
    @output_schema(NumpyParameterType(np.array([0])))
    def run(data):
        return session.run(["label"], {"rows": data})[0]
"""


def to_onnx(classifier):
    """A logistic regression as a graph: rows x weights + bias, the greatest wins."""
    weights = classifier.coef_.T.astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["rows", "weights", "bias"], ["scores"]),
            helper.make_node("ArgMax", ["scores"], ["label"], axis=1, keepdims=0),
        ],
        "digits",
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, 64])],
        [helper.make_tensor_value_info("label", TensorProto.INT64, [None])],
        [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(classifier.intercept_.astype(np.float32), "bias"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.checker.check_model(model)
    return model


@pytest.mark.filterwarnings("default")  # the training's own warnings are not our subject
def test_an_onnx_classifier(lab):
    rows, digits = load_digits(return_X_y=True)
    classifier = LogisticRegression(max_iter=300).fit(rows, digits)
    onnx.save(to_onnx(classifier), "digits.onnx")
    model = Model.register(
        lab.workspace,
        "digits.onnx",
        "digits",
        model_framework=Model.Framework.ONNX,
        model_framework_version="1.17",
    )
    assert [m.id for m in Model.list(lab.workspace, model_framework="Onnx")] == ["digits:1"]
    lab.write("digits.py", SCRIPT)
    service = lab.deploy([model], script="digits.py")
    answer = service.run({"data": rows[:50].tolist()})
    assert answer == classifier.predict(rows[:50]).tolist()
