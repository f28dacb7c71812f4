"""Gather what is known of a failure and have it explained.

Everything here is read: nothing is started, changed or kept. What cannot be read
is simply not known; a failure is never replaced by one of ours.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jupyter_mldeploy.bundle import Manifest, current_environment
from jupyter_mldeploy.deployment.explain import (
    Facts,
    MemoryFacts,
    ModelFacts,
    applied,
    explain,
)
from jupyter_mldeploy.deployment.folders import service_folder
from jupyter_mldeploy.deployment.request import RolloutRequest
from jupyter_mldeploy.errors import OperationCancelled, OperationFailed, Problem
from jupyter_mldeploy.operations import OperationContext
from jupyter_mldeploy.store import GenerationRecord, ServiceRecord, Store
from jupyter_mldeploy.targets import Target, load_target
from jupyter_mldeploy.targets.limits import memory_kills, read_limits

__all__ = ["diagnose", "facts_of_bundle", "failure_explained", "registered_models"]

LOG_LINES = 2000
HEADS = 20
HEAD_BYTES = 64
BESIDE = 500

logger = logging.getLogger(__name__)


@contextmanager
def failure_explained(
    context: OperationContext, service: ServiceRecord, generation: GenerationRecord, target: Target
) -> Iterator[None]:
    """Explain the failure of a start while its bundle and log are still there."""
    kills = memory_kills()
    try:
        yield
    except OperationCancelled:
        raise
    except OperationFailed as error:
        problem = diagnose(
            context.store, service, generation, error.problem, target=target, kills_before=kills
        )
        raise OperationFailed(problem.what, problem=problem) from None


def diagnose(
    store: Store,
    service: ServiceRecord,
    generation: GenerationRecord,
    problem: Problem,
    *,
    target: Target | None = None,
    kills_before: int | None = None,
) -> Problem:
    """Return the problem with cause and way out, or as it is where nothing more is known.

    Parameters
    ----------
    kills_before
        What the control group's count of kills was before the start.
    """
    try:
        log = (target or load_target(service.target)).logs(
            service_folder(store.home, service.id), LOG_LINES
        )
        request = RolloutRequest.from_payload(generation.request) if generation.request else None
        facts = facts_of_bundle(
            store.home / generation.bundle,
            problem,
            home=store.home,
            log=since_start(log, generation.number),
            models=registered_models(store, service.workspace_id, request) if request else (),
            script=Path(request.inference.entry_script) if request else None,
            alone=bool(request and not request.inference.source_directory),
            memory=_memory(kills_before),
        )
        found = explain(facts)
    except Exception:
        # A fault of ours must not take the place of the user's.
        logger.exception("The failure could not be explained.")
        return problem
    return applied(problem, found) if found else problem


def facts_of_bundle(
    bundle: Path,
    problem: Problem,
    *,
    home: Path,
    log: str = "",
    models: tuple[ModelFacts, ...] = (),
    script: Path | None = None,
    alone: bool = False,
    memory: MemoryFacts | None = None,
) -> Facts:
    """Return what a bundle tells about a failure of its servers.

    Parameters
    ----------
    home
        Workspace home, for the list of installed packages.
    script
        Path of the entry script that was deployed, absolute.
    alone
        Whether it was deployed without a source directory.
    """
    manifest = Manifest.load(bundle)
    app = bundle / "app"
    files = tuple(_files(app))
    python = str(manifest.environment.get("python", ""))
    environment = None
    with suppress(Exception):  # an interpreter that is gone tells nothing
        environment = current_environment(home, python)
    beside = tuple(_beside(script, files)) if script and alone else ()
    return Facts(
        problem=problem,
        log=log,
        app=str(app),
        script=manifest.entry_script,
        source=_text(app / manifest.entry_script),
        files=files,
        heads=_heads(app, files),
        models=models
        or tuple(ModelFacts(str(m["name"]), int(m["version"])) for m in manifest.models),
        python=python,
        python_version=str(manifest.environment.get("python_version", "")),
        packages=environment.packages if environment else {},
        imports=environment.imports if environment else {},
        beside=beside,
        folder=str(script.parent) if script else "",
        variables=tuple(sorted(manifest.environment.get("variables", {}))),
        memory=memory or MemoryFacts(),
    )


def registered_models(
    store: Store, workspace_id: int, request: RolloutRequest
) -> tuple[ModelFacts, ...]:
    """Return the models of a request with the packages that they were registered with."""
    found = []
    for model in request.models:
        known = None
        if model.path is None:
            known = store.models.get(workspace_id, model.name, model.version).registered_environment
        known = known or {}
        found.append(
            ModelFacts(
                model.name,
                model.version,
                dict(known.get("packages") or {}),
                str(known.get("python_version") or ""),
            )
        )
    return tuple(found)


def since_start(log: str, generation: int) -> str:
    """Return what was written since the supervisor last started a generation."""
    marks = (
        f"- starting generation {generation} with",
        f"- starting generation {generation} again",
    )
    return log[max(log.rfind(mark) for mark in marks) :] if any(m in log for m in marks) else log


def _memory(before: int | None) -> MemoryFacts:
    after = memory_kills()
    kills = None if before is None or after is None else after - before
    return MemoryFacts(read_limits().memory_limit, kills)


def _files(app: Path) -> Iterator[str]:
    for top, folders, names in os.walk(app):
        folders.sort()
        for name in sorted(names):
            yield os.path.relpath(os.path.join(top, name), app)  # noqa: PTH118


def _beside(script: Path, deployed: tuple[str, ...]) -> Iterator[str]:
    """Yield what is in the script's folder, and was not deployed, two levels deep."""
    count = 0
    for pattern in ("*", "*/*"):
        for path in sorted(script.parent.glob(pattern)):
            count += 1
            if count > BESIDE:
                return
            name = path.relative_to(script.parent).as_posix()
            if path.is_file() and name not in deployed and path != script:
                yield name


def _heads(app: Path, files: tuple[str, ...]) -> dict[str, bytes]:
    found = {}
    for name in [name for name in files if name.startswith("azureml-models/")][:HEADS]:
        with suppress(OSError), (app / name).open("rb") as file:
            found[name] = file.read(HEAD_BYTES)
    return found


def _text(path: Path) -> str:
    with suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace")
    return ""
