"""What every part of the store stands on: the database, the blob folder, and the rule for removing files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, Insert, Table, delete, select

from medcore.store import schema
from medcore.store.blobs import Blobs
from medcore.store.database import Database

CHUNK = 500  # values in one IN (...), below every limit


class Base:
    """A database and a blob folder that belong together."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self.database = database
        self.blobs = blobs

    def blob(self, sha256: str) -> bytes:
        """The bytes of a kept file, checked against their SHA-256.

        Raises:
            StoreError: missing or altered.
        """
        return self.blobs.read(sha256)

    def doubt(self, names: Iterable[str]) -> None:
        """Note files that may be left without a holder, before they are published: a crash then leaves no orphan."""
        with self.database.write() as connection:
            doubt(connection, names)

    def settle(self) -> None:
        """Remove every doubted file that no row holds. Called after deletions and when a worker starts."""
        with self.blobs.locked(alone=True), self.database.write() as connection:
            doubted = connection.execute(select(schema.doubts.c.sha256)).scalars().all()
            held = select(schema.holds.c.sha256).where(schema.holds.c.sha256 == schema.doubts.c.sha256)
            orphans = connection.execute(select(schema.doubts.c.sha256).where(~held.exists())).scalars().all()
            for sha256 in orphans:
                self.blobs.remove(sha256)
            without_doubt(connection, doubted)
        self.blobs.sweep()


def insert_new(connection: Connection, table: Table) -> Insert:
    """An INSERT that leaves a row alone that is there already."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql  # 40 ms that only its users pay

        return postgresql.insert(table).on_conflict_do_nothing()
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table).on_conflict_do_nothing()


def inserted(connection: Connection, table: Table, values: Mapping[str, object]) -> bool:
    """Insert a row; False when one that excludes it is there already."""
    query = insert_new(connection, table).values(dict(values)).returning(*table.primary_key)
    return connection.execute(query).first() is not None


def doubt(connection: Connection, names: Iterable[str]) -> None:
    """Note `names` as perhaps unheld."""
    rows = [{"sha256": name} for name in sorted(set(names))]
    if rows:
        connection.execute(insert_new(connection, schema.doubts), rows)


def without_doubt(connection: Connection, names: Iterable[str]) -> None:
    """Take `names` off the list of the doubted: they are held, or gone."""
    rest = sorted(set(names))
    for start in range(0, len(rest), CHUNK):
        connection.execute(delete(schema.doubts).where(schema.doubts.c.sha256.in_(rest[start : start + CHUNK])))


def hold(connection: Connection, holder: str, names: Iterable[str]) -> None:
    """Let `holder` keep the files `names`; the caller holds the folder's lock shared until this is committed."""
    rest = sorted(set(names))
    for start in range(0, len(rest), CHUNK):
        chunk = rest[start : start + CHUNK]
        known = select(schema.holds.c.sha256).where(schema.holds.c.holder == holder, schema.holds.c.sha256.in_(chunk))
        missing = set(chunk) - set(connection.execute(known).scalars())
        if missing:
            connection.execute(schema.holds.insert(), [{"sha256": name, "holder": holder} for name in sorted(missing)])
    without_doubt(connection, rest)


def let_go(connection: Connection, holder: str) -> None:
    """End all holds of `holder`; `settle` then removes the files that nobody else holds."""
    mine = schema.holds.c.holder == holder
    doubt(connection, connection.execute(select(schema.holds.c.sha256).where(mine)).scalars().all())
    connection.execute(delete(schema.holds).where(mine))
