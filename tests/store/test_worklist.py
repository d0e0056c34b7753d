"""The worklist: the right order, literal search, and a cost that does not grow with the record."""

import time

import pytest
from sqlalchemy import event
from store_nouns import ME, report, study
from store_rooms import kept, read

from medcore.errors import WorkerFailed
from medcore.store import StudyStatus, Verdict, schema, text


def add(store, **patient):
    return store.save(study(**patient), ME).study_id


def names(rows):
    return [row.study_id for row in rows]


def test_flagged_first_then_uncertain_then_newest(store):
    sure_no = kept(store, 0.01)[0]
    near_no = kept(store, 0.40)[0]
    sure_yes = kept(store, 0.99)[0]
    near_yes = kept(store, 0.60)[0]
    twin_yes = kept(store, 0.60)[0]
    refused = kept(store, status="refused", gate="blank")[0]
    unsure = kept(store, 0.49, status="indeterminate")[0]
    unread = add(store)
    assert names(store.studies()) == [twin_yes, near_yes, sure_yes, unsure, unread, refused, near_no, sure_no]
    assert names(store.studies(limit=2, offset=1)) == [near_yes, sure_yes]
    assert names(store.studies(flagged=True)) == [twin_yes, near_yes, sure_yes] and store.count(flagged=False) == 5


@pytest.mark.parametrize(("probability", "expected"), [(0.5, 1.0), (0.25, 0.5), (0.75, 0.5), (0.0, 0.0), (1.0, 0.0)])
def test_uncertainty_is_closeness_to_the_operating_point(lite, probability, expected):
    row = lite.study(kept(lite, probability)[0])
    assert row.uncertainty == pytest.approx(expected) and row.flag == (probability > 0.5)


def test_a_row_follows_its_study_from_upload_to_signature(store):
    study_id = add(store)
    assert (store.study(study_id).status, store.study(study_id).task) == (StudyStatus.NEW, None)
    job_id = store.enqueue("diagnose", study_id, "chest", {}, ME)
    assert store.study(study_id).status == StudyStatus.QUEUED and store.study(study_id).job_id == job_id
    store.claim("w")
    store.heartbeat(job_id, "w", 0.5)
    row = store.study(study_id)
    assert (row.status, row.progress, row.task) == (StudyStatus.RUNNING, 0.5, "chest") and row.seconds_left is not None
    report_id = store.finish(job_id, "w", report(0.9))
    row = store.study(study_id)
    assert (row.status, row.decision, row.gate_code, row.report_id) == (StudyStatus.READY, "opacity", "in", report_id)
    store.add_read(report_id, Verdict.AGREE, "", ME)
    store.add_read(report_id, Verdict.AMEND, "left", ME)
    assert (store.study(study_id).verdict, store.study(study_id).reader) == (Verdict.AMEND, ME.name)
    store.sign(report_id, ME)
    assert store.study(study_id).status == StudyStatus.SIGNED
    store.enqueue("explain", study_id, "chest", {}, ME)
    assert store.study(study_id).status == StudyStatus.SIGNED  # an explanation is no new reading


def test_failed_refused_and_cancelled_are_said(store):
    failed, refused, cancelled = add(store), kept(store, status="refused", gate="blank")[0], add(store)
    store.cancel(store.enqueue("diagnose", cancelled, "chest", {}, ME), ME)
    job = store.enqueue("diagnose", failed, "chest", {}, ME)
    store.claim("w")
    store.fail(job, "w", WorkerFailed("No."), retry=False)
    said = {row.study_id: (row.status, row.gate_code, row.uncertainty) for row in store.studies()}
    assert said == {
        failed: (StudyStatus.FAILED, None, None),
        refused: (StudyStatus.REFUSED, "blank", None),
        cancelled: (StudyStatus.CANCELLED, None, None),
    }
    assert names(store.studies(status=StudyStatus.REFUSED)) == [refused] and store.count(status=StudyStatus.FAILED) == 1


def test_a_finding_of_one_task_is_not_hidden_by_another(store):
    study_id, _ = kept(store, 0.95, task="chest")
    read(store, study_id, report(0.01, task="rib"))
    assert store.study(study_id).flag and store.study(study_id).task == "rib"
    read(store, study_id, report(0.02, task="chest"))
    assert not store.study(study_id).flag


def test_indeterminate_is_known(store):
    assert store.study(kept(store, 0.52, status="indeterminate")[0]).indeterminate


SEARCHES = {
    "": 5,
    "  ": 5,
    "doe": 2,
    "JANE doe": 1,
    "doe^jane": 1,
    "%": 1,
    "_": 1,
    "100%": 1,
    "a_b": 1,
    "!": 0,
    "MÜLLER": 1,
    "müll": 1,
    "王": 1,
    "thorax": 1,
    "doe thorax": 0,
    "x' OR 1=1 --": 0,
    "\x00doe\ud800": 0,
    "a" * 5000: 0,
}


def test_search_is_literal_and_ignores_case(store):
    add(store, name="DOE^JANE", patient_id="17")
    add(store, name="Doe^John", patient_id="A_B")
    add(store, name="Müller^Jörg", patient_id="100%")
    add(store, name="WANG^XIAO=王^小", patient_id="aXb", description="Thorax")
    add(store, name=None, patient_id=None, description=None)
    assert {search: len(store.studies(search)) for search in SEARCHES} == SEARCHES
    assert {search: store.count(search) for search in SEARCHES} == SEARCHES


def test_modality_is_one_of_the_codes(store):
    add(store)
    assert (store.count(modality="CT"), store.count(modality="C"), store.count(modality="%")) == (1, 0, 0)


def fill(store, number):
    """Rows as `save` writes them, without files."""
    rows = [
        {
            "study_id": f"{n:032x}",
            "fingerprint": text.sha256(str(n)),
            "created_at": text.now(),
            "created_by": "x",
            "created_verified": False,
            "patient_name": f"N{n}",
            "patient_id": f"I{n}",
            "images": 1,
            "demo": False,
            "search_text": f"n{n}\ni{n}",
            "header": "{}",
            "flag": n % 10 == 0,
            "urgency": n % 97 / 97,
            "indeterminate": False,
        }
        for n in range(number)
    ]
    with store.database.write() as connection:
        connection.execute(schema.studies.insert(), rows)


def test_ten_thousand_studies_cost_as_many_statements_as_ten(store):
    statements = []
    event.listen(store.database.engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    fill(store, 10)
    statements.clear()
    store.studies("n", limit=50)
    few = len(statements)
    with store.database.write() as connection:
        connection.execute(schema.studies.delete())
    fill(store, 10_000)
    statements.clear()
    began = time.perf_counter()
    page = store.studies("n", limit=50)
    seconds = time.perf_counter() - began
    assert len(statements) == few <= 2 and len(page) == 50
    assert seconds < 0.5, f"a page of the worklist took {seconds:.2f} s"
    assert store.count("n999") == 11


def test_the_order_comes_from_an_index(lite):
    fill(lite, 100)
    statements = []
    event.listen(lite.database.engine, "before_cursor_execute", lambda *arguments: statements.append((arguments[2], arguments[3])))
    lite.studies()
    query, values = statements[-1]
    with lite.database.read() as connection:
        plan = str(connection.exec_driver_sql("EXPLAIN QUERY PLAN " + query, values).all())
    assert "ix_studies_worklist" in plan and "USE TEMP B-TREE FOR ORDER BY" not in plan
