"""Operations as users hold them: follow, wait, cancel, from any process."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.errors import (
    OperationCancelled,
    OperationFailed,
    Problem,
    WebserviceException,
)
from jupyter_mldeploy.operations import LogLine, OperationLog, follow, settle
from jupyter_mldeploy.operations.follow import ACTIVE
from jupyter_mldeploy.store import OperationRecord

if TYPE_CHECKING:
    from jupyter_mldeploy.sdk.workspace import Workspace

__all__ = ["Operation"]


class Operation:
    """A slow piece of work: a deployment, an update, a deletion.

    Parameters
    ----------
    workspace
        The workspace it belongs to.
    id
        Its id, or the beginning of it as far as it is unique.

    Raises
    ------
    WebserviceException
        There is none, or more than one, with that id.
    """

    def __init__(self, workspace: Workspace, id: str) -> None:  # noqa: A002 -- v1 calls ids so
        self.workspace = workspace
        records = workspace._store.operations.find(workspace._record.id, id)
        if not records:
            raise WebserviceException(
                f"OperationNotFound: Operation with id {id} not found in provided workspace",
                404,
                hint="`mldeploy operation list` shows those there are.",
            )
        if len(records) > 1:
            raise WebserviceException(
                f"{len(records)} operations begin with {id}.",
                409,
                hint="Give more characters of the id.",
            )
        self.id = records[0].id

    @classmethod
    def list(
        cls,
        workspace: Workspace,
        subject: str | None = None,
        state: str | None = None,
        limit: int = 100,
    ) -> builtins.list[Operation]:
        """List operations, the newest first.

        Parameters
        ----------
        workspace
            The workspace.
        subject
            Only those on the service of that name.
        state
            Only those in that state: ``Queued``, ``Running``, ``Succeeded``,
            ``Failed`` or ``Cancelled``.
        limit
            At most so many.
        """
        records = workspace._store.operations.list(
            workspace._record.id, subject=subject, state=state, limit=limit
        )
        return [cls._of(workspace, record) for record in records]

    @classmethod
    def _of(cls, workspace: Workspace, record: OperationRecord) -> Operation:
        operation = cls.__new__(cls)
        operation.workspace = workspace
        operation.id = record.id
        return operation

    def _row(self) -> OperationRecord:
        store = self.workspace._store
        return settle(store, store.operations.get(self.id))

    @property
    def kind(self) -> str:
        """``deploy``, ``update``, ``rollback``, ``stop``, ``start``, ``delete``..."""
        return self._row().kind

    @property
    def subject(self) -> str:
        """The name of the service it works on."""
        return self._row().subject

    @property
    def state(self) -> str:
        """``Queued``, ``Running``, ``Succeeded``, ``Failed`` or ``Cancelled``."""
        return self._row().state

    @property
    def phase(self) -> str:
        """The phase it is in, or ended in."""
        return self._row().phase or ""

    @property
    def phases(self) -> builtins.list[dict[str, Any]]:
        """Every phase with ``name``, ``state`` and ``seconds``."""
        return self._row().phases

    @property
    def progress(self) -> float | None:
        """Share of the phases that is done, 0 to 1."""
        return self._row().progress

    @property
    def error(self) -> Problem | None:
        """What went wrong, if it failed."""
        problem = self._row().problem
        return Problem.from_dict(problem) if problem else None

    @property
    def created_time(self) -> datetime:
        """When it was asked for, UTC."""
        return self._row().created_time

    def follow(self, timeout: float | None = None) -> Iterator[LogLine]:
        """Yield its log lines until it ends; see :func:`jupyter_mldeploy.operations.follow`."""
        return follow(self.workspace._store, self.id, timeout=timeout)

    def get_logs(self) -> str:
        """Return its log so far."""
        lines, _ = OperationLog(self.workspace._store.home, self.id).read()
        return "\n".join(f"{line.phase:<12} {line.text}" for line in lines)

    def wait(self, show_output: bool = False, timeout_sec: float | None = None) -> None:
        """Wait for it to succeed.

        Parameters
        ----------
        show_output
            Print its log lines as they come.
        timeout_sec
            Seconds to wait at most; the operation goes on after that.

        Raises
        ------
        OperationFailed
            It failed; the message says what, where and what to do.
        OperationCancelled
            Somebody cancelled it.
        WebserviceException
            It was still at work after ``timeout_sec``.
        """
        try:
            for line in self.follow(timeout_sec):
                if show_output:
                    print(f"{line.phase:<12} {line.text}", flush=True)  # noqa: T201
        except TimeoutError:
            raise WebserviceException(
                f"The {self.kind} of {self.subject} is still at work after {timeout_sec:g} s "
                f"(phase {self.phase}).",
                hint="It goes on. Wait again, or cancel it with "
                f"`mldeploy operation cancel {self.id[:12]}`.",
            ) from None
        record = self._row()
        if record.state == "Succeeded":
            return
        problem = Problem.from_dict(record.problem) if record.problem else Problem(what="")
        error_class = OperationCancelled if record.state == "Cancelled" else OperationFailed
        raise error_class(problem.what, hint=problem.hint, problem=problem)

    def cancel(self) -> None:
        """Ask it to stop; what it has begun is undone. Returns at once."""
        if self._row().state in ACTIVE:
            self.workspace._store.operations.request_cancel(self.id)

    def __repr__(self) -> str:
        row = self._row()
        phase = f", phase {row.phase}" if row.phase else ""
        return f"Operation({row.kind} {row.subject}, {row.state}{phase}, id={row.id})"
