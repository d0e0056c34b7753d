"""The job ledger, seen from the page: ask for a reading, follow it, stop it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from medcore.errors import NotFound, StoreError
from medcore.store import schema, text
from medcore.store.audit import append
from medcore.store.base import Base, hold, inserted, let_go
from medcore.store.nouns import Actor, Job, JobState, WorkerRow, WorkerState
from medcore.store.worklist import lock

NO_JOB = "This job is not in the record; it may have been deleted."
DECIDES = "diagnose"  # the kind whose state is the state of its study in the worklist
SILENT_SECONDS = 15.0  # a worker not heard of for so long counts as down
FORGET_SECONDS = 24 * 3600.0
_j = schema.jobs.c


class Jobs(Base):
    """The part of the store that takes orders."""

    def enqueue(
        self,
        kind: str,
        study_id: str | None,
        task: str | None,
        params: Mapping[str, object],
        actor: Actor,
        *,
        upload: bytes | None = None,
    ) -> str:
        """Ask a worker for something; the id of the job. The same order still waiting or running is not doubled.

        `upload` is kept for the job and named by params["blob"].

        Raises:
            NotFound: no such study.
        """
        if upload is None:
            with self.database.write() as connection:
                return _enqueued(connection, kind, study_id, task, params, actor, ())
        with self.blobs.stage() as stage:
            params = {**params, "blob": stage.add(upload)}
            with self.blobs.locked(alone=False):
                self.doubt(stage.names)
                stage.publish()
                with self.database.write() as connection:
                    return _enqueued(connection, kind, study_id, task, params, actor, tuple(stage.names))

    def job(self, job_id: str) -> Job:
        """The job as it stands.

        Raises:
            NotFound: no such job.
        """
        with self.database.read() as connection:
            row = connection.execute(select(schema.jobs).where(_j.job_id == text.clean(job_id))).one_or_none()
        if row is None:
            raise NotFound(NO_JOB)
        return job_of(row)

    def jobs(self, study_id: str | None = None, *, kind: str | None = None, limit: int = 50) -> tuple[Job, ...]:
        """The jobs of a study, newest first; without one, the jobs of no study (validations)."""
        query = select(schema.jobs).where(_j.study_id.is_(None) if study_id is None else _j.study_id == text.clean(study_id))
        if kind is not None:
            query = query.where(_j.kind == kind)
        query = query.order_by(_j.created_at.desc(), _j.job_id).limit(max(limit, 0))
        with self.database.read() as connection:
            return tuple(job_of(row) for row in connection.execute(query))

    def cancel(self, job_id: str, actor: Actor) -> JobState:
        """Stop a job: a waiting one at once, a running one at its next heartbeat. A finished one stays as it is.

        Returns:
            Its state now; RUNNING means that the worker has been told.

        Raises:
            NotFound: no such job.
        """
        with self.database.write() as connection:
            row = connection.execute(select(schema.jobs).where(_j.job_id == text.clean(job_id)).with_for_update()).one_or_none()
            if row is None:
                raise NotFound(NO_JOB)
            if row.state == JobState.QUEUED:
                end(connection, row.job_id, JobState.CANCELLED)
            elif row.state == JobState.RUNNING:
                told = update(schema.jobs).where(_j.job_id == row.job_id).values(cancel_requested=True, twin=None)
                connection.execute(told)
            else:
                return JobState(row.state)
            append(connection, "job.cancelled", row.job_id, actor)
        return JobState.RUNNING if row.state == JobState.RUNNING else JobState.CANCELLED

    def delete_job(self, job_id: str, actor: Actor) -> None:
        """Remove a finished job of no study, with its upload and its result.

        Raises:
            NotFound: no such job. StoreError: it belongs to a study, or is not finished.
        """
        job = self.job(job_id)
        if job.study_id is not None or not job.finished:
            raise StoreError("Only a finished job that belongs to no study can be removed by itself.")
        with self.database.write() as connection:
            if connection.execute(delete(schema.jobs).where(_j.job_id == job.job_id)).rowcount:
                let_go(connection, job.job_id)
                append(connection, "job.deleted", job.job_id, actor)
        self.settle()

    def workers(self) -> tuple[WorkerRow, ...]:
        """The workers heard of lately, the newest word first."""
        table = schema.workers
        with self.database.read() as connection:
            now = self.database.clock(connection)
            rows = connection.execute(select(table).order_by(table.c.seen_at.desc())).all()
        return tuple(
            WorkerRow(
                name=row.name,
                state=WorkerState(row.state) if now - row.seen_at < SILENT_SECONDS else WorkerState.DOWN,
                pid=row.pid,
                host=row.host,
                seen_seconds_ago=max(now - row.seen_at, 0.0),
            )
            for row in rows
        )

    def worker_state(self) -> WorkerState:
        """Ready when any worker is, else starting when any is, else down."""
        states = {str(worker.state) for worker in self.workers()}
        return next((state for state in (WorkerState.READY, WorkerState.STARTING) if state in states), WorkerState.DOWN)


def end(connection: Connection, job_id: str, state: JobState, **values: object) -> None:
    """Bring a job to a final state."""
    final = {"state": str(state), "twin": None, "worker": None, "seconds_left": None, "finished_at": text.now(), **values}
    connection.execute(update(schema.jobs).where(_j.job_id == job_id).values(final))


def job_of(row: Row[Any]) -> Job:
    """A row of the ledger as a noun."""
    plain = ("job_id", "kind", "study_id", "task", "progress", "seconds_left", "attempts", "error_code", "error", "report_id")
    return Job(
        **{name: getattr(row, name) for name in plain},
        params=json.loads(row.params),
        state=JobState(row.state),
        result=None if row.result is None else json.loads(row.result),
        cancel_requested=bool(row.cancel_requested),
        created_at=datetime.fromisoformat(row.created_at),
        created_by=Actor(name=row.created_by, verified=bool(row.created_verified)),
        started_at=None if row.started_at is None else datetime.fromisoformat(row.started_at),
        finished_at=None if row.finished_at is None else datetime.fromisoformat(row.finished_at),
    )


def _enqueued(
    connection: Connection,
    kind: str,
    study_id: str | None,
    task: str | None,
    params: Mapping[str, object],
    actor: Actor,
    files: tuple[str, ...],
) -> str:
    if study_id is not None:
        lock(connection, study_id)
    order = text.canonical(params)
    job_id, twin = text.new_id(), text.sha256(text.canonical({"kind": kind, "study": study_id, "task": task, "params": order}))
    values: dict[str, object] = {"job_id": job_id, "kind": kind, "study_id": study_id, "task": task, "params": order, "twin": twin}
    values |= {"state": str(JobState.QUEUED), "progress": 0.0, "attempts": 0, "lease_until": 0.0, "not_before": 0.0}
    values |= {"cancel_requested": False, "created_at": text.now()}
    values |= {"created_by": text.clean(actor.name), "created_verified": actor.verified}
    if not inserted(connection, schema.jobs, values):
        same: str = connection.execute(select(_j.job_id).where(_j.twin == twin)).scalar_one()
        return same
    hold(connection, study_id or job_id, files)
    if study_id is not None and kind == DECIDES:
        connection.execute(update(schema.studies).where(schema.studies.c.study_id == study_id).values(job_id=job_id))
    append(connection, "job.enqueued", job_id, actor, {"kind": kind, "task": task, "study": study_id})
    return job_id
