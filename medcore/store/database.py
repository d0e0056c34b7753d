"""The connection to SQLite or PostgreSQL: how it is opened, what a transaction is, what its failures are called."""

from __future__ import annotations

import errno
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError, SQLAlchemyError

from medcore.errors import SettingInvalid, StoreError

log = logging.getLogger(__name__)
BUSY_SECONDS = 15  # how long a writer waits for another
FULL = "The disk is full, so the record could not be kept; please make room and try again."
BUSY = "The record is busy at the moment; please try again."
UNREACHABLE = "The record cannot be reached at the moment; please try again or tell the administrator."
BROKEN = "The record could not be read or kept; please tell the administrator."


class Database:
    """An engine with two kinds of transaction: `read`, a consistent view, and `write`, which waits its turn."""

    def __init__(self, url: str) -> None:
        self.url = _parsed(url)
        self.postgres = self.url.get_backend_name() == "postgresql"
        if not self.postgres:
            _private_file(Path(str(self.url.database)))
        self.engine = _engine(self.url, self.postgres)
        # A reader sees one moment however many statements it takes; SQLite's readers do so anyway.
        self._reader = self.engine.execution_options(isolation_level="REPEATABLE READ") if self.postgres else self.engine

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only looks.

        Raises:
            StoreError: the database cannot answer.
        """
        with translated(), self._reader.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that changes something: all of it or nothing. On SQLite it has the write lock from its start.

        Raises:
            StoreError: the database cannot answer or keep it.
        """
        with translated(), self.engine.connect().execution_options(writes=True) as connection, connection.begin():
            yield connection

    def clock(self, connection: Connection) -> float:
        """Seconds since 1970 by the one clock that all workers share."""
        if not self.postgres:
            return time.time()
        return float(connection.exec_driver_sql("SELECT extract(epoch FROM clock_timestamp())").scalar_one())

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()


@contextmanager
def translated() -> Iterator[None]:
    """Turn what a database or a disk raises into a StoreError; what is logged holds no value of any row."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        log.error("the store failed: %s %s", type(cause).__name__, getattr(cause, "sqlstate", None) or getattr(cause, "errno", None) or "")
        raise StoreError(_sentence(error)) from None


def _sentence(error: SQLAlchemyError | OSError) -> str:
    if isinstance(error, OSError):
        return FULL if error.errno in (errno.ENOSPC, errno.EDQUOT) else BROKEN
    text = str(error.orig if isinstance(error, DBAPIError) else error).lower()
    state = getattr(getattr(error, "orig", None), "sqlstate", None) or ""
    if "disk is full" in text or state == "53100":
        return FULL
    if "locked" in text or state in ("40001", "40P01", "55P03"):
        return BUSY
    return UNREACHABLE if isinstance(error, OperationalError) else BROKEN


def _parsed(text: str) -> URL:
    try:
        url = make_url(text)
    except ArgumentError:
        raise SettingInvalid("MEDCORE_DATABASE_URL is not a database address.") from None
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
        return url
    if url.drivername == "postgresql+psycopg":
        return url
    raise SettingInvalid("MEDCORE_DATABASE_URL must name PostgreSQL (postgresql://...) or an SQLite file (sqlite:///...).")


def _private_file(path: Path) -> None:
    with translated():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))


def _engine(url: URL, postgres: bool) -> Engine:
    arguments: dict[str, Any] = {"connect_timeout": 5} if postgres else {"timeout": BUSY_SECONDS, "check_same_thread": False}
    try:
        engine = create_engine(url, connect_args=arguments, pool_pre_ping=postgres, hide_parameters=True)
    except (ArgumentError, NoSuchModuleError, ImportError):
        raise SettingInvalid("MEDCORE_DATABASE_URL names a database that this installation has no driver for.") from None
    event.listen(engine, "connect", _prepare_postgres if postgres else _prepare_sqlite)
    if not postgres:
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun by _begin_sqlite, DDL included
    for pragma in ("foreign_keys=ON", "synchronous=FULL", "secure_delete=ON", f"busy_timeout={BUSY_SECONDS * 1000}"):
        connection.execute(f"PRAGMA {pragma}")


def _prepare_postgres(connection: Any, _record: object) -> None:
    connection.autocommit = True
    connection.execute(f"SET lock_timeout = '{BUSY_SECONDS}s'")
    connection.execute("SET idle_in_transaction_session_timeout = '60s'")
    connection.autocommit = False


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
