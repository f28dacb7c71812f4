"""Which rows are over, and what still names a file: the store's side of retention."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, delete, func, or_, select

from jupyter_mldeploy.errors import WebserviceException
from jupyter_mldeploy.store.database import Database
from jupyter_mldeploy.store.records import OperationRecord
from jupyter_mldeploy.store.rows import as_record
from jupyter_mldeploy.store.tables import (
    generations,
    model_files,
    model_names,
    models,
    operations,
    service_models,
    services,
    workspaces,
)

__all__ = ["Upkeep"]

_OPEN = ("Queued", "Running")
_OVER = ("pruned", "failed")
_IN_USE = ("staged", "serving", "retired")
# SQLite takes so many values in one statement.
_BATCH = 500


class Upkeep:
    """Find and remove rows that nobody needs, in all workspaces of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open_operations(self) -> list[OperationRecord]:
        """Return the operations that have not ended."""
        query = select(operations).where(operations.c.state.in_(_OPEN))
        with self._database.read() as connection:
            return [as_record(OperationRecord, row) for row in connection.execute(query)]

    def operation_ids(self) -> set[str]:
        """Return the ids of all operations."""
        with self._database.read() as connection:
            return set(connection.scalars(select(operations.c.id)))

    def service_ids(self) -> set[str]:
        """Return the ids of all services that are not deleted."""
        with self._database.read() as connection:
            return set(connection.scalars(select(services.c.id).where(~services.c.deleted)))

    def bundles(self) -> set[str]:
        """Return the bundles of generations that serve, may serve again, or are being started."""
        query = (
            select(generations.c.bundle)
            .join(services, services.c.id == generations.c.service_id)
            .where(~services.c.deleted, generations.c.state.in_(_IN_USE))
        )
        with self._database.read() as connection:
            return set(connection.scalars(query))

    def finished_operations(
        self, before: datetime, most: int, service_id: str | None = None
    ) -> list[str]:
        """Return the ids of ended operations to forget.

        Parameters
        ----------
        before
            Those that ended before it.
        most
            And those beyond the newest so many on one subject.
        service_id
            Only those on that service.

        The newest on a service that exists always stays: it says how the service came to
        be as it is.
        """
        rank = func.row_number().over(
            partition_by=(operations.c.workspace_id, operations.c.subject),
            order_by=operations.c.id.desc(),
        )
        ranked = select(operations, rank.label("rank"))
        if service_id is not None:
            ranked = ranked.join(services, _of_service()).where(services.c.id == service_id)
        found = ranked.subquery()
        exists = (
            select(services.c.id)
            .where(
                services.c.workspace_id == found.c.workspace_id,
                services.c.name == found.c.subject,
                ~services.c.deleted,
            )
            .exists()
        )
        query = select(found.c.id).where(
            found.c.state.not_in(_OPEN),
            or_(found.c.rank > most, found.c.finished_time < before),
            or_(found.c.rank > 1, ~exists),
        )
        with self._database.read() as connection:
            return list(connection.scalars(query))

    def forget_operations(self, ids: Sequence[str]) -> None:
        """Remove the rows of operations that have ended."""
        for start in range(0, len(ids), _BATCH):
            with self._database.write() as connection:
                connection.execute(
                    delete(operations).where(
                        operations.c.id.in_(ids[start : start + _BATCH]),
                        operations.c.state.not_in(_OPEN),
                    )
                )

    def old_generations(self, most: int, service_id: str | None = None) -> list[tuple[str, int]]:
        """Return (service, number) of generations that never serve again, beyond the newest.

        Parameters
        ----------
        most
            So many stay, for the service's history.
        service_id
            Only those of that service.
        """
        rank = func.row_number().over(
            partition_by=generations.c.service_id, order_by=generations.c.number.desc()
        )
        over = select(generations.c.service_id, generations.c.number, rank.label("rank")).where(
            generations.c.state.in_(_OVER)
        )
        if service_id is not None:
            over = over.where(generations.c.service_id == service_id)
        found = over.subquery()
        query = select(found.c.service_id, found.c.number).where(found.c.rank > most)
        with self._database.read() as connection:
            return [(row.service_id, row.number) for row in connection.execute(query)]

    def forget_generations(self, which: Sequence[tuple[str, int]]) -> None:
        """Remove the rows of generations that never serve again; their numbers stay used."""
        with self._database.write() as connection:
            for service_id, number in which:
                _forget(
                    connection,
                    service_models.c.service_id == service_id,
                    service_models.c.generation == number,
                    generations.c.service_id == service_id,
                    generations.c.number == number,
                )

    def deleted_services(self, before: datetime) -> list[str]:
        """Return the ids of services that were deleted before then."""
        query = select(services.c.id).where(services.c.deleted, services.c.updated_time < before)
        with self._database.read() as connection:
            return list(connection.scalars(query))

    def forget_services(self, ids: Sequence[str]) -> None:
        """Remove what is remembered of deleted services."""
        with self._database.write() as connection:
            for service_id in ids:
                _forget(
                    connection,
                    service_models.c.service_id == service_id,
                    service_models.c.service_id == service_id,
                    generations.c.service_id == service_id,
                    generations.c.service_id == service_id,
                )
                connection.execute(
                    delete(services).where(services.c.id == service_id, services.c.deleted)
                )

    def forget_workspace(self, workspace_id: int) -> tuple[list[str], list[str]]:
        """Remove the rows of a workspace, all or none, and with them all that names its files.

        Returns
        -------
        tuple of list of str
            The ids of its operations, and the SHA-256 of what its models were made of.

        Raises
        ------
        WebserviceException
            Status 409: it has services that are not deleted, or an operation is under way.
        """

        def ours(table: Table) -> ColumnElement[bool]:
            return table.c.workspace_id == workspace_id

        with self._database.write() as connection:
            _refuse_used(connection, workspace_id)
            ids = list(connection.scalars(select(operations.c.id).where(ours(operations))))
            contents = connection.scalars(
                select(model_files.c.sha256)
                .join(models, models.c.id == model_files.c.model_id)
                .where(ours(models))
                .distinct()
            )
            found = (ids, list(contents))
            its_services = select(services.c.id).where(ours(services))
            for table in (service_models, generations):
                connection.execute(delete(table).where(table.c.service_id.in_(its_services)))
            for table in (services, operations, models, model_names):
                connection.execute(delete(table).where(ours(table)))
            connection.execute(delete(workspaces).where(workspaces.c.id == workspace_id))
        return found


def _refuse_used(connection: Connection, workspace_id: int) -> None:
    found = connection.scalars(
        select(services.c.name).where(services.c.workspace_id == workspace_id, ~services.c.deleted)
    ).all()
    at_work = connection.scalars(
        select(operations.c.subject).where(
            operations.c.workspace_id == workspace_id, operations.c.state.in_(_OPEN)
        )
    ).all()
    if found or at_work:
        names = ", ".join(sorted({*found, *at_work}))
        raise WebserviceException(
            f"The workspace is in use: {names} was deployed meanwhile.",
            409,
            hint="Delete the workspace again when nobody deploys into it.",
        )


def _of_service() -> ColumnElement[bool]:
    return (services.c.workspace_id == operations.c.workspace_id) & (
        services.c.name == operations.c.subject
    )


def _forget(connection: Connection, *conditions: ColumnElement[bool]) -> None:
    models_of, models_number, of, number = conditions
    connection.execute(delete(service_models).where(models_of, models_number))
    connection.execute(delete(generations).where(of, number))
