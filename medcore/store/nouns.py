"""What the record answers with: frozen rows, no database type among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from medcore.types import Attribution, Patient, Report


class JobState(StrEnum):
    """Where a job stands; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StudyStatus(StrEnum):
    """What the worklist says of a study: its newest diagnosis job, else its newest report."""

    NEW = "new"  # stored, nothing asked yet
    QUEUED = "queued"
    RUNNING = "running"
    FAILED = "failed"
    CANCELLED = "cancelled"
    READY = "ready"  # a draft report awaits a reader
    REFUSED = "refused"  # the gate refused; `gate_code` says why
    SIGNED = "signed"


class Verdict(StrEnum):
    """What a reader thinks of a report (IHE AIRAI: accept, reject, supplement)."""

    AGREE = "agree"
    DISAGREE = "disagree"
    AMEND = "amend"


class ReportState(StrEnum):
    """A draft may be signed once; a signed report never changes."""

    DRAFT = "draft"
    SIGNED = "signed"


class WorkerState(StrEnum):
    """Whether somebody is there to carry jobs out."""

    STARTING = "starting"
    READY = "ready"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who does it. `verified` is True only for a name that OIDC vouches for."""

    name: str
    verified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What `save` did: `existed` when the same content was there already, under the same id."""

    study_id: str
    existed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRow:
    """One line of the worklist. What no report has said yet is None."""

    study_id: str  # random, for URLs
    created_at: datetime
    created_by: Actor
    patient: Patient
    study_uid: str | None
    study_date: str | None  # ISO 8601
    modality: str | None  # DICOM CS codes, "/" between several
    description: str | None
    images: int  # slices and frames of all series; 0 for an ECG
    demo: bool
    status: StudyStatus
    task: str | None = None  # of the newest report, else of the newest job
    decision: str | None = None
    flag: bool = False  # a finding is present in the newest report of some task, or it raised an alarm
    alarm: str | None = None  # review now: the code that such a report gives (asystole, ventricular, paced)
    uncertainty: float | None = None  # 0 sure .. 1 on the operating point; None: not read or refused
    indeterminate: bool = False
    gate_code: str | None = None  # "in", or why the task refused
    verdict: Verdict | None = None  # of the newest read of the newest report
    reader: str | None = None  # who gave it, else who signed
    report_id: str | None = None
    job_id: str | None = None
    progress: float | None = None  # 0..1 of the newest diagnosis job
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One line of the ledger. `params` and `result` are plain JSON values."""

    job_id: str
    kind: str  # "diagnose", "explain", "validate", ...
    study_id: str | None
    task: str | None
    params: Mapping[str, object]
    state: JobState
    progress: float  # 0..1
    seconds_left: float | None  # None: nothing to reckon it from yet
    attempts: int  # claims so far, the running one included
    error_code: str | None  # key under [error] in the text files
    error: str | None  # one sentence
    report_id: str | None
    result: Mapping[str, object] | None
    cancel_requested: bool
    created_at: datetime
    created_by: Actor
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def finished(self) -> bool:
        """True when nothing more will happen to it."""
        return self.state in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A reader's verdict on a report; append-only."""

    read_id: str
    report_id: str
    verdict: Verdict
    note: str
    actor: Actor
    created_at: datetime
    blinded: bool = False  # given before the AI reading was shown
    decision: str | None = None  # the reader's own class, where one was given


@dataclass(frozen=True, slots=True, kw_only=True)
class Addendum:
    """What was added after signing; append-only."""

    text: str
    actor: Actor
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """A kept report. `attachments` are explanations asked for later; they never change `report`."""

    report_id: str
    study_id: str
    task: str
    state: ReportState
    report: Report
    created_at: datetime
    signed_by: Actor | None = None
    signed_at: datetime | None = None
    addenda: tuple[Addendum, ...] = ()
    attachments: tuple[Attribution, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One link of the chain: `hash` is the SHA-256 of `previous` and the row's canonical JSON."""

    seq: int
    at: str  # ISO 8601, UTC
    actor: Actor
    action: str
    subject_id: str
    detail: Mapping[str, object] = field(default_factory=dict)
    previous: str = ""
    hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The first place where the audit chain does not hold."""

    seq: int
    reason: str  # "missing", "changed", "unlinked" or "added"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRow:
    """A worker as it was last heard of."""

    name: str
    state: WorkerState
    pid: int
    host: str
    seen_seconds_ago: float
