"""Reports: a draft, then signed and never changed again; what readers think of them; addenda and later explanations."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, select, update

from medcore import codec
from medcore.errors import NotFound, Signed, StoreError
from medcore.store import schema, text
from medcore.store.audit import append
from medcore.store.base import Base
from medcore.store.blobs import Stage, pack_arrays, unpack_arrays
from medcore.store.nouns import Actor, Addendum, Job, Read, ReportRow, ReportState, Verdict
from medcore.store.worklist import lock, refresh
from medcore.types import Array, Attribution, Finding, Report, Status

NO_REPORT = "This report is not in the record; it may have been deleted."
UNKNOWN_FORM = "This report was written by another version of Medcore and cannot be shown; please read the study again."
_r = schema.reports.c
Noun = TypeVar("Noun", Report, Attribution)


class Reports(Base):
    """The part of the store that keeps readings and what people say of them."""

    def report(self, report_id: str) -> ReportRow:
        """One report with its addenda and attachments.

        Raises:
            NotFound: no such report.
        """
        rows = self._rows(_r.report_id == text.clean(report_id))
        if not rows:
            raise NotFound(NO_REPORT)
        return rows[0]

    def reports(self, study_id: str) -> tuple[ReportRow, ...]:
        """All reports of a study, newest first."""
        return self._rows(_r.study_id == text.clean(study_id))

    def sign(self, report_id: str, actor: Actor) -> ReportRow:
        """Sign a draft; it never changes after that. The audit line names the SHA-256 of what was signed.

        Raises:
            NotFound: no such report. Signed: it is signed already.
        """
        with self.database.write() as connection:
            row = _locked(connection, report_id)
            if row.state == ReportState.SIGNED:
                raise Signed("This report is signed already; add an addendum instead.")
            values: dict[str, object] = {"state": str(ReportState.SIGNED), "signed_by": text.clean(actor.name)}
            values |= {"signed_verified": actor.verified, "signed_at": text.now()}
            connection.execute(update(schema.reports).where(_r.report_id == row.report_id).values(values))
            append(connection, "report.signed", row.report_id, actor, {"sha256": text.sha256(row.body)})
        return self.report(report_id)

    def addendum(self, report_id: str, words: str, actor: Actor) -> None:
        """Add to a signed report.

        Raises:
            NotFound: no such report. StoreError: it is a draft, or the addendum is empty.
        """
        words = text.clean(words).strip()
        if not words:
            raise StoreError("An addendum needs some text.")
        with self.database.write() as connection:
            row = _locked(connection, report_id)
            if row.state != ReportState.SIGNED:
                raise StoreError("An addendum follows a signed report; this one is still a draft.")
            values: dict[str, object] = {"addendum_id": text.new_id(), "report_id": row.report_id, "study_id": row.study_id, "text": words}
            values |= {"actor": text.clean(actor.name), "verified": actor.verified, "created_at": text.now()}
            connection.execute(schema.addenda.insert().values(values))
            append(connection, "report.addendum", row.report_id, actor)

    def add_read(
        self, report_id: str, verdict: Verdict | str, note: str, actor: Actor, *, blinded: bool = False, decision: str | None = None
    ) -> Read:
        """Keep a reader's verdict. `blinded`: given before the AI reading was shown; `decision`: the reader's own class.

        Raises:
            NotFound: no such report. StoreError: no such verdict.
        """
        if verdict not in tuple(Verdict):
            raise StoreError("A reader agrees, disagrees or amends.")
        with self.database.write() as connection:
            row = _locked(connection, report_id)
            values: dict[str, object] = {
                "read_id": text.new_id(),
                "report_id": row.report_id,
                "study_id": row.study_id,
                "verdict": str(verdict),
            }
            values |= {"note": text.clean(note), "decision": text.clean_or_none(decision), "blinded": blinded}
            values |= {"actor": text.clean(actor.name), "verified": actor.verified, "created_at": text.now()}
            kept = connection.execute(schema.reads.insert().values(values).returning(schema.reads)).one()
            append(connection, "report.read", row.report_id, actor, {"verdict": str(verdict), "blinded": blinded})
        return _read(kept)

    def reads(self, report_id: str) -> tuple[Read, ...]:
        """What readers said of a report, oldest first."""
        table = schema.reads
        query = select(table).where(table.c.report_id == text.clean(report_id)).order_by(table.c.created_at, table.c.read_id)
        with self.database.read() as connection:
            return tuple(_read(row) for row in connection.execute(query))

    def _rows(self, condition: Any) -> tuple[ReportRow, ...]:
        with self.database.read() as connection:
            rows = connection.execute(select(schema.reports).where(condition).order_by(_r.created_at.desc(), _r.report_id)).all()
            names = [row.report_id for row in rows]
            addenda, attachments = _of(connection, schema.addenda, names), _of(connection, schema.attachments, names)
        return tuple(self._row(row, addenda[row.report_id], attachments[row.report_id]) for row in rows)

    def _row(self, row: Row[Any], addenda: Sequence[Row[Any]], attachments: Sequence[Row[Any]]) -> ReportRow:
        signed = row.state == ReportState.SIGNED
        return ReportRow(
            report_id=row.report_id,
            study_id=row.study_id,
            task=row.task,
            state=ReportState(row.state),
            report=self._unpacked(Report, row),
            created_at=datetime.fromisoformat(row.created_at),
            signed_by=Actor(name=row.signed_by, verified=bool(row.signed_verified)) if signed else None,
            signed_at=datetime.fromisoformat(row.signed_at) if signed else None,
            addenda=tuple(Addendum(text=item.text, actor=_actor(item), created_at=_time(item)) for item in addenda),
            attachments=tuple(self._unpacked(Attribution, item) for item in attachments),
        )

    def _unpacked(self, kind: type[Noun], row: Row[Any]) -> Noun:
        arrays: list[Array] = unpack_arrays(self.blobs.read(row.arrays_sha256)) if row.arrays_sha256 else []
        try:
            return codec.unpack(kind, row.body, [*arrays])
        except (ValueError, TypeError, KeyError, IndexError):  # a field that this version does not know, or misses
            raise StoreError(UNKNOWN_FORM) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """An outcome on its way into a row: its JSON, and where its arrays are."""

    body: str
    arrays_sha256: str | None


def packed(stage: Stage, outcome: Report | Attribution) -> Packed:
    """`outcome` as JSON, its arrays written aside as one .npz."""
    body, buffers = codec.pack(outcome)
    arrays = [buffer for buffer in buffers if not isinstance(buffer, bytes)]
    return Packed(body=body, arrays_sha256=stage.add(pack_arrays(arrays)) if arrays else None)


def insert_report(connection: Connection, study_id: str, job_id: str, report: Report, parcel: Packed) -> str:
    """Add a draft and renew the worklist; the caller has the study locked."""
    readings = (report, *report.also)
    found = [finding for reading in readings for finding in reading.findings]
    known = [finding for finding in found if finding.label.is_finding] or found
    report_id = text.new_id()
    values: dict[str, object] = {"report_id": report_id, "study_id": study_id, "job_id": job_id, "task": report.task}
    values |= {"state": str(ReportState.DRAFT), "body": parcel.body, "arrays_sha256": parcel.arrays_sha256}
    values |= {"status": report.status, "decision": report.decision, "gate_code": report.gate.code}
    values |= {"flag": any(finding.label.is_finding and finding.status == Status.PRESENT for finding in known)}
    values |= {"uncertainty": max((closeness(finding) for finding in known), default=None)}
    values |= {"indeterminate": any(reading.status == "indeterminate" for reading in readings), "created_at": text.now()}
    values |= {"alarm": next((text.clean(reading.alarm) for reading in readings if reading.alarm is not None), None)}
    connection.execute(schema.reports.insert().values(values))
    refresh(connection, study_id)
    return report_id


def closeness(finding: Finding) -> float:
    """How near the probability is to its operating point: 1 on it, 0 as far away as can be on that side."""
    point, probability = finding.label.threshold, finding.probability
    room = point if probability < point else 1 - point
    if not math.isfinite(probability) or room <= 0:
        return 1.0
    return 1 - abs(probability - point) / room


def newest_report(connection: Connection, job: Job) -> str:
    """The report that an explanation belongs to.

    Raises:
        NotFound: there is none.
    """
    query = select(_r.report_id).where(_r.study_id == job.study_id).order_by(_r.created_at.desc()).limit(1)
    if job.task is not None:
        query = query.where(_r.task == job.task)
    if "report_id" in job.params:
        query = query.where(_r.report_id == str(job.params["report_id"]))
    found: str | None = connection.execute(query).scalar_one_or_none()
    if found is None:
        raise NotFound(NO_REPORT)
    return found


def insert_attachment(connection: Connection, study_id: str, job_id: str, report_id: str, parcel: Packed) -> None:
    """Add an explanation to a report, signed or not; the report itself does not change."""
    values: dict[str, object] = {"job_id": job_id, "report_id": report_id, "study_id": study_id, "body": parcel.body}
    values |= {"arrays_sha256": parcel.arrays_sha256, "created_at": text.now()}
    connection.execute(schema.attachments.insert().values(values))


def _locked(connection: Connection, report_id: str) -> Row[Any]:
    row = connection.execute(select(schema.reports).where(_r.report_id == text.clean(report_id)).with_for_update()).one_or_none()
    if row is None:
        raise NotFound(NO_REPORT)
    lock(connection, row.study_id)
    return row


def _of(connection: Connection, table: Any, names: Sequence[str]) -> defaultdict[str, list[Row[Any]]]:
    found: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(select(table).where(table.c.report_id.in_(names)).order_by(table.c.created_at)):
        found[row.report_id].append(row)
    return found


def _actor(row: Row[Any]) -> Actor:
    return Actor(name=row.actor, verified=bool(row.verified))


def _time(row: Row[Any]) -> datetime:
    return datetime.fromisoformat(row.created_at)


def _read(row: Row[Any]) -> Read:
    return Read(
        read_id=row.read_id,
        report_id=row.report_id,
        verdict=Verdict(row.verdict),
        note=row.note,
        actor=_actor(row),
        created_at=_time(row),
        blinded=bool(row.blinded),
        decision=row.decision,
    )
