"""Whether port, memory and disk allow the deployment, by the container's limits."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from jupyter_mldeploy.deployment.explain.limits import size
from jupyter_mldeploy.deployment.preflight.finding import Finding
from jupyter_mldeploy.deployment.preflight.subject import Subject
from jupyter_mldeploy.errors import Fix
from jupyter_mldeploy.targets.limits import memory_used, read_limits

__all__ = ["findings"]

# A server without a model (measured), and what a bundle needs beside its files.
SERVER_BYTES = 45_000_000
BUNDLE_BYTES = 10_000_000


def findings(subject: Subject) -> Iterator[Finding]:
    """Yield what is too small."""
    yield from _memory(subject)
    yield from _disk(subject)


def _memory(subject: Subject) -> Iterator[Finding]:
    limits = read_limits()
    known = [each for each in (limits.memory, limits.memory_limit) if each is not None]
    if not known:
        return
    limit = min(known)
    contained = limits.memory_limit is not None and limits.memory_limit == limit
    workers = subject.effective.workers
    models = sum(sum(model.files.values()) for model in subject.models)
    need = workers * (models + SERVER_BYTES)
    fix = Fix("more_memory", {"bytes": need, "limit": limit})
    whose = "this container" if contained else "this machine"
    if need > limit:
        yield Finding(
            "error",
            "memory",
            f"{workers} workers need at least {size(need)} (each loads {size(models)} of models); "
            f"{whose} has {size(limit)}.",
            "Use fewer workers, a smaller model, or more memory.",
            fix=fix,
        )
        return
    used = (memory_used() or 0) if contained else 0
    if need > limit - used:
        yield Finding(
            "warning",
            "memory",
            f"{workers} workers need at least {size(need)}; of the {size(limit)} of {whose} "
            f"{size(limit - used)} are free.",
            "Stop what is not needed, or use fewer workers.",
            fix=fix,
        )


def _disk(subject: Subject) -> Iterator[Finding]:
    folder = next(each for each in (subject.home, *subject.home.parents) if each.is_dir())
    free = shutil.disk_usage(folder).free
    # Models share their blocks with the store or are linked: only local ones are copied.
    local = [model for model in subject.models if model.version == 0]
    need = sum(subject.sources.values()) + BUNDLE_BYTES
    need += sum(sum(model.files.values()) for model in local)
    if need > free:
        yield Finding(
            "error",
            "disk",
            f"The deployment needs {size(need)} in {folder}; {size(free)} are free.",
            "Free some space, or set MLDEPLOY_HOME to another disk.",
        )
