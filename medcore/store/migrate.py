"""Brings the database to the revision of this code; many processes may start at once."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, inspect

from medcore.errors import StoreError
from medcore.store.database import Database, translated
from medcore.store.schema import HEAD

SCRIPTS = Path(__file__).with_name("migrations")
POSTGRES_LOCK = 0x6D6564636F7265  # "medcore"
NEWER = "This record was written by a newer Medcore; please update this installation."


def migrate(database: Database) -> None:
    """Upgrade to the newest revision. One process works, the others wait and find it done.

    Raises:
        StoreError: the database cannot be reached, or is newer than this code.
    """
    if _revision(database) == HEAD:  # the common case: Alembic is not even imported
        return
    if not database.postgres:
        with translated(), _file_lock(database), database.engine.connect() as connection:
            connection.exec_driver_sql("ROLLBACK")  # the journal mode cannot change inside a transaction
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            connection.exec_driver_sql("BEGIN")
    with _file_lock(database), database.write() as connection:
        if database.postgres:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({POSTGRES_LOCK})")
        move(connection, HEAD)


def move(connection: Connection, revision: str) -> None:
    """Upgrade or downgrade to `revision` ("base": empty) inside the caller's transaction."""
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    present = _present(connection)
    if present is not None and present not in known:
        raise StoreError(NEWER)
    try:
        if revision == "base" or (present is not None and revision < present):
            command.downgrade(config, revision)
        else:
            command.upgrade(config, revision)
    except CommandError:
        raise StoreError(NEWER) from None


def _revision(database: Database) -> str | None:
    with database.read() as connection:
        return _present(connection)


def _present(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


@contextmanager
def _file_lock(database: Database) -> Iterator[None]:
    """SQLite's own lock would do, but a waiting writer gives up; this one waits. PostgreSQL has its advisory lock."""
    if database.postgres:
        yield
        return
    lock = os.open(f"{database.url.database}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
