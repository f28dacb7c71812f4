"""Many updates under load: ``python -m benchmarks.updates [--count 1000]``.

Clients that never retry ask without a pause while one service is updated again and again.
Prints failed requests, the supervisor's memory and descriptors, and the size of the home
as time goes on: the first must stay 0, the others flat. Ends with 1 when a request failed.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import io
import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

CLIENTS = 4
SCRIPT = """\
import os
from pathlib import Path

def init():
    global answer
    answer = next(Path(os.environ["AZUREML_MODEL_DIR"]).iterdir()).read_text()

def run(data):
    return answer
"""


class Clients:
    """Threads that score for as long as the block lasts; every failure is kept."""

    def __init__(self, port: int) -> None:
        self.port, self.answers, self.failures = port, 0, []
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(CLIENTS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        connection = None
        while not self._end.is_set():
            connection = connection or http.client.HTTPConnection(
                "127.0.0.1", self.port, timeout=60
            )
            try:
                connection.request("POST", "/score", b"{}", {"Content-Type": "application/json"})
                response = connection.getresponse()
                body = response.read()
                if response.status != 200:
                    self.failures.append(f"{response.status} {body[:100]!r}")
                else:
                    self.answers += 1
                if response.will_close:
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
                connection = None
            time.sleep(0.002)  # the updates need the processor too
        if connection is not None:
            connection.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.updates")
    parser.add_argument("--count", type=int, default=1000, help="updates (default: 1000)")
    count = parser.parse_args().count
    with tempfile.TemporaryDirectory(prefix="mldeploy-updates-") as name:
        os.environ["MLDEPLOY_HOME"] = f"{name}/home"
        return run(Path(name), count)


def run(folder: Path, count: int) -> int:
    from jupyter_mldeploy import InferenceConfig, LocalWebservice, Model, Workspace

    workspace = Workspace.create("updates")
    (folder / "score.py").write_text(SCRIPT)
    models = []
    for text in ("one", "two"):
        (folder / text).write_text(text)
        with contextlib.redirect_stdout(io.StringIO()):
            models.append(Model.register(workspace, str(folder / text), "text"))
    service = Model.deploy(
        workspace,
        "updated",
        models[:1],
        InferenceConfig(entry_script=str(folder / "score.py")),
        LocalWebservice.deploy_configuration(drain_seconds=5),
    )
    try:
        service.wait_for_deployment()
        return watch(folder / "home", service, models, count)
    finally:
        service.delete()


def watch(home: Path, service, models: list, count: int) -> int:
    (record,) = home.glob("services/*/process.json")
    supervisor = json.loads(record.read_text())["supervisor"]["pid"]
    port = int(service.scoring_uri.rsplit(":", 1)[1].split("/")[0])
    say(
        "updates",
        "seconds",
        "answers",
        "failed",
        "RSS kB",
        "fds",
        "home kB",
        "db kB",
        "log kB",
        "files",
    )
    began = time.monotonic()
    with Clients(port) as clients:
        for done in range(count + 1):
            if done:
                service.update(models=[models[done % 2]], wait=True)
            if done % max(1, count // 20) == 0:
                seconds = f"{time.monotonic() - began:.0f}"
                held = len(list(Path(f"/proc/{supervisor}/fd").iterdir()))
                failed = len(clients.failures)
                say(done, seconds, clients.answers, failed, rss(supervisor), held, *sizes(home))
    for failure in clients.failures[:10]:
        say(failure)
    return 1 if clients.failures else 0


def rss(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") // 1024


def sizes(home: Path) -> tuple[int, int, int, int]:
    """Return kilobytes of all but the service's log, of database and log, and the files."""
    found = {}
    for top, _, names in os.walk(home):
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # an old generation is on its way out
                status = Path(top, name).stat()
                found[status.st_ino] = (name, status.st_size)
    total = sum(size for _, size in found.values())
    database = sum(size for name, size in found.values() if name.startswith("mldeploy.db"))
    logs = sum(size for name, size in found.values() if name.startswith("service.log"))
    return (total - logs) // 1024, database // 1024, logs // 1024, len(found)


def say(*cells: object) -> None:
    print(" ".join(str(cell).rjust(9) for cell in cells), flush=True)


if __name__ == "__main__":
    sys.exit(main())
