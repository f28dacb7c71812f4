"""The models of a store: every version, what it is made of and who uses it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

from sqlalchemy import (
    Connection,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)

from jupyter_mldeploy.errors import WebserviceException
from jupyter_mldeploy.store.database import Database
from jupyter_mldeploy.store.manifest import manifest_digest
from jupyter_mldeploy.store.model_queries import filtered, read_models
from jupyter_mldeploy.store.records import FileEntry, ModelRecord, utc_now
from jupyter_mldeploy.store.rows import checked_fields
from jupyter_mldeploy.store.tables import (
    generations,
    model_datasets,
    model_files,
    model_names,
    model_properties,
    model_tags,
    models,
    service_models,
    services,
)

__all__ = ["Models"]

_CHANGEABLE = frozenset(
    {
        "description",
        "sample_input_dataset_id",
        "sample_output_dataset_id",
        "resource_configuration",
        "registered_environment",
    }
)
_FIXED = frozenset(models.c.keys()) - _CHANGEABLE
_USING = ("staged", "serving")
_AT_ONCE = 500  # SQLite allows 999 parameters in a statement, in its older versions


class Models:
    """Register, find, change and delete models."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def register(
        self,
        workspace_id: int,
        name: str,
        *,
        files: Sequence[FileEntry],
        created_by: str,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        datasets: Iterable[tuple[str, str]] = (),
        before: Callable[[], None] | None = None,
        **fields: Any,
    ) -> ModelRecord:
        """Add the next version of a model.

        Parameters
        ----------
        files
            What it is made of; all in one root, all in the content store.
        before
            Called inside the transaction, before anything is written; what it raises ends it.
        **fields
            Other fields of :class:`ModelRecord`.

        Returns
        -------
        ModelRecord
            With its version: one more than the last of that name, deleted ones counted.
        """
        tags, properties, datasets = dict(tags or {}), dict(properties or {}), tuple(datasets)
        with self._database.write() as connection:
            if before is not None:
                before()
            record = ModelRecord(
                id=0,
                workspace_id=workspace_id,
                name=name,
                version=_next_version(connection, workspace_id, name),
                asset_id=uuid4().hex,
                root=files[0].path.partition("/")[0],
                sha256=manifest_digest(files),
                size=sum(each.size for each in files),
                created_time=utc_now(),
                created_by=created_by,
                tags=tags,
                properties=properties,
                datasets=datasets,
                files=tuple(files),
                **fields,
            )
            values = {each: getattr(record, each) for each in models.c.keys()}  # noqa: SIM118
            del values["id"]
            result = connection.execute(insert(models).values(values))
            (row_id,) = result.inserted_primary_key or (0,)
            _insert_files(connection, row_id, files)
            _insert_pairs(connection, model_tags, row_id, tags)
            _insert_pairs(connection, model_properties, row_id, properties)
            _insert_datasets(connection, row_id, datasets)
        return replace(record, id=row_id)

    def get(self, workspace_id: int, name: str, version: int | None = None) -> ModelRecord:
        """Return that version, or the latest that exists.

        Raises
        ------
        WebserviceException
            Status 404, ``ModelNotFound: ...``: there is none.
        """
        found = self.find(workspace_id, name, version)
        if found is None:
            which = "" if version is None else f" and version {version}"
            raise WebserviceException(
                f"ModelNotFound: Model with name {name}{which} not found in provided workspace",
                404,
                hint="`mldeploy model list` shows the registered models.",
            )
        return found

    def find(self, workspace_id: int, name: str, version: int | None = None) -> ModelRecord | None:
        """Return that version, or the latest that exists, or ``None``."""
        query = select(models).where(models.c.workspace_id == workspace_id, models.c.name == name)
        if version is None:
            query = query.order_by(models.c.version.desc()).limit(1)
        else:
            query = query.where(models.c.version == version)
        with self._database.read() as connection:
            found = read_models(connection, query)
        return found[0] if found else None

    def get_by_id(self, model_id: int) -> ModelRecord | None:
        """Return the model of that row number, or ``None``."""
        with self._database.read() as connection:
            found = read_models(connection, select(models).where(models.c.id == model_id))
        return found[0] if found else None

    def page(
        self,
        workspace_id: int,
        *,
        limit: int | None = None,
        offset: int = 0,
        **filters: Any,
    ) -> list[ModelRecord]:
        """Return the models that match every filter given, the newest first.

        Parameters
        ----------
        limit, offset
            Which part of them; ``None`` is all.
        **filters
            ``name``; ``tags`` and ``properties`` (``'key'`` or ``['key', 'value']`` each);
            ``framework``;
            ``run_id``; ``dataset_id``; ``sha256`` (of the manifest); ``text`` (part of name,
            description, framework, or of a tag's key or value, upper or lower case);
            ``latest`` (only the greatest version of each name).
        """
        query = filtered(select(models), workspace_id, **filters)
        # Within a name, versions are in order of time, and their index gives them so.
        newest = models.c.id if filters.get("name") is None else models.c.version
        query = query.order_by(newest.desc())
        if limit is not None or offset:
            query = query.limit(-1 if limit is None else limit).offset(offset)
        with self._database.read() as connection:
            return read_models(connection, query)

    def count(self, workspace_id: int, **filters: Any) -> int:
        """Return how many models match; filters as in :meth:`page`."""
        query = filtered(select(func.count()).select_from(models), workspace_id, **filters)
        with self._database.read() as connection:
            return int(connection.scalar(query) or 0)

    def update(
        self,
        model_id: int,
        *,
        tags: Mapping[str, str] | None = None,
        add_tags: Mapping[str, str] | None = None,
        remove_tags: Iterable[str] = (),
        add_properties: Mapping[str, str] | None = None,
        add_datasets: Iterable[tuple[str, str]] = (),
        **fields: Any,
    ) -> ModelRecord:
        """Change what may change of a model, in one transaction, and return it as it is then.

        Parameters
        ----------
        tags
            Replace all tags.
        add_tags, remove_tags
            Add or overwrite, and remove where present.
        add_properties
            Only new keys.
        **fields
            ``description``, ``resource_configuration``, the ids of the sample data sets.

        Raises
        ------
        WebserviceException
            Status 404, the model is gone; status 409, a property exists (they never change).
        """
        checked_fields(models, fields, _FIXED)
        with self._database.write() as connection:
            if connection.scalar(select(models.c.id).where(models.c.id == model_id)) is None:
                raise WebserviceException("ModelNotFound: the model was deleted meanwhile.", 404)
            if fields:
                connection.execute(update(models).where(models.c.id == model_id).values(fields))
            if tags is not None:
                connection.execute(delete(model_tags).where(model_tags.c.model_id == model_id))
                _insert_pairs(connection, model_tags, model_id, tags)
            _remove_tags(connection, model_id, [*remove_tags, *(add_tags or ())])
            _insert_pairs(connection, model_tags, model_id, add_tags or {})
            _refuse_known_properties(connection, model_id, add_properties or {})
            _insert_pairs(connection, model_properties, model_id, add_properties or {})
            _add_datasets(connection, model_id, add_datasets)
            return read_models(connection, select(models).where(models.c.id == model_id))[0]

    def usage(self, model_id: int) -> list[str]:
        """Return the names of the services whose current or coming generation has that model."""
        with self._database.read() as connection:
            return _usage(connection, model_id)

    def delete(self, model_id: int) -> None:
        """Remove a version. Its number is not given again; its files go with the next clean-up.

        Raises
        ------
        WebserviceException
            Status 412: services use it, and the message names them.
        """
        with self._database.write() as connection:
            row = connection.execute(
                select(models.c.workspace_id, models.c.name, models.c.version).where(
                    models.c.id == model_id
                )
            ).first()
            if row is None:
                return
            users = _usage(connection, model_id)
            if users:
                raise WebserviceException(
                    f"Model {row.name}:{row.version} cannot be deleted: it is used by "
                    f"service {', '.join(users)}.",
                    412,
                    hint="Delete the service, or update it to another model, first.",
                )
            connection.execute(delete(models).where(models.c.id == model_id))
            same = (models.c.workspace_id == row.workspace_id) & (models.c.name == row.name)
            connection.execute(
                update(model_names)
                .where(
                    model_names.c.workspace_id == row.workspace_id, model_names.c.name == row.name
                )
                .values(
                    latest_version=select(func.max(models.c.version)).where(same).scalar_subquery()
                )
            )


