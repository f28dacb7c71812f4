"""Every failure that is explained."""

from __future__ import annotations

import pickle
import signal
from pathlib import Path

from failing import Case

from jupyter_mldeploy.deployment.explain import MemoryFacts

IN = "from azureml.core.model import Model\nimport joblib, os, pickle\n"
LOAD = IN + 'def init():\n    global model\n    model = joblib.load(Model.get_model_path("m"))\n'
PICKLE = (
    IN
    + 'def init():\n    with open(Model.get_model_path("m"), "rb") as f:\n        pickle.load(f)\n'
)
PREDICT = LOAD + (
    "def run(data):\n    import json\n    return model.predict(json.loads(data)['data']).tolist()\n"
)
SKEWED = PICKLE.replace("pickle.load(f)", "globals()['model'] = pickle.load(f)") + (
    "def run(data):\n    return model.predict([[1, 2, 3]]).tolist()\n"
)
READ = "import json\ndef init(): pass\ndef run(data):\n    return json.loads(data)['data']\n"
SCHEMA = (
    "import json\nfrom inference_schema.schema_decorators import input_schema\n"
    "from inference_schema.parameter_types.standard_py_parameter_type import "
    "StandardPythonParameterType as P\n"
)


def _estimator(path: Path) -> None:
    import joblib
    from sklearn.linear_model import Ridge

    joblib.dump(Ridge().fit([[1, 2, 3], [4, 5, 6]], [1, 2]), path)


def _old_estimator(path: Path) -> None:
    """Write a model as another version of scikit-learn did: its mark, and an attribute missing."""
    from unittest import mock

    from sklearn import base
    from sklearn.linear_model import Ridge

    model = Ridge().fit([[1, 2, 3], [4, 5, 6]], [1, 2])
    del model.intercept_
    with mock.patch.object(base, "__version__", "1.0.9"):
        path.write_bytes(pickle.dumps(model))


def _names(module: str, name: str) -> bytes:
    """Return a pickle that refers to a name, as protocol 0 has it."""
    return f"c{module}\n{name}\n.".encode()


WHOLE = pickle.dumps({"weights": list(range(1000))})

