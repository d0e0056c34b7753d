"""The job ledger, seen from the worker: claim, keep the lease, finish once.

A claim is a lease. Who dies lets it run out, and the job is claimed again; who lives but was given up for dead finds at
`finish` that the job is no longer his. Report and job state change in one transaction, so a job gives one report.
"""

from __future__ import annotations

import json
import math
import os
import socket
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, or_, select, update

from medcore import settings
from medcore.errors import Cancelled, JobLost, MedcoreError, WorkerFailed
from medcore.store import schema, text
from medcore.store.audit import append
from medcore.store.base import Base, hold, inserted
from medcore.store.jobs import FORGET_SECONDS, end, job_of
from medcore.store.nouns import Actor, Job, JobState, WorkerState
from medcore.store.reports import Packed, insert_attachment, insert_report, newest_report, packed
from medcore.store.worklist import lock
from medcore.types import Attribution, Report

WORKER = Actor(name="worker")
LOST_JOB = "The job was cancelled or given to another worker."
GIVEN_UP = "The worker stopped each time it tried this job, so the job was given up; please tell the administrator."
LONGEST_PAUSE = 30.0  # seconds before a failed job is tried again
_j = schema.jobs.c
_RUNNING, _QUEUED = str(JobState.RUNNING), str(JobState.QUEUED)


class Ledger(Base):
    """The part of the store that hands jobs to workers."""

    def claim(self, worker: str) -> Job | None:
        """The oldest job that waits, or whose worker fell silent; None when there is none. One worker gets it."""
        with self.database.read() as connection:  # a glance first: an idle worker need not take the write lock
            if connection.execute(select(_j.job_id).where(_claimable(self.database.clock(connection))).limit(1)).first() is None:
                return None
        with self.database.write() as connection:
            now = self.database.clock(connection)
            _bury(connection, now)
            query = select(schema.jobs).where(_claimable(now)).order_by(_j.created_at, _j.job_id).limit(1)
            row = connection.execute(query.with_for_update(skip_locked=True)).one_or_none()
            if row is None:
                return None
            values: dict[str, object] = {"state": _RUNNING, "worker": worker, "attempts": row.attempts + 1, "lease_until": now + _lease()}
            values |= {"claimed_at": now, "progress": 0.0, "seconds_left": None, "started_at": row.started_at or text.now()}
            claimed = update(schema.jobs).where(_j.job_id == row.job_id).values(values).returning(schema.jobs)
            return job_of(connection.execute(claimed).one())

    def heartbeat(self, job_id: str, worker: str, progress: float) -> bool:
        """Keep the lease and tell the progress (0..1); False when the job was cancelled or given to another worker."""
        progress = min(max(progress, 0.0), 1.0) if math.isfinite(progress) else 0.0
        with self.database.write() as connection:
            row = connection.execute(select(schema.jobs).where(*_mine(job_id, worker)).with_for_update()).one_or_none()
            if row is None or row.cancel_requested:
                return False
            now = self.database.clock(connection)
            left = (now - row.claimed_at) * (1 - progress) / progress if progress > 0 else None
            values = {"lease_until": now + _lease(), "progress": progress, "seconds_left": left}
            connection.execute(update(schema.jobs).where(_j.job_id == job_id).values(values))
        return True

    def finish(self, job_id: str, worker: str, outcome: Report | Attribution | Mapping[str, object]) -> str | None:
        """Keep what the job gave and end it, in one transaction: a Report becomes a draft, an Attribution is attached to
        the report named by params["report_id"] (else the newest of study and task), anything else is the job's result.

        Returns:
            The id of the report concerned, if one is.

        Raises:
            JobLost: the job is no longer this worker's; nothing was kept.
        """
        if not isinstance(outcome, Report | Attribution):
            with self.database.write() as connection:
                row = _locked(connection, job_id, worker)
                _done(connection, row, None, json.dumps(outcome))
            return None
        with self.blobs.stage() as stage:
            parcel = packed(stage, outcome)
            with self.blobs.locked(alone=False):
                self.doubt(stage.names)
                stage.publish()
                with self.database.write() as connection:
                    return _finished(connection, _locked(connection, job_id, worker), outcome, parcel, stage.names)

    def fail(self, job_id: str, worker: str, error: MedcoreError, retry: bool) -> None:
        """The attempt failed. With `retry` the job waits a little and is tried again, up to the limit of attempts.

        Raises:
            JobLost: the job is no longer this worker's.
        """
        with self.database.write() as connection:
            row = connection.execute(select(schema.jobs).where(*_mine(job_id, worker)).with_for_update()).one_or_none()
            if row is None:
                raise JobLost(LOST_JOB)
            if row.cancel_requested or isinstance(error, Cancelled):
                end(connection, job_id, JobState.CANCELLED)
            elif retry and row.attempts < settings.number("MEDCORE_JOB_ATTEMPTS"):
                pause = min(2.0**row.attempts - 1, LONGEST_PAUSE)
                values = {"state": _QUEUED, "worker": None, "not_before": self.database.clock(connection) + pause}
                connection.execute(update(schema.jobs).where(_j.job_id == job_id).values(values))
            else:
                end(connection, job_id, JobState.FAILED, error_code=error.code, error=str(error))
                append(connection, "job.failed", job_id, WORKER, {"code": error.code})

    def release(self, worker: str) -> int:
        """Give back, unspent, what `worker` was doing: it stops in good order. How many jobs."""
        mine = (_j.worker == worker, _j.state == _RUNNING)
        with self.database.write() as connection:
            values = {"state": _QUEUED, "worker": None, "attempts": _j.attempts - 1, "progress": 0.0, "seconds_left": None}
            count = connection.execute(update(schema.jobs).where(*mine).values(values)).rowcount
            _cancel_waiting(connection)
        return count

    def abandon(self, worker: str) -> int:
        """End the leases of a worker known to be dead, so that nobody waits for them to run out. How many."""
        with self.database.write() as connection:
            query = update(schema.jobs).where(_j.worker == worker, _j.state == _RUNNING).values(lease_until=0.0)
            connection.execute(delete(schema.workers).where(schema.workers.c.name == worker))
            return connection.execute(query).rowcount

    def alive(self, worker: str, state: WorkerState) -> None:
        """Tell that `worker` lives; the page says so."""
        table = schema.workers
        with self.database.write() as connection:
            now = self.database.clock(connection)
            values = {"name": worker, "state": str(state), "pid": os.getpid(), "host": socket.gethostname(), "seen_at": now}
            if not inserted(connection, table, values):
                connection.execute(update(table).where(table.c.name == worker).values(values))
            connection.execute(delete(table).where(table.c.seen_at < now - FORGET_SECONDS))


