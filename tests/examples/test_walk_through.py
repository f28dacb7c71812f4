"""The v1 walk-through, as a script and as cells run twice over."""

import ast
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import nbclient
import nbformat
import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "v1_walkthrough"


@pytest.fixture
def folder(tmp_path):
    with socket.socket() as listener:
        if listener.connect_ex(("127.0.0.1", 8890)) == 0:
            pytest.fail("port 8890, which the v1 walk-through uses, is taken on this machine")
    return Path(shutil.copytree(EXAMPLE, tmp_path / "work"))


def expected(folder):
    """What the two models of the walk-through predict for its sample."""
    import joblib

    rows = [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]]
    second = joblib.load(folder / "sklearn_regression_model.pkl").predict(rows).tolist()
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import Ridge

    first = Ridge().fit(*load_diabetes(return_X_y=True)).predict(rows).tolist()
    return first, second


def test_as_a_script(folder):
    done = subprocess.run(
        [sys.executable, "walk_through.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    first, second = expected(folder)
    assert "Registering model sklearn_regression_model.pkl" in lines
    assert "sklearn_regression_model.pkl\tsklearn_regression_model.pkl:1\t1" in lines
    assert lines.count("running") == 2
    assert "200" in lines
    assert "Local webservice is running at http://localhost:8890" in lines
    answers = [json.loads(line) for line in lines if line.startswith("[")]
    assert answers == [pytest.approx(a) for a in (first, first, second)]
    schema = ast.literal_eval(next(line for line in lines if line.startswith("{'type'")))
    assert schema["properties"]["data"]["items"]["items"]["type"] == "integer"
    assert schema["example"]["data"] == [[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]]


def test_as_cells_twice_over(folder):
    """Every paragraph is a cell; the notebook runs from top to bottom, and once more."""
    text = (folder / "walk_through.py").read_text()
    cells = text.split('"""', 2)[2].split("\n\n")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells if c])
    assert len(notebook.cells) >= 7
    doubled = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(c.source) for _ in range(2) for c in notebook.cells]
    )
    client = nbclient.NotebookClient(
        doubled, timeout=120, resources={"metadata": {"path": str(folder)}}
    )
    client.execute(env={**os.environ})
    printed = "".join(o.text for c in doubled.cells for o in c.outputs if o.output_type == "stream")
    assert printed.count("running\n") == 4
    assert "Traceback" not in printed


def test_each_cell_twice_in_place(folder):
    """A user runs the deploying cells again and again: nothing raises, nothing is doubled."""
    text = (folder / "walk_through.py").read_text()
    cells = [c for c in text.split('"""', 2)[2].split("\n\n") if c]
    cleaning = cells.pop()
    assert "service.delete()" in cleaning
    doubled = [c for cell in cells for c in (cell, cell)]
    check = (
        "from jupyter_mldeploy import Webservice\n"
        "names = [s.name for s in Webservice.list(ws)]\n"
        "print('services', names)\n"
        "service.delete()"
    )
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(c) for c in [*doubled, check]]
    )
    client = nbclient.NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": str(folder)}}
    )
    with _nothing_left(folder):
        client.execute(env={**os.environ})
    printed = "".join(
        o.text for c in notebook.cells for o in c.outputs if o.output_type == "stream"
    )
    assert "services ['myservice']" in printed


class _nothing_left:
    """Whatever the notebook left running is removed, also when a cell failed."""

    def __init__(self, folder):
        self.folder = folder

    def __enter__(self):
        return self

    def __exit__(self, *error):
        script = "from jupyter_mldeploy import Workspace\nfor s in Workspace.from_config().webservices.values(): s.delete()"
        subprocess.run([sys.executable, "-c", script], cwd=self.folder, check=False)
