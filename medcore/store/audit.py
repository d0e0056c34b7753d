"""The audit chain: who did what to which id. No patient data, and no row can change unnoticed.

hash(n) = SHA-256(hash(n-1) + canonical JSON of row n); hash(0) is 64 zeros. The head row names the last link, so that a cut
tail shows too; its lock (PostgreSQL) or the one writer (SQLite) keeps concurrent writers from forking the chain.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from sqlalchemy import Connection, Row, select, update

from medcore.store import schema, text
from medcore.store.base import Base
from medcore.store.nouns import Actor, AuditRow, Broken

Detail = Mapping[str, str | int | float | bool | None]
CODE = re.compile(r"[A-Za-z0-9_.:+-]{0,80}")
LONGEST_ACTOR = 200


def append(connection: Connection, action: str, subject_id: str, actor: Actor, detail: Detail | None = None) -> None:
    """Add a link inside the caller's transaction, as its last step: the head stays locked until it ends.

    Raises:
        ValueError: text that is not a code could be patient data; a mistake in our code.
    """
    detail = detail or {}
    for code in (action, subject_id, *detail, *(value for value in detail.values() if isinstance(value, str))):
        if not CODE.fullmatch(code):
            raise ValueError("the audit log takes ids and codes only")
    head = connection.execute(select(schema.audit_head).with_for_update()).one()
    values: dict[str, object] = {
        "seq": head.seq + 1,
        "at": text.now(),
        "actor": text.clean(actor.name)[:LONGEST_ACTOR],
        "verified": actor.verified,
        "action": action,
        "subject_id": subject_id,
        "detail": text.canonical(detail),
    }
    values |= {"previous": head.hash, "hash": _link(head.hash, values)}
    connection.execute(schema.audit.insert().values(values))
    connection.execute(update(schema.audit_head).values(seq=values["seq"], hash=values["hash"]))


def _link(previous: str, values: Mapping[str, object]) -> str:
    return text.sha256(previous + text.canonical(values))


class Audit(Base):
    """The part of the store that keeps and checks the chain."""

    def audit(self, action: str, subject_id: str, actor: Actor, detail: Detail | None = None) -> None:
        """Add one line. `action` is a code such as "input.refused"; `subject_id` an id or ""; `detail` holds codes only.

        Raises:
            StoreError: it could not be kept. ValueError: text that is not a code.
        """
        with self.database.write() as connection:
            append(connection, action, subject_id, actor, detail)

    def audit_log(self, limit: int = 100) -> tuple[AuditRow, ...]:
        """The newest `limit` lines, newest first."""
        query = select(schema.audit).order_by(schema.audit.c.seq.desc()).limit(max(limit, 0))
        with self.database.read() as connection:
            return tuple(_row(row) for row in connection.execute(query))

    def verify_audit(self) -> Broken | None:
        """The first line that was changed, removed or added behind our back; None when the chain holds."""
        with self.database.read() as connection:
            head = connection.execute(select(schema.audit_head)).one()
            query = select(schema.audit).order_by(schema.audit.c.seq).execution_options(yield_per=1000)
            seq, previous = 0, "0" * 64
            with connection.execute(query) as rows:
                for row in rows:
                    broken = _broken(row, seq + 1, previous)
                    if broken or row.seq > head.seq:
                        return broken or Broken(seq=row.seq, reason="added")
                    seq, previous = row.seq, row.hash
        if seq < head.seq:
            return Broken(seq=seq + 1, reason="missing")
        return None if previous == head.hash else Broken(seq=seq, reason="changed")


def _broken(row: Row[tuple[object, ...]], expected: int, previous: str) -> Broken | None:
    if row.seq != expected:
        return Broken(seq=min(row.seq, expected), reason="missing" if row.seq > expected else "added")
    values = {name: getattr(row, name) for name in ("seq", "at", "actor", "verified", "action", "subject_id", "detail")}
    if row.hash != _link(row.previous, values):
        return Broken(seq=row.seq, reason="changed")
    return None if row.previous == previous else Broken(seq=row.seq, reason="unlinked")


def _row(row: Row[tuple[object, ...]]) -> AuditRow:
    return AuditRow(
        seq=row.seq,
        at=row.at,
        actor=Actor(name=row.actor, verified=bool(row.verified)),
        action=row.action,
        subject_id=row.subject_id,
        detail=json.loads(row.detail),
        previous=row.previous,
        hash=row.hash,
    )