def _lease() -> float:
    return float(settings.number("MEDCORE_LEASE_SECONDS"))


def _claimable(now: float) -> ColumnElement[bool]:
    return or_(and_(_j.state == _QUEUED, _j.not_before <= now), and_(_j.state == _RUNNING, _j.lease_until < now))


def _mine(job_id: str, worker: str) -> tuple[ColumnElement[bool], ...]:
    return (_j.job_id == job_id, _j.worker == worker, _j.state == _RUNNING)


def _bury(connection: Connection, now: float) -> None:
    """End what a silent worker held for the last allowed time, or what should have stopped."""
    spent = or_(_j.attempts >= settings.number("MEDCORE_JOB_ATTEMPTS"), _j.cancel_requested.is_(True))
    query = select(schema.jobs).where(_j.state == _RUNNING, _j.lease_until < now, spent).order_by(_j.job_id)
    for row in connection.execute(query.with_for_update(skip_locked=True)).all():
        if row.cancel_requested:
            end(connection, row.job_id, JobState.CANCELLED)
            continue
        error = WorkerFailed(GIVEN_UP)
        end(connection, row.job_id, JobState.FAILED, error_code=error.code, error=str(error))
        append(connection, "job.failed", row.job_id, WORKER, {"code": error.code})


def _cancel_waiting(connection: Connection) -> None:
    query = select(_j.job_id).where(_j.state == _QUEUED, _j.cancel_requested.is_(True)).order_by(_j.job_id)
    for job_id in connection.execute(query.with_for_update(skip_locked=True)).scalars().all():
        end(connection, job_id, JobState.CANCELLED)


def _locked(connection: Connection, job_id: str, worker: str) -> Row[Any]:
    row = connection.execute(select(schema.jobs).where(*_mine(job_id, worker)).with_for_update()).one_or_none()
    if row is None or row.cancel_requested:
        raise JobLost(LOST_JOB)
    return row


def _finished(connection: Connection, row: Row[Any], outcome: Report | Attribution, parcel: Packed, names: set[str]) -> str:
    lock(connection, row.study_id)
    if isinstance(outcome, Report):
        report_id = insert_report(connection, row.study_id, row.job_id, outcome, parcel)
    else:
        report_id = newest_report(connection, job_of(row))
        insert_attachment(connection, row.study_id, row.job_id, report_id, parcel)
    hold(connection, row.study_id, names)
    _done(connection, row, report_id, None)
    return report_id


def _done(connection: Connection, row: Row[Any], report_id: str | None, result: str | None) -> None:
    end(connection, row.job_id, JobState.DONE, progress=1.0, report_id=report_id, result=result, error=None, error_code=None)
    append(connection, "job.done", row.job_id, WORKER, {"kind": row.kind, "report": report_id})
