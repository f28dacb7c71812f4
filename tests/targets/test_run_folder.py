"""Where control sockets live."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from jupyter_mldeploy.errors import RunEnvironmentException
from jupyter_mldeploy.targets.run_folder import LONGEST, run_folder

OURS = Path(f"/tmp/mldeploy-{os.getuid()}")


def test_is_private(run_dir):
    assert run_folder() == run_dir
    assert stat.S_IMODE(run_dir.stat().st_mode) == 0o700
    run_dir.chmod(0o755)
    run_folder()
    assert stat.S_IMODE(run_dir.stat().st_mode) == 0o700


@pytest.mark.parametrize("session", ["", "/run/user/0"])
def test_is_one_folder_a_user_whatever_the_session(monkeypatch, session):
    monkeypatch.delenv("MLDEPLOY_RUN_DIR", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", session)
    monkeypatch.setenv("TMPDIR", "/var/tmp")
    assert run_folder() == OURS
    assert OURS.stat().st_uid == os.getuid()


def refused(monkeypatch, folder, words):
    monkeypatch.setenv("MLDEPLOY_RUN_DIR", str(folder))
    with pytest.raises(RunEnvironmentException, match=words) as error:
        run_folder()
    assert "MLDEPLOY_RUN_DIR" in error.value.hint


@pytest.mark.parametrize(
    ("folder", "words"),
    [("/no/such/folder", "No such file"), ("/dev/null", "not a folder")],
)
def test_what_cannot_be_used_is_refused_with_the_reason(monkeypatch, folder, words):
    refused(monkeypatch, folder, words)


def test_a_relative_path_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(monkeypatch, "here", "relative")


def test_a_long_path_is_refused(tmp_path, monkeypatch):
    refused(monkeypatch, tmp_path / ("x" * 80), "bytes")
    assert LONGEST + len("/" + "0" * 12 + ".999999.999.sock") < 100


def test_a_link_somebody_put_there_is_not_followed(tmp_path, monkeypatch, run_dir):
    (tmp_path / "trap").mkdir()
    run_dir.symlink_to(tmp_path / "trap")
    refused(monkeypatch, run_dir, "not a folder")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(monkeypatch, run_dir):
    run_dir.mkdir()
    os.chown(run_dir, 12345, 12345)
    refused(monkeypatch, run_dir, "belongs to user 12345")
