"""Look at a service's processes from outside."""

import json
import time


def processes_of(service):
    """Return the pids of the live supervisor and servers of a service, the supervisor first."""
    path = service._folder / "process.json"
    try:
        state = json.loads(path.read_text())
    except FileNotFoundError:
        return []
    pids = [state["supervisor"]["pid"]] if state.get("supervisor") else []
    for generation in state["generations"].values():
        pids.extend(
            server["identity"]["pid"] for server in generation["servers"] if server["identity"]
        )
    return [pid for pid in pids if alive(pid)]


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def processes_become(service, count):
    """Wait until a service has ``count`` processes: what drains takes a moment to end."""
    deadline = time.monotonic() + 20
    while len(processes_of(service)) != count and time.monotonic() < deadline:
        time.sleep(0.05)
    return len(processes_of(service)) == count
