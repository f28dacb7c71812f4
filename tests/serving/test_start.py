"""Scripts that cannot be served say so: sentence, place, exit code 3."""

from __future__ import annotations

import pytest

GOOD = "def init():\n    pass\n\ndef run(data):\n    return data\n"


def problem_of(serve, script, **options):
    server = serve(script, wait=False, **options)
    problem = server.failure()
    assert server.wait() == 3
    assert problem["what"] in server.log
    assert "mldeploy_serving" not in problem["traceback"]
    return problem, server


@pytest.mark.parametrize(
    ("script", "what", "kind", "line", "code"),
    [
        ("x = 1\ndef init(:\n", "score.py is not valid Python: line 2", "SyntaxError", 2, "def init(:"),
        ("def run(data):\n    pass\n", "score.py does not define init().", "ScriptError", None, None),
        ("def init():\n    pass\n", "score.py does not define run().", "ScriptError", None, None),
        ("def init(x):\n    pass\nrun = print\n", "init() cannot have arguments.", "ScriptError", None, None),
        (
            "import not_there_at_all\n" + GOOD,
            "Importing the entry script raised ModuleNotFoundError: No module named 'not_there_at_all'.",
            "ModuleNotFoundError", 1, "import not_there_at_all",
        ),
        (
            "import os\ndef init():\n    open('missing.pkl')\ndef run(data):\n    pass\n",
            "init() raised FileNotFoundError: [Errno 2] No such file or directory: 'missing.pkl'.",
            "FileNotFoundError", 3, "open('missing.pkl')",
        ),
        (
            "import json\ndef init():\n    json.loads('{')\ndef run(data):\n    pass\n",
            "init() raised JSONDecodeError", "JSONDecodeError", 3, "json.loads('{')",
        ),
        (
            "import sys\ndef init():\n    sys.exit(4)\ndef run(data):\n    pass\n",
            "init() ended the process with sys.exit(4).", "SystemExit", 3, "sys.exit(4)",
        ),
        (GOOD.replace("(data)", "(*data)"), "run() cannot accept positional-only arguments, *args, or **kwargs.", "ScriptError", None, None),
        (GOOD.replace("(data)", "(data, /)"), "run() cannot accept positional-only arguments, *args, or **kwargs.", "ScriptError", None, None),
        (GOOD.replace("(data)", "(**data)"), "run() cannot accept positional-only arguments, *args, or **kwargs.", "ScriptError", None, None),
        (GOOD.replace("(data)", "()"), "run() needs to accept an argument for input data.", "ScriptError", None, None),
        (GOOD.replace("(data)", "(request_headers)"), 'run() needs to accept an argument other than "request_headers".', "ScriptError", None, None),
        (GOOD.replace("(data)", "(data, more)"), "run() has further arguments without a default (more)", "ScriptError", None, None),
        (GOOD.replace("def run", "async def run"), "run() is asynchronous", "ScriptError", None, None),
        (
            "from azureml.contrib.services.aml_request import rawhttp\n" + GOOD,
            "raw HTTP requests (rawhttp, AMLRequest, AMLResponse) are not served", "ImportError", 1,
            "from azureml.contrib.services.aml_request import rawhttp",
        ),
        (
            "from azureml.core import Workspace\n" + GOOD,
            "azureml.core.Workspace is not available in an entry script", "ImportError", 1,
            "from azureml.core import Workspace",
        ),
        (
            "import pickle\ndef init():\n    pickle.loads(b'c__main__\\nThing\\n.')\ndef run(data):\n    pass\n",
            "init() raised AttributeError", "AttributeError", 3, None,
        ),
    ],
)  # fmt: skip
def test_problems(serve, script, what, kind, line, code):
    problem, _ = problem_of(serve, script)
    assert what in problem["what"]
    assert problem["kind"] == kind
    assert problem["line"] == line
    assert problem["file"] == ("score.py" if line else None)
    if code:
        assert problem["code"] == code
    if kind not in {"SystemExit", "ScriptError"}:
        assert problem["hint"]


def test_a_pickle_of_the_notebooks_own_class_is_explained(serve):
    script = "import pickle\ndef init():\n    pickle.loads(b'c__main__\\nThing\\n.')\n"
    problem, _ = problem_of(serve, script + "def run(data):\n    pass\n")
    assert "defined in the notebook" in problem["hint"]


def test_a_missing_script(serve):
    problem, _ = problem_of(serve, GOOD, entry="other.py")
    assert "The entry script other.py does not exist: looked at" in problem["what"]


