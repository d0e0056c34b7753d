"""The worker as a real process: it does its jobs, stops when told, and loses nothing when killed."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from store_nouns import ME, study

from medcore import settings
from medcore.store import JobState, WorkerState
from medcore.worker import supervise
from medcore.worker.loop import name_of

COMMAND = [
    sys.executable,
    "-c",
    "import sys; from medcore.worker import main; sys.exit(main(['--handlers', 'light']))",
]


@pytest.fixture
def notes(folder, monkeypatch):
    """Where the light handlers note what they did; leases are short."""
    path = folder.parent / "notes"
    monkeypatch.setenv("LIGHT_NOTES", str(path))
    monkeypatch.setenv("MEDCORE_LEASE_SECONDS", "1")
    monkeypatch.setenv("MEDCORE_JOB_ATTEMPTS", "1000")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(settings.PROJECT), str(Path(__file__).parent)]))
    return path


@pytest.fixture
def start(notes):
    """Start workers; none outlives its test. Their logs go to `start.log`."""
    children = []

    def begin():
        with begin.log.open("a") as log:
            children.append(subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stderr=log))
        return children[-1]

    begin.log = notes.with_name("log")
    yield begin
    for child in children:
        child.kill()
        child.wait()
        child.stdin.close()


def until(condition, seconds=20.0):
    """Wait for `condition`; a test that waits in vain fails."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
    return found


def order(store, count=1, **params):
    study_id = store.save(study(), ME).study_id
    return [store.enqueue("diagnose", study_id, "chest", {"n": n, **params}, ME) for n in range(count)]


def ended(store, jobs):
    return all(store.job(job_id).finished for job_id in jobs)


def each_once(store, jobs):
    """Every job done, with exactly one report that is its own."""
    rows = [store.job(job_id) for job_id in jobs]
    assert Counter(row.state for row in rows) == {JobState.DONE: len(jobs)}, [row.error for row in rows if row.error]
    reports = store.reports(rows[0].study_id)
    assert sorted(row.report_id for row in rows) == sorted(row.report_id for row in reports)
    assert [row.action for row in store.audit_log(10_000)].count("job.done") == len(jobs)
    assert store.verify_audit() is None


def test_killed_at_random_moments_each_job_is_done_once(store, start, notes):
    """Two workers, killed with SIGKILL again and again until the ledger is empty."""
    chance = random.Random(7)
    jobs = order(store, 40, step=0.003)
    workers, kills = [start(), start()], 0
    deadline = time.monotonic() + 60
    while not ended(store, jobs[-4:]) or not ended(store, jobs):
        assert time.monotonic() < deadline
        time.sleep(chance.uniform(0.0, 0.35))
        victim = chance.randrange(2)
        busy = name_of(workers[victim].pid) in {row.name for row in store.workers()}
        if busy and kills < 8:
            workers[victim].send_signal(signal.SIGKILL)
            workers[victim].wait()
            store.abandon(name_of(workers[victim].pid))  # as the supervisor does
            workers[victim] = start()
            kills += 1
    each_once(store, jobs)
    runs = Counter(line.split()[0] for line in notes.read_text().splitlines())
    print(f"kills {kills}, jobs {len(jobs)}, started {sum(runs.values())} times")
    assert kills >= 6 and set(runs) == set(jobs)
    store.settle()
    with store.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM doubts").scalar() == 0


def test_killed_at_each_step_of_keeping_the_report(store, start):
    """Without anybody who tells of the death: the leases run out."""
    moments = {moment: order(store, way=f"die {moment}")[0] for moment in ("handler", "before", "inside", "after")}
    jobs, deaths, worker = list(moments.values()), 0, start()
    deadline = time.monotonic() + 60
    while not ended(store, jobs):
        assert time.monotonic() < deadline
        if worker.poll() is not None:
            assert worker.returncode == -signal.SIGKILL
            deaths += 1
            worker = start()
        time.sleep(0.02)
    assert deaths == 4 or (deaths == 3 and until(lambda: worker.poll() is not None))
    assert {moment: store.job(job_id).attempts for moment, job_id in moments.items()} == {
        "handler": 2,
        "before": 2,
        "inside": 2,
        "after": 1,
    }
    for job_id in jobs:
        assert store.job(job_id).state == JobState.DONE and len(store.reports(store.job(job_id).study_id)) == 1
    assert store.verify_audit() is None


def test_a_job_that_always_kills_its_worker_is_given_up(lite, start, monkeypatch):
    monkeypatch.setenv("MEDCORE_JOB_ATTEMPTS", "1")
    bad, good = order(lite, way="die handler")[0], order(lite)[0]
    first = start()
    until(lambda: first.poll() is not None)
    start()
    until(lambda: ended(lite, [bad, good]))
    assert lite.job(bad).state == JobState.FAILED and lite.job(bad).error.endswith("please tell the administrator.")
    assert lite.job(good).state == JobState.DONE


