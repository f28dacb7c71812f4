from __future__ import annotations

import pytest

SCRIPT = "def init():\n    pass\n\n\ndef run(data):\n    return data\n"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A current folder with an entry script."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "score.py").write_text(SCRIPT)
    return tmp_path


@pytest.fixture(scope="session")
def script_folder(tmp_path_factory):
    """The same, for hypothesis, which runs one test function many times."""
    folder = tmp_path_factory.mktemp("scripts")
    (folder / "score.py").write_text(SCRIPT)
    (folder / "env.yml").write_text("dependencies: []\n")
    (folder / "steps").write_text("RUN true\n")
    return folder
