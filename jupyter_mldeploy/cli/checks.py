"""The checks of ``mldeploy doctor``: one finding each, with the way out where there is one."""

from __future__ import annotations

import contextlib
import platform
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jupyter_mldeploy as mldeploy
from jupyter_mldeploy.cli import disks
from jupyter_mldeploy.cli.wording import size
from jupyter_mldeploy.cli.workspaces import settings_of
from jupyter_mldeploy.errors import MLDeployError
from jupyter_mldeploy.sdk.settings import Settings
from jupyter_mldeploy.targets import load_target
from jupyter_mldeploy.targets.limits import read_limits

__all__ = ["Finding", "findings"]

_OLDEST_PYTHON = (3, 10)
_LITTLE_DISK = 1_000_000_000
_LITTLE_MEMORY = 1_000_000_000


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Parameters
    ----------
    name
        What was looked at.
    ok
        ``True``: fine. ``False``: something will not work. ``None``: worth knowing, no more.
    text
        What was found, in one line.
    hint
        The way out, when there is something to do.
    """

    name: str
    ok: bool | None
    text: str
    hint: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON."""
        return asdict(self)


def findings(path: str | None) -> Iterator[Finding]:
    """Yield every finding, in the order people ask.

    Parameters
    ----------
    path
        Where to look for the folder's configuration (``--path``).
    """
    yield Finding("package", True, f"jupyter_mldeploy {mldeploy.__version__}")
    yield _python()
    yield Finding("platform", True, f"{platform.platform()}, {platform.machine()}")
    yield from _size()
    settings = _settings(path)
    if isinstance(settings, Finding):
        yield settings
    else:
        yield from _home(settings.home)
        yield _tried("database", lambda: _database(settings))
    yield _tried("run folder", _run_folder)
    yield _tried("network", _loopback)
    yield _tried("workers", _reuse_port)
    yield from _targets()
    for program in ("uv", "docker", "kubectl"):
        yield _program(program)


def _tried(name: str, check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except MLDeployError as error:
        return Finding(name, False, error.message, error.hint)
    except OSError as error:
        return Finding(name, False, f"{error.strerror or error}", "")


def _python() -> Finding:
    text = f"Python {platform.python_version()} at {sys.executable}"
    if sys.version_info < _OLDEST_PYTHON:
        return Finding("Python", False, text, "Use Python 3.10 or newer.")
    return Finding("Python", True, text)


def _size() -> Iterator[Finding]:
    limits = read_limits()
    quota = limits.processor_quota
    text = f"{limits.processors} processors"
    if quota is not None and quota < limits.processors:
        text = f"{quota:g} of {text} (limit of the container)"
    yield Finding("processors", True, text)
    memory, limit = limits.memory, limits.memory_limit
    known = [each for each in (memory, limit) if each is not None]
    if not known:
        yield Finding("memory", None, "its size cannot be told")
        return
    text = size(min(known))
    if limit is not None and (memory is None or limit < memory):
        text = f"{text} of {size(memory)} (limit of the container)"
    little = min(known) < _LITTLE_MEMORY
    hint = "Every worker loads the model once: keep --workers low." if little else ""
    yield Finding("memory", None if little else True, text, hint)


def _settings(path: str | None) -> Settings | Finding:
    try:
        return settings_of(path)
    except MLDeployError as error:
        return Finding("configuration", False, error.message, error.hint)


def _home(home: Path) -> Iterator[Finding]:
    folder = disks.existing_parent(home)
    state = "" if folder == home else " (will be made)"
    why_not = disks.writable(folder)
    if why_not:
        yield Finding(
            "home",
            False,
            f"{home}{state}: {folder} cannot be written to: {why_not}",
            "Set MLDEPLOY_HOME to a folder of yours.",
        )
        return
    free, kind = disks.free_bytes(folder), disks.kind_of(folder)
    text = f"{home}{state}, {kind or 'unknown file system'}, {size(free)} free"
    if kind in disks.NETWORK_KINDS:
        yield Finding(
            "home",
            None,
            text,
            "On a network file system, use one machine at a time; or set MLDEPLOY_HOME to a "
            "local disk.",
        )
    elif free < _LITTLE_DISK:
        yield Finding("home", None, text, "Free some space, or set MLDEPLOY_HOME to another disk.")
    else:
        yield Finding("home", True, text)
    shared = disks.can_reflink(folder)
    yield Finding(
        "file copies",
        True if shared else None,
        "share their blocks: registering a model needs no space (reflink)"
        if shared
        else "take time and space: this file system cannot share blocks (no reflink)",
    )


def _database(settings: Settings) -> Finding:
    # Costs 200 ms to import, and may be what is broken.
    from jupyter_mldeploy.store.database import Database  # noqa: PLC0415
    from jupyter_mldeploy.store.migrate import stored_revision  # noqa: PLC0415
    from jupyter_mldeploy.store.tables import REVISION  # noqa: PLC0415

    url = settings.database_url or f"sqlite:///{settings.home / 'mldeploy.db'}"
    database = Database(url)
    try:
        if not database.path.exists():
            return Finding("database", True, f"{database.path} (will be made)")
        revision = stored_revision(database)
    finally:
        database.close()
    text = f"{database.path}, revision {revision or 'none'}"
    if revision in {REVISION, None}:
        return Finding("database", True, text)
    return Finding(
        "database",
        None,
        f"{text}; this version works with {REVISION}",
        "The next command migrates an older one; for a newer one, upgrade jupyter_mldeploy.",
    )


def _run_folder() -> Finding:
    from jupyter_mldeploy.targets.run_folder import run_folder  # noqa: PLC0415 -- as _database

    return Finding("run folder", True, f"{run_folder()} for control sockets")


def _loopback() -> Finding:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass
    return Finding("network", True, "a port can be opened and reached on 127.0.0.1")


def _reuse_port() -> Finding:
    if not hasattr(socket, "SO_REUSEPORT"):
        return Finding("workers", None, "SO_REUSEPORT is not there", "Keep --workers at 1.")
    with contextlib.ExitStack() as opened:
        port = 0
        for _ in range(2):
            one = opened.enter_context(socket.socket())
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            one.bind(("127.0.0.1", port))
            one.listen()
            port = one.getsockname()[1]
    return Finding("workers", True, "several can share a port (SO_REUSEPORT)")


def _targets() -> Iterator[Finding]:
    from importlib.metadata import entry_points  # noqa: PLC0415 -- slow, and only needed here

    from jupyter_mldeploy.targets.registry import ENTRY_POINT_GROUP  # noqa: PLC0415

    names = {point.name for point in entry_points(group=ENTRY_POINT_GROUP)} - {"process"}
    for name in ("process", *sorted(names)):
        yield _tried(f"target {name}", lambda name=name: _target(name))  # type: ignore[misc]


def _target(name: str) -> Finding:
    capability = load_target(name).capability()
    text = capability.title if capability.available else f"{capability.title}: {capability.reason}"
    return Finding(f"target {name}", capability.available, text, capability.hint)


def _program(name: str) -> Finding:
    found = shutil.which(name)
    where = f"found: {found}" if found else "not found on PATH"
    return Finding(name, None, f"{where}; this version does not use it")
