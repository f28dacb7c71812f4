"""The workspaces of a store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from jupyter_mldeploy.errors import UserErrorException
from jupyter_mldeploy.store.database import Database
from jupyter_mldeploy.store.records import WorkspaceRecord, utc_now
from jupyter_mldeploy.store.rows import as_record
from jupyter_mldeploy.store.tables import workspaces

__all__ = ["Workspaces"]


class Workspaces:
    """Create and find workspaces."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> WorkspaceRecord | None:
        """Return the workspace of that name, or ``None``."""
        return self._one(workspaces.c.name == name)

    def get_by_id(self, workspace_id: int) -> WorkspaceRecord | None:
        """Return the workspace of that row number, or ``None``."""
        return self._one(workspaces.c.id == workspace_id)

    def create(self, name: str, config: Mapping[str, Any] | None = None) -> WorkspaceRecord:
        """Add a workspace.

        Raises
        ------
        UserErrorException
            There is one of that name already.
        """
        record = WorkspaceRecord(0, name, utc_now(), dict(config or {}))
        values = {
            "name": name,
            "created_time": record.created_time,
            "config": record.config,
        }
        try:
            with self._database.write() as connection:
                result = connection.execute(insert(workspaces).values(values))
                (number,) = result.inserted_primary_key or (0,)
        except IntegrityError as error:
            raise UserErrorException(
                f"There is a workspace with name {name} already.",
                hint=f"Open it with Workspace.get({name!r}), or pass exist_ok=True.",
            ) from error
        return replace(record, id=number)

    def set_config(self, workspace_id: int, config: Mapping[str, Any]) -> None:
        """Replace the configuration kept with a workspace."""
        with self._database.write() as connection:
            connection.execute(
                update(workspaces)
                .where(workspaces.c.id == workspace_id)
                .values(config=dict(config))
            )

    def list(self) -> list[WorkspaceRecord]:
        """Return all workspaces by name."""
        with self._database.read() as connection:
            rows = connection.execute(select(workspaces).order_by(workspaces.c.name)).all()
        return [as_record(WorkspaceRecord, row) for row in rows]

    def _one(self, condition: Any) -> WorkspaceRecord | None:
        with self._database.read() as connection:
            row = connection.execute(select(workspaces).where(condition)).first()
        return None if row is None else as_record(WorkspaceRecord, row)
