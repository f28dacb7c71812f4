"""How models are found: the filters, and the parts that a model has many of."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, Table, bindparam, or_, select

from jupyter_mldeploy.store.records import FileEntry, ModelRecord
from jupyter_mldeploy.store.rows import PairFilter, as_pairs, as_record, like
from jupyter_mldeploy.store.tables import (
    model_datasets,
    model_files,
    model_names,
    model_properties,
    model_tags,
    models,
)

__all__ = ["filtered", "read_models"]

_AT_ONCE = 500  # SQLite allows 999 parameters in a statement, in its older versions


def filtered(
    query: Select[Any],
    workspace_id: int,
    *,
    name: str | None = None,
    tags: PairFilter = None,
    properties: PairFilter = None,
    framework: str | None = None,
    run_id: str | None = None,
    dataset_id: str | None = None,
    sha256: str | None = None,
    text: str | None = None,
    latest: bool = False,
) -> Select[Any]:
    """Narrow `query` on models; the filters are those of :meth:`Models.page`."""
    query = query.where(models.c.workspace_id == workspace_id)
    equal = {"name": name, "framework": framework, "run_id": run_id, "sha256": sha256}
    for column, wanted in equal.items():
        if wanted is not None:
            query = query.where(models.c[column] == wanted)
    pairs = [(model_tags, *each) for each in as_pairs("tags", tags)]
    pairs += [(model_properties, *each) for each in as_pairs("properties", properties)]
    for table, key, value in pairs:
        query = query.where(models.c.id.in_(_having(table, key, value)))
    if dataset_id is not None:
        ids = select(model_datasets.c.model_id).where(model_datasets.c.dataset_id == dataset_id)
        query = query.where(models.c.id.in_(ids))
    if text:
        query = query.where(_mentions(text))
    if latest:
        query = query.join(
            model_names,
            (model_names.c.workspace_id == models.c.workspace_id)
            & (model_names.c.name == models.c.name)
            & (model_names.c.latest_version == models.c.version),
        )
    return query


def _having(table: Table, key: str, value: str | None) -> Select[Any]:
    query = select(table.c.model_id).where(table.c.key == key)
    return query if value is None else query.where(table.c.value == value)


def _mentions(text: str) -> Any:
    pattern = like(text)
    tagged = select(model_tags.c.model_id).where(
        or_(
            model_tags.c.key.ilike(pattern, escape="\\"),
            model_tags.c.value.ilike(pattern, escape="\\"),
        )
    )
    return or_(
        models.c.name.ilike(pattern, escape="\\"),
        models.c.description.ilike(pattern, escape="\\"),
        models.c.framework.ilike(pattern, escape="\\"),
        models.c.id.in_(tagged),
    )


def read_models(connection: Connection, query: Select[Any]) -> list[ModelRecord]:
    """Run `query` on models, and read tags, properties, data sets and files of what it finds."""
    rows = connection.execute(query).all()
    parts = _Parts()
    for start in range(0, len(rows), _AT_ONCE):
        parts.read(connection, [row.id for row in rows[start : start + _AT_ONCE]])
    return [
        as_record(
            ModelRecord,
            row,
            tags=parts.tags.get(row.id, {}),
            properties=parts.properties.get(row.id, {}),
            datasets=tuple(parts.datasets.get(row.id, ())),
            files=tuple(parts.files.get(row.id, ())),
        )
        for row in rows
    ]


class _Parts:
    """What models have many of, by row number of the model."""

    def __init__(self) -> None:
        self.tags: dict[int, dict[str, str]] = defaultdict(dict)
        self.properties: dict[int, dict[str, str]] = defaultdict(dict)
        self.datasets: dict[int, list[tuple[str, str]]] = defaultdict(list)
        self.files: dict[int, list[FileEntry]] = defaultdict(list)

    def read(self, connection: Connection, ids: list[int]) -> None:
        given = {"ids": ids}
        for row in connection.execute(_OF_MODELS["tags"], given):
            self.tags[row.model_id][row.key] = row.value
        for row in connection.execute(_OF_MODELS["properties"], given):
            self.properties[row.model_id][row.key] = row.value
        for row in connection.execute(_OF_MODELS["datasets"], given):
            self.datasets[row.model_id].append((row.purpose, row.dataset_id))
        for row in connection.execute(_OF_MODELS["files"], given):
            entry = FileEntry(row.path, row.sha256, row.size, row.mode)
            self.files[row.model_id].append(entry)


def _of_models(table: Table, order: str) -> Select[Any]:
    ids: BindParameter[Any] = bindparam("ids", expanding=True)
    return select(table).where(table.c.model_id.in_(ids)).order_by(table.c[order])


_OF_MODELS = {
    "tags": _of_models(model_tags, "key"),
    "properties": _of_models(model_properties, "key"),
    "datasets": _of_models(model_datasets, "purpose"),
    "files": _of_models(model_files, "path"),
}
