"""After the machine was restarted, start again what was meant to run (DESIGN "Process target").

There is no daemon: whoever opens the workspace next does it. Only services of this
host count, whose processes belong to an earlier boot of it. A crash within a boot is the
supervisor's business, or the user's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar

from jupyter_mldeploy.deployment import PROCEDURES
from jupyter_mldeploy.deployment.folders import service_folder
from jupyter_mldeploy.errors import MLDeployError
from jupyter_mldeploy.serving.identity import Identity
from jupyter_mldeploy.serving.supervisor import record
from jupyter_mldeploy.store import Store

__all__ = ["only_looking", "start_after_restart"]

_looking: ContextVar[bool] = ContextVar("looking", default=False)


@contextmanager
def only_looking() -> Iterator[None]:
    """Start nothing in this block: nobody would see that it was done (shell completion)."""
    token = _looking.set(True)
    try:
        yield
    finally:
        _looking.reset(token)


def start_after_restart(store: Store, workspace_id: int, created_by: str) -> list[str]:
    """Start, in the background, the services that ended with the machine.

    Each is tried once a boot, whoever opens the workspace: its operation says how it went.
    Opening a workspace never fails because of it.

    Returns
    -------
    list of str
        Names of the services that are being started.
    """
    if _looking.get():
        return []
    started = []
    # What cannot be written (a newer store, a full disk) is the next command's to say.
    with suppress(MLDeployError, OSError):
        for service_id, name in store.services.meant_to_run(workspace_id):
            if _ended_with_machine(str(service_folder(store.home, service_id))):
                with suppress(MLDeployError):  # another process is about to
                    if _start(store, workspace_id, service_id, name, created_by):
                        started.append(name)
    return started


def _ended_with_machine(folder: str) -> bool:
    """Tell whether the service last ran on this host, in an earlier boot.

    Whether its supervisor was told to stop does not matter: a shutdown tells everybody.
    """
    state = record.read(folder, "process.json")
    if state is None:
        return False
    try:
        then, now = Identity.from_dict(state["supervisor"]), Identity.of(os.getpid())
    except (KeyError, TypeError, ValueError):  # damaged: whoever asks for the service says so
        return False
    return then.host == now.host and then.boot_id != now.boot_id


def _start(store: Store, workspace_id: int, service_id: str, name: str, created_by: str) -> bool:
    # Rare from here on; what an operation needs takes longer to import than all of the above.
    from jupyter_mldeploy.operations import settle, submit  # noqa: PLC0415

    boot_id = Identity.of().boot_id
    before = store.operations.list(workspace_id, subject=name, limit=20)
    for operation in before:
        settle(store, operation)  # what the machine took along must not keep the service busy
    if any(operation.payload.get("boot_id") == boot_id for operation in before):
        return False
    submit(
        store,
        workspace_id=workspace_id,
        kind="start",
        subject=name,
        payload={"service_id": service_id, "boot_id": boot_id},
        procedures=PROCEDURES,
        created_by=created_by,
    )
    return True
