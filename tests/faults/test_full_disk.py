"""A disk that is full while something is deployed: a sentence, and what served goes on serving."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time

import pytest

from jupyter_mldeploy import InferenceConfig, LocalWebservice, Model, Workspace
from jupyter_mldeploy.errors import MLDeployError
from jupyter_mldeploy.operations import wait
from tests.faults import invariants

SCRIPT = "def init():\n    pass\ndef run(data):\n    return {answer}\n"


@pytest.fixture
def disk(tmp_path, monkeypatch):
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    monkeypatch.setenv("MLDEPLOY_HOME", str(folder / "home"))
    yield folder
    (folder / "filler").unlink(missing_ok=True)
    for name in Workspace.get("disk").webservices:
        Workspace.get("disk").webservices[name].delete()
    Workspace.get("disk")._store.close()
    assert not invariants.eventually(lambda: invariants._processes(folder / "home"))
    done = subprocess.run(["umount", str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:  # this process keeps its connection to the database
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder, leave=0):
    with (folder / "filler").open("wb", buffering=0) as file:
        with contextlib.suppress(OSError):
            while file.write(bytes(4096)):
                pass
        assert os.statvfs(folder).f_bavail == 0
        file.truncate(max(0, file.tell() - leave))


def deploy(folder, answer=1, **options):
    workspace = Workspace.create("disk", exist_ok=True)
    (folder / "score.py").write_text(SCRIPT.format(answer=answer))
    return Model.deploy(
        workspace,
        "svc",
        [],
        InferenceConfig(entry_script=str(folder / "score.py")),
        LocalWebservice.deploy_configuration(drain_seconds=1),
        **options,
    )


# From nothing at all (the operation's own row) to enough for rows and logs, not for a bundle.
@pytest.mark.parametrize("leave", [0, 256 << 10])
def test_an_update_on_a_full_disk(disk, tmp_path, leave):
    service = deploy(tmp_path)
    service.wait_for_deployment()
    folder = service._folder
    with (tmp_path / "ballast.bin").open("wb") as ballast:
        ballast.write(bytes(1 << 20))
    fill(disk, leave)
    with pytest.raises(MLDeployError) as raised:
        service.update(models=[str(tmp_path / "ballast.bin")], wait=True)
    assert "No space left" in str(raised.value) or "full" in str(raised.value), raised.value
    assert "Internal error" not in str(raised.value)
    assert service.run("1") == 1
    (disk / "filler").unlink()
    # What could not be recorded then is put right by the next look.
    operation = service._last_operation()
    assert wait(service.workspace._store, operation.id, timeout=60).state in {"Succeeded", "Failed"}
    assert service.status == "Healthy"
    service.update(models=[str(tmp_path / "ballast.bin")], wait=True)
    assert service.run("1") == 1
    state = json.loads((folder / "process.json").read_text())
    assert state["serving"] == service.generation
    assert not [path for path in (disk / "home" / "bundles").iterdir() if path.name[0] == "."]


def test_a_supervisor_that_cannot_write_its_record_goes_on(disk, tmp_path):
    service = deploy(tmp_path)
    service.wait_for_deployment()
    fill(disk)
    before = (service._folder / "process.json").read_text()
    (pid,) = [worker.pid for worker in service._state().workers]
    subprocess.run(["kill", "-KILL", str(pid)], check=True)
    deadline = time.monotonic() + 60
    while pid in [worker.pid for worker in service._state().workers]:
        assert time.monotonic() < deadline  # the kill takes a moment to be seen
        time.sleep(0.02)
    service.wait_until("Healthy")
    assert service.run("1") == 1
    (disk / "filler").unlink()
    service.reload(wait=True)
    assert (service._folder / "process.json").read_text() != before
