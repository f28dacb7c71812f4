"""All rules, in the order they are asked: the special before the general."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from jupyter_mldeploy.deployment.explain import (
    imports,
    limits,
    model_files,
    paths,
    pickles,
    processes,
    requests,
    script,
    system,
)
from jupyter_mldeploy.deployment.explain.explanation import Explanation
from jupyter_mldeploy.deployment.explain.facts import Facts

__all__ = ["RULES", "explain"]

Rule = Callable[[Facts], Explanation | None]

RULES: tuple[Rule, ...] = (
    *requests.RULES,
    *processes.RULES,
    *limits.RULES,
    *pickles.RULES,
    *imports.RULES,
    *script.RULES,
    *model_files.RULES,
    *system.RULES,
    *paths.RULES,
)


def explain(facts: Facts) -> Explanation | None:
    """Return what the first rule says that has its evidence; ``None`` when none has."""
    for rule in RULES:
        found = rule(facts)
        if found is not None:
            return replace(found, rule=rule.__name__)
    return None
