"""Read an operation from any process: follow its log, wait for its end, notice a dead worker."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timezone

from jupyter_mldeploy.errors import Problem
from jupyter_mldeploy.operations.log import LogLine, OperationLog
from jupyter_mldeploy.operations.submit import SUBMITTER
from jupyter_mldeploy.serving.identity import Identity
from jupyter_mldeploy.store import OperationRecord, Store

__all__ = ["ACTIVE", "WORKER_LOST", "follow", "settle", "wait"]

ACTIVE = ("Queued", "Running")

WORKER_LOST = "WorkerLost"
"""Kind of the problem of an operation whose worker was killed."""

_POLL_SECONDS = 0.03
_LIVENESS_SECONDS = 0.5
_STARTING_SECONDS = 3.0
_QUEUED_SECONDS = 30.0


def settle(store: Store, record: OperationRecord) -> OperationRecord:
    """Return the operation's present row; one whose worker is dead becomes ``Failed``.

    A worker that cannot be judged from here (another host, another pid
    namespace) is left alone.
    """
    if record.state not in ACTIVE:
        return record
    lost = _lost(record)
    if lost:
        error_file = OperationLog(store.home, record.id).folder / "worker.err"
        last_words = ""
        if error_file.exists():
            last_words = error_file.read_text(errors="replace").strip()[-4000:]
        problem = Problem(
            what=f"{lost} in phase {record.phase!r}." if record.phase else f"{lost}.",
            hint="The status of the service says what serves now; an update that was not finished "
            "leaves what served before. Start the operation again.",
            kind=WORKER_LOST,
            traceback=last_words,
        )
        # Only from Queued or Running: a worker that ended well a moment ago keeps its result.
        store.operations.finish(record.id, "Failed", problem=problem.to_dict())
    return store.operations.get(record.id)


def _lost(record: OperationRecord) -> str:
    alive = Identity.from_dict(record.worker).alive() if record.worker else None
    if record.worker is None or SUBMITTER in record.worker:
        # No worker has been heard of. A submitter that died may have started one and not been
        # able to say so. A clock that was set back since ends the wait.
        age = (datetime.now(timezone.utc) - record.created_time).total_seconds()
        patience = _STARTING_SECONDS if alive is False else _QUEUED_SECONDS
        return "" if 0 <= age < patience else "The operation was never started"
    if alive is False:
        return "The process that carried out the operation ended unexpectedly"
    return ""


def follow(store: Store, operation_id: str, *, timeout: float | None = None) -> Iterator[LogLine]:
    """Yield the log lines of an operation, old and new, until it ends.

    Parameters
    ----------
    store
        The open store.
    operation_id
        Which operation.
    timeout
        Seconds after which to stop following; ``None`` follows to the end.

    Raises
    ------
    TimeoutError
        The operation was still at work after ``timeout`` seconds.
    """
    log = OperationLog(store.home, operation_id)
    offset = 0
    deadline = None if timeout is None else time.monotonic() + timeout
    judged = 0.0
    while True:
        # The state first: a line written before the end is then never missed.
        record = store.operations.get(operation_id)
        if record.state in ACTIVE and time.monotonic() - judged > _LIVENESS_SECONDS:
            judged = time.monotonic()
            record = settle(store, record)
        lines, offset = log.read(offset)
        yield from lines
        if record.state not in ACTIVE:
            return
        if deadline is not None and time.monotonic() >= deadline:
            msg = f"Operation {operation_id} is still at work after {timeout:g} s."
            raise TimeoutError(msg)
        time.sleep(_POLL_SECONDS)


def wait(store: Store, operation_id: str, *, timeout: float | None = None) -> OperationRecord:
    """Wait for an operation to end and return its final row.

    Raises
    ------
    TimeoutError
        It was still at work after ``timeout`` seconds.
    """
    for _ in follow(store, operation_id, timeout=timeout):
        pass
    return store.operations.get(operation_id)
