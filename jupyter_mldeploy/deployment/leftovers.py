"""Clear away what rollouts left whose worker was killed. By rule, at the next look; no daemon.

The rule is the operation: a generation that is still staged, or a bundle that no
generation keeps, is left over when the operation that made it has ended. What an
operation at work makes is never touched, so everybody may clear at any time.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

from jupyter_mldeploy.deployment.folders import service_folder
from jupyter_mldeploy.deployment.reconcile import reconcile
from jupyter_mldeploy.errors import UserErrorException
from jupyter_mldeploy.store import ServiceRecord, Store
from jupyter_mldeploy.targets import Target

__all__ = ["clear_leftovers"]

_ACTIVE = ("Queued", "Running")
_KEPT = ("staged", "serving", "retired")
# Length of an operation's id, which is the name of the bundle that the operation makes.
_ID = 32


def clear_leftovers(
    store: Store, service: ServiceRecord, target: Target, own: str = ""
) -> ServiceRecord:
    """Discard what ended operations left unfinished; return the service's row as it is then.

    Parameters
    ----------
    store, service, target
        Whose leftovers.
    own
        Id of the caller's own operation, which has not ended but is about to.

    Raises
    ------
    WebserviceException
        The service runs where it cannot be reached from here.
    """
    folder = service_folder(store.home, service.id)
    # A generation that took the traffic is no leftover, whatever its row says.
    service = reconcile(store, service, target.observe(folder))
    for generation in store.services.generations(service.id):
        if generation.state == "staged" and _ended(store, generation.operation_id, own):
            target.discard(folder, generation.number)
            store.services.set_generation_state(service.id, generation.number, "failed")
    generations = store.services.generations(service.id)
    kept = {g.bundle for g in generations if g.state in _KEPT}
    dropped = {g.bundle for g in generations} - kept
    for name in _bundles(store):
        bundle = f"bundles/{name}"
        if bundle in dropped or (bundle not in kept and _is_of(store, name, service, own)):
            shutil.rmtree(store.home / bundle, ignore_errors=True)
    return service


def _bundles(store: Store) -> Iterator[str]:
    try:
        yield from os.listdir(store.home / "bundles")  # noqa: PTH208  (names, not paths)
    except FileNotFoundError:
        return


def _ended(store: Store, operation_id: str | None, own: str) -> bool:
    if not operation_id or operation_id == own:
        return True
    try:
        return store.operations.get(operation_id).state not in _ACTIVE
    except UserErrorException:  # forgotten, long after its end
        return True


def _is_of(store: Store, name: str, service: ServiceRecord, own: str) -> bool:
    """Tell whether an ended operation on that service made the bundle, or half of it."""
    operation_id = name.lstrip(".")[:_ID]
    try:
        operation = store.operations.get(operation_id)
    except UserErrorException:
        return False
    return (
        operation.workspace_id == service.workspace_id
        and operation.subject == service.name
        and _ended(store, operation_id, own)
    )
