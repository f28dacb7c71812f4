"""What a service's state is now: its row, its last operation and its target, put together."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from jupyter_mldeploy.deployment.diagnosis import diagnose
from jupyter_mldeploy.deployment.folders import service_folder
from jupyter_mldeploy.deployment.leftovers import clear_leftovers
from jupyter_mldeploy.deployment.reconcile import reconcile
from jupyter_mldeploy.errors import Problem, WebserviceException
from jupyter_mldeploy.operations import settle
from jupyter_mldeploy.operations.follow import ACTIVE, WORKER_LOST
from jupyter_mldeploy.store import OperationRecord, ServiceRecord, Store
from jupyter_mldeploy.targets import Observation, Status, WorkerState, load_target

__all__ = ["V1_STATES", "ServiceState", "last_operation", "observe"]

# The v1 local service's words for ours (spec section 4.1).
V1_STATES = {
    Status.BUILDING: "deploying",
    Status.STARTING: "deploying",
    Status.HEALTHY: "running",
    Status.UNHEALTHY: "failed",
    Status.CRASHED: "failed",
    Status.FAILED: "failed",
    Status.STOPPED: "unknown",
}

_BUILD_PHASES = {"", "check", "stage", "environment"}

_diagnosed: dict[tuple[str, int, str], Problem] = {}


@dataclass(frozen=True)
class ServiceState:
    """A service's state with the reason beside it.

    Parameters
    ----------
    status
        Our word.
    reason
        One sentence.
    problem
        What went wrong last, if anything did.
    observation
        What the target reported; ``None`` when nothing is in service there.
    operation
        The last operation on the service, if any.
    """

    status: Status
    reason: str
    problem: Problem | None
    observation: Observation | None
    operation: OperationRecord | None

    @property
    def workers(self) -> tuple[WorkerState, ...]:
        """The server processes there are."""
        return self.observation.workers if self.observation else ()

    @property
    def v1(self) -> str:
        """The v1 word for the status (spec section 4.1)."""
        return V1_STATES[self.status]


def last_operation(store: Store, service: ServiceRecord) -> OperationRecord | None:
    """Return the last operation on the service, a dead worker's already marked as failed."""
    found = store.operations.list(service.workspace_id, subject=service.name, limit=1)
    return settle(store, found[0]) if found else None


def observe(store: Store, service: ServiceRecord) -> ServiceState:
    """Ask the service's target, never the memory of what was started."""
    operation = last_operation(store, service)
    active = operation is not None and operation.state in ACTIVE
    target = load_target(service.target)
    if operation is not None and _lost(operation):
        # Said again at every look until the next operation: this look may be killed as well.
        with contextlib.suppress(WebserviceException):  # it runs elsewhere: cleared there
            service = clear_leftovers(store, service, target)
    seen = target.observe(service_folder(store.home, service.id))
    if not active:
        service = reconcile(store, service, seen)
    if service.serving_generation is None or (active and service.desired_state == "stopped"):
        return _not_in_service(service, operation)
    if service.desired_state == "stopped":
        return _stopped(operation)
    if seen.status is Status.STOPPED and operation and operation.kind == "start":
        if active:
            return ServiceState(Status.STARTING, _under_way(operation), None, seen, operation)
        if _problem_of(operation):
            return _not_in_service(service, operation)
    return _in_service(store, service, operation, seen)


def _in_service(
    store: Store, service: ServiceRecord, operation: OperationRecord | None, seen: Observation
) -> ServiceState:
    problem = Problem.from_dict(service.problem) if service.problem else _problem_of(operation)
    reason = seen.reason
    if operation and operation.state in ACTIVE:
        reason = f"{reason} {_under_way(operation)}"
    elif problem and operation and seen.status is Status.HEALTHY:
        reason = f"{reason} The last {operation.kind} failed."
    problem = _explained(store, service, seen) or problem
    return ServiceState(seen.status, reason.strip(), problem, seen, operation)


def _explained(store: Store, service: ServiceRecord, seen: Observation) -> Problem | None:
    """Return what is wrong with what serves, with cause and way out.

    A worker that died comes first, then the last request that the script failed.
    """
    failures = (worker.failure for worker in seen.workers)
    reported = seen.problem or next((failure for failure in failures if failure), None)
    if reported is None or seen.generation is None:
        return reported
    key = (service.id, seen.generation, reported.what)
    if key not in _diagnosed:
        generation = store.services.generation(service.id, seen.generation)
        if generation is None:
            return reported
        _diagnosed.clear()  # one is enough: a service is looked at again and again
        _diagnosed[key] = diagnose(store, service, generation, reported)
    return _diagnosed[key]


def _lost(operation: OperationRecord) -> bool:
    return operation.state == "Failed" and (operation.problem or {}).get("kind") == WORKER_LOST


def _under_way(operation: OperationRecord) -> str:
    phase = f", phase {operation.phase}" if operation.phase else ""
    return f"{operation.kind.capitalize()} under way{phase}."


def _stopped(operation: OperationRecord | None) -> ServiceState:
    return ServiceState(Status.STOPPED, "It was stopped on request.", None, None, operation)


def _problem_of(operation: OperationRecord | None) -> Problem | None:
    if operation and operation.problem and operation.state == "Failed":
        return Problem.from_dict(operation.problem)
    return None


def _not_in_service(service: ServiceRecord, operation: OperationRecord | None) -> ServiceState:
    if operation and operation.state in ACTIVE:
        building = (operation.phase or "") in _BUILD_PHASES
        status = Status.BUILDING if building else Status.STARTING
        return ServiceState(status, _under_way(operation), None, None, operation)
    if service.desired_state == "stopped" and service.serving_generation is not None:
        return _stopped(operation)
    # The script's own failure is a crash; what failed before or after it is ours to name.
    problem = _problem_of(operation)
    crashed = problem is not None and operation is not None and operation.phase == "start"
    status = Status.CRASHED if crashed else Status.FAILED
    reason = problem.what if problem else "It has never been in service."
    return ServiceState(status, reason, problem, None, operation)
