"""How long what is kept is kept: every number of the rule, and the part done with each deploy.

========================  =======================================================================
what                      stays
========================  =======================================================================
bundles                   of what serves, of the last 5 retired generations of a service, and
                          what a live operation builds
generations               their rows: as long as their bundle, then the newest 50 of a service
operations                30 days, and the newest 50 of a service; the last one always
deleted services          their rows: 30 days
serving runtimes          that a service was started from, this version's, and for a day after use
model contents            that a model names, and for an hour after they were last added
logs of services          10 MB in each of 5 files (:mod:`jupyter_mldeploy.serving.log_file`)
logs of operations        10 MB (:mod:`jupyter_mldeploy.operations.log`)
half-made files           as long as the process that makes them lives, an hour where that cannot
                          be known
========================  =======================================================================

:func:`tidy_service` is done by every deploy, all of it by :mod:`.collect` on request.
"""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta, timezone

from jupyter_mldeploy.store import Store
from jupyter_mldeploy.store.upkeep import Upkeep

__all__ = [
    "ABANDONED_SECONDS",
    "CONTENT_SECONDS",
    "KEPT_GENERATIONS",
    "KEPT_GENERATION_ROWS",
    "KEPT_OPERATIONS",
    "OPERATION_DAYS",
    "RUNTIME_SECONDS",
    "SOCKET_SECONDS",
    "forget_operation_logs",
    "forget_operations",
    "prune_generations",
    "remembered_since",
    "tidy_service",
]

KEPT_GENERATIONS = 5
"""Retired generations of a service whose bundles stay, the newest first."""
KEPT_GENERATION_ROWS = 50
"""Generations of a service that never serve again and are still in its history."""
KEPT_OPERATIONS = 50
"""Operations of a service that are remembered, the newest first."""
OPERATION_DAYS = 30
"""Days after their end for which operations and deleted services are remembered."""
RUNTIME_SECONDS = 24 * 3600.0
"""Seconds since its last use after which a serving runtime that nothing names goes."""
CONTENT_SECONDS = 3600.0
"""Seconds since it was last added after which a content that no model names goes."""
ABANDONED_SECONDS = 3600.0
"""Age of a half-made folder whose maker nobody can name."""
SOCKET_SECONDS = 60.0
"""Age of a control socket that nobody listens on; it is new while its owner is about to."""


def remembered_since() -> datetime:
    """Return the time before which operations and deleted services are forgotten."""
    return datetime.now(timezone.utc) - timedelta(days=OPERATION_DAYS)


def tidy_service(store: Store, service_id: str) -> None:
    """Do what is due for one service; cheap enough for the end of every deploy."""
    prune_generations(store, service_id)
    upkeep = Upkeep(store.database)
    old = upkeep.old_generations(KEPT_GENERATION_ROWS, service_id)
    if old:
        upkeep.forget_generations(old)
    forget_operations(
        store, upkeep.finished_operations(remembered_since(), KEPT_OPERATIONS, service_id)
    )


def prune_generations(store: Store, service_id: str) -> None:
    """Remove the bundles of retired generations beyond :data:`KEPT_GENERATIONS`.

    A bundle that a kept generation shares (a rollback reuses bundles) stays. Only for an
    operation on that service: nobody else may then roll back to what is removed.
    """
    generations = store.services.generations(service_id)
    retired = sorted(
        (g for g in generations if g.state == "retired"), key=lambda g: g.number, reverse=True
    )
    kept = {g.bundle for g in retired[:KEPT_GENERATIONS]}
    kept.update(g.bundle for g in generations if g.state in {"serving", "staged"})
    for generation in retired[KEPT_GENERATIONS:]:
        # The row first: one that says "retired" has its bundle.
        store.services.set_generation_state(service_id, generation.number, "pruned")
        if generation.bundle not in kept:
            shutil.rmtree(store.home / generation.bundle, ignore_errors=True)


def forget_operations(store: Store, ids: list[str]) -> None:
    """Remove operations that have ended, with their logs."""
    if ids:
        # The rows first: a folder without a row is found again, a row without a log is not.
        Upkeep(store.database).forget_operations(ids)
        forget_operation_logs(store, ids)


def forget_operation_logs(store: Store, ids: list[str]) -> None:
    """Remove the logs of operations whose rows are gone."""
    for each in ids:
        shutil.rmtree(store.home / "operations" / each, ignore_errors=True)
