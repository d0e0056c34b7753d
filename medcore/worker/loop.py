"""The worker process: claim, do, keep; stop at once when told to or when the parent is gone.

Three threads: the main one works; the heart keeps lease and liveness; the watch waits for a signal or for the end of stdin.
Being killed at any moment is a normal end: the lease runs out and the job is claimed again.
"""

from __future__ import annotations

import argparse
import logging
import os
import select
import signal
import socket
import stat
import sys
import threading
from collections.abc import Sequence

from medcore import settings
from medcore.errors import Cancelled, JobLost, MedcoreError, StoreError, WorkerFailed
from medcore.store import Job, Store, WorkerState, open_store
from medcore.worker import handlers as ours
from medcore.worker.handlers import Handlers, Outcome

log = logging.getLogger(__name__)
POLL_SECONDS = 0.2
BEAT_SECONDS = 1.0
GRACE_SECONDS = 2.0  # for the handler to reach its next progress call when we must stop
PAUSE_SECONDS = 2.0  # when the database does not answer
KEEP_TRIES = 5


class Running:
    """The job in hand: what its handler reports and what the heart learns."""

    def __init__(self, job: Job, stopping: threading.Event) -> None:
        self.job = job
        self.progress = 0.0
        self.lost = threading.Event()
        self._stopping = stopping

    def tell(self, progress: float) -> None:
        """The progress callback of the pipeline.

        Raises:
            Cancelled: the job was cancelled or lost, or the worker stops.
        """
        self.progress = progress
        if self.lost.is_set() or self._stopping.is_set():
            raise Cancelled("The job was stopped.")


class Worker:
    """One worker with one job at a time."""

    def __init__(self, store: Store, name: str, handlers: Handlers) -> None:
        self.store, self.name, self.handlers = store, name, handlers
        self.stopping = threading.Event()
        self.done = threading.Event()
        self._state = WorkerState.STARTING
        self._running: Running | None = None

    def run(self) -> None:
        """Warm the models, then do jobs until told to stop."""
        threading.Thread(target=self._beat, name="heart", daemon=True).start()
        try:
            self._tell_state(WorkerState.STARTING)
            self.store.settle()
            self.handlers.warm()
            self._tell_state(WorkerState.READY)
            log.info("worker %s is ready", self.name)
            while not self.stopping.is_set():
                self._turn()
        finally:
            self.done.set()
            self._tell_state(WorkerState.DOWN)

    def abort(self) -> None:
        """Give back the job in hand; called when the main thread does not come back in time."""
        try:
            self.store.release(self.name)
            self.store.alive(self.name, WorkerState.DOWN)
        except StoreError:
            log.error("worker %s could not give its job back; its lease will run out", self.name)

    def _turn(self) -> None:
        try:
            job = self.store.claim(self.name)
            if job is None:
                self.stopping.wait(POLL_SECONDS)
            else:
                self._do(job)
        except StoreError as error:
            log.error("worker %s waits for the record: %s", self.name, error)
            self.stopping.wait(PAUSE_SECONDS)

    def _do(self, job: Job) -> None:
        self._running = running = Running(job, self.stopping)
        try:
            outcome = self.handlers.handle(job, self.store, running.tell)
            self._keep(job, outcome)
        except JobLost:
            log.info("job %s is no longer ours", job.job_id)
        except Cancelled as error:
            self._stopped(job, error)
        except MedcoreError as error:
            self._failed(job, error, retry=isinstance(error, StoreError))
        except Exception as error:  # noqa: BLE001  the boundary: whatever a model raises must not end the worker
            log.error("job %s met %s", job.job_id, type(error).__name__)  # not its text: it may quote the patient
            self._failed(job, WorkerFailed("The worker met an error of its own; please tell the administrator."), retry=True)
        finally:
            self._running = None

    def _keep(self, job: Job, outcome: Outcome) -> None:
        """Keep the outcome; the work is done, so a busy database is asked again before it is thrown away."""
        for attempt in range(KEEP_TRIES):
            try:
                self.store.finish(job.job_id, self.name, outcome)
                return
            except JobLost:
                raise
            except StoreError:
                if attempt == KEEP_TRIES - 1:
                    raise
                self.stopping.wait(POLL_SECONDS * 2**attempt)

    def _stopped(self, job: Job, error: Cancelled) -> None:
        if self.stopping.is_set():
            self.store.release(self.name)
        else:
            self._failed(job, error, retry=False)

    def _failed(self, job: Job, error: MedcoreError, *, retry: bool) -> None:
        try:
            self.store.fail(job.job_id, self.name, error, retry)
        except JobLost:
            log.info("job %s is no longer ours", job.job_id)

    def _beat(self) -> None:
        seconds = min(BEAT_SECONDS, settings.number("MEDCORE_LEASE_SECONDS") / 5)
        while not self.done.wait(seconds):
            running = self._running
            try:
                if running and not self.store.heartbeat(running.job.job_id, self.name, running.progress):
                    running.lost.set()
                self.store.alive(self.name, self._state)
            except StoreError as error:
                log.error("worker %s could not tell that it lives: %s", self.name, error)

    def _tell_state(self, state: WorkerState) -> None:
        self._state = state
        try:
            self.store.alive(self.name, state)
        except StoreError as error:
            log.error("worker %s could not tell that it is %s: %s", self.name, state, error)


def name_of(pid: int) -> str:
    """What the worker with that process id on this machine is called in the ledger."""
    return f"{socket.gethostname()}-{pid}"


def main(argv: Sequence[str] | None = None) -> int:
    """The command `worker`: 0 when it was told to stop, 1 when it could not start."""
    parser = argparse.ArgumentParser(prog="medcore worker", description="Does the jobs of the ledger until stopped.")
    parser.add_argument("--handlers", default=ours.__name__, help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s", stream=sys.stderr)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of every plugin
    try:
        if settings.number("MEDCORE_THREADS") or "OMP_NUM_THREADS" not in os.environ:
            os.environ["OMP_NUM_THREADS"] = str(settings.threads())  # read by torch when it is imported
        worker = Worker(open_store(), name_of(os.getpid()), ours.load(arguments.handlers))
        _watch(worker)
        worker.run()
    except MedcoreError as error:
        log.error("the worker cannot start: %s", error)
        return 1
    return 0


def _watch(worker: Worker) -> None:
    """Stop `worker` on SIGTERM, SIGINT or the end of stdin, even while the main thread is deep in a library."""
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stopping.set())
    threading.Thread(target=_wait, args=(worker, wake), name="watch", daemon=True).start()


def _wait(worker: Worker, wake: int) -> None:
    _until_told([wake, *_parent()], wake)
    worker.stopping.set()
    if not worker.done.wait(GRACE_SECONDS):
        worker.abort()
        os._exit(0)


def _until_told(ends: list[int], wake: int) -> None:
    while True:
        ready, _, _ = select.select(ends, [], [])
        if wake in ready or not os.read(ready[0], 4096):
            return


def _parent() -> list[int]:
    """stdin where it is a pipe: its end is the parent's. A terminal or /dev/null says nothing of a parent."""
    try:
        mode = os.fstat(0).st_mode
    except OSError:  # closed
        return []
    return [0] if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) else []
