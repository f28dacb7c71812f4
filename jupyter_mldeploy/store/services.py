"""The services of a store and their generations."""

from __future__ import annotations

import builtins
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from jupyter_mldeploy.errors import WebserviceException
from jupyter_mldeploy.store.database import Database
from jupyter_mldeploy.store.records import GenerationRecord, ServiceRecord, utc_now
from jupyter_mldeploy.store.rows import (
    PairFilter,
    as_pairs,
    as_record,
    checked_fields,
    matches_pairs,
)
from jupyter_mldeploy.store.tables import generations, service_models, services

__all__ = ["Services"]

_FIXED = frozenset({"id", "workspace_id", "name", "created_time", "created_by"})
_FIXED_GENERATION = frozenset({"service_id", "number", "created_time"})


class Services:
    """Create, find and change services and their generations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, workspace_id: int, name: str, **fields: Any) -> ServiceRecord:
        """Add a service.

        Parameters
        ----------
        **fields
            Fields of :class:`ServiceRecord`; ``compute_type``, ``target``, ``host`` and
            ``created_by`` are required.

        Raises
        ------
        WebserviceException
            Status 409: there is one of that name already.
        """
        now = utc_now()
        record = ServiceRecord(
            id=uuid.uuid4().hex,
            workspace_id=workspace_id,
            name=name,
            created_time=now,
            updated_time=now,
            **fields,
        )
        values = {each: getattr(record, each) for each in services.c.keys()}  # noqa: SIM118
        try:
            with self._database.write() as connection:
                connection.execute(insert(services).values(values))
        except IntegrityError as error:
            if "FOREIGN KEY" in str(error.orig):
                raise
            raise WebserviceException(
                f"Error, there is already a service with name {name} found in workspace.",
                409,
                hint="Choose another name, pass overwrite=True, or update the service.",
            ) from error
        return record

    def get(self, workspace_id: int, name: str) -> ServiceRecord | None:
        """Return the service of that name, or ``None``; a deleted one is not found."""
        condition = (
            (services.c.workspace_id == workspace_id)
            & (services.c.name == name)
            & ~services.c.deleted
        )
        return self._one(condition)

    def get_by_id(self, service_id: str) -> ServiceRecord | None:
        """Return the service of that id, also when it is deleted, or ``None``."""
        return self._one(services.c.id == service_id)

    def list(
        self,
        workspace_id: int,
        *,
        model_name: str | None = None,
        model_id: str | None = None,
        tags: PairFilter = None,
        properties: PairFilter = None,
        compute_type: str | None = None,
    ) -> builtins.list[ServiceRecord]:
        """Return the services that match every filter given, by name.

        Parameters
        ----------
        model_name, model_id
            Serving that model, in any version or as ``name:version``.
        tags, properties
            Having each of these: ``'key'`` or ``['key', 'value']``.
        compute_type
            Upper or lower case.

        Raises
        ------
        UserErrorException
            A filter is not written so.
        """
        with_tags, with_properties = as_pairs("tags", tags), as_pairs("properties", properties)
        query = select(services).where(services.c.workspace_id == workspace_id)
        query = query.where(~services.c.deleted).order_by(services.c.name)
        if compute_type is not None:
            query = query.where(func.upper(services.c.compute_type) == compute_type.upper())
        with self._database.read() as connection:
            found = [as_record(ServiceRecord, row) for row in connection.execute(query)]
        return [
            each
            for each in found
            if (model_id is None or model_id in each.model_ids)
            and (
                model_name is None
                or any(one.partition(":")[0] == model_name for one in each.model_ids)
            )
            and matches_pairs(each.tags, with_tags)
            and matches_pairs(each.properties, with_properties)
        ]

    def meant_to_run(self, workspace_id: int) -> builtins.list[tuple[str, str]]:
        """Return (id, name) of the services that were in service and not stopped, by name."""
        query = (
            select(services.c.id, services.c.name)
            .where(
                services.c.workspace_id == workspace_id,
                ~services.c.deleted,
                services.c.desired_state == "running",
                services.c.serving_generation.is_not(None),
            )
            .order_by(services.c.name)
        )
        with self._database.read() as connection:
            return [(row.id, row.name) for row in connection.execute(query)]

    def update(self, service_id: str, **fields: Any) -> ServiceRecord:
        """Change fields of a service and return it as it is then.

        Raises
        ------
        WebserviceException
            Status 404: there is no such service.
        """
        checked_fields(services, fields, _FIXED)
        with self._database.write() as connection:
            return _update(connection, service_id, fields)

    def delete(self, service_id: str) -> None:
        """Mark a service deleted: its name and its models are free again, its history stays."""
        with self._database.write() as connection:
            connection.execute(
                update(services)
                .where(services.c.id == service_id)
                .values(deleted=True, desired_state="stopped", updated_time=utc_now())
            )
            connection.execute(
                delete(service_models).where(service_models.c.service_id == service_id)
            )

    def add_generation(
        self,
        service_id: str,
        *,
        model_rows: Sequence[int] = (),
        state: str = "staged",
        **fields: Any,
    ) -> int:
        """Add the next generation of a service.

        Parameters
        ----------
        model_rows
            ``ModelRecord.id`` of the registered models in it: they are in use from now on.
        **fields
            Fields of :class:`GenerationRecord`.

        Returns
        -------
        int
            Its number, 1, 2, 3 ...; never given twice.

        Raises
        ------
        WebserviceException
            Status 409: one of the models was deleted meanwhile, or the service does not exist.
        """
        try:
            with self._database.write() as connection:
                last = connection.scalar(
                    select(func.max(generations.c.number)).where(
                        generations.c.service_id == service_id
                    )
                )
                record = GenerationRecord(
                    service_id=service_id,
                    number=(last or 0) + 1,
                    state=state,
                    created_time=utc_now(),
                    **fields,
                )
                values = {each: getattr(record, each) for each in generations.c.keys()}  # noqa: SIM118
                connection.execute(insert(generations).values(values))
                if model_rows:
                    connection.execute(
                        insert(service_models),
                        [
                            {
                                "service_id": service_id,
                                "generation": record.number,
                                "model_row_id": row,
                            }
                            for row in dict.fromkeys(model_rows)
                        ],
                    )
        except IntegrityError as error:
            raise WebserviceException(
                "The service, or a model that it should serve, was deleted meanwhile.",
                409,
                hint="Look at Model.list(ws) and deploy a model that exists.",
            ) from error
        return record.number

    def generation(self, service_id: str, number: int) -> GenerationRecord | None:
        """Return one generation, or ``None``."""
        query = select(generations).where(
            generations.c.service_id == service_id, generations.c.number == number
        )
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return None if row is None else as_record(GenerationRecord, row)

    def generations(self, service_id: str) -> builtins.list[GenerationRecord]:
        """Return the generations of a service, the newest first."""
        query = (
            select(generations)
            .where(generations.c.service_id == service_id)
            .order_by(generations.c.number.desc())
        )
        with self._database.read() as connection:
            return [as_record(GenerationRecord, row) for row in connection.execute(query)]

    def update_generation(self, service_id: str, number: int, **fields: Any) -> None:
        """Change fields of a generation, e.g. its ``bundle`` once it is staged."""
        checked_fields(generations, fields, _FIXED_GENERATION)
        with self._database.write() as connection:
            connection.execute(_generation_update(service_id, number).values(fields))

    def set_generation_state(self, service_id: str, number: int, state: str) -> None:
        """Set the state of one generation: ``staged``, ``retired``, ``failed`` or ``pruned``."""
        self.update_generation(service_id, number, state=state)

    def serve_generation(self, service_id: str, number: int, **fields: Any) -> ServiceRecord:
        """Record in one transaction that a generation takes the traffic now.

        The one before it becomes ``retired``, so that its models are free again.

        Parameters
        ----------
        **fields
            More fields of the service to set in the same transaction.
        """
        checked_fields(services, fields, _FIXED)
        with self._database.write() as connection:
            connection.execute(
                update(generations)
                .where(generations.c.service_id == service_id, generations.c.state == "serving")
                .values(state="retired")
            )
            connection.execute(_generation_update(service_id, number).values(state="serving"))
            return _update(connection, service_id, {**fields, "serving_generation": number})

    def _one(self, condition: Any) -> ServiceRecord | None:
        with self._database.read() as connection:
            row = connection.execute(select(services).where(condition)).first()
        return None if row is None else as_record(ServiceRecord, row)


def _generation_update(service_id: str, number: int) -> Any:
    return update(generations).where(
        generations.c.service_id == service_id, generations.c.number == number
    )


def _update(connection: Connection, service_id: str, fields: dict[str, Any]) -> ServiceRecord:
    fields = {"updated_time": utc_now(), **fields}
    connection.execute(update(services).where(services.c.id == service_id).values(fields))
    row = connection.execute(select(services).where(services.c.id == service_id)).first()
    if row is None:
        raise WebserviceException(
            f"WebserviceNotFound: there is no service with id {service_id}.", 404
        )
    return as_record(ServiceRecord, row)
