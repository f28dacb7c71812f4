"""The example notebook runs from top to bottom, twice over."""

import os
from pathlib import Path

import nbclient
import nbformat
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

NOTEBOOK = Path(__file__).parents[2] / "examples" / "quickstart.ipynb"


def test_the_quickstart(tmp_path):
    once = nbformat.read(NOTEBOOK, as_version=4)
    twice = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(c.source)
            for c in [*once.cells, *once.cells]
            if c.cell_type == "code"
        ]
    )
    client = nbclient.NotebookClient(
        twice, timeout=120, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute(env={**os.environ})
    results = [
        eval(output.data["text/plain"], {"__builtins__": {}})
        for cell in twice.cells
        for output in cell.outputs
        if output.output_type == "execute_result" and cell.source.strip().startswith("rows =")
    ]
    rows, target = load_diabetes(return_X_y=True)
    wanted = Ridge(alpha=1.0).fit(rows, target).predict(rows[:3])
    assert len(results) == 2
    for answer in results:
        assert np.allclose(answer, wanted)


def test_it_is_kept_without_outputs():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
