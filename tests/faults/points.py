"""Where a fault strikes: named points of the product, and random ones, wrapped from outside."""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import signal
import sys
import threading
from pathlib import Path

__all__ = ["POINTS", "arm", "pids_of"]

_TARGET = ("start", "wait_ready", "probe", "switch", "discard", "observe", "stop", "resume")

# What the operation certainly passes; a point that it never passes would be no fault.
_ROLLOUT = [
    *(f"phase:{p}:{w}" for p in ("check", "stage", "environment") for w in ("begin", "end")),
    *(f"phase:{p}:{w}" for p in ("start", "probe", "switch") for w in ("begin", "end")),
    *(
        f"target:{m}:{w}"
        for m in ("start", "wait_ready", "probe", "switch")
        for w in ("before", "after")
    ),
]
POINTS = {
    "deploy": _ROLLOUT,
    "update": _ROLLOUT,
    "reload": _ROLLOUT,
    "rollback": [p for p in _ROLLOUT if ":stage:" not in p and ":environment:" not in p],
    "stop": ["phase:stop:begin", "phase:stop:end", "target:stop:before", "target:stop:after"],
    "start": [
        *(f"phase:{p}:{w}" for p in ("check", "start", "probe") for w in ("begin", "end")),
        *(
            f"target:{m}:{w}"
            for m in ("resume", "wait_ready", "probe")
            for w in ("before", "after")
        ),
    ],
    "delete": [
        *(f"phase:{p}:{w}" for p in ("stop", "remove") for w in ("begin", "end")),
        "target:stop:before",
        "target:stop:after",
    ],
    "register": [],
}

_CHANGES = {
    "os.rename",
    "os.mkdir",
    "os.remove",
    "os.rmdir",
    "os.link",
    "os.chmod",
    "os.utime",
    "fcntl.flock",
    "shutil.rmtree",
    "shutil.copyfile",
    "subprocess.Popen",
    "socket.connect",
    "os.kill",
}


def pids_of(service_dir, *, serving):
    """Pids of the supervisor and of the servers: those that serve, or those that load beside."""
    try:
        state = json.loads((Path(service_dir) / "process.json").read_text())
    except (OSError, ValueError):
        return None, []
    servers = [
        server["identity"]["pid"]
        for number, generation in state["generations"].items()
        for server in generation["servers"]
        if server["identity"]
        and (
            number == str(state["serving"])
            if serving
            else generation["state"] in {"loading", "ready"}
        )
    ]
    return state["supervisor"]["pid"], servers


class _Fault:
    def __init__(self, role):
        self.plan = json.loads(os.environ["FAULT_PLAN"])
        self.role = role
        self.passed = 0
        self.done = False
        self.lock = threading.Lock()

    def strike(self):
        with self.lock:
            if self.done:
                return
            self.done = True
        victims, pids = self.plan["victims"], []
        for folder in Path(self.plan["home"], "services").glob("*"):
            supervisor, servers = pids_of(folder, serving=True)
            pids += [supervisor] if "supervisor" in victims and supervisor else []
            pids += servers if "server" in victims else []
            pids += pids_of(folder, serving=False)[1] if "new server" in victims else []
        if "caller" in victims and self.role != "caller":
            pids.append(self.plan["caller"])
        Path(self.plan["marker"]).write_text("struck")
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.role in victims:
            os.kill(os.getpid(), signal.SIGKILL)

    def at(self, point):
        if point == self.plan["point"]:
            self.strike()

    def count(self, kind):
        """The n-th change, or commit, of the operation: a random point."""
        wanted, _, number = self.plan["point"].partition(":")
        if wanted == kind and not self.done:
            self.passed += 1
            if self.passed == int(number):
                self.strike()

    def report(self):
        if not self.done:
            Path(self.plan["marker"]).write_text(f"passed {self.passed}")


def arm(role):
    """Strike as ``FAULT_PLAN`` says, when this process has the role that is to notice the point."""
    fault = _Fault(role)
    if fault.plan["role"] != role:
        return
    from jupyter_mldeploy.operations.context import OperationContext
    from jupyter_mldeploy.store.database import Database
    from jupyter_mldeploy.targets.process import ProcessTarget

    phase, write = OperationContext.phase, Database.write

    @contextlib.contextmanager
    def counted_phase(self, name):
        with phase(self, name):
            fault.at(f"phase:{name}:begin")
            yield
            fault.at(f"phase:{name}:end")

    @contextlib.contextmanager
    def counted_write(self):
        with write(self) as connection:
            yield connection
            fault.count("commit")  # all is written, nothing is committed
        fault.count("commit")

    OperationContext.phase, Database.write = counted_phase, counted_write
    for name in _TARGET:
        setattr(ProcessTarget, name, _around(getattr(ProcessTarget, name), name, fault))

    def hook(event, arguments):
        changes = event in _CHANGES or (
            event == "open"
            and isinstance(arguments[2], int)
            and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        )
        if changes and threading.current_thread() is threading.main_thread():
            fault.count("change")

    kind, _, value = fault.plan["point"].partition(":")
    if kind == "change":
        sys.addaudithook(hook)
    if kind == "time":
        timer = threading.Timer(float(value), fault.strike)
        timer.daemon = True
        timer.start()
    atexit.register(fault.report)


def _around(method, name, fault):
    @functools.wraps(method)
    def wrapped(self, *arguments, **options):
        fault.at(f"target:{name}:before")
        result = method(self, *arguments, **options)
        fault.at(f"target:{name}:after")
        return result

    return wrapped
