"""The tables. The migrations make them; a test holds both equal."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text

HEAD = "0002"  # the newest revision in migrations/versions

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
ID = String(32)
SHA = String(64)
TIME = String(32)  # ISO 8601 in UTC with microseconds: the same text on every database, and it sorts


def _study() -> Column[str]:
    return Column("study_id", ID, ForeignKey("studies.study_id", ondelete="CASCADE"), nullable=False)


studies = Table(
    "studies",
    metadata,
    Column("study_id", ID, primary_key=True),
    Column("fingerprint", SHA, nullable=False, unique=True),  # of the content: the same upload is the same study
    Column("created_at", TIME, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_verified", Boolean, nullable=False),
    Column("patient_name", Text),
    Column("patient_id", Text, index=True),
    Column("birth_date", Text),
    Column("sex", Text),
    Column("age_years", Float),
    Column("study_uid", Text),
    Column("study_date", Text),
    Column("modality", Text),
    Column("description", Text),
    Column("images", Integer, nullable=False),
    Column("demo", Boolean, nullable=False),
    Column("search_text", Text, nullable=False),  # case-folded name, id and description
    Column("header", Text, nullable=False),  # the study as JSON; its arrays stand in `arrays`
    # What the newest reports say, renewed in the transaction that changes one of them.
    Column("flag", Boolean, nullable=False),
    Column("uncertainty", Float),
    Column("urgency", Float, nullable=False),  # `uncertainty`, or 1 where nothing is known yet; 1 more if indeterminate, 4 more at an alarm
    Column("indeterminate", Boolean, nullable=False),
    Column("report_id", ID),
    Column("job_id", ID),
    Column("alarm", Text),  # why it stands on top: a code of the newest report of some task that says "review now"
    Column("deleted_at", TIME),  # set inside the deleting transaction alone: it opens the triggers
    Index("ix_studies_worklist", "flag", "urgency", "created_at", "study_id"),
)

sources = Table(
    "sources",
    metadata,
    Column("study_id", ID, ForeignKey("studies.study_id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("sha256", SHA, nullable=False),
)

arrays = Table(  # the decoded arrays of `studies.header`, in its order
    "arrays",
    metadata,
    Column("study_id", ID, ForeignKey("studies.study_id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("sha256", SHA, nullable=False),
)

holds = Table(  # a file of the blob folder lives while a row here names it
    "holds",
    metadata,
    Column("sha256", SHA, primary_key=True),
    Column("holder", ID, primary_key=True, index=True),  # a study, or a job of no study
)

doubts = Table(  # files that may be without a holder, after a crash or a deletion
    "doubts",
    metadata,
    Column("sha256", SHA, primary_key=True),
)

jobs = Table(
    "jobs",
    metadata,
    Column("job_id", ID, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("study_id", ID, ForeignKey("studies.study_id", ondelete="CASCADE"), index=True),
    Column("task", Text),
    Column("params", Text, nullable=False),
    Column("twin", SHA, unique=True),  # of kind, study, task and params, while it waits or runs
    Column("state", String(12), nullable=False),
    Column("progress", Float, nullable=False),
    Column("seconds_left", Float),
    Column("attempts", Integer, nullable=False),
    Column("worker", Text),
    Column("lease_until", Float, nullable=False),  # seconds since 1970 by the clock of the database
    Column("not_before", Float, nullable=False),
    Column("claimed_at", Float),
    Column("cancel_requested", Boolean, nullable=False),
    Column("error_code", Text),
    Column("error", Text),
    Column("result", Text),
    Column("report_id", ID),
    Column("created_at", TIME, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_verified", Boolean, nullable=False),
    Column("started_at", TIME),
    Column("finished_at", TIME),
    Index("ix_jobs_state", "state", "created_at"),
)

reports = Table(
    "reports",
    metadata,
    Column("report_id", ID, primary_key=True),
    _study(),
    Column("job_id", ID, nullable=False, unique=True),  # a job gives one report, whatever happens
    Column("task", Text, nullable=False),
    Column("state", String(12), nullable=False),
    Column("body", Text, nullable=False),  # medcore.codec
    Column("arrays_sha256", SHA),  # an .npz of the attributions
    Column("status", Text, nullable=False),
    Column("decision", Text),
    Column("gate_code", Text, nullable=False),
    Column("flag", Boolean, nullable=False),
    Column("uncertainty", Float),
    Column("indeterminate", Boolean, nullable=False),
    Column("created_at", TIME, nullable=False),
    Column("signed_by", Text),
    Column("signed_verified", Boolean),
    Column("signed_at", TIME),
    Column("alarm", Text),
    Index("ix_reports_study_id", "study_id", "created_at"),
)


def _report() -> Column[str]:
    return Column("report_id", ID, ForeignKey("reports.report_id", ondelete="CASCADE"), nullable=False)


attachments = Table(  # explanations asked for after the report was made
    "attachments",
    metadata,
    Column("job_id", ID, primary_key=True),
    _report(),
    _study(),
    Column("body", Text, nullable=False),
    Column("arrays_sha256", SHA, nullable=False),
    Column("created_at", TIME, nullable=False),
    Index("ix_attachments_report_id", "report_id", "created_at"),
    Index("ix_attachments_study_id", "study_id"),
)

addenda = Table(
    "addenda",
    metadata,
    Column("addendum_id", ID, primary_key=True),
    _report(),
    _study(),
    Column("text", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("created_at", TIME, nullable=False),
    Index("ix_addenda_report_id", "report_id", "created_at"),
    Index("ix_addenda_study_id", "study_id"),
)

reads = Table(
    "reads",
    metadata,
    Column("read_id", ID, primary_key=True),
    _report(),
    _study(),
    Column("verdict", String(12), nullable=False),
    Column("note", Text, nullable=False),
    Column("decision", Text),
    Column("blinded", Boolean, nullable=False),
    Column("actor", Text, nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("created_at", TIME, nullable=False),
    Index("ix_reads_report_id", "report_id", "created_at"),
    Index("ix_reads_study_id", "study_id"),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", TIME, nullable=False),
    Column("actor", Text, nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("detail", Text, nullable=False),  # canonical JSON
    Column("previous", SHA, nullable=False),
    Column("hash", SHA, nullable=False),
)

audit_head = Table(  # one row: its lock keeps the chain from forking, its value shows a cut tail
    "audit_head",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("seq", Integer, nullable=False),
    Column("hash", SHA, nullable=False),
)

workers = Table(
    "workers",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("state", String(12), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("host", Text, nullable=False),
    Column("seen_at", Float, nullable=False),
)