CASES = (
    # --- imports
    Case("package", "a package is not installed", "package_missing",
         "import cv2\ndef init(): pass\n", ("opencv-python-headless", "-m pip install"),
         fix="add_package", line=1),
    Case("unknown_package", "a module that nobody knows", "package_missing",
         "def init():\n    import no_such_module_at_all\n", ("neither installed",), line=2),
    Case("azureml", "an azureml package is imported", "package_of_azureml",
         "import azureml.train\ndef init(): pass\n",
         ("get_model_path",)),
    Case("beside", "a module beside the script was not deployed", "module_left_behind",
         "import features\ndef init(): pass\n", ("features.py", "source_directory"),
         files={"features.py": "x = 1\n"}, alone=True, fix="set_source_directory"),
    Case("elsewhere", "a module is in another folder of the source directory", "module_elsewhere",
         "import features\ndef init(): pass\n", ("src/lib/features.py", "import lib.features"),
         files={"lib/features.py": "x = 1\n"}),
    Case("removed_module", "a module that Python removed", "module_removed",
         "import formatter\ndef init(): pass\n", ("Python 3.10 removed formatter",)),
    Case("submodule", "an installed package has no such part", "submodule_gone",
         "import numpy.externals\ndef init(): pass\n", ("numpy", "has no numpy.externals")),
    Case("other_python", "compiled code for another Python", "binary_of_other_python",
         "import fast\ndef init(): pass\n", ("built for Python 3.6",),
         files={"fast.cpython-36m-x86_64-linux-gnu.so": "x"}),
    Case("broken_binary", "compiled code that is damaged", "binary_broken",
         "import fast\ndef init(): pass\n", ("Compiled code could not be loaded",),
         files={"fast.abi3.so": "not a library, but long enough to be read" * 10}),
    Case("moved", "a name has moved", "name_moved",
         "from collections import Mapping\ndef init(): pass\n",
         ("collections.abc.Mapping", "from collections.abc import Mapping"), fix="replace_text"),
    Case("name_gone", "an installed package has no such name", "name_moved",
         "from numpy import asscalar_of_old\ndef init(): pass\n",
         ("numpy", "asscalar_of_old")),
    Case("shadow", "a file is called like a package", "name_shadowed",
         "from numpy import array\ndef init(): pass\n", ("src/numpy.py", "another name"),
         files={"numpy.py": "x = 1\n"}),
    Case("circle", "two modules import each other", "imports_in_a_circle",
         "import one\ndef init(): pass\n", ("import each other",),
         files={"one.py": "from two import b\na = 1\n", "two.py": "from one import a\nb = 1\n"}),
    # --- pickles
    Case("notebook_class", "the model's class was defined in the notebook", "class_of_the_notebook",
         PICKLE, ("Scaler", "notebook"), models={"m": _names("__main__", "Scaler")}),
    Case("skew_module", "a pickle of another version needs a module that is gone",
         "saved_with_other_versions", PICKLE, ("numpy 1.9.2", "numpy==1.9.2"),
         models={"m": _names("numpy.oldnumeric.array", "Array")},
         made_with={"numpy": "1.9.2"}, fix="pin_package"),
    Case("skew_class", "a pickle of another version needs a class that is gone",
         "saved_with_other_versions", PICKLE, ("numpy 1.9.2",),
         models={"m": _names("numpy", "NoSuchClass")},
         made_with={"numpy": "1.9.2"}, fix="pin_package"),
    Case("class_gone", "a pickle needs a class that the script's module lost", "class_gone",
         PICKLE, ("Scaler", "features.py"), models={"m": _names("features", "Scaler")},
         files={"features.py": "x = 1\n"}),
    Case("lfs", "the model is a Git LFS pointer", "not_a_pickle", PICKLE, ("git lfs pull",),
         models={"m": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n"}),
    Case("web_page", "the model is a web page", "not_a_pickle", PICKLE, ("a web page",),
         models={"m": b"<!DOCTYPE html><html></html>"}),
    Case("truncated", "the model's file is cut short", "cut_short", PICKLE, ("too early",),
         models={"m": WHOLE[:500]}),
    Case("empty", "the model's file is empty", "cut_short", PICKLE, ("is empty",),
         models={"m": b""}),
    Case("protocol", "a pickle of a newer protocol", "protocol_too_new", PICKLE, ("protocol 9",),
         models={"m": b"\x80\x09N."}),
    # --- where models are
    Case("misnamed", "get_model_path with a wrong name", "model_misnamed",
         IN + 'def init():\n    Model.get_model_path("diabetis")\n', ('get_model_path("diabetes")',),
         models={"diabetes": b"x"}, fix="use_model_path", line=4),
    Case("other_version", "get_model_path with a version that was not deployed",
         "version_not_deployed", IN + 'def init():\n    Model.get_model_path("m", version=7)\n',
         ("Version 7 of m was not deployed; 1 was",), models={"m": b"x"}, fix="use_model_path"),
    Case("no_model", "get_model_path without a model", "no_model_deployed",
         IN + 'def init():\n    Model.get_model_path("m")\n', ("without a model",)),
    Case("folder", "AZUREML_MODEL_DIR is opened as if it were the file", "folder_opened_as_file",
         IN + 'def init():\n    open(os.environ["AZUREML_MODEL_DIR"])\n', ("azureml-models/m/1/m.pkl",),
         models={"m": b"x"}, fix="use_model_path"),
    Case("several", "AZUREML_MODEL_DIR with several models", "one_of_several_models",
         IN + 'def init():\n    open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "b.pkl"))\n',
         ("2 models were deployed", 'get_model_path("b")'), models={"a": b"x", "b": b"y"},
         fix="use_model_path"),
    Case("misspelt", "a model's file under a wrong name", "model_file_elsewhere",
         IN + 'def init():\n    open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "mm.pkl"))\n',
         ("azureml-models/m/1/m.pkl",), models={"m": b"x"}, fix="use_model_path"),
    Case("training_path", "a model's file is opened by the path it had at the training",
         "model_file_elsewhere", "def init():\n    open('outputs/m.pkl')\n",
         ("azureml-models/m/1/m.pkl",), models={"m": b"x"}, fix="use_model_path"),
    Case("no_such_file", "a model's file that was not deployed", "model_file_missing",
         IN + 'def init():\n    open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "labels.json"))\n',
         ("there is: azureml-models/m/1/m.pkl",), models={"m": b"x"}),
    # --- other files
    Case("relative", "a relative path that was right beside the script",
         "opened_from_other_folder", "def init():\n    open('labels.txt')\n",
         ("src/labels.txt", "__file__"), files={"labels.txt": "a"}),
    Case("file_beside", "a file beside the script was not deployed", "file_left_behind",
         "def init():\n    open('labels.txt')\n", ("source_directory",),
         files={"labels.txt": "a"}, alone=True, fix="set_source_directory"),
    Case("other_machine", "a path of another machine", "path_of_other_machine",
         "def init():\n    open('/no-such-home/alice/labels.txt')\n", ("outside of what was deployed",)),
    Case("nowhere", "a file that was never there", "file_nowhere",
         "def init():\n    open('no-such-file.bin')\n", ("begins at",), line=2),
    # --- the machine
    Case("variable", "an environment variable is not set", "variable_missing",
         'import os\ndef init():\n    os.environ["FEATURE_STORE"]\n',
         ("FEATURE_STORE is not set", "OTHER"), set={"OTHER": "1"}, fix="set_variable"),
    Case("permission", "a program of the deployment may not be executed", "permission_denied",
         "import os, subprocess\ndef init():\n"
         "    subprocess.run([os.path.join(os.path.dirname(__file__), 'tool.sh')])\n",
         ("tool.sh", "ls -ld"), files={"tool.sh": "#!/bin/sh\n"}),
    Case("no_space", "the disk is full", "no_space",
         "def init():\n    with open('/dev/full', 'w') as f:\n        f.write('x')\n", ("full",)),
    Case("network", "init() needs the network", "nothing_answers",
         "import socket\ndef init():\n    socket.create_connection(('127.0.0.1', 1), timeout=5)\n",
         ("needs the network",)),
    Case("memory_error", "an allocation is refused", "memory_refused",
         "import resource\ndef init():\n    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))\n"
         "    bytearray(8 << 30)\n", ("more memory",), fix="more_memory"),
    Case("recursion", "functions call each other without end", "too_deep",
         "def deeper(n):\n    return deeper(n + 1)\ndef init():\n    deeper(0)\n", ("without end",)),
    # --- processes
    Case("oom", "the kernel ends a worker for lack of memory", "out_of_memory",
         "import time\ndef init():\n    print('here')\n    time.sleep(60)\n",
         ("2 such kills", "3.0 GB"), kill=signal.SIGKILL,
         memory=MemoryFacts(3_000_000_000, 2), fix="more_memory"),
    Case("killed", "somebody kills a worker", "killed",
         "import time\ndef init():\n    print('here')\n    time.sleep(60)\n",
         ("counted no kill for lack of memory",), kill=signal.SIGKILL, memory=MemoryFacts(None, 0)),
    Case("segfault", "compiled code crashes (SIGSEGV)", "crashed_in_compiled_code",
         "import ctypes\ndef init():\n    ctypes.string_at(0)\n", ("SIGSEGV", "string_at()"), line=3, says_why=False),
    Case("abort", "compiled code gives up (SIGABRT)", "crashed_in_compiled_code",
         "import os\ndef init():\n    os.abort()\n", ("SIGABRT", "init()"), line=3, says_why=False),
    Case("illegal", "compiled code for another processor (SIGILL)", "other_processor",
         "import signal, threading\ndef init():\n"
         "    signal.pthread_kill(threading.get_ident(), signal.SIGILL)\n",
         ("processor",), says_why=False),
    Case("hang", "init() hangs", "hangs",
         "import threading\ndef init():\n    print('here')\n    wait()\ndef wait():\n    threading.Event().wait()\n",
         ("still in", "2 s"), kill=signal.SIGQUIT, fix="more_time", line=6),
    Case("exit_init", "sys.exit in init()", "exited",
         "import sys\ndef init():\n    sys.exit(2)\n", ("Raise an exception",), line=3),
    Case("exit_import", "sys.exit while the script is imported", "exited",
         "import sys\ndef init(): pass\nsys.exit()\n", ("__main__",), line=3),
    Case("os_exit", "os._exit", "exited", "import os\ndef init():\n    os._exit(7)\n",
         ("exit code 7",), says_why=False),
    # --- the script
    Case("syntax", "a module that is not Python", "not_python",
         "import features\ndef init(): pass\n", ("runs Python",),
         files={"features.py": "def f(:\n"}, line=1),
    Case("decorator", "@input_schema for another parameter", "schema_for_other_parameter",
         SCHEMA + "def init(): pass\n@input_schema('data', P({'a': 1}))\ndef run(rows):\n    return rows\n",
         ("'data'", "rows")),
    Case("bare_sample", "@input_schema with a bare sample", "sample_of_wrong_kind",
         SCHEMA + "def init(): pass\n@input_schema('rows', [1])\ndef run(rows):\n    return rows\n",
         ("Wrap it",)),
    # --- requests
    Case("local", "init() forgets `global`", "left_local",
         "def init():\n    model = 1\ndef run(data):\n    return model\n", ("global model",), request={}),
    Case("key", "a request lacks a key", "failed_in_run", READ, ("no 'data'; it has: 'rows'",), request={"rows": [[1, 2, 3]]}),
    Case("double", "a request is encoded twice", "failed_in_run", READ, ("encoded twice",), request='{"data": [[1, 2, 3]]}'),
    Case("loads_of_dict", "json.loads of what @input_schema has decoded", "failed_in_run",
         SCHEMA + "def init(): pass\n@input_schema('data', P({'a': 1}))\ndef run(data):\n    return json.loads(data)\n",
         ("dict already", "without json.loads"), request={"data": {"a": 2}}),
    Case("loads_twice", "json.loads twice", "failed_in_run",
         "import json\ndef init(): pass\ndef run(data):\n    return json.loads(json.loads(data))\n",
         ("decoded before",), request={"a": 1}),
    Case("text", "the body is used without decoding it", "failed_in_run",
         "def init(): pass\ndef run(data):\n    return data['a']\n", ("json.loads(data)",), request={"a": 1}),
    Case("not_json", "the body is not JSON", "failed_in_run", READ, ("not JSON",), request=b"1,2,3"),
    Case("features", "rows with too few features", "failed_in_run", PREDICT,
         ("has 2 values; the model was trained on 3",), models={"m": _estimator},
         request={"data": [[1, 2]]}),
    Case("one_row", "one row instead of a list of rows", "failed_in_run", PREDICT, ("one row",),
         models={"m": _estimator}, request={"data": [1, 2, 3]}),
    Case("read_skew", "a model of another scikit-learn is read with a warning and fails later",
         "read_with_other_version", SKEWED, ("scikit-learn 1.0.9", "scikit-learn==1.0.9"),
         models={"m": _old_estimator}, request={}, fix="pin_package"),
    Case("words", "text where numbers are needed", "failed_in_run", PREDICT, ("text where",),
         models={"m": _estimator}, request={"data": [["a", "b", "c"]]}),
    Case("sample", "data unlike the sample", "failed_in_run",
         SCHEMA + "def init(): pass\n@input_schema('data', P([1.0]))\ndef run(data):\n    return data\n",
         ("@input_schema",), request={"data": {"a": 2}}),
    Case("unsendable", "run() returns what JSON has no form for", "failed_in_run",
         "def init(): pass\ndef run(data):\n    return object()\n", ("cannot be sent",), request={}),
)  # fmt: skip
