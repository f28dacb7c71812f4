"""Collecting beside everything else that goes on."""

import subprocess
import sys
import threading

import pytest

from jupyter_mldeploy import InferenceConfig
from jupyter_mldeploy.deployment import retention

COLLECT = """
import sys, threading
import jupyter_mldeploy as m
workspace = m.Workspace.get("test")
end = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), end.set())).start()
rounds = 0
while not end.is_set():
    workspace.gc()
    rounds += 1
    end.wait(0.05)
print(rounds)
"""


@pytest.fixture(autouse=True)
def _run_dir(short_run_dir):
    """Nothing of other tests is collected, or kept."""


def test_collecting_beside_deploys_updates_and_rollbacks_takes_nothing_they_need(lab):
    model = lab.register(lab.first)
    unregistered = lab.folder / "diabetes"
    unregistered.write_bytes((lab.folder / "diabetes.joblib").read_bytes())
    collector = subprocess.Popen(
        [sys.executable, "-c", COLLECT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    errors = []

    def work(name):
        try:
            service = lab.deploy([model], name=name)
            for models in ([unregistered], [model]):
                service.update(models=models, wait=True)
                assert service.run(lab.body()) == lab.expect(lab.first)
            service.rollback()
            assert service.run(lab.body()) == lab.expect(lab.first)
            service.stop()
            service.start()
            assert service.run(lab.body()) == lab.expect(lab.first)
        except Exception as error:  # told by the test, not by the thread
            errors.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("svc-a", "svc-b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rounds, _ = collector.communicate(timeout=60)
    assert errors == []
    assert collector.returncode == 0
    assert int(rounds) > 3
    for service in lab.workspace.webservices.values():
        assert len(service.history()) == 4
        service.rollback(1)  # every bundle is still there
        assert service.run(lab.body()) == lab.expect(lab.first)


def test_a_deploy_tidies_up_after_its_service(lab, monkeypatch):
    service = lab.deploy([lab.register(lab.first)])
    store = lab.workspace._store
    for number in range(2, retention.KEPT_OPERATIONS + 5):
        record = store.operations.create(lab.workspace._record.id, "update", "svc", created_by="me")
        store.operations.finish(record.id, "Failed")
        store.services.add_generation(service._id, state="failed", bundle=f"bundles/{number}")
    for _ in range(5):
        store.services.add_generation(service._id, state="failed", bundle="bundles/none")
    service.reload(wait=True)
    assert len(store.operations.list(lab.workspace._record.id)) == retention.KEPT_OPERATIONS
    failed = [each for each in service.history() if each["state"] == "failed"]
    assert len(failed) == retention.KEPT_GENERATION_ROWS
    assert service.run(lab.body()) == lab.expect(lab.first)
    left = [each for each in lab.workspace.gc(dry_run=True) if each.kind != "contents"]
    assert not any(each.count for each in left)


def test_a_failed_deploy_leaves_nothing_to_collect(lab):
    service = lab.deploy([lab.register(lab.first)])
    lab.write("bad.py", "def init():\n    raise ValueError('no')\ndef run(data):\n    pass\n")
    service.update(inference_config=InferenceConfig(entry_script="bad.py"))
    with pytest.raises(Exception, match="no"):
        service.wait_for_deployment()
    assert not any(each.count for each in lab.workspace.gc())
