"""What all cases share: a home, a staged runtime, and the folders of their helpers."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.append(str(HERE))
sys.path.append(str(HERE.parents[1] / "serving"))


@pytest.fixture(scope="session")
def stage_(tmp_path_factory):
    from failing import Stage

    return Stage(tmp_path_factory.mktemp("explain"))
