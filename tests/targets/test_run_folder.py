"""Where control sockets live."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from jupyter_mldeploy.errors import RunEnvironmentException
from jupyter_mldeploy.targets.run_folder import LONGEST, run_folder

OURS = Path(f"/tmp/mldeploy-{os.getuid()}")


def test_is_private_and_in_the_runtime_folder(run_dir):
    assert run_folder() == run_dir
    assert stat.S_IMODE(run_dir.stat().st_mode) == 0o700
    run_dir.chmod(0o755)
    run_folder()
    assert stat.S_IMODE(run_dir.stat().st_mode) == 0o700


@pytest.mark.parametrize("value", ["", "relative", "/no/such/folder", "/proc"])
def test_falls_back_to_a_folder_of_this_user(monkeypatch, value):
    monkeypatch.setenv("XDG_RUNTIME_DIR", value)
    assert run_folder() == OURS
    assert OURS.stat().st_uid == os.getuid()


def test_long_paths_are_not_used(tmp_path, monkeypatch):
    deep = tmp_path / ("x" * 80)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    assert run_folder() == OURS
    assert LONGEST + len("/" + "0" * 12 + ".999999.999.sock") < 100


def test_a_link_somebody_put_there_is_not_followed(tmp_path, monkeypatch, run_dir):
    (tmp_path / "trap").mkdir()
    run_dir.symlink_to(tmp_path / "trap")
    assert run_folder() == OURS


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("jupyter_mldeploy.targets.run_folder.Path", lambda _: tmp_path)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    folder = tmp_path / OURS.name
    folder.mkdir()
    os.chown(folder, 12345, 12345)
    with pytest.raises(RunEnvironmentException, match="belongs to user 12345"):
        run_folder()
