"""The tables of the main path: workspaces, models, services, operations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "workspaces",
        sa.Column("id", _row_id, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("config", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workspaces")),
        sa.UniqueConstraint("name", name=op.f("uq_workspaces_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "model_names",
        sa.Column("workspace_id", _row_id, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("last_version", sa.Integer(), nullable=False),
        sa.Column("latest_version", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_model_names_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "name", name=op.f("pk_model_names")),
    )
    op.create_table(
        "operations",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("workspace_id", _row_id, nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.Column("phase", sa.String(length=64), nullable=True),
        sa.Column("phases", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("progress", sa.Float(), nullable=True),
        sa.Column("problem", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("payload", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("result", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("started_time", sa.BigInteger(), nullable=True),
        sa.Column("finished_time", sa.BigInteger(), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("worker", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_operations_workspace_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operations")),
    )
    op.create_index(
        op.f("ix_operations_workspace_id_state_id"),
        "operations",
        ["workspace_id", "state", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_operations_workspace_id_subject_id"),
        "operations",
        ["workspace_id", "subject", "id"],
        unique=False,
    )
    op.create_table(
        "services",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("workspace_id", _row_id, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("compute_type", sa.String(length=32), nullable=False),
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.Column("updated_time", sa.BigInteger(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("tags", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("properties", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("desired_state", sa.String(length=16), nullable=False),
        sa.Column("serving_generation", sa.Integer(), nullable=True),
        sa.Column("port", sa.Integer(), nullable=True),
        sa.Column("deployment_config", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("inference_config", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("model_ids", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=True),
        sa.Column("problem", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("last_operation_id", sa.String(length=32), nullable=True),
        sa.Column("deleted", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_services_workspace_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_services")),
    )
    op.create_index(
        "uq_services_live",
        "services",
        ["workspace_id", "name"],
        unique=True,
        sqlite_where=sa.text("deleted = 0"),
        postgresql_where=sa.text("NOT deleted"),
    )
    op.create_table(
        "generations",
        sa.Column("service_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("bundle", sa.Text(), nullable=False),
        sa.Column("model_ids", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("inference_config", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("deployment_config", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=True),
        sa.Column("request", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("operation_id", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["service_id"], ["services.id"], name=op.f("fk_generations_service_id")
        ),
        sa.PrimaryKeyConstraint("service_id", "number", name=op.f("pk_generations")),
    )
    op.create_table(
        "models",
        sa.Column("id", _row_id, nullable=False),
        sa.Column("workspace_id", _row_id, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("asset_id", sa.String(length=32), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("framework", sa.String(length=64), nullable=True),
        sa.Column("framework_version", sa.String(length=64), nullable=True),
        sa.Column("resource_configuration", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("registered_environment", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("sample_input_dataset_id", sa.String(length=255), nullable=True),
        sa.Column("sample_output_dataset_id", sa.String(length=255), nullable=True),
        sa.Column("run_id", sa.String(length=255), nullable=True),
        sa.Column("experiment_name", sa.String(length=255), nullable=True),
        sa.Column("mime_type", sa.String(length=255), nullable=False),
        sa.Column("unpack", sa.Boolean(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "name"],
            ["model_names.workspace_id", "model_names.name"],
            name=op.f("fk_models_workspace_id_name"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_models")),
        sa.UniqueConstraint(
            "workspace_id", "name", "version", name=op.f("uq_models_workspace_id_name_version")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_models_workspace_id_framework"),
        "models",
        ["workspace_id", "framework"],
        unique=False,
    )
    op.create_index(
        op.f("ix_models_workspace_id_id"), "models", ["workspace_id", "id"], unique=False
    )
    op.create_index(
        op.f("ix_models_workspace_id_run_id"), "models", ["workspace_id", "run_id"], unique=False
    )
    op.create_index(
        op.f("ix_models_workspace_id_sha256"), "models", ["workspace_id", "sha256"], unique=False
    )
    op.create_table(
        "model_datasets",
        sa.Column("model_id", _row_id, nullable=False),
        sa.Column("purpose", sa.String(length=255), nullable=False),
        sa.Column("dataset_id", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_model_datasets_model_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(
            "model_id", "purpose", "dataset_id", name=op.f("pk_model_datasets")
        ),
    )
    op.create_index(
        op.f("ix_model_datasets_dataset_id"), "model_datasets", ["dataset_id"], unique=False
    )
    op.create_table(
        "model_files",
        sa.Column("model_id", _row_id, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mode", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_model_files_model_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("model_id", "path", name=op.f("pk_model_files")),
    )
    op.create_index(op.f("ix_model_files_sha256"), "model_files", ["sha256"], unique=False)
    op.create_table(
        "model_properties",
        sa.Column("model_id", _row_id, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"],
            ["models.id"],
            name=op.f("fk_model_properties_model_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("model_id", "key", name=op.f("pk_model_properties")),
    )
    op.create_index(
        op.f("ix_model_properties_key_value_model_id"),
        "model_properties",
        ["key", "value", "model_id"],
        unique=False,
    )
    op.create_table(
        "model_tags",
        sa.Column("model_id", _row_id, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_model_tags_model_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("model_id", "key", name=op.f("pk_model_tags")),
    )
    op.create_index(
        op.f("ix_model_tags_key_value_model_id"),
        "model_tags",
        ["key", "value", "model_id"],
        unique=False,
    )
    op.create_table(
        "service_models",
        sa.Column("service_id", sa.String(length=32), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("model_row_id", _row_id, nullable=False),
        sa.ForeignKeyConstraint(
            ["model_row_id"],
            ["models.id"],
            name=op.f("fk_service_models_model_row_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["service_id", "generation"],
            ["generations.service_id", "generations.number"],
            name=op.f("fk_service_models_service_id_generation"),
        ),
        sa.PrimaryKeyConstraint(
            "service_id", "generation", "model_row_id", name=op.f("pk_service_models")
        ),
    )
    op.create_index(
        op.f("ix_service_models_model_row_id"), "service_models", ["model_row_id"], unique=False
    )
