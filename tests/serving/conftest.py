"""Real servers for the tests of this room."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from process import ServerProcess, stage_runtime, write_app


@pytest.fixture(scope="session")
def runtime(tmp_path_factory):
    """A folder like a bundle's ``runtime/``."""
    return stage_runtime(tmp_path_factory.mktemp("runtime") / "runtime")


@pytest.fixture
def serve(runtime, tmp_path):
    """Start servers from scripts; they end with the test."""
    started = []

    def start(script, *, files=None, wait=True, **options):
        app = tmp_path / f"app{len(started)}"
        contents = {} if script is None else {"score.py": script}
        write_app(app, {**contents, **(files or {})})
        server = ServerProcess(runtime, app, **options)
        started.append(server)
        return server.ready() if wait else server

    yield start
    for server in started:
        server.close()


@pytest.fixture(scope="module")
def serve_once(runtime, tmp_path_factory):
    """Start servers that the tests of one module share."""
    started = []

    def start(script, *, files=None, **options):
        app = tmp_path_factory.mktemp("app")
        write_app(app, {"score.py": script, **(files or {})})
        server = ServerProcess(runtime, app, **options)
        started.append(server)
        return server.ready()

    yield start
    for server in started:
        server.close()
