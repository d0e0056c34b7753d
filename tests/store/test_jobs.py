"""The ledger: one worker a job, one report a job, nothing lost, everything stoppable."""

import threading
import time

import numpy as np
import pytest
from store_nouns import ME, attribution, report, study
from store_rooms import files, kept, read

from medcore.errors import Cancelled, JobLost, NotFound, StoreError, TaskNotFound, WorkerFailed
from medcore.store import JobState, WorkerState


@pytest.fixture
def one(store):
    """A study with one waiting job."""
    study_id = store.save(study(), ME).study_id
    return store.enqueue("diagnose", study_id, "chest", {"override": False}, ME)


def lapse(store, job_id):
    """Let the lease of a job run out."""
    with store.database.write() as connection:
        connection.exec_driver_sql(f"UPDATE jobs SET lease_until = 1 WHERE job_id = '{job_id}'")


def test_an_order_waits_as_it_was_given(store, one):
    job = store.job(one)
    assert (job.kind, job.task, job.params, job.state) == ("diagnose", "chest", {"override": False}, JobState.QUEUED)
    assert (job.attempts, job.progress, job.finished, job.created_by) == (0, 0.0, False, ME)
    with pytest.raises(NotFound):
        store.enqueue("diagnose", "nobody", "chest", {}, ME)
    with pytest.raises(NotFound):
        store.job("nobody")


def test_the_same_order_is_not_doubled_until_it_is_over(store, one):
    study_id = store.job(one).study_id
    assert store.enqueue("diagnose", study_id, "chest", {"override": False}, ME) == one
    assert store.enqueue("diagnose", study_id, "chest", {"override": True}, ME) != one
    store.claim("w")
    assert store.enqueue("diagnose", study_id, "chest", {"override": False}, ME) == one
    store.finish(one, "w", report())
    assert store.enqueue("diagnose", study_id, "chest", {"override": False}, ME) != one


def test_first_come_first_served_and_each_to_one_worker(store, one):
    second = store.enqueue("explain", store.job(one).study_id, "chest", {}, ME)
    assert store.claim("a").job_id == one
    assert store.claim("b").job_id == second
    assert store.claim("c") is None


def test_many_workers_never_share_a_job(store):
    study_id = store.save(study(), ME).study_id
    wanted = {store.enqueue("diagnose", study_id, "chest", {"n": n}, ME) for n in range(24)}
    got, problems = [], []

    def work(name):
        try:
            while job := store.claim(name):
                got.append(job.job_id)
                store.finish(job.job_id, name, report())
        except StoreError as error:
            problems.append(repr(error))

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert problems == [] and sorted(got) == sorted(wanted)
    assert len(store.reports(study_id)) == 24 and store.verify_audit() is None


def test_a_heartbeat_keeps_the_lease_and_tells_what_is_left(store, one, monkeypatch):
    monkeypatch.setenv("MEDCORE_LEASE_SECONDS", "1")
    store.claim("w")
    time.sleep(0.6)
    assert store.heartbeat(one, "w", 0.25)
    time.sleep(0.6)
    assert store.claim("thief") is None
    job = store.job(one)
    assert job.progress == 0.25 and job.seconds_left == pytest.approx(1.8, abs=0.9)
    assert not store.heartbeat(one, "thief", 0.5)
    assert store.heartbeat(one, "w", float("nan")) and store.heartbeat(one, "w", 7.0) and store.job(one).progress == 1.0


def test_who_was_given_up_for_dead_finds_the_job_gone(store, one):
    store.claim("slow")
    lapse(store, one)
    assert store.claim("next").attempts == 2
    assert not store.heartbeat(one, "slow", 0.9)
    with pytest.raises(JobLost):
        store.finish(one, "slow", report(arrays=(np.ones((3, 3)),)))
    with pytest.raises(JobLost):
        store.fail(one, "slow", WorkerFailed("x"), retry=True)
    store.finish(one, "next", report())
    assert store.job(one).state == JobState.DONE and len(store.reports(store.job(one).study_id)) == 1
    with pytest.raises(JobLost):
        store.finish(one, "next", report())
    assert len(store.reports(store.job(one).study_id)) == 1


def test_a_late_worker_whose_job_nobody_took_may_finish(store, one):
    store.claim("slow")
    lapse(store, one)
    assert store.finish(one, "slow", report())


def test_a_waiting_job_is_cancelled_at_once(store, one):
    assert store.cancel(one, ME) == JobState.CANCELLED == store.job(one).state
    assert store.claim("w") is None and store.cancel(one, ME) == JobState.CANCELLED
    with pytest.raises(NotFound):
        store.cancel("nobody", ME)


def test_a_running_job_is_cancelled_at_its_next_heartbeat(store, one):
    store.claim("w")
    assert store.cancel(one, ME) == JobState.RUNNING and store.job(one).cancel_requested
    assert not store.heartbeat(one, "w", 0.5)
    store.fail(one, "w", Cancelled("Stopped."), retry=False)
    assert store.job(one).state == JobState.CANCELLED
    again = store.enqueue("diagnose", store.job(one).study_id, "chest", {"override": False}, ME)
    assert again != one and store.claim("w").job_id == again


def test_a_cancelled_job_gives_no_report(store, one):
    store.claim("w")
    store.cancel(one, ME)
    with pytest.raises(JobLost):
        store.finish(one, "w", report())
    assert store.reports(store.job(one).study_id) == ()
    lapse(store, one)
    assert store.claim("v") is None and store.job(one).state == JobState.CANCELLED


