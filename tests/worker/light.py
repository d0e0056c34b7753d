"""Handlers that cost nothing: what the worker does without torch. Ways to die are asked for by the job's params."""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "store"))
from store_nouns import attribution, report

from medcore.errors import TaskNotFound
from medcore.store import ledger

_finished, _done = ledger._finished, ledger._done


def _die(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)


def warm():
    """As slow as asked."""
    time.sleep(float(os.environ.get("LIGHT_WARM", "0")))


def handle(job, store, progress):
    """Ten steps of `step` seconds, a note of having been here, then whatever the kind brings."""
    with Path(os.environ["LIGHT_NOTES"]).open("a") as notes:
        notes.write(f"{job.job_id} {os.getpid()} {job.attempts}\n")
    for step in range(10):
        progress(step / 10)
        time.sleep(float(job.params.get("step", 0)))
    ledger._finished, ledger._done = _finished, _done
    return KINDS[job.params.get("way", "report")](job, store)


def _report(job, store):
    return report(0.9, task=job.task, arrays=(np.ones((4, 4), np.float32),))


def _die_at(place):
    """Kill ourselves the first time: in the handler, or at a place inside the transaction that keeps the report."""

    def way(job, store):
        if job.attempts == 1:
            if place == "handler":
                _die()
            if place == "before":
                ledger._finished = _die
            if place == "inside":
                ledger._done = _die
            if place == "after":
                keep = store.finish
                store.finish = lambda *arguments: (keep(*arguments), _die())
        return _report(job, store)

    return way


def _refuse(job, store):
    raise TaskNotFound("No task fits.")


def _break(job, store):
    raise ZeroDivisionError("patient DOE")


def _stuck(job, store):
    time.sleep(60)  # deep in a library: no progress call


KINDS = {
    "report": _report,
    "explain": lambda job, store: attribution(np.ones((2, 2))),
    "result": lambda job, store: {"auroc": 0.5},
    "refuse": _refuse,
    "break": _break,
    "stuck": _stuck,
    **{f"die {place}": _die_at(place) for place in ("handler", "before", "inside", "after")},
}
