"""Services made of real parts: a staged island, a bundle folder, real processes.

After every test nothing of it may be left: no process, control socket, port or
temporary file.
"""

from __future__ import annotations

import http.client
import importlib.util
import json
import os
import shutil
import socket
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path

import pytest

import jupyter_mldeploy.serving
from jupyter_mldeploy.targets import Launch
from jupyter_mldeploy.targets.process import ProcessTarget
from jupyter_mldeploy.targets.supervision import Recorded

ANSWERS = """
import os
def init():
    pass
def run(data):
    return {"pid": os.getpid(), "generation": int(os.environ["SERVICE_VERSION"])}
"""


@pytest.fixture(scope="session")
def runtime(tmp_path_factory):
    """The island as it is staged, made here so that this room is tested alone."""
    folder = tmp_path_factory.mktemp("runtime")
    island = Path(jupyter_mldeploy.serving.__file__).parent
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(island, folder / "mldeploy_serving", ignore=ignore)
    httptools = Path(importlib.util.find_spec("httptools").origin).parent
    shutil.copytree(httptools, folder / "httptools", ignore=ignore)
    (folder / "__main__.py").write_text(
        "from mldeploy_serving.main import main\nraise SystemExit(main())\n"
    )
    (folder / "supervise.py").write_text(
        "import os, sys\n"
        "sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))\n"
        "from mldeploy_serving.supervisor import main\n"
        "raise SystemExit(main())\n"
    )
    return folder


class Service:
    """A service under test: makes launches, sends requests, knows its processes."""

    def __init__(self, folder, runtime):
        self.target = ProcessTarget()
        self.id = uuid.uuid4().hex
        self.folder = folder
        self.dir = folder / "services" / self.id
        self.dir.mkdir(parents=True)
        self.runtime = runtime
        self.port = None
        self.told = []

    def another(self):
        return Service(self.folder / "another", self.runtime)

    def launch(self, generation=1, script=ANSWERS, **changes):
        bundle = self.folder / f"bundle{generation}"
        app = bundle / "app"
        if not bundle.exists():
            app.mkdir(parents=True)
            (app / "score.py").write_text(script)
            (bundle / "runtime").symlink_to(self.runtime)
        environment = {
            "AML_APP_ROOT": str(app),
            "AZUREML_ENTRY_SCRIPT": "score.py",
            "AZUREML_MODEL_DIR": str(app / "azureml-models"),
            "SERVICE_NAME": "tested",
            "SERVICE_VERSION": str(generation),
            **changes.pop("environment", {}),
        }
        values = {
            "service_id": self.id,
            "service_name": "tested",
            "service_dir": self.dir,
            "generation": generation,
            "bundle": bundle,
            "python": sys.executable,
            "environment": environment,
            "host": "127.0.0.1",
            "port": self.port,
            "workers": 1,
            "auth": "none",
            "init_timeout": 60.0,
            "drain_seconds": 10.0,
            "runtime": self.runtime,
            **changes,
        }
        return Launch(**values)

    def wait_ready(self, launch):
        self.target.wait_ready(launch, cancelled=lambda: False, progress=self.told.append)

    def deploy(self, generation=1, script=ANSWERS, **changes):
        launch = self.launch(generation, script, **changes)
        self.target.check(launch)
        self.target.start(launch)
        self.wait_ready(launch)
        self.target.switch(launch)
        self.port = self.observe().port
        return launch

    def observe(self):
        return self.target.observe(self.dir)

    def stop(self):
        self.target.stop(self.dir, 0)

    def state(self):
        return Recorded.read(self.dir).state

    def supervisor(self):
        return self.state()["supervisor"]["pid"]

    def workers(self):
        return [worker.pid for worker in self.observe().workers]

    def score(self, timeout=20):
        status, _, body = self.request("POST", "/score", b"{}", timeout)
        assert status == 200, (status, body)
        return json.loads(body)

    def request(self, method="GET", path="/", body=None, timeout=20):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def until(self, condition, seconds=30):
        """Wait for what another process does; the bound only ends a test that would hang."""
        deadline = time.monotonic() + seconds
        while True:
            found = condition()
            if found:
                return found
            assert time.monotonic() < deadline, (self.observe(), self.target.logs(self.dir, 60))
            time.sleep(0.02)

    def processes(self):
        """Pids of all processes that were started for this service."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    seen = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                    state = (entry / "stat").read_text().rpartition(") ")[2][0]
                except OSError:
                    continue
                if str(self.dir).encode() in seen and state not in "ZX":
                    found.append(int(entry.name))
        return found


@pytest.fixture
def run_dir(monkeypatch):
    """A run folder of its own; tmp_path would be too long for a socket."""
    with tempfile.TemporaryDirectory(prefix="mldeploy-test-", dir="/tmp") as folder:
        monkeypatch.setenv("MLDEPLOY_RUN_DIR", f"{folder}/run")
        yield Path(folder) / "run"


@pytest.fixture
def service(tmp_path, run_dir, runtime):
    service = Service(tmp_path, runtime)
    yield service
    recorded = Recorded.read(service.dir)
    service.stop()
    try:
        service.until(lambda: not service.processes(), 10)
    finally:
        for pid in service.processes():  # so that a test that failed leaves nothing either
            os.kill(pid, 9)
    assert not list(run_dir.parent.rglob("*.sock"))
    assert not list(service.dir.rglob("*.new"))
    if recorded is not None and recorded.state["port"]:
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("127.0.0.1", recorded.state["port"]))
            sock.listen()


class Load:
    """Clients that score without pause and never retry; every failure is kept."""

    def __init__(self, service, clients=2):
        self.service = service
        self.failures = []
        self.answers = 0
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._score) for _ in range(clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _score(self):
        connection = None
        while not self._end.is_set():
            try:
                if connection is None:
                    connection = http.client.HTTPConnection(
                        "127.0.0.1", self.service.port, timeout=20
                    )
                headers = {"Content-Type": "application/json"}
                connection.request("POST", "/score", b"{}", headers)
                response = connection.getresponse()
                body = response.read()
                if response.status == 200:
                    self.answers += 1
                else:
                    self.failures.append((response.status, body))
                if response.will_close:
                    connection.close()
                    connection = None
            except OSError as error:
                self.failures.append(repr(error))
                connection = None
            except http.client.HTTPException as error:
                self.failures.append(repr(error))
                connection = None
        if connection is not None:
            connection.close()


@pytest.fixture
def load(service):
    return lambda clients=2: Load(service, clients)