def test_a_failed_attempt_is_tried_again_after_a_pause(store, one):
    store.claim("w")
    store.fail(one, "w", WorkerFailed("Broken."), retry=True)
    assert store.job(one).state == JobState.QUEUED and store.claim("w") is None
    with store.database.write() as connection:
        connection.exec_driver_sql("UPDATE jobs SET not_before = 0")
    assert store.claim("w").attempts == 2


def test_what_cannot_be_done_fails_with_its_sentence(store, one):
    store.claim("w")
    store.fail(one, "w", TaskNotFound("No task fits."), retry=False)
    job = store.job(one)
    assert (job.state, job.error, job.error_code) == (JobState.FAILED, "No task fits.", "task_not_found") and job.finished_at
    assert store.audit_log(1)[0].detail == {"code": "task_not_found"}


def test_attempts_are_limited(store, one, monkeypatch):
    monkeypatch.setenv("MEDCORE_JOB_ATTEMPTS", "2")
    for attempt in (1, 2):
        assert store.claim(f"dies{attempt}").attempts == attempt
        lapse(store, one)
    assert store.claim("w") is None
    job = store.job(one)
    assert (job.state, job.error_code) == (JobState.FAILED, "worker_failed")
    assert job.error == "The worker stopped each time it tried this job, so the job was given up; please tell the administrator."
    assert store.study(job.study_id).status == "failed"


def test_the_last_attempt_that_fails_says_why(store, one, monkeypatch):
    monkeypatch.setenv("MEDCORE_JOB_ATTEMPTS", "1")
    store.claim("w")
    store.fail(one, "w", WorkerFailed("Out of memory."), retry=True)
    assert store.job(one).error == "Out of memory."


def test_released_jobs_cost_no_attempt(store, one):
    store.claim("w")
    assert store.release("w") == 1 and store.release("w") == 0
    assert store.claim("v").attempts == 1


def test_a_cancelled_job_is_not_released_to_run_again(store, one):
    store.claim("w")
    store.cancel(one, ME)
    store.release("w")
    assert store.job(one).state == JobState.CANCELLED and store.claim("v") is None


def test_the_leases_of_the_dead_end_at_once(store, one):
    store.claim("w")
    assert store.abandon("w") == 1
    assert store.claim("v").attempts == 2


def test_an_explanation_is_attached_to_the_report(store):
    study_id, report_id = kept(store)
    store.sign(report_id, ME)
    before = store.report(report_id)
    for value in (0.25, 0.5):
        job_id = store.enqueue("explain", study_id, "chest", {"v": value}, ME)
        store.claim("w")
        assert store.finish(job_id, "w", attribution(np.full((5, 6), value, np.float32))) == report_id
    after = store.report(report_id)
    assert [float(one.values[0, 0]) for one in after.attachments] == [0.25, 0.5] and after.report == before.report


def test_an_explanation_goes_to_the_report_that_was_named(store):
    study_id, first = kept(store)
    read(store, study_id, report())
    job_id = store.enqueue("explain", study_id, "chest", {"report_id": first}, ME)
    store.claim("w")
    store.finish(job_id, "w", attribution(np.ones((2, 2))))
    assert len(store.report(first).attachments) == 1 and store.reports(study_id)[0].attachments == ()


def test_an_explanation_without_a_report_is_refused(store):
    study_id = store.save(study(), ME).study_id
    job_id = store.enqueue("explain", study_id, "chest", {}, ME)
    store.claim("w")
    with pytest.raises(NotFound):
        store.finish(job_id, "w", attribution(np.ones((2, 2))))


def test_a_job_of_no_study_keeps_its_upload_and_result_until_removed(store, place):
    job_id = store.enqueue("validate", None, "chest", {"x": 1}, ME, upload=b"zip")
    job = store.claim("w")
    assert store.blob(str(job.params["blob"])) == b"zip" and job.study_id is None
    with pytest.raises(StoreError, match="finished"):
        store.delete_job(job_id, ME)
    assert store.finish(job_id, "w", {"auroc": 0.9}) is None
    assert store.job(job_id).result == {"auroc": 0.9} and [one.job_id for one in store.jobs(kind="validate")] == [job_id]
    store.delete_job(job_id, ME)
    assert files(place) == [] and store.jobs() == ()


def test_jobs_of_a_study_newest_first(store, one):
    study_id = store.job(one).study_id
    two = store.enqueue("explain", study_id, "chest", {}, ME)
    assert [job.job_id for job in store.jobs(study_id)] == [two, one]
    assert [job.job_id for job in store.jobs(study_id, kind="diagnose", limit=1)] == [one]


def test_the_page_knows_whether_a_worker_lives(store):
    assert store.worker_state() == WorkerState.DOWN and store.workers() == ()
    store.alive("a", WorkerState.STARTING)
    assert store.worker_state() == WorkerState.STARTING
    store.alive("b", WorkerState.READY)
    assert store.worker_state() == WorkerState.READY and {row.name for row in store.workers()} == {"a", "b"}
    with store.database.write() as connection:
        connection.exec_driver_sql("UPDATE workers SET seen_at = seen_at - 60")
    assert store.worker_state() == WorkerState.DOWN
    store.alive("b", WorkerState.READY)
    store.abandon("b")
    assert store.worker_state() == WorkerState.DOWN
