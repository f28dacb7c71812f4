"""How alembic runs our migrations: on the connection that the store hands over."""

from __future__ import annotations

from alembic import context

from jupyter_mldeploy.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot ALTER most things: alembic then copies the table.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
