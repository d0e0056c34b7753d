"""The worklist: which studies there are, what is known of each, and which to look at first."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, FromClause, RowMapping, Select, case, func, literal, select, update

from medcore.errors import NotFound
from medcore.store import schema, text
from medcore.store.base import Base
from medcore.store.nouns import Actor, StudyRow, StudyStatus, Verdict
from medcore.types import Patient

MISSING = "This study is not in the record; it may have been deleted."
MOST_ROWS = 1000
ALARM = 4.0  # of urgency: more than any reading has without one
_s, _j, _r = schema.studies.c, schema.jobs.c, schema.reports.c
_newest_read = select(schema.reads).where(schema.reads.c.report_id == _s.report_id).order_by(schema.reads.c.created_at.desc()).limit(1)


class Worklist(Base):
    """The part of the store that lists studies."""

    def studies(
        self,
        search: str = "",
        *,
        status: StudyStatus | None = None,
        flagged: bool | None = None,
        modality: str | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> tuple[StudyRow, ...]:
        """The worklist: alarms first, then what is flagged, then what is indeterminate, then what nobody has read yet or the gate refused,
        then the most uncertain, then the newest. Every word of `search` must stand in the patient's name or id or the description.

        Raises:
            StoreError: the database cannot answer.
        """
        order = (_s.flag.desc(), _s.urgency.desc(), _s.created_at.desc(), _s.study_id.desc())
        query = _filtered(_rows(), search, status, flagged, modality).order_by(*order)
        query = query.limit(min(max(limit, 0), MOST_ROWS)).offset(max(offset, 0))
        with self.database.read() as connection:
            return tuple(_row(row) for row in connection.execute(query).mappings())

    def count(
        self, search: str = "", *, status: StudyStatus | None = None, flagged: bool | None = None, modality: str | None = None
    ) -> int:
        """How many rows `studies` has in all for the same arguments."""
        query = _filtered(select(func.count()).select_from(_joined()), search, status, flagged, modality)
        with self.database.read() as connection:
            number: int = connection.execute(query).scalar_one()
        return number

    def study(self, study_id: str) -> StudyRow:
        """One line of the worklist.

        Raises:
            NotFound: no such study.
        """
        with self.database.read() as connection:
            row = connection.execute(_rows().where(_s.study_id == text.clean(study_id))).mappings().one_or_none()
        if row is None:
            raise NotFound(MISSING)
        return _row(row)

    def priors(self, study_id: str) -> tuple[StudyRow, ...]:
        """Other studies of the same patient, newest first.

        The same patient has the same patient id, and neither name nor birth date contradicts it; without an id: nobody.
        """
        patient = self.study(study_id).patient
        if not patient.patient_id:
            return ()
        query = _rows().where(_s.patient_id == patient.patient_id, _s.study_id != study_id)
        query = query.order_by(func.coalesce(_s.study_date, _s.created_at).desc(), _s.created_at.desc())
        with self.database.read() as connection:
            rows = [_row(row) for row in connection.execute(query).mappings()]
        return tuple(row for row in rows if _agree(row.patient, patient))


def refresh(connection: Connection, study_id: str) -> None:
    """Renew what the worklist says of a study from its newest report of each task; the caller has the study locked."""
    rows = connection.execute(select(schema.reports).where(_r.study_id == study_id).order_by(_r.created_at.desc())).all()
    newest = {row.task: row for row in reversed(rows)}
    known = [row.uncertainty for row in newest.values() if row.uncertainty is not None]
    silent = len(known) < max(len(newest), 1)  # a refusal, or no reading yet, says nothing: look at it soon
    alarm = next((row.alarm for row in newest.values() if row.alarm is not None), None)
    undecided = any(row.indeterminate for row in newest.values())  # a reading that asks for a reader goes before one that says nothing
    values = {
        "flag": alarm is not None or any(row.flag for row in newest.values()),
        "alarm": alarm,
        "indeterminate": undecided,
        "uncertainty": max(known, default=None),
        "urgency": undecided + (1.0 if silent else max(known)) + (0.0 if alarm is None else ALARM),
        "report_id": rows[0].report_id if rows else None,
    }
    connection.execute(update(schema.studies).where(_s.study_id == study_id).values(values))


def lock(connection: Connection, study_id: str) -> None:
    """Lock the study until the transaction ends. Writers lock jobs, then reports, then the study, and insert last.

    Raises:
        NotFound: no such study.
    """
    if connection.execute(select(_s.study_id).where(_s.study_id == text.clean(study_id)).with_for_update()).first() is None:
        raise NotFound(MISSING)


_status = case(
    (_j.state.in_(("queued", "running", "failed", "cancelled")), _j.state),
    (_r.state == "signed", literal("signed")),
    (_r.status == "refused", literal("refused")),
    (_r.report_id.is_not(None), literal("ready")),
    else_=literal("new"),
)


def _joined() -> FromClause:
    return schema.studies.outerjoin(schema.jobs, _j.job_id == _s.job_id).outerjoin(schema.reports, _r.report_id == _s.report_id)


def _rows() -> Select[Any]:
    columns = [column for column in schema.studies.c if column.name not in ("header", "search_text")]
    report = (_r.decision, _r.gate_code, _r.signed_by, func.coalesce(_r.task, _j.task).label("task"))
    job = (_j.progress, _j.seconds_left)
    read = (
        _newest_read.with_only_columns(schema.reads.c.verdict).scalar_subquery().label("verdict"),
        _newest_read.with_only_columns(schema.reads.c.actor).scalar_subquery().label("reader"),
    )
    return select(*columns, *report, *job, *read, _status.label("status")).select_from(_joined())


def _filtered(query: Select[Any], search: str, status: StudyStatus | None, flagged: bool | None, modality: str | None) -> Select[Any]:
    for pattern in text.patterns(search):
        query = query.where(_s.search_text.like(pattern, escape="!"))
    if status is not None:
        query = query.where(_status == str(status))
    if flagged is not None:
        query = query.where(_s.flag == flagged)
    if modality is not None:
        query = query.where((literal("/") + _s.modality + literal("/")).contains(f"/{modality}/", autoescape=True))
    return query


def _row(row: RowMapping) -> StudyRow:
    patient = Patient(
        name=row["patient_name"], patient_id=row["patient_id"], birth_date=row["birth_date"], sex=row["sex"], age_years=row["age_years"]
    )
    plain = (
        "study_id",
        "study_uid",
        "study_date",
        "modality",
        "description",
        "images",
        "task",
        "decision",
        "uncertainty",
        "gate_code",
        "alarm",
    )
    return StudyRow(
        **{name: row[name] for name in plain},
        created_at=datetime.fromisoformat(row["created_at"]),
        created_by=Actor(name=row["created_by"], verified=bool(row["created_verified"])),
        patient=patient,
        demo=bool(row["demo"]),
        status=StudyStatus(row["status"]),
        flag=bool(row["flag"]),
        indeterminate=bool(row["indeterminate"]),
        verdict=None if row["verdict"] is None else Verdict(row["verdict"]),
        reader=row["reader"] or row["signed_by"],
        report_id=row["report_id"],
        job_id=row["job_id"],
        progress=row["progress"],
        seconds_left=row["seconds_left"],
    )


def _agree(one: Patient, other: Patient) -> bool:
    """True unless name or birth date say that these are two people: a patient id is only unique within its hospital."""
    dates = one.birth_date is None or other.birth_date is None or one.birth_date == other.birth_date
    names = one.name is None or other.name is None or text.folded(one.name) == text.folded(other.name)
    return dates and names
