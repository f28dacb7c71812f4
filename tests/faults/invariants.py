"""What has to hold after any fault, once somebody has looked."""

from __future__ import annotations

import os
import socket
import sqlite3
import time
from pathlib import Path

from jupyter_mldeploy.operations import settle
from jupyter_mldeploy.operations.follow import ACTIVE
from jupyter_mldeploy.sdk.observe import observe
from jupyter_mldeploy.targets import load_target
from tests.faults.caller import MODEL, SERVICE
from tests.faults.points import pids_of

INVARIANTS = ("ended", "store", "versions", "serving", "requests", "clean", "repeat")


def eventually(check, seconds=15):
    """Wait until a check finds nothing; what drains takes a moment. Return what it finds last."""
    deadline = time.monotonic() + seconds
    while (found := check()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def ended(workspace, before, plan, status):
    """The operation came to an end of which the reason is known; an unharmed one succeeded."""
    store, problems = workspace._store, []
    operations = store.operations.list(workspace._record.id, limit=1)
    operation = operations[0] if operations and operations[0].id != before else None

    def unfinished():
        return (
            operation is not None
            and settle(store, store.operations.get(operation.id)).state in ACTIVE
        )

    if eventually(unfinished, 60):
        return [f"{operation.kind} is still {operation.state}, phase {operation.phase}"]
    harmed = set(plan["victims"]) & {"worker", "server", "new server"}
    if operation is not None:
        operation = store.operations.get(operation.id)
        if operation.state == "Failed" and not (operation.problem or {}).get("what"):
            problems.append("it failed without a reason")
        # Killed between its row and its worker, the caller leaves an operation that says so.
        orphan = "caller" in plan["victims"] and "never started" in str(operation.problem)
        if operation.state != "Succeeded" and not harmed and not orphan:
            problems.append(f"unharmed, it is {operation.state}: {operation.problem}")
        if (operation.problem or {}).get("what", "").startswith("Internal error"):
            problems.append(str(operation.problem))
    if status == 2:
        problems.append("the caller saw a traceback")
    if status == 1 and not harmed:
        problems.append("unharmed, it failed for the caller")
    return problems


def store_whole(workspace, home):
    """The database is whole and says one thing about each service."""
    problems = []
    with sqlite3.connect(home / "mldeploy.db") as database:
        if (said := database.execute("PRAGMA quick_check").fetchone()[0]) != "ok":
            problems.append(said)
        if broken := database.execute("PRAGMA foreign_key_check").fetchall():
            problems.append(f"foreign keys: {broken}")
    database.close()
    services = workspace._store.services
    for found in services.list(workspace._record.id):
        observe(workspace._store, found)  # the look that puts right what a dead worker left
        service = services.get_by_id(found.id)
        rows = services.generations(service.id)
        serving = [g.number for g in rows if g.state == "serving"]
        if serving != ([] if service.serving_generation is None else [service.serving_generation]):
            problems.append(f"serving rows {serving}, service says {service.serving_generation}")
        if staged := [g.number for g in rows if g.state == "staged"]:
            problems.append(f"generations {staged} are staged for ever")
        numbers = [g.number for g in reversed(rows)]
        if numbers != list(range(1, len(numbers) + 1)):
            problems.append(f"generation numbers {numbers}")
        problems += [
            f"generation {g.number} is {g.state} and has no bundle"
            for g in rows
            if g.state in {"serving", "retired"} and not (home / g.bundle).is_dir()
        ]
    return problems


def versions(workspace, home):
    """Model versions have neither gap nor twin, and their files are there."""
    store = workspace._store
    found = store.models.page(workspace._record.id, name=MODEL)
    numbers = sorted(model.version for model in found)
    problems = [] if numbers == list(range(1, len(numbers) + 1)) else [f"versions {numbers}"]
    for model in found:
        store.files.require(model.files)
    if left := _names(home / "artifacts" / "tmp"):
        store.files.remove_abandoned()
        left = _names(home / "artifacts" / "tmp")
        problems += [f"temporary files {left}"] if left else []
    return problems


def serving(workspace, *, running, harmed):
    """What the row says serves is what the target has, and it is healthy where it should be."""
    store = workspace._store
    service = store.services.get(workspace._record.id, SERVICE)
    if service is None:
        return ["the service is gone"] if running else []

    def differs():
        row = store.services.get_by_id(service.id)
        state = observe(store, row)
        row = store.services.get_by_id(service.id)
        seen = load_target(row.target).observe(store.home / "services" / row.id)
        if running and state.status.value != "Healthy":
            if harmed and state.status.value == "Crashed" and "were killed" in state.reason:
                return []  # nothing is left that could start it again; the repeated call does
            return [f"status {state.status.value}: {state.reason}"]
        if seen.generation is not None and seen.generation != row.serving_generation:
            return [f"row says {row.serving_generation}, {seen.generation} serves"]
        if seen.generation is not None and row.desired_state != "running":
            return [f"it serves, and its row says {row.desired_state}"]
        return []

    return eventually(differs)


def clean(workspace, home, run_dir):
    """Nothing is left over: processes, folders, temporary files, sockets, locks."""
    store = workspace._store
    service = store.services.get(workspace._record.id, SERVICE)

    def left():
        problems = []
        rows = store.services.generations(service.id) if service else []
        kept = {Path(g.bundle).name for g in rows if g.state in {"serving", "retired"}}
        if extra := set(_names(home / "bundles")) - kept:
            problems.append(f"bundles {extra}")
        folders = set(_names(home / "services"))
        if extra := folders - ({service.id} if service else set()):
            problems.append(f"service folders {extra}")
        if extra := [n for n in _names(home / "runtimes") if n.startswith(".")]:
            problems.append(f"runtimes {extra}")
        if extra := list((home / "services").rglob("*.new")):
            problems.append(f"temporary files {extra}")
        wanted = set()
        if service and service.id in folders:
            supervisor, servers = pids_of(home / "services" / service.id, serving=True)
            wanted = {supervisor, *servers}
        alive = _processes(home)
        if alive - wanted:
            problems.append(f"processes {[(p, _command(p)) for p in alive - wanted]}")
        sockets = {n for n in _names(run_dir) if n.endswith(".sock")}
        if sockets and not alive:
            row = service and store.services.get_by_id(service.id)
            # A service that was killed whole is still meant to run: its next start clears them.
            if not (row and row.desired_state == "running" and row.serving_generation):
                problems.append(f"sockets {sockets}")
        return problems

    return eventually(left)


def port_is_free(port):
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
            sock.listen()
        except OSError as error:
            return [f"port {port}: {error}"]
    return []


def _names(folder):
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def _command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()[-120:]
    except OSError:
        return "gone"


def _processes(home):
    """Pids of what was started for services and operations of this home."""
    found, needle = set(), str(home).encode()
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                command = Path(f"/proc/{name}/cmdline").read_bytes()
                state = Path(f"/proc/{name}/stat").read_text().rpartition(") ")[2][0]
            except OSError:
                continue
            if state in "ZX" or b"python" not in command:
                continue
            worker = b"operations.worker" in command and needle in _environment(name)
            if worker or (needle in command and b"tests.faults" not in command):
                found.add(int(name))
    return found


def _environment(pid):
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""