def test_a_worker_does_what_it_is_asked(lite, start):
    (job_id,) = order(lite)
    start()
    until(lambda: ended(lite, [job_id]))
    study_id = lite.job(job_id).study_id
    explain = lite.enqueue("explain", study_id, "chest", {"way": "explain"}, ME)
    validate = lite.enqueue("validate", None, "chest", {"way": "result"}, ME)
    until(lambda: ended(lite, [explain, validate]))
    assert len(lite.reports(study_id)[0].attachments) == 1 and lite.job(validate).result == {"auroc": 0.5}


def test_errors_end_the_job_and_not_the_worker(lite, start, monkeypatch):
    monkeypatch.setenv("MEDCORE_JOB_ATTEMPTS", "1")
    refused, broken, good = order(lite, way="refuse")[0], order(lite, way="break")[0], order(lite)[0]
    worker = start()
    until(lambda: ended(lite, [refused, broken, good]))
    assert (lite.job(refused).error, lite.job(refused).error_code) == ("No task fits.", "task_not_found")
    assert lite.job(broken).error == "The worker met an error of its own; please tell the administrator."
    assert lite.job(good).state == JobState.DONE
    worker.stdin.close()
    worker.wait(10)
    log = start.log.read_text()
    assert "ZeroDivisionError" in log and "DOE" not in log


def test_a_running_job_is_cancelled(lite, start):
    (job_id,) = order(lite, step=0.5)
    start()
    until(lambda: lite.job(job_id).state == JobState.RUNNING)
    lite.cancel(job_id, ME)
    until(lambda: ended(lite, [job_id]), 8)
    assert lite.job(job_id).state == JobState.CANCELLED and lite.reports(lite.job(job_id).study_id) == ()


@pytest.mark.parametrize("way", ["SIGTERM", "SIGINT", "stdin"])
def test_told_to_stop_it_gives_its_job_back(lite, start, way):
    (job_id,) = order(lite, step=0.3)
    worker = start()
    until(lambda: lite.job(job_id).state == JobState.RUNNING)
    if way == "stdin":
        worker.stdin.close()
    else:
        worker.send_signal(getattr(signal, way))
    assert worker.wait(10) == 0
    job = lite.job(job_id)
    assert (job.state, job.attempts) == (JobState.QUEUED, 0) and lite.worker_state() == WorkerState.DOWN


def test_a_stuck_handler_does_not_keep_it_from_stopping(lite, start):
    (job_id,) = order(lite, way="stuck")
    worker = start()
    until(lambda: lite.job(job_id).state == JobState.RUNNING)
    began = time.monotonic()
    worker.stdin.close()
    assert worker.wait(10) == 0 and time.monotonic() - began < 6
    assert lite.job(job_id).state == JobState.QUEUED


def test_a_slow_job_keeps_its_lease(lite, start, monkeypatch):
    monkeypatch.setenv("MEDCORE_LEASE_SECONDS", "1")
    (job_id,) = order(lite, step=0.25)
    start()
    start()
    until(lambda: ended(lite, [job_id]))
    assert lite.job(job_id).attempts == 1 and len(lite.reports(lite.job(job_id).study_id)) == 1


def test_the_page_sees_it_start(lite, start, monkeypatch):
    monkeypatch.setenv("LIGHT_WARM", "1")
    start()
    until(lambda: lite.worker_state() == WorkerState.STARTING)
    until(lambda: lite.worker_state() == WorkerState.READY)


def test_the_supervisor_starts_restarts_and_stops(lite, notes):
    with supervise(command=COMMAND):
        first = until(lambda: ready(lite))
        os.kill(first, signal.SIGKILL)
        second = until(lambda: (pid := ready(lite)) != first and pid)
        (job_id,) = order(lite)
        until(lambda: ended(lite, [job_id]))
    assert not alive(second) and lite.worker_state() == WorkerState.DOWN


def test_the_supervisor_ends_the_leases_of_the_dead(lite, notes, monkeypatch):
    monkeypatch.setenv("MEDCORE_LEASE_SECONDS", "600")
    (job_id,) = order(lite, step=0.1)
    with supervise(command=COMMAND):
        until(lambda: lite.job(job_id).state == JobState.RUNNING)
        os.kill(ready(lite), signal.SIGKILL)
        until(lambda: ended(lite, [job_id]))
    assert lite.job(job_id).attempts == 2


def ready(store):
    return next((row.pid for row in store.workers() if row.state == WorkerState.READY), None)


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except FileNotFoundError:
        return False
