"""Remove what nothing uses, by the rule of :mod:`.retention`: ``mldeploy gc``.

Safe beside everything else. What there is is listed first, and only then is asked which
operations are at work and what the rows name. A row always comes before its folder, and
the row of a generation before the end of the operation that made its bundle: so whatever
is on the list and has no row by then, and no living maker, will never have one.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import stat
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from jupyter_mldeploy.bundle.runtime import runtime_name
from jupyter_mldeploy.deployment import retention
from jupyter_mldeploy.deployment.folders import service_folder
from jupyter_mldeploy.errors import RunEnvironmentException
from jupyter_mldeploy.operations import settle
from jupyter_mldeploy.operations.follow import ACTIVE
from jupyter_mldeploy.serving.supervisor import record
from jupyter_mldeploy.store import Store
from jupyter_mldeploy.store.upkeep import Upkeep
from jupyter_mldeploy.targets.run_folder import run_folder
from jupyter_mldeploy.targets.supervision import Recorded

__all__ = ["Freed", "collect"]

_SOCKET = re.compile(r"[0-9a-f]{12}(\.\d+\.\d+)?\.sock")
_OPERATION_ID = 32


@dataclass(frozen=True)
class Freed:
    """What was removed of one kind, or would be.

    Parameters
    ----------
    kind
        ``bundles``, ``operations``, ...
    count
        How many.
    bytes
        Disk space they take; what is shared with something that stays does not count.
    rule
        Which ones, in words.
    """

    kind: str
    count: int
    bytes: int
    rule: str


def collect(store: Store, *, dry_run: bool = False) -> list[Freed]:
    """Remove what nothing uses from a home, in all its workspaces.

    Parameters
    ----------
    dry_run
        Only say what would be removed.

    Returns
    -------
    list of Freed
        One for each kind, also where nothing is to be removed.
    """
    return [
        step(store, dry_run)
        for step in (
            _bundles,
            _operations,
            _rows,
            _service_folders,
            _runtimes,
            _temporary,
            _sockets,
            _contents,
        )
    ]


def _at_work(store: Store) -> set[str]:
    """Return the ids of operations that somebody carries out, or is about to."""
    found = (settle(store, each) for each in Upkeep(store.database).open_operations())
    return {each.id for each in found if each.state in ACTIVE}


def _bundles(store: Store, dry_run: bool) -> Freed:
    folder = store.home / "bundles"
    names = _names(folder)
    at_work = _at_work(store)
    used = {Path(bundle).name for bundle in Upkeep(store.database).bundles()}

    def unused(name: str) -> bool:
        # A bundle, and with a dot one that is half made, has its operation's name.
        return name not in used and name.removeprefix(".")[:_OPERATION_ID] not in at_work

    gone = [folder / name for name in names if unused(name)]
    return _removed("bundles", gone, dry_run, "named by no generation that may serve again")


def _operations(store: Store, dry_run: bool) -> Freed:
    folder = store.home / "operations"
    names = _names(folder)
    upkeep = Upkeep(store.database)
    _at_work(store)
    known = upkeep.operation_ids()
    old = upkeep.finished_operations(retention.remembered_since(), retention.KEPT_OPERATIONS)
    lost = [folder / name for name in names if name not in known]
    size = _size_of([*lost, *(folder / each for each in old)])
    if not dry_run:
        retention.forget_operations(store, old)
        _remove(lost)
    rule = (
        f"ended more than {retention.OPERATION_DAYS} days ago, or beyond the last "
        f"{retention.KEPT_OPERATIONS} of a service"
    )
    return Freed("operations", len(old) + len(lost), size, rule)


def _rows(store: Store, dry_run: bool) -> Freed:
    upkeep = Upkeep(store.database)
    generations = upkeep.old_generations(retention.KEPT_GENERATION_ROWS)
    services = upkeep.deleted_services(retention.remembered_since())
    if not dry_run:
        upkeep.forget_generations(generations)
        upkeep.forget_services(services)
    rule = (
        f"generations beyond the last {retention.KEPT_GENERATION_ROWS}, services deleted more "
        f"than {retention.OPERATION_DAYS} days ago"
    )
    return Freed("history", len(generations) + len(services), 0, rule)


def _service_folders(store: Store, dry_run: bool) -> Freed:
    names = _names(store.home / "services")
    known = Upkeep(store.database).service_ids()
    gone = [service_folder(store.home, name) for name in names if name not in known]
    gone = [folder for folder in gone if not _may_run(folder)]
    return _removed("services", gone, dry_run, "folders of services that do not exist any more")


def _may_run(folder: Path) -> bool:
    recorded = Recorded.read(folder)
    return recorded is not None and (
        bool(recorded.supervisor) or bool(recorded.servers) or recorded.elsewhere
    )


def _runtimes(store: Store, dry_run: bool) -> Freed:
    folder = store.home / "runtimes"
    names = [name for name in _names(folder) if not name.startswith(".")]
    used = {runtime_name()}
    for service in _names(store.home / "services"):
        settings = record.read(str(service_folder(store.home, service)), "supervisor.json") or {}
        used.add(Path(settings.get("runtime", "")).name)
    before = time.time() - retention.RUNTIME_SECONDS
    gone = [
        folder / name for name in names if name not in used and _modified(folder / name) < before
    ]
    return _removed("runtimes", gone, dry_run, "serving runtimes that no service was started from")


def _temporary(store: Store, dry_run: bool) -> Freed:
    before = time.time() - retention.ABANDONED_SECONDS
    gone = [
        path
        for folder in (store.home / "runtimes", store.home / "cache")
        for path in map(folder.joinpath, _names(folder))
        if path.name.startswith(".") and _modified(path) < before
    ]
    return _removed("temporary", gone, dry_run, "half made by processes that have died")


def _sockets(store: Store, dry_run: bool) -> Freed:
    del store
    try:
        folder = run_folder()
    except RunEnvironmentException:  # nothing of ours is there then
        return Freed("sockets", 0, 0, "control sockets that nobody listens on")
    before = time.time() - retention.SOCKET_SECONDS
    gone = [
        path
        for path in map(folder.joinpath, _names(folder))
        if _SOCKET.fullmatch(path.name) and _modified(path) < before and _is_dead(path)
    ]
    return _removed("sockets", gone, dry_run, "control sockets that nobody listens on")


def _is_dead(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return True
        except OSError:  # gone already; or its owner is too busy to take us
            return False
    return False


def _contents(store: Store, dry_run: bool) -> Freed:
    if dry_run:
        found = store.unreferenced(retention.CONTENT_SECONDS)
    else:
        found = store.remove_unreferenced(retention.CONTENT_SECONDS)
    return Freed("contents", found.files, found.size, "model files that no model names")


def _removed(kind: str, paths: list[Path], dry_run: bool, rule: str) -> Freed:
    size = _size_of(paths)
    if not dry_run:
        _remove(paths)
    return Freed(kind, len(paths), size, rule)


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 -- names, not paths
    except FileNotFoundError:
        return []


def _modified(path: Path) -> float:
    """Return when a path was last changed; the future when it is gone."""
    return _status(path, lambda status: status.st_mtime, float("inf"))


def _size_of(paths: Iterable[Path]) -> int:
    return sum(_size(path) for path in paths)


def _size(path: Path) -> int:
    """Return the bytes that removing a file or folder frees: hard links elsewhere keep theirs."""

    def own(status: os.stat_result) -> int:
        return status.st_size if stat.S_ISREG(status.st_mode) and status.st_nlink == 1 else 0

    if not path.is_dir() or path.is_symlink():
        return int(_status(path, own, 0))
    return sum(
        int(_status(Path(top) / name, own, 0)) for top, _, names in os.walk(path) for name in names
    )


def _status(path: Path, read: Callable[[os.stat_result], float], missing: float) -> float:
    try:
        return read(path.lstat())
    except FileNotFoundError:
        return missing
