"""Eight processes at one moment: an outcome as if one came after the other."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mldeploy import Model, Webservice, Workspace

ROOT = Path(__file__).parents[2]
SCRIPT = "def init():\n    pass\ndef run(data):\n    return {answer}\n"


class Crowd:
    def __init__(self, folder):
        self.folder = folder
        self.workspace = Workspace.create("crowd")
        (folder / "score.py").write_text(SCRIPT.format(answer=1))
        for number in range(8):
            (folder / f"score{number}.py").write_text(SCRIPT.format(answer=number))
        (folder / "m").write_text("0")
        self.model = Model.register(self.workspace, str(folder / "m"), "m")

    def act(self, *kinds):
        """Let all act at once; return what went well, and what the others were told."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.faults.crowd", str(self.folder), *kinds],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            check=True,
            timeout=120,
        )
        said = json.loads(done.stdout)
        assert not [each for each in said if "traceback" in each]
        assert not [each for each in said if "locked" in each.get("told", "")]
        return [each["ok"] for each in said if "ok" in each], [
            each["told"] for each in said if "told" in each
        ]

    def states(self, service):
        rows = self.workspace._store.services.generations(service._id)
        return [row.state for row in reversed(rows)]


@pytest.fixture
def crowd(tmp_path):
    crowd = Crowd(tmp_path)
    yield crowd
    for service in crowd.workspace.webservices.values():
        service.delete()
    assert list((crowd.workspace._store.home / "bundles").glob("*")) == []
    assert list((crowd.workspace._store.home / "services").glob("*")) == []


def test_registering_one_name_gives_versions_without_gap_or_twin(crowd):
    versions, told = crowd.act(*["register"] * 8)
    assert not told
    assert sorted(versions) == list(range(2, 10))


def test_deploying_one_request_gives_one_service(crowd):
    answers, told = crowd.act(*["deploy"] * 8)
    assert not told
    assert answers == [1] * 8
    operations = crowd.workspace._store.operations.list(crowd.workspace._record.id)
    assert [operation.kind for operation in operations if operation.state == "Succeeded"] == [
        "deploy"
    ]
    assert crowd.states(Webservice(crowd.workspace, "svc")) == ["serving"]


def test_of_different_requests_one_wins_and_the_others_are_told(crowd):
    answers, told = crowd.act(*["deploy different"] * 8)
    assert len(answers) == 1
    assert len(told) == 7
    assert all("a service named svc already exists" in sentence for sentence in told), told
    service = Webservice(crowd.workspace, "svc")
    assert service.run("1") == answers[0]
    assert crowd.states(service) == ["serving"]


def test_updates_come_one_after_the_other_or_are_refused(crowd):
    crowd.act("deploy")
    done, told = crowd.act(*["update"] * 8)
    assert done
    assert all("still under way" in sentence for sentence in told), told
    service = Webservice(crowd.workspace, "svc")
    assert service.generation == 1 + len(done)
    assert crowd.states(service) == ["retired"] * len(done) + ["serving"]


def test_updating_and_deleting_ends_with_the_service_gone_and_nothing_left(crowd):
    crowd.act("deploy")
    service = Webservice(crowd.workspace, "svc")
    _, told = crowd.act(*["update", "delete"] * 4)
    plainly = ("still under way", "was cancelled", "deleted", "not found")
    assert all(any(word in sentence for word in plainly) for sentence in told), told
    if service.state != "deleted":  # the last word had an update that began before any deletion
        service.delete()
    assert crowd.workspace.webservices == {}


def test_all_who_delete_a_service_find_it_gone(crowd):
    crowd.act("deploy")
    _, told = crowd.act(*["delete"] * 8)
    assert all("not found" in sentence for sentence in told), told
    assert crowd.workspace.webservices == {}
