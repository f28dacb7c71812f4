"""How the database came to be what it is; run by alembic, one file a revision."""
