"""Memory and depth that were not enough."""

from __future__ import annotations

from jupyter_mldeploy.deployment.explain.explanation import Explanation
from jupyter_mldeploy.deployment.explain.facts import Facts
from jupyter_mldeploy.errors import Fix

__all__ = ["RULES", "size"]


def out_of_memory(facts: Facts) -> Explanation | None:
    """Tell of a process that the kernel ended for lack of memory, where the kernel counted it."""
    if facts.kind != "SIGKILL" or not facts.memory.kills:
        return None
    limit = f", whose limit is {size(facts.memory.limit)}" if facts.memory.limit else ""
    return Explanation(
        f"The service used more memory than it may and the kernel ended it: its control group "
        f"counted {facts.memory.kills} such kills during the start{limit}.",
        "Use fewer workers or a smaller model, or raise the memory limit of the machine or "
        "container.",
        Fix("more_memory", {"limit": facts.memory.limit}),
        alone=True,
    )


def killed(facts: Facts) -> Explanation | None:
    """Say that a process was killed and that memory is not known to be the reason."""
    if facts.kind != "SIGKILL":
        return None
    if facts.memory.kills is None:
        told = "whether for lack of memory cannot be read here"
    else:
        told = "its control group counted no kill for lack of memory"
    doing = "while serving" if "while serving" in facts.problem.what else "while loading the model"
    return Explanation(
        f"Somebody killed a worker with SIGKILL {doing}; {told}.",
        "If nobody did it by hand, `dmesg` or the container's events may say who; with little "
        "memory, use fewer workers or a smaller model.",
        alone=True,
    )


def memory_refused(facts: Facts) -> Explanation | None:
    """Tell of an allocation that failed."""
    if facts.kind not in {"MemoryError", "_ArrayMemoryError"}:
        return None
    return Explanation(
        "The script asked for more memory than the process may have.",
        "Load less at once (memory-map arrays with mmap_mode='r'), use fewer workers, or give it "
        "more memory.",
        Fix("more_memory", {"limit": facts.memory.limit}),
    )


def too_deep(facts: Facts) -> Explanation | None:
    """Tell of functions that call each other without end."""
    if facts.kind != "RecursionError":
        return None
    return Explanation(
        "Functions call each other without end, or data is nested too deeply.",
        "Look at the line that repeats in the traceback for the condition that should end it.",
    )


def size(count: int) -> str:
    """Return bytes in words."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


RULES = (out_of_memory, killed, memory_refused, too_deep)
