"""Alembic's entry: runs on the connection, and in the transaction, that `medcore.store.migrate` hands over."""

from __future__ import annotations

from alembic import context

from medcore.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