def test_the_place_is_in_the_users_file_even_if_a_library_raises(serve):
    files = {"src/helper.py": "import json\ndef load():\n    return json.loads('')\n"}
    script = "from helper import load\ndef init():\n    load()\ndef run(data):\n    pass\n"
    problem, server = problem_of(
        serve, "", files={**files, "src/s/score.py": script}, entry="s/score.py",
        variables={"AZUREML_SOURCE_DIRECTORY": "src"},
    )  # fmt: skip
    assert (problem["file"], problem["line"]) == ("src/helper.py", 3)
    assert "json/__init__.py" in problem["traceback"]
    assert "AZUREML_MODEL_DIR is not set." in server.log


def test_the_model_folder_is_listed(serve, tmp_path):
    models = tmp_path / "models"
    (models / "m" / "1").mkdir(parents=True)
    for i in range(300):
        (models / "m" / "1" / f"f{i:03}").touch()
    _, server = problem_of(
        serve, "def init():\n    1/0\nrun = print\n", variables={"AZUREML_MODEL_DIR": str(models)}
    )
    assert "m/\n" in server.log
    assert "f001" in server.log
    assert "f250" not in server.log
    assert "... and more" in server.log


def test_a_late_supervisor_still_learns_why(serve):
    server = serve("raise ValueError('broken')", wait=False)
    while "broken" not in server.log:
        assert server.process.poll() is None
    assert server.control().hello["error"]["what"].endswith("raised ValueError: broken.")
    assert server.wait() == 3


@pytest.mark.parametrize(
    ("entry", "source", "files"),
    [
        ("score.py", None, {}),
        ("src/score.py", "src", {"src/score.py": "", "src/helper.py": ""}),
        ("score.py", "src", {"src/score.py": "", "src/helper.py": ""}),
        ("deep/er/score.py", "src", {"src/deep/er/score.py": "", "src/helper.py": ""}),
        (None, "src", {"src/main.py": "", "src/helper.py": ""}),
        ("random.py", None, {"random.py": ""}),
    ],
)
def test_where_scripts_and_their_modules_are_found(serve, entry, source, files):
    script = """
import os, sys
import helper
import random as stdlib_random

class Thing:
    pass

def init():
    pass

def run(data):
    return [helper.NAME, Thing.__module__, os.getcwd() == os.environ["AML_APP_ROOT"],
            sys.path[-1].endswith("runtime")]
"""
    contents = {
        name: script if not name.endswith("helper.py") else "NAME = 'mine'\n" for name in files
    }
    contents.setdefault("helper.py", "NAME = 'mine'\n")
    variables = {"AZUREML_SOURCE_DIRECTORY": source} if source else {}
    in_source = entry == "score.py" and source  # only the source directory has the script
    server = serve(None if in_source else script, files=contents, entry=entry, variables=variables)
    name = {"random.py": "entry_script_random", None: "main"}.get(entry, "score")
    assert server.score("x")[2] == ["mine", name, True, True]


def test_prints_and_logging_reach_the_log(serve):
    script = """
import logging, sys, threading
logging.getLogger("mine").addHandler(logging.StreamHandler(sys.stdout))
def init():
    logging.getLogger("mine").warning("careful")
    print("a\\nb", end="")
    print("c", flush=True)
    print("half", end="", flush=True)
    sys.stderr.write("straight\\n")
def run(data, request_headers):
    logging.getLogger("mine").info("scored")
    logging.getLogger("mine").debug("too much")
    return 1
"""
    server = serve(script)
    server.score("x", Authorization="Bearer secretvalue", X_API_Key="othersecret")
    server.request("GET", "/score?key=querysecret")
    server.request("GET", "/")
    log = server.log
    for line in ("azmlinfsrv.print - a", "azmlinfsrv.print - bc", "azmlinfsrv.print - half"):
        assert line in log
    assert "W [" in log
    assert "mine - careful" in log
    assert "mine - scored" in log
    assert "too much" not in log
    assert "straight\n" in log
    assert "POST /score 200 " in log
    assert "GET / 200" not in log
    for secret in ("secretvalue", "othersecret", "querysecret"):
        assert secret not in log


def test_the_log_level(serve):
    server = serve(GOOD, variables={"AZUREML_LOG_LEVEL": "error"})
    server.score("x")
    assert server.log == ""
    server = serve(GOOD, variables={"AZUREML_LOG_LEVEL": "loud"})
    assert "AZUREML_LOG_LEVEL is 'LOUD', which is no level" in server.log
