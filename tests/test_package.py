"""The public names, and what importing them must not drag in."""

import subprocess
import sys
from importlib.metadata import version

import pytest

import jupyter_mldeploy


def test_every_public_name_is_there():
    for name in jupyter_mldeploy.__all__:
        assert getattr(jupyter_mldeploy, name) is not None
        assert name in dir(jupyter_mldeploy)
    with pytest.raises(AttributeError, match="Workspaces"):
        _ = jupyter_mldeploy.Workspaces


def test_the_version_is_said_once():
    assert jupyter_mldeploy.__version__ == version("jupyter_mldeploy")


@pytest.mark.parametrize(
    ("statement", "forbidden"),
    [
        ("import jupyter_mldeploy", ["pydantic", "sqlalchemy", "requests", "click"]),
        (
            "from jupyter_mldeploy import Workspace, Model",
            ["alembic", "sqlalchemy.orm", "requests", "click", "IPython", "tornado"],
        ),
    ],
)
def test_imports_stay_light(statement, forbidden):
    script = f"import sys; {statement}; print([m for m in {forbidden} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
