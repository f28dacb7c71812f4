"""How much processor and memory this process may use, containers' limits included."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Limits", "memory_kills", "memory_used", "read_limits"]

_NO_LIMIT = 1 << 60
"""Version 1 writes a number near 2**63 for "no limit"."""


@dataclass(frozen=True)
class Limits:
    """What is there, and what of it this process may use.

    Parameters
    ----------
    processors
        Processors that this process may run on.
    processor_quota
        Processors' worth of time a control group allows; ``None`` without such a limit.
    memory
        Bytes of the machine; ``None`` when they cannot be told.
    memory_limit
        Bytes a control group allows; ``None`` without such a limit.
    """

    processors: int
    processor_quota: float | None
    memory: int | None
    memory_limit: int | None


def read_limits(root: Path = Path("/")) -> Limits:
    """Read the machine's size and the limits of control groups, version 1 and 2.

    Parameters
    ----------
    root
        Where ``proc`` and the control groups' file systems are.
    """
    quotas = [quota for folder in _folders(root, "cpu") for quota in _quota(folder)]
    limits = [limit for folder in _folders(root, "memory") for limit in _memory(folder)]
    return Limits(
        processors=_processors(),
        processor_quota=min(quotas, default=None),
        memory=_machine_memory(),
        memory_limit=min(limits, default=None),
    )


def memory_kills(root: Path = Path("/")) -> int | None:
    """Return how often the kernel has ended a process of our control group for lack of memory.

    ``None`` where that cannot be read.
    """
    for folder in _folders(root, "memory"):
        for name in ("memory.events", "memory.oom_control"):  # version 2, version 1
            found = re.search(r"^oom_kill (\d+)$", _text(folder / name), re.MULTILINE)
            if found:
                return int(found[1])
    return None


def memory_used(root: Path = Path("/")) -> int | None:
    """Return the bytes that the group with the tightest limit uses, caches left out.

    ``None`` without a limit, or where that cannot be read.
    """
    tightest: tuple[int, int] | None = None
    for folder in _folders(root, "memory"):
        for limit in _memory(folder):
            used = _used(folder)
            if used is not None and (tightest is None or limit < tightest[0]):
                tightest = (limit, used)
    return tightest[1] if tightest else None


def _used(folder: Path) -> int | None:
    for name in ("memory.current", "memory.usage_in_bytes"):
        text = _text(folder / name)
        if text.isdecimal():
            # What the kernel can give back at once is not in anybody's way.
            cache = re.search(
                r"^(?:total_)?inactive_file (\d+)$", _text(folder / "memory.stat"), re.MULTILINE
            )
            return max(0, int(text) - (int(cache[1]) if cache else 0))
    return None


def _processors() -> int:
    # Not on macOS.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _machine_memory() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return None


def _quota(folder: Path) -> Iterator[float]:
    both = _text(folder / "cpu.max").split()  # version 2: "200000 100000" or "max 100000"
    if len(both) != 2:
        both = [_text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us")]
    if both[0].isdecimal() and both[1].isdecimal() and int(both[1]) > 0:
        yield int(both[0]) / int(both[1])


def _memory(folder: Path) -> Iterator[int]:
    for name in ("memory.max", "memory.limit_in_bytes"):
        text = _text(folder / name)
        if text.isdecimal() and int(text) < _NO_LIMIT:
            yield int(text)


def _folders(root: Path, controller: str) -> Iterator[Path]:
    """Yield the folders of our control group and of those above it, which limit us as well."""
    groups = _groups(root)
    for mount, kind, options in _mounts(root):
        if kind == "cgroup2":
            group = groups.get("", "/")
        elif controller in options.split(","):
            group = groups.get(controller, "/")
        else:
            continue
        # In a container the group may be named as the host sees it: then its mount is ours.
        folder = mount / group.strip("/")
        while folder != mount and mount in folder.parents:
            yield folder
            folder = folder.parent
        yield mount


def _groups(root: Path) -> dict[str, str]:
    """Return our control group by controller; version 2's under the empty name."""
    found = {}
    for line in _text(root / "proc/self/cgroup").splitlines():
        _number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        for controller in controllers.split(","):
            found[controller] = path
    return found


def _mounts(root: Path) -> Iterator[tuple[Path, str, str]]:
    """Yield mount point, kind and options of the control groups' file systems."""
    for line in _text(root / "proc/self/mountinfo").splitlines():
        before, dash, after = line.partition(" - ")
        fields, kind = before.split(" "), after.split(" ")
        if dash and len(fields) > 4 and len(kind) > 2 and kind[0] in {"cgroup", "cgroup2"}:
            point = re.sub(r"\\(\d{3})", lambda found: chr(int(found[1], 8)), fields[4])
            yield root / point.lstrip("/"), kind[0], kind[2]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
