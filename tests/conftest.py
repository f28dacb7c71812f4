"""Shared by all tests: a home of their own, and nothing left running."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory, monkeypatch):
    """No test reads or writes the user's own workspaces."""
    monkeypatch.setenv("MLDEPLOY_HOME", str(tmp_path_factory.mktemp("home")))
    for name in list(os.environ):
        if name.startswith("MLDEPLOY_") and name != "MLDEPLOY_HOME":
            monkeypatch.delenv(name)


@pytest.fixture
def short_run_dir(monkeypatch):
    """A run folder of its own; tmp_path can be too long for a socket."""
    with tempfile.TemporaryDirectory(prefix="mldeploy-test-", dir="/tmp") as folder:
        monkeypatch.setenv("MLDEPLOY_RUN_DIR", f"{folder}/run")
        yield Path(folder) / "run"
