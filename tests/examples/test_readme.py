"""The README's code runs as it stands."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parents[2] / "README.md").read_text()
BLOCKS = dict(re.findall(r"<!-- file: (\S+) -->\n```python\n(.*?)```", README, re.DOTALL))
BIN = Path(sys.executable).parent


@pytest.fixture
def folder(tmp_path):
    for name, code in BLOCKS.items():
        (tmp_path / name).write_text(code)
    yield tmp_path
    script = "from jupyter_mldeploy import Workspace\nfor s in Workspace.from_config().webservices.values(): s.delete()"
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)


def run(command, folder):
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=120,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_every_python_block_is_run():
    assert len(BLOCKS) == README.count("```python") == 3


def test_the_python_code(folder):
    first = run([sys.executable, "walk_through.py"], folder)
    assert "/score running" in first
    assert first.splitlines()[-1] == "[0, 0, 0]"
    second = run([sys.executable, "later.py"], folder)
    assert "Healthy - " in second
    assert "[0, 0, 0]" in second


def test_the_shell_commands(folder):
    first = re.sub(r"\nservice = .*", "", BLOCKS["walk_through.py"], flags=re.DOTALL)
    (folder / "train.py").write_text(first.split("ws = ")[0])
    run([sys.executable, "train.py"], folder)
    shell = next(
        b for b in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) if "model register" in b
    )
    outputs = {}
    for line in shell.strip().splitlines():
        command = shlex.split(line)
        assert command[0] == "mldeploy"
        outputs[" ".join(command[1:3])] = run(command, folder)
    assert json.loads(outputs["service run"]) == [0]
    assert "iris-svc" in outputs["service list"]
