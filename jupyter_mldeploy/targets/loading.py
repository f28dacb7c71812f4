"""Follow a generation from its start until it is ready, or never will be."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from jupyter_mldeploy.errors import OperationFailed, Problem

__all__ = ["Loading"]

# After how many seconds of loading to say so again, and then how often.
_TOLD_AT = (2, 5, 10, 20, 30)
_EVERY = 30


class Loading:
    """Judges the states a supervisor tells, and says how long it takes: rarely, later on.

    Parameters
    ----------
    generation
        The one that is waited for.
    limit
        Seconds it may take.
    progress
        Gets ``loading model, 12 s``.
    """

    def __init__(self, generation: int, limit: float, progress: Callable[[str], None]) -> None:
        self._generation = str(generation)
        self._limit = limit
        self._progress = progress
        self._began = time.monotonic()
        self._next = 0.0

    def done(self, event: dict[str, Any] | None) -> bool:
        """Take in an event, or that none came, and tell whether the generation is ready.

        Raises
        ------
        OperationFailed
            It never will be; ``problem`` says why.
        """
        if event is not None and self._is_ready(event):
            return True
        seconds = time.monotonic() - self._began
        if seconds >= self._next:
            slow = f" of at most {self._limit:g} s" if seconds > _TOLD_AT[-1] else ""
            self._progress(f"loading model, {seconds:.0f} s{slow}")
            later = [at for at in _TOLD_AT if at > seconds]
            self._next = later[0] if later else seconds + _EVERY
        return False

    def _is_ready(self, state: dict[str, Any]) -> bool:
        generation = state["generations"].get(self._generation, {"state": "gone"})
        now = generation["state"]
        if now == "failed":
            raise _failed(generation["error"])
        if now == "serving":  # resumed, or switched by somebody else
            servers = generation["servers"]
            broken = next((server["error"] for server in servers if server["error"]), None)
            if broken is not None:
                raise _failed(broken)
            return all(server["state"] == "ready" for server in servers)
        if now in {"loading", "ready"}:
            return bool(now == "ready")
        raise OperationFailed(
            f"Generation {self._generation} was ended while its model loaded.",
            hint="Somebody stopped the service or discarded it; the service's log says when.",
        )


def _failed(error: dict[str, Any] | None) -> OperationFailed:
    problem = Problem.from_dict(error or {"what": "The service's workers ended."})
    return OperationFailed(problem.what, problem=problem)
