"""The record: studies, jobs, reports, reads and the audit chain. The only importer of SQLAlchemy.

    store = open_store()                       # cheap to call again: one Store per process and database

Studies (worklist order: flagged first, then most uncertain, then newest)
    save(study, actor, demo=False) -> Saved                     .study_id, .existed
    studies(search="", *, status=None, flagged=None, modality=None, limit=50, offset=0) -> tuple[StudyRow, ...]
    count(search="", *, status=None, flagged=None, modality=None) -> int
    study(study_id) -> StudyRow
    priors(study_id) -> tuple[StudyRow, ...]                    same patient, newest first
    sources(study_id) -> tuple[Source, ...]                     with their bytes
    load(study_id, *, with_bytes=False) -> Study                arrays memory-mapped; Source.data is b"" unless asked
    delete(study_id, actor)                                     removes patient data, keeps the audit chain
Jobs
    enqueue(kind, study_id, task, params, actor, *, upload=None) -> job_id
                                                                the same order still waiting or running: its id;
                                                                `upload` bytes are kept, params["blob"] names them
    job(job_id) -> Job
    jobs(study_id=None, *, kind=None, limit=50) -> tuple[Job, ...]   newest first; None: jobs of no study
    cancel(job_id, actor) -> JobState                           queued: at once; running: at the next heartbeat
    delete_job(job_id, actor)                                   a job of no study, with its upload and result
    blob(sha256) -> bytes
    worker_state() -> WorkerState                               starting, ready or down
    workers() -> tuple[WorkerRow, ...]
  for workers:
    claim(worker) -> Job | None
    heartbeat(job_id, worker, progress) -> bool                 False: lost or cancelled
    finish(job_id, worker, outcome) -> report_id | None         a Report, an Attribution or a JSON mapping; once
    fail(job_id, worker, error, retry)
    release(worker) -> int                                      gives its running jobs back, unspent
    abandon(worker) -> int                                      it is dead: do not wait for its leases
    alive(worker, state)
Reports
    report(report_id) -> ReportRow
    reports(study_id) -> tuple[ReportRow, ...]                  newest first
    sign(report_id, actor) -> ReportRow
    addendum(report_id, words, actor)                           signed reports only
    add_read(report_id, verdict, note, actor, *, blinded=False, decision=None) -> Read
    reads(report_id) -> tuple[Read, ...]                        oldest first
Audit (ids and codes only, never free text)
    audit(action, subject_id, actor, detail=None)
    audit_log(limit=100) -> tuple[AuditRow, ...]                newest first
    verify_audit() -> Broken | None                             the first broken row

Every method raises StoreError (NotFound, Signed, JobLost) with one sentence when it cannot do what it says.
"""

from __future__ import annotations

from medcore.store.nouns import (
    Actor,
    Addendum,
    AuditRow,
    Broken,
    Job,
    JobState,
    Read,
    ReportRow,
    ReportState,
    Saved,
    StudyRow,
    StudyStatus,
    Verdict,
    WorkerRow,
    WorkerState,
)
from medcore.store.record import Store, open_store

__all__ = [
    "Actor",
    "Addendum",
    "AuditRow",
    "Broken",
    "Job",
    "JobState",
    "Read",
    "ReportRow",
    "ReportState",
    "Saved",
    "Store",
    "StudyRow",
    "StudyStatus",
    "Verdict",
    "WorkerRow",
    "WorkerState",
    "open_store",
]
