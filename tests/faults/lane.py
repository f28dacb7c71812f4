"""One lane of a campaign: a home of its own, one fault after the other, a JSON line for each."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from jupyter_mldeploy import Workspace
from tests.faults import invariants
from tests.faults.caller import SERVICE, call
from tests.faults.client import Client
from tests.faults.points import POINTS

SCRIPT = "def init():\n    pass\ndef run(data):\n    return 1\n"
ROLLOUTS = ("update", "update", "update", "reload", "rollback", "rollback")
VICTIMS = (
    ("worker",),
    ("worker",),
    ("worker",),
    ("supervisor",),
    ("server",),
    ("new server",),
    ("caller",),
    ("worker", "caller"),
    ("worker", "supervisor"),
    ("worker", "server"),
    ("worker", "new server"),
    ("supervisor", "caller"),
    ("supervisor", "server"),
    ("worker", "supervisor", "server", "new server", "caller"),
)
# About so many changes and commits an operation makes; the first run of each corrects it.
PASSED = {"change": 60, "commit": 12}


class Lane:
    def __init__(self, seed, folder):
        self.random = random.Random(seed)
        self.folder = Path(folder)
        self.home = self.folder / "home"
        self.run_dir = self.folder / "run"
        os.environ.update(MLDEPLOY_HOME=str(self.home), MLDEPLOY_RUN_DIR=str(self.run_dir))
        hook = str(Path(__file__).with_name("hook"))
        paths = [hook, str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        (self.folder / "score.py").write_text(SCRIPT)
        self.workspace = Workspace.create("faults")
        self.store = self.workspace._store
        self.client = Client()
        self.passed = {}
        self.caller = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.caller"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self):
        if self.service():
            call("delete", self.folder)  # here: who was interrupted may have no caller any more
        self.caller.stdin.close()
        self.caller.wait(30)
        self.store.close()

    def service(self):
        return self.store.services.get(self.workspace._record.id, SERVICE)

    def running(self):
        service = self.service()
        return bool(service and service.serving_generation and service.desired_state == "running")

    def call(self, kind, plan=None):
        problems = self.folder / "problems"
        request = {
            "kind": kind,
            "plan": plan,
            "folder": str(self.folder),
            "problems": str(problems),
        }
        self.caller.stdin.write(json.dumps(request) + "\n")
        self.caller.stdin.flush()
        status = json.loads(self.caller.stdout.readline())["status"]
        return status, problems.read_text().strip()

    def next_kind(self):
        service = self.service()
        if self.random.random() < 0.12:
            return "register"
        if service is None or service.serving_generation is None:
            return "deploy"
        if service.desired_state == "stopped":
            return self.random.choice(("start", "start", "start", "update", "delete"))
        kind = self.random.choices(("rollout", "stop", "delete"), (70, 15, 15))[0]
        if kind != "rollout":
            return kind
        states = [g.state for g in self.store.services.generations(service.id)]
        return self.random.choice(ROLLOUTS if "retired" in states else ("update", "reload"))

    def next_plan(self, kind):
        """Choose a point and victims that fit the operation."""
        if kind == "register":
            role, victims = "caller", ("caller",)
        else:
            victims = self.random.choice(VICTIMS)
            if not self.running():
                victims = tuple(v for v in victims if v != "server") or ("worker",)
            role = "caller" if "worker" not in victims and self.random.random() < 0.3 else "worker"
        sort = self.random.choice(("named", "named", "change", "change", "commit", "time"))
        if (role == "caller" or not POINTS[kind]) and sort == "named":
            sort = "change"
        if sort == "named":
            point = self.random.choice(POINTS[kind])
        elif sort == "time":
            point = f"time:{self.random.uniform(0, 0.05 if kind == 'register' else 0.6):.3f}"
        else:
            most = self.passed.get((kind, role, sort), PASSED[sort])
            point = f"{sort}:{self.random.randint(1, max(1, most))}"
        return {
            "role": role,
            "point": point,
            "victims": list(victims),
            "home": str(self.home),
            "marker": str(self.folder / "marker"),
        }

    def fault(self):
        kind = self.next_kind()
        if kind in {"deploy", "update"} and not self.store.models.find(
            self.workspace._record.id, "m"
        ):
            self.call("register")
        plan = self.next_plan(kind)
        marker = self.folder / "marker"
        marker.unlink(missing_ok=True)
        before = self.store.operations.list(self.workspace._record.id, limit=1)
        was_running, service = self.running(), self.service()
        loaded = was_running and kind not in {"stop", "delete"}
        if loaded:
            self.client.begin(service.port)
        found = {name: [] for name in invariants.INVARIANTS}
        began = time.time()
        try:
            status, said = self.call(kind, plan)
            found["ended"] = invariants.ended(
                self.workspace, before[0].id if before else "", plan, status
            )
            hit = marker.exists() and marker.read_text() == "struck"
            self.learn(kind, plan, marker)
            harmed = hit and bool({"server"} & set(plan["victims"]))
            self.look(found, loaded, harmed)
            if loaded:
                lost = self.client.end()
                loaded = False
                if not harmed and lost:
                    found["requests"] = [f"{len(lost)} lost, e.g. {lost[0]}"]
            if found["ended"]:
                found["ended"].append(said)
            if hit:
                self.repeat(kind, plan, found, service)
        finally:
            if loaded:
                self.client.end()
        return {
            "kind": kind,
            "point": plan["point"],
            "victims": "+".join(plan["victims"]),
            "role": plan["role"],
            "hit": hit,
            "found": {name: problems for name, problems in found.items() if problems},
            "seconds": round(time.time() - began, 2),
        }

    def learn(self, kind, plan, marker):
        sort = plan["point"].partition(":")[0]
        if sort in PASSED and marker.exists():
            word, _, number = marker.read_text().partition(" ")
            if word == "passed":
                self.passed[kind, plan["role"], sort] = int(number)

    def look(self, found, running, harmed):
        found["store"] += invariants.store_whole(self.workspace, self.home)
        found["versions"] += invariants.versions(self.workspace, self.home)
        found["serving"] += invariants.serving(self.workspace, running=running, harmed=harmed)
        found["clean"] += invariants.clean(self.workspace, self.home, self.run_dir)

    def repeat(self, kind, plan, found, before):
        """The same call again, by somebody else, succeeds."""
        service = self.service()
        if (
            kind == "rollback"
            and service
            and not any(g.state == "retired" for g in self.store.services.generations(service.id))
        ):
            return
        status, said = self.call(kind)
        if status:
            found["repeat"] = [f"exit {status}: {said}"]
            return
        running = self.running()
        self.look(found, running, harmed=False)
        if kind == "delete":
            if self.service() is not None:
                found["repeat"] = ["the service is still there"]
            if before and before.port:
                found["clean"] += invariants.eventually(
                    lambda: invariants.port_is_free(before.port)
                )


def main(seed, count):
    # A socket's path may not be long: not in pytest's folder.
    folder = tempfile.mkdtemp(prefix="mldeploy-faults-", dir="/tmp")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # and leave nothing
    lane = Lane(seed, folder)
    done = 0
    try:
        while done < count:
            result = lane.fault()
            done += result["hit"]
            print(json.dumps(result), flush=True)
            if result["found"]:
                print(json.dumps({"evidence": folder}), flush=True)
                if os.environ.get("FAULTS_KEEP"):
                    return 1
        return 0
    finally:
        if not os.environ.get("FAULTS_KEEP"):
            lane.close()
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], int(sys.argv[2])))
