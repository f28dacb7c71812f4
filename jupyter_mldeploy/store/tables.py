"""The tables, as SQLAlchemy Core sees them; the migrations build the same (a test proves it)."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)

__all__ = ["REVISION", "metadata"]

REVISION = "0001"
"""The migration this version of the package works with."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)


class Timestamp(TypeDecorator[datetime]):
    """UTC time as microseconds since 1970: the same number, order and time zone everywhere."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:  # noqa: ARG002
        """Turn a timezone-aware time into a number."""
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Turn a number into a time in UTC."""
        if value is not None and not isinstance(value, int):
            raise ValueError(f"{value!r} is no time")
        return None if value is None else _EPOCH + value * _MICROSECOND


# SQLite numbers rows by itself only when the column is exactly INTEGER.
_RowId = BigInteger().with_variant(Integer, "sqlite")
_Json = JSON(none_as_null=True)
_Sha256 = String(64)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

workspaces = Table(
    "workspaces",
    metadata,
    Column("id", _RowId, primary_key=True),
    Column("name", String(255), nullable=False),
    Column("created_time", Timestamp, nullable=False),
    Column("config", _Json, nullable=False),
    UniqueConstraint("name"),
    sqlite_autoincrement=True,
)

# One row a name, which outlives the versions: a number is never given twice.
model_names = Table(
    "model_names",
    metadata,
    Column("workspace_id", _RowId, ForeignKey("workspaces.id"), nullable=False),
    Column("name", String(255), nullable=False),
    Column("last_version", Integer, nullable=False),
    Column("latest_version", Integer),  # greatest that still exists; null when none does
    PrimaryKeyConstraint("workspace_id", "name"),
)

models = Table(
    "models",
    metadata,
    Column("id", _RowId, primary_key=True),
    Column("workspace_id", _RowId, nullable=False),
    Column("name", String(255), nullable=False),
    Column("version", Integer, nullable=False),
    Column("asset_id", String(32), nullable=False),
    Column("description", Text),
    Column("framework", String(64)),
    Column("framework_version", String(64)),
    Column("resource_configuration", _Json),
    Column("registered_environment", _Json),
    Column("sample_input_dataset_id", String(255)),
    Column("sample_output_dataset_id", String(255)),
    Column("run_id", String(255)),
    Column("experiment_name", String(255)),
    Column("mime_type", String(255), nullable=False),
    Column("unpack", Boolean, nullable=False),
    Column("root", Text, nullable=False),
    Column("sha256", _Sha256, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("created_time", Timestamp, nullable=False),
    Column("created_by", String(255), nullable=False),
    UniqueConstraint("workspace_id", "name", "version"),
    ForeignKeyConstraint(
        ["workspace_id", "name"], ["model_names.workspace_id", "model_names.name"]
    ),
    Index(None, "workspace_id", "id"),  # the newest first, page by page
    Index(None, "workspace_id", "sha256"),
    Index(None, "workspace_id", "framework"),
    Index(None, "workspace_id", "run_id"),
    sqlite_autoincrement=True,
)


def _model_key() -> Column[int]:
    return Column("model_id", _RowId, ForeignKey("models.id", ondelete="CASCADE"), nullable=False)


def _pairs(table: str) -> Table:
    """Key and value pairs of models: found by model, and by key with or without value."""
    return Table(
        table,
        metadata,
        _model_key(),
        Column("key", Text, nullable=False),
        Column("value", Text, nullable=False),
        PrimaryKeyConstraint("model_id", "key"),
        Index(None, "key", "value", "model_id"),
    )


model_tags = _pairs("model_tags")
model_properties = _pairs("model_properties")

model_datasets = Table(
    "model_datasets",
    metadata,
    _model_key(),
    Column("purpose", String(255), nullable=False),
    Column("dataset_id", String(255), nullable=False),
    PrimaryKeyConstraint("model_id", "purpose", "dataset_id"),
    Index(None, "dataset_id"),
)

model_files = Table(
    "model_files",
    metadata,
    _model_key(),
    Column("path", Text, nullable=False),
    Column("sha256", _Sha256, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("mode", Integer, nullable=False),
    PrimaryKeyConstraint("model_id", "path"),
    Index(None, "sha256"),
)

services = Table(
    "services",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("workspace_id", _RowId, ForeignKey("workspaces.id"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("compute_type", String(32), nullable=False),
    Column("target", String(64), nullable=False),
    Column("host", String(255), nullable=False),
    Column("created_time", Timestamp, nullable=False),
    Column("created_by", String(255), nullable=False),
    Column("updated_time", Timestamp, nullable=False),
    Column("description", Text),
    Column("tags", _Json, nullable=False),
    Column("properties", _Json, nullable=False),
    Column("desired_state", String(16), nullable=False),
    Column("serving_generation", Integer),
    Column("port", Integer),
    Column("deployment_config", _Json, nullable=False),
    Column("inference_config", _Json, nullable=False),
    Column("model_ids", _Json, nullable=False),
    Column("request_hash", _Sha256),
    Column("problem", _Json),
    Column("last_operation_id", String(32)),
    Column("deleted", Boolean, nullable=False, server_default=false()),
)
# A deleted service keeps its row and gives its name back. (A where clause for PostgreSQL here
# would import its whole dialect into every process; that store gets it when it is opened.)
Index(
    "uq_services_live",
    services.c.workspace_id,
    services.c.name,
    unique=True,
    sqlite_where=text("deleted = 0"),
)

generations = Table(
    "generations",
    metadata,
    Column("service_id", String(32), ForeignKey("services.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("created_time", Timestamp, nullable=False),
    Column("bundle", Text, nullable=False),
    Column("model_ids", _Json, nullable=False),
    Column("inference_config", _Json, nullable=False),
    Column("deployment_config", _Json, nullable=False),
    Column("request_hash", _Sha256),
    Column("request", _Json, nullable=False),
    Column("operation_id", String(32)),
    PrimaryKeyConstraint("service_id", "number"),
)

# Which registered models a generation was made of: the answer to "in use by whom?".
service_models = Table(
    "service_models",
    metadata,
    Column("service_id", String(32), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("model_row_id", _RowId, ForeignKey("models.id", ondelete="CASCADE"), nullable=False),
    PrimaryKeyConstraint("service_id", "generation", "model_row_id"),
    ForeignKeyConstraint(
        ["service_id", "generation"], ["generations.service_id", "generations.number"]
    ),
    Index(None, "model_row_id"),
)

operations = Table(
    "operations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("workspace_id", _RowId, ForeignKey("workspaces.id"), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("state", String(16), nullable=False),
    Column("created_time", Timestamp, nullable=False),
    Column("created_by", String(255), nullable=False),
    Column("phase", String(64)),
    Column("phases", _Json, nullable=False),
    Column("progress", Float),
    Column("problem", _Json),
    Column("payload", _Json, nullable=False),
    Column("result", _Json),
    Column("started_time", Timestamp),
    Column("finished_time", Timestamp),
    Column("cancel_requested", Boolean, nullable=False, server_default=false()),
    Column("worker", _Json),
    Index(None, "workspace_id", "subject", "id"),
    Index(None, "workspace_id", "state", "id"),
)
