"""Which generations are kept for a rollback."""

from __future__ import annotations

import shutil

from jupyter_mldeploy.store import Store

__all__ = ["KEPT_GENERATIONS", "prune_generations"]

KEPT_GENERATIONS = 5
"""Retired generations of a service whose bundles stay, the newest first."""


def prune_generations(store: Store, service_id: str) -> None:
    """Remove the bundles of retired generations beyond :data:`KEPT_GENERATIONS`.

    A bundle that a kept generation shares (a rollback reuses bundles) stays.
    """
    generations = store.services.generations(service_id)
    retired = sorted(
        (g for g in generations if g.state == "retired"), key=lambda g: g.number, reverse=True
    )
    kept = {g.bundle for g in retired[:KEPT_GENERATIONS]}
    kept.update(g.bundle for g in generations if g.state in {"serving", "staged"})
    for generation in retired[KEPT_GENERATIONS:]:
        if generation.bundle not in kept:
            shutil.rmtree(store.home / generation.bundle, ignore_errors=True)
        store.services.set_generation_state(service_id, generation.number, "pruned")
