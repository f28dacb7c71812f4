"""Write an operation's row and start its worker, detached from the caller."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

from jupyter_mldeploy.errors import Problem, StoreError
from jupyter_mldeploy.operations.log import OperationLog
from jupyter_mldeploy.serving.identity import Identity
from jupyter_mldeploy.store import OperationRecord, Store

__all__ = ["SUBMITTER", "submit"]

SUBMITTER = "submitter"
"""Marks, in an operation's ``worker``, the process that submits it and has not started one yet."""


def submit(
    store: Store,
    *,
    workspace_id: int,
    kind: str,
    subject: str,
    payload: dict[str, Any],
    procedures: str,
    created_by: str,
    prepare: Callable[[], object] = lambda: None,
) -> OperationRecord:
    """Start slow work that outlives the caller.

    Parameters
    ----------
    store
        The open store; the worker opens the same one.
    workspace_id, kind, subject
        What the operation is, and on what (a service's name).
    payload
        The request, JSON-able and without secrets.
    procedures
        Module that registers the body of ``kind``.
    created_by
        Who asked.
    prepare
        Called when the operation has its turn on the subject, before its worker starts.

    Returns
    -------
    OperationRecord
        The new row. The worker has been started.

    Raises
    ------
    WebserviceException
        Another operation on the same subject is still at work.
    StoreError
        The worker could not be started (disk full, too many processes).
    """
    record = store.operations.create(
        workspace_id=workspace_id,
        kind=kind,
        subject=subject,
        payload=payload,
        created_by=created_by,
        worker={**Identity.of().to_dict(), SUBMITTER: True},
        exclusive=True,
    )
    try:
        prepare()
        _spawn(store, record, procedures)
    except OSError as error:
        failure = StoreError(
            f"The worker of the operation could not be started: {error}.",
            hint="Check the space and the permissions in the home folder: `mldeploy doctor`.",
        )
        store.operations.finish(record.id, "Failed", problem=failure.problem.to_dict())
        raise failure from error
    except BaseException as error:
        problem = getattr(error, "problem", None) or Problem(what=f"It was not started: {error}")
        store.operations.finish(record.id, "Failed", problem=problem.to_dict())
        raise
    return record


def _spawn(store: Store, record: OperationRecord, procedures: str) -> None:
    log = OperationLog(store.home, record.id)
    log.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    # The database URL may hold a password: by environment, never in the process list.
    environment = {**os.environ, "MLDEPLOY_HOME": str(store.home)}
    for name, url in (
        ("MLDEPLOY_DATABASE_URL", store.database_url),
        ("MLDEPLOY_ARTIFACT_URL", store.artifact_url),
    ):
        environment.pop(name, None)
        if url:
            environment[name] = url
    errors = os.open(log.folder / "worker.err", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_mldeploy.operations.worker", record.id, procedures],
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            env=environment,
            # `-m` puts the working folder first on sys.path: one where no file of the user's
            # can stand in for a module.
            cwd=log.folder,
            start_new_session=True,
        )
    finally:
        os.close(errors)
    store.operations.update(record.id, worker=Identity.of(process.pid).to_dict())
    # A zombie would keep its pid until this process ends.
    threading.Thread(target=process.wait, name=f"reap-{record.id}", daemon=True).start()