def _next_version(connection: Connection, workspace_id: int, name: str) -> int:
    ours = (model_names.c.workspace_id == workspace_id) & (model_names.c.name == name)
    last = connection.scalar(select(model_names.c.last_version).where(ours))
    version = (last or 0) + 1
    values = {"last_version": version, "latest_version": version}
    if last is None:
        values |= {"workspace_id": workspace_id, "name": name}
        connection.execute(insert(model_names).values(values))
    else:
        connection.execute(update(model_names).where(ours).values(values))
    return version


def _insert_files(connection: Connection, model_id: int, files: Sequence[FileEntry]) -> None:
    connection.execute(
        insert(model_files),
        [
            {
                "model_id": model_id,
                "path": each.path,
                "sha256": each.sha256,
                "size": each.size,
                "mode": each.mode,
            }
            for each in files
        ],
    )


def _insert_pairs(
    connection: Connection, table: Table, model_id: int, pairs: Mapping[str, str]
) -> None:
    if pairs:
        connection.execute(
            insert(table),
            [{"model_id": model_id, "key": key, "value": value} for key, value in pairs.items()],
        )


def _insert_datasets(
    connection: Connection, model_id: int, datasets: Iterable[tuple[str, str]]
) -> None:
    rows = [
        {"model_id": model_id, "purpose": purpose, "dataset_id": dataset_id}
        for purpose, dataset_id in dict.fromkeys(datasets)
    ]
    if rows:
        connection.execute(insert(model_datasets), rows)


