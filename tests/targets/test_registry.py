"""Targets by name."""

from __future__ import annotations

import subprocess
import sys

import pytest

from jupyter_mldeploy.errors import TargetUnavailable
from jupyter_mldeploy.targets import Target, load_target


def test_process_is_built_in_and_found_without_a_scan():
    program = (
        "import sys\n"
        "from jupyter_mldeploy.targets import load_target\n"
        "load_target('process')\n"
        "print('importlib.metadata' in sys.modules)"
    )
    argv = [sys.executable, "-c", program]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_unknown_target_names_the_known():
    with pytest.raises(TargetUnavailable, match="process"):
        load_target("moon")


def test_targets_of_other_packages_are_found(tmp_path, monkeypatch):
    (tmp_path / "moon_target.py").write_text(
        "from jupyter_mldeploy.targets.process import ProcessTarget\n"
        "class Moon(ProcessTarget):\n"
        "    name = 'moon'\n"
    )
    info = tmp_path / "moon-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: moon\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[jupyter_mldeploy.targets]\nmoon = moon_target:Moon\nbroken = no_such_module:X\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    target = load_target("moon")
    assert isinstance(target, Target)
    assert target.name == "moon"
    with pytest.raises(TargetUnavailable, match="no_such_module"):
        load_target("broken")
