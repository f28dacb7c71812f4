"""The operations of a store: rows of slow work, whatever it is."""

from __future__ import annotations

import builtins
import secrets
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, func, insert, literal, select, update

from jupyter_mldeploy.errors import UserErrorException, WebserviceException
from jupyter_mldeploy.store.database import Database
from jupyter_mldeploy.store.records import OperationRecord, utc_now
from jupyter_mldeploy.store.rows import as_record, checked_fields
from jupyter_mldeploy.store.tables import operations

__all__ = ["Operations"]

_FIXED = frozenset({"id", "workspace_id", "kind", "subject", "created_time", "created_by"})
_OPEN = ("Queued", "Running")
_TIME_DIGITS = 12


class Operations:
    """Create, find and change operations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        workspace_id: int,
        kind: str,
        subject: str,
        *,
        created_by: str,
        payload: Mapping[str, Any] | None = None,
        worker: Mapping[str, Any] | None = None,
        exclusive: bool = False,
    ) -> OperationRecord:
        """Add an operation in state ``Queued``.

        Parameters
        ----------
        subject
            What it works on, e.g. the name of a service.
        worker
            Identity of the process that answers for it until its worker claims it.
        exclusive
            Refuse when another operation on the same subject has not ended.

        Raises
        ------
        WebserviceException
            Status 409: `exclusive`, and there is one; the message names it.
        """
        record = OperationRecord(
            id=_new_id(),
            workspace_id=workspace_id,
            kind=kind,
            subject=subject,
            state="Queued",
            created_time=utc_now(),
            created_by=created_by,
            payload=dict(payload or {}),
            worker=None if worker is None else dict(worker),
        )
        values = {each: getattr(record, each) for each in operations.c.keys()}  # noqa: SIM118
        with self._database.write() as connection:
            if exclusive:
                _refuse_second(connection, workspace_id, subject)
            last = connection.scalar(select(func.max(operations.c.id)))
            if last is not None and last > record.id:
                # The clock was set back. Ids tell which operation is the last one.
                record = replace(record, id=_new_id(int(last[:_TIME_DIGITS], 16) + 1))
                values["id"] = record.id
            connection.execute(insert(operations).values(values))
        return record

    def get(self, operation_id: str) -> OperationRecord:
        """Return the operation of that id.

        Raises
        ------
        UserErrorException
            There is none.
        """
        query = select(operations).where(operations.c.id == operation_id)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise UserErrorException(
                f"OperationNotFound: there is no operation with id {operation_id}.",
                hint="`mldeploy operation list` shows those of the workspace.",
            )
        return as_record(OperationRecord, row)

    def find(self, workspace_id: int, prefix: str) -> builtins.list[OperationRecord]:
        """Return the operations whose id begins with `prefix`, at most two: one, or not one."""
        query = select(operations).where(
            operations.c.workspace_id == workspace_id,
            operations.c.id.startswith(prefix, autoescape=True),
        )
        with self._database.read() as connection:
            rows = connection.execute(query.limit(2))
            return [as_record(OperationRecord, row) for row in rows]

    def list(
        self,
        workspace_id: int,
        *,
        subject: str | None = None,
        state: str | None = None,
        kind: str | None = None,
        limit: int = 100,
    ) -> builtins.list[OperationRecord]:
        """Return at most `limit` operations that match, the newest first."""
        query = select(operations).where(operations.c.workspace_id == workspace_id)
        for column, wanted in (("subject", subject), ("state", state), ("kind", kind)):
            if wanted is not None:
                query = query.where(operations.c[column] == wanted)
        query = query.order_by(operations.c.id.desc()).limit(limit)
        with self._database.read() as connection:
            return [as_record(OperationRecord, row) for row in connection.execute(query)]

    def update(self, operation_id: str, **fields: Any) -> None:
        """Change fields of an operation."""
        checked_fields(operations, fields, _FIXED)
        with self._database.write() as connection:
            connection.execute(
                update(operations).where(operations.c.id == operation_id).values(fields)
            )

    def claim(self, operation_id: str, worker: Mapping[str, Any]) -> OperationRecord | None:
        """Take a ``Queued`` operation to ``Running``.

        Returns
        -------
        OperationRecord or None
            The running operation; ``None`` when it was claimed, or had ended, before.
        """
        claimed = self._change(
            operation_id,
            ("Queued",),
            {
                "state": "Running",
                "worker": dict(worker),
                "started_time": _now_after("created_time"),
            },
        )
        return self.get(operation_id) if claimed else None

    def finish(
        self,
        operation_id: str,
        state: str,
        problem: Mapping[str, Any] | None = None,
        result: Mapping[str, Any] | None = None,
    ) -> bool:
        """End an operation; ``False`` when it had ended before, which then stays as it was."""
        return self._change(
            operation_id,
            _OPEN,
            {
                "state": state,
                "problem": None if problem is None else dict(problem),
                "result": None if result is None else dict(result),
                "finished_time": _now_after("started_time", "created_time"),
            },
        )

    def request_cancel(self, operation_id: str) -> bool:
        """Ask for the end of an operation; ``False`` when it has ended."""
        return self._change(operation_id, _OPEN, {"cancel_requested": True})

    def _change(self, operation_id: str, states: tuple[str, ...], values: dict[str, Any]) -> bool:
        statement = (
            update(operations)
            .where(operations.c.id == operation_id, operations.c.state.in_(states))
            .values(values)
        )
        with self._database.write() as connection:
            return connection.execute(statement).rowcount == 1


def _now_after(*columns: str) -> Any:
    """Return the present time, or the later one in those columns: nothing lasts less than 0 s."""
    # The scalar max() of SQLite, which is NULL when one of its arguments is.
    now = literal(utc_now(), operations.c.created_time.type)
    earlier = [func.coalesce(operations.c[name], operations.c.created_time) for name in columns]
    return func.max(now, *earlier, type_=operations.c.created_time.type)


def _refuse_second(connection: Connection, workspace_id: int, subject: str) -> None:
    busy = connection.execute(
        select(operations.c.id, operations.c.kind).where(
            operations.c.workspace_id == workspace_id,
            operations.c.subject == subject,
            operations.c.state.in_(_OPEN),
        )
    ).first()
    if busy is not None:
        raise WebserviceException(
            f"The {busy.kind} of {subject} is still under way (operation {busy.id}).",
            409,
            hint="Wait for it, or cancel it: "
            f"`mldeploy operation follow {busy.id[:16]}`, "
            f"`mldeploy operation cancel {busy.id[:16]}`.",
        )


def _new_id(least: int = 0) -> str:
    # 48 bits of milliseconds, then chance: sorts by time, and two never meet.
    return f"{max(least, time.time_ns() // 1_000_000):012x}{secrets.token_hex(10)}"
