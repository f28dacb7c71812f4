"""From a supervisor's state, told or only recorded, to what the target reports."""

from __future__ import annotations

from typing import Any

from jupyter_mldeploy.errors import Problem
from jupyter_mldeploy.serving.identity import Identity
from jupyter_mldeploy.targets.base import Observation, Status, WorkerState
from jupyter_mldeploy.targets.supervision import Recorded

__all__ = ["of_record", "of_state", "unhealthy"]


def of_state(state: dict[str, Any]) -> Observation:
    """Return what a living supervisor says."""
    return Observation(
        status=Status(state["status"]),
        reason=state["reason"],
        port=state["port"],
        generation=state["serving"] if state["stopped"] is None else None,
        workers=_workers(state),
        problem=_problem(state["problem"]),
        health_port=state["health_port"],
    )


def of_record(recorded: Recorded) -> Observation:
    """Return what can be said of a service whose supervisor does not live."""
    state = recorded.state
    port = state["port"]
    if state["stopped"] is not None:
        why = state["stopped"]["why"]
        return Observation(Status.STOPPED, f"It was stopped: {why}.", port)
    if recorded.elsewhere:
        return unhealthy(
            recorded,
            f"It runs on {recorded.host}, or in another container; from here it cannot be seen.",
        )
    if not Identity.from_dict(state["supervisor"]).is_same_place():
        return Observation(
            Status.STOPPED,
            "The machine was restarted; the service has not been started since.",
            port,
        )
    what = "Its supervisor and all its workers were killed."
    problem = Problem(
        what=what,
        hint="Start it again with service.start(); if it happens again, look at the machine's "
        "memory first.",
    )
    return Observation(Status.CRASHED, what, port, problem=problem)


def unhealthy(recorded: Recorded, reason: str) -> Observation:
    """Return that something is there which cannot be asked."""
    state = recorded.state
    return Observation(Status.UNHEALTHY, reason, state["port"], state["serving"])


def _workers(state: dict[str, Any]) -> tuple[WorkerState, ...]:
    """Return the workers of the generation that serves, else of the newest."""
    generations = state["generations"]
    if not generations:
        return ()
    number = str(state["serving"])
    if not generations.get(number, {}).get("servers"):
        number = max(generations, key=int)
    return tuple(
        WorkerState(
            slot=server["slot"],
            pid=server["identity"]["pid"] if server["identity"] else 0,
            state=server["state"],
            restarts=server["restarts"],
            rss=server.get("rss"),
            requests=server.get("requests"),
            failure=_problem(server.get("failure")),
        )
        for server in generations[number]["servers"]
    )


def _problem(error: dict[str, Any] | None) -> Problem | None:
    return Problem.from_dict(error) if error else None
