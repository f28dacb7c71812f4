from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jupyter_mldeploy.bundle.runtime import copy_runtime, ensure_runtime
from jupyter_mldeploy.errors import RunEnvironmentException


def test_it_is_made_once(home, runtime):
    made = runtime / "__main__.py"  # the folder's own time says when it was last asked for
    before = made.stat().st_mtime_ns
    assert ensure_runtime(home) == runtime
    assert made.stat().st_mtime_ns == before
    assert [path.name for path in (home / "runtimes").iterdir()] == [runtime.name]


def test_what_is_in_it(runtime):
    top = {path.name for path in runtime.iterdir()}
    assert {"__main__.py", "supervise.py", "mldeploy_serving", "httptools", "jwt"} <= top
    notices = [path for path in runtime.rglob("*.dist-info/**/*") if "LICENSE" in path.name]
    assert len(notices) >= 2
    endings = {path.suffix for path in runtime.rglob("*") if path.is_file()}
    assert not endings & {".pyi", ".pyx", ".c"}
    assert not any(path.is_dir() and path.name == "tests" for path in runtime.rglob("*"))


def test_the_bytecode_is_compiled_and_never_checked(runtime):
    sources = [path for path in runtime.rglob("*.py") if path.name != "__main__.py"]
    assert len(sources) > 40
    for source in sources:
        head = Path(importlib.util.cache_from_source(str(source))).read_bytes()[4:8]
        assert int.from_bytes(head, "little") == 0b01, source  # hash-based, unchecked


def test_nothing_in_it_can_be_written_by_mistake(runtime):
    assert {path.stat().st_mode & 0o777 for path in runtime.rglob("*") if path.is_file()} == {0o444}


def test_several_at_once(tmp_path):
    code = (
        "import sys; from pathlib import Path; from jupyter_mldeploy.bundle import ensure_runtime;"
        "print(ensure_runtime(Path(sys.argv[1])))"
    )

    def make(_):
        command = [sys.executable, "-c", code, tmp_path]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    with ThreadPoolExecutor(3) as pool:
        made = set(pool.map(make, range(3)))
    assert made == {str(path) for path in (tmp_path / "runtimes").iterdir()}
    assert len(made) == 1


def test_what_a_killed_process_left_is_removed(tmp_path):
    left = tmp_path / "runtimes" / ".abc-left"
    fresh = tmp_path / "runtimes" / ".abc-fresh"
    for folder in (left, fresh):
        folder.mkdir(parents=True)
    os.utime(left, (0, 0))
    ensure_runtime(tmp_path)
    assert not left.exists()
    assert fresh.exists()


def test_a_home_that_is_no_folder(tmp_path):
    (tmp_path / "runtimes").write_text("")
    with pytest.raises(RunEnvironmentException, match="could not be written"):
        ensure_runtime(tmp_path)


def test_a_copy_needs_the_original_no_more(runtime, tmp_path):
    copy_runtime(runtime, tmp_path / "copy")

    def contents(top):
        return {
            path.relative_to(top): path.read_bytes() for path in top.rglob("*") if path.is_file()
        }

    assert contents(tmp_path / "copy") == contents(runtime)
    # A home is removed by its owner with rmtree: read-only files must not stand in the way.
    shutil.rmtree(tmp_path / "copy")
    assert (runtime / "__main__.py").is_file()


def test_the_supervisor_starts_with_the_standard_library_alone(runtime, tmp_path):
    readable, writable = os.pipe()
    with os.fdopen(readable, "rb") as pipe:
        command = [sys.executable, "-I", "-S", runtime / "supervise.py", tmp_path]
        environ = {"MLDEPLOY_READY_FD": str(writable)}
        with subprocess.Popen(
            command, env=environ, pass_fds=[writable], stderr=subprocess.PIPE
        ) as started:
            os.close(writable)
            said = json.loads(pipe.readline())
            started.communicate(timeout=20)
    # There is no supervisor.json in that folder: it got as far as to look for it.
    assert said["ok"] is False
    assert "supervisor.json" in said["error"]


def test_its_wheels_need_nothing_that_is_installed(runtime):
    code = "import httptools, jwt; jwt.encode({}, 32 * 'k', 'HS256'); print(httptools.__file__)"
    command = [sys.executable, "-S", "-c", code]
    said = subprocess.run(
        command, env={"PYTHONPATH": str(runtime)}, check=True, capture_output=True, text=True
    )
    assert said.stdout.strip() == str(runtime / "httptools" / "__init__.py")
