"""The first tables, and the triggers that keep what must never change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
    )


def _audit_head() -> None:
    op.create_table(
        "audit_head",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("one", name="pk_audit_head"),
    )


def _doubts() -> None:
    op.create_table(
        "doubts", sa.Column("sha256", sa.String(length=64), nullable=False), sa.PrimaryKeyConstraint("sha256", name="pk_doubts")
    )


def _holds() -> None:
    op.create_table(
        "holds",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("sha256", "holder", name="pk_holds"),
    )
    op.create_index("ix_holds_holder", "holds", ["holder"], unique=False)


def _studies() -> None:
    op.create_table(
        "studies",
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_verified", sa.Boolean(), nullable=False),
        sa.Column("patient_name", sa.Text(), nullable=True),
        sa.Column("patient_id", sa.Text(), nullable=True),
        sa.Column("birth_date", sa.Text(), nullable=True),
        sa.Column("sex", sa.Text(), nullable=True),
        sa.Column("age_years", sa.Float(), nullable=True),
        sa.Column("study_uid", sa.Text(), nullable=True),
        sa.Column("study_date", sa.Text(), nullable=True),
        sa.Column("modality", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("header", sa.Text(), nullable=False),
        sa.Column("flag", sa.Boolean(), nullable=False),
        sa.Column("uncertainty", sa.Float(), nullable=True),
        sa.Column("urgency", sa.Float(), nullable=False),
        sa.Column("indeterminate", sa.Boolean(), nullable=False),
        sa.Column("report_id", sa.String(length=32), nullable=True),
        sa.Column("job_id", sa.String(length=32), nullable=True),
        sa.Column("deleted_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("study_id", name="pk_studies"),
        sa.UniqueConstraint("fingerprint", name="uq_studies_fingerprint"),
    )
    op.create_index("ix_studies_patient_id", "studies", ["patient_id"], unique=False)
    op.create_index("ix_studies_worklist", "studies", ["flag", "urgency", "created_at", "study_id"], unique=False)


def _workers() -> None:
    op.create_table(
        "workers",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_workers"),
    )


def _arrays() -> None:
    op.create_table(
        "arrays",
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["studies.study_id"], name="fk_arrays_study_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("study_id", "position", name="pk_arrays"),
    )


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("job_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("study_id", sa.String(length=32), nullable=True),
        sa.Column("task", sa.Text(), nullable=True),
        sa.Column("params", sa.Text(), nullable=False),
        sa.Column("twin", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("seconds_left", sa.Float(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.Float(), nullable=False),
        sa.Column("not_before", sa.Float(), nullable=False),
        sa.Column("claimed_at", sa.Float(), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("report_id", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_verified", sa.Boolean(), nullable=False),
        sa.Column("started_at", sa.String(length=32), nullable=True),
        sa.Column("finished_at", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["study_id"], ["studies.study_id"], name="fk_jobs_study_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", name="pk_jobs"),
        sa.UniqueConstraint("twin", name="uq_jobs_twin"),
    )
    op.create_index("ix_jobs_state", "jobs", ["state", "created_at"], unique=False)
    op.create_index("ix_jobs_study_id", "jobs", ["study_id"], unique=False)


def _reports() -> None:
    op.create_table(
        "reports",
        sa.Column("report_id", sa.String(length=32), nullable=False),
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("job_id", sa.String(length=32), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("arrays_sha256", sa.String(length=64), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("gate_code", sa.Text(), nullable=False),
        sa.Column("flag", sa.Boolean(), nullable=False),
        sa.Column("uncertainty", sa.Float(), nullable=True),
        sa.Column("indeterminate", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("signed_by", sa.Text(), nullable=True),
        sa.Column("signed_verified", sa.Boolean(), nullable=True),
        sa.Column("signed_at", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["study_id"], ["studies.study_id"], name="fk_reports_study_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("report_id", name="pk_reports"),
        sa.UniqueConstraint("job_id", name="uq_reports_job_id"),
    )
    op.create_index("ix_reports_study_id", "reports", ["study_id", "created_at"], unique=False)


def _sources() -> None:
    op.create_table(
        "sources",
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["studies.study_id"], name="fk_sources_study_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("study_id", "position", name="pk_sources"),
    )


def _addenda() -> None:
    op.create_table(
        "addenda",
        sa.Column("addendum_id", sa.String(length=32), nullable=False),
        sa.Column("report_id", sa.String(length=32), nullable=False),
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["reports.report_id"], name="fk_addenda_report_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["study_id"], ["studies.study_id"], name="fk_addenda_study_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("addendum_id", name="pk_addenda"),
    )
    op.create_index("ix_addenda_report_id", "addenda", ["report_id", "created_at"], unique=False)
    op.create_index("ix_addenda_study_id", "addenda", ["study_id"], unique=False)


def _attachments() -> None:
    op.create_table(
        "attachments",
        sa.Column("job_id", sa.String(length=32), nullable=False),
        sa.Column("report_id", sa.String(length=32), nullable=False),
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("arrays_sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["reports.report_id"], name="fk_attachments_report_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["study_id"], ["studies.study_id"], name="fk_attachments_study_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", name="pk_attachments"),
    )
    op.create_index("ix_attachments_report_id", "attachments", ["report_id", "created_at"], unique=False)
    op.create_index("ix_attachments_study_id", "attachments", ["study_id"], unique=False)


def _reads() -> None:
    op.create_table(
        "reads",
        sa.Column("read_id", sa.String(length=32), nullable=False),
        sa.Column("report_id", sa.String(length=32), nullable=False),
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("verdict", sa.String(length=12), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("blinded", sa.Boolean(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["reports.report_id"], name="fk_reads_report_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["study_id"], ["studies.study_id"], name="fk_reads_study_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("read_id", name="pk_reads"),
    )
    op.create_index("ix_reads_report_id", "reads", ["report_id", "created_at"], unique=False)
    op.create_index("ix_reads_study_id", "reads", ["study_id"], unique=False)


TABLES = (
    _audit,
    _audit_head,
    _doubts,
    _holds,
    _studies,
    _workers,
    _arrays,
    _jobs,
    _reports,
    _sources,
    _addenda,
    _attachments,
    _reads,
)


# A row of these is never changed, and goes only when its study goes (`deleted_at` is set in that transaction alone).
APPEND_ONLY = ("reads", "addenda")
OPEN_DOOR = "EXISTS (SELECT 1 FROM studies WHERE studies.study_id = OLD.study_id AND studies.deleted_at IS NOT NULL)"


def _forbid_sqlite(name: str, action: str, table: str, when: str | None) -> None:
    condition = f"WHEN {when}" if when else ""
    op.execute(f"CREATE TRIGGER {name} BEFORE {action} ON {table} {condition} BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END")


def _forbid_postgres(name: str, action: str, table: str, when: str | None) -> None:
    answer = "RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;"
    guard = f"IF NOT ({when}) THEN {answer} END IF;" if when else ""
    body = f"BEGIN {guard} RAISE EXCEPTION '{table} is append-only'; END"
    op.execute(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")
    op.execute(f"CREATE TRIGGER {name} BEFORE {action} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")


def _triggers() -> None:
    postgres = op.get_bind().dialect.name == "postgresql"
    forbid = _forbid_postgres if postgres else _forbid_sqlite
    for table in APPEND_ONLY:
        forbid(f"{table}_stay", "UPDATE", table, None)
        forbid(f"{table}_last", "DELETE", table, f"NOT {OPEN_DOOR}")
    forbid("reports_stay", "UPDATE", "reports", "OLD.state = 'signed'")
    forbid("reports_last", "DELETE", "reports", f"OLD.state = 'signed' AND NOT {OPEN_DOOR}")
    forbid("audit_stay", "UPDATE", "audit", None)
    forbid("audit_last", "DELETE", "audit", None)
    if postgres:
        for table in ("audit", "reads", "addenda", "reports"):
            op.execute(f"CREATE TRIGGER {table}_whole BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION audit_last()")


def upgrade() -> None:
    """Make the tables, the first link of the chain and the triggers."""
    for table in TABLES:
        table()
    head = sa.table("audit_head", sa.column("one"), sa.column("seq"), sa.column("hash"))
    op.execute(head.insert().values(one=1, seq=0, hash="0" * 64))
    _triggers()


def downgrade() -> None:
    """Remove everything: the record is empty after it."""
    for table in reversed(TABLES):
        op.drop_table(table.__name__.removeprefix("_"))
    if op.get_bind().dialect.name == "postgresql":
        for name in (
            "reads_stay",
            "reads_last",
            "addenda_stay",
            "addenda_last",
            "reports_stay",
            "reports_last",
            "audit_stay",
            "audit_last",
        ):
            op.execute(f"DROP FUNCTION {name}()")