def _add_datasets(
    connection: Connection, model_id: int, datasets: Iterable[tuple[str, str]]
) -> None:
    known = {
        (row.purpose, row.dataset_id)
        for row in connection.execute(
            select(model_datasets).where(model_datasets.c.model_id == model_id)
        )
    }
    _insert_datasets(connection, model_id, [each for each in datasets if each not in known])


def _remove_tags(connection: Connection, model_id: int, keys: list[str]) -> None:
    for start in range(0, len(keys), _AT_ONCE):
        connection.execute(
            delete(model_tags).where(
                model_tags.c.model_id == model_id,
                model_tags.c.key.in_(keys[start : start + _AT_ONCE]),
            )
        )


def _refuse_known_properties(
    connection: Connection, model_id: int, wanted: Mapping[str, str]
) -> None:
    if not wanted:
        return
    keys = connection.scalars(
        select(model_properties.c.key).where(model_properties.c.model_id == model_id)
    )
    known = sorted(set(keys) & set(wanted))
    if known:
        raise WebserviceException(
            f"Properties cannot be changed, and the model has {', '.join(known)} already.",
            409,
            hint="Use a new property key, or a tag: tags can change.",
        )


def _usage(connection: Connection, model_id: int) -> list[str]:
    query = (
        select(services.c.name)
        .distinct()
        .join(service_models, service_models.c.service_id == services.c.id)
        .join(
            generations,
            (generations.c.service_id == service_models.c.service_id)
            & (generations.c.number == service_models.c.generation),
        )
        .where(
            service_models.c.model_row_id == model_id,
            generations.c.state.in_(_USING),
            ~services.c.deleted,
        )
        .order_by(services.c.name)
    )
    return list(connection.scalars(query))
