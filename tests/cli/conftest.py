"""A command line with a home of its own; what its tests start is ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from jupyter_mldeploy.cli.main import cli
from jupyter_mldeploy.sdk.settings import close_stores

MLDEPLOY = Path(sys.executable).with_name("mldeploy")


@dataclass(frozen=True)
class Shell:
    """Runs the real command, in a process of its own."""

    folder: Path
    command: Path = MLDEPLOY

    def run(self, *arguments, code=0, stdin=None):
        done = subprocess.run(
            [self.command, *map(str, arguments)],
            cwd=self.folder,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, f"{arguments}: {done.stdout}{done.stderr}"
        return done

    def json(self, *arguments, **options):
        return json.loads(self.run(*arguments, "-o", "json", **options).stdout)


@dataclass(frozen=True)
class Caller:
    """Calls the command line in this process: the same, without starting Python each time."""

    def __call__(self, *arguments, code=0, **options):
        result = CliRunner().invoke(cli, [str(each) for each in arguments], **options)
        if result.exit_code != code:
            pytest.fail(f"{arguments} ended with {result.exit_code}: {result.output}")
        return result

    def json(self, *arguments, **options):
        return json.loads(self(*arguments, "-o", "json", **options).stdout)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty current folder, with no config.json in it or above."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def call(folder, monkeypatch):
    """The command line in this process; every service that a test leaves is deleted."""
    made, home = Caller(), os.environ["MLDEPLOY_HOME"]
    yield made
    monkeypatch.setenv("MLDEPLOY_HOME", home)
    if Path(home, "services").is_dir():
        for service in made.json("service", "list"):
            made("service", "delete", service["name"])
    close_stores()
    assert left_behind(home) == []


@pytest.fixture
def shell(call, folder):
    """The command itself."""
    return Shell(folder)


def left_behind(home):
    """Return the processes that still run something of this home."""
    return [
        process.info["cmdline"]
        for process in psutil.process_iter(["cmdline", "status"])
        if process.info["status"] != psutil.STATUS_ZOMBIE
        and any(home in word for word in process.info["cmdline"] or ())
    ]
