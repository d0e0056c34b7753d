"""Reports: what goes in comes out; what is signed stays; what readers say is only added to."""

import numpy as np
import pytest
from store_nouns import ME, report, study
from store_rooms import kept, read

from medcore.errors import NotFound, Signed, StoreError
from medcore.store import Actor, ReportState, Verdict


def test_a_report_comes_back_exactly(store):
    study_id = store.save(study(), ME).study_id
    made = report(0.123456789012345, arrays=(np.random.default_rng(0).random((7, 5)), np.zeros((2, 2), np.float32)))
    row = store.report(read(store, study_id, made))
    assert (row.state, row.signed_by, row.addenda, row.task, row.study_id) == (ReportState.DRAFT, None, (), "chest", study_id)
    assert row.report.findings == made.findings and row.report.provenance == made.provenance
    for kept_one, made_one in zip(row.report.attributions, made.attributions, strict=True):
        assert np.array_equal(kept_one.values, made_one.values) and kept_one.values.dtype == made_one.values.dtype


def test_a_second_report_is_a_new_row(store):
    study_id, first = kept(store)
    second = read(store, study_id, report())
    assert [row.report_id for row in store.reports(study_id)] == [second, first]


def test_a_report_is_signed_once_and_never_changes(store):
    _, report_id = kept(store)
    with pytest.raises(StoreError, match="still a draft"):
        store.addendum(report_id, "too early", ME)
    row = store.sign(report_id, Actor(name="Eve", verified=True))
    assert (row.state, row.signed_by) == (ReportState.SIGNED, Actor(name="Eve", verified=True)) and row.signed_at
    with pytest.raises(Signed):
        store.sign(report_id, ME)
    with pytest.raises(StoreError, match="needs some text"):
        store.addendum(report_id, " \n", ME)
    store.addendum(report_id, "one", ME)
    store.addendum(report_id, "two", ME)
    assert [addendum.text for addendum in store.report(report_id).addenda] == ["one", "two"]
    assert store.report(report_id).report == row.report
    for ask in (lambda: store.sign("x", ME), lambda: store.addendum("x", "y", ME), lambda: store.report("x")):
        with pytest.raises(NotFound):
            ask()


@pytest.mark.parametrize(
    "command",
    [
        "UPDATE reports SET body = '{}'",
        "UPDATE reports SET state = 'draft'",
        "DELETE FROM reports",
        "UPDATE reads SET note = 'x'",
        "DELETE FROM reads",
        "UPDATE addenda SET text = 'x'",
        "DELETE FROM addenda",
        "UPDATE audit SET action = 'x'",
        "DELETE FROM audit",
        "DELETE FROM studies",
    ],
)
def test_the_database_itself_refuses_to_rewrite(store, command):
    _, report_id = kept(store)
    store.add_read(report_id, Verdict.AGREE, "note", ME)
    store.sign(report_id, ME)
    store.addendum(report_id, "more", ME)
    before = store.report(report_id), store.reads(report_id), store.audit_log()
    with pytest.raises(StoreError), store.database.write() as connection:
        connection.exec_driver_sql(command)
    assert (store.report(report_id), store.reads(report_id), store.audit_log()) == before


def test_reads_are_added_in_order(store):
    _, report_id = kept(store)
    first = store.add_read(report_id, "disagree", "no opacity\x00", ME, blinded=True, decision="normal")
    second = store.add_read(report_id, Verdict.AMEND, "left only", Actor(name="Eve", verified=True))
    assert store.reads(report_id) == (first, second)
    assert (first.verdict, first.note, first.blinded, first.decision) == (Verdict.DISAGREE, "no opacity", True, "normal")
    assert (second.actor.verified, second.blinded, second.decision) == (True, False, None)
    with pytest.raises(StoreError, match="agrees, disagrees or amends"):
        store.add_read(report_id, "perhaps", "", ME)
    with pytest.raises(NotFound):
        store.add_read("x", "agree", "", ME)


def test_a_read_of_a_signed_report_is_still_added(store):
    _, report_id = kept(store)
    store.sign(report_id, ME)
    store.add_read(report_id, "agree", "", ME)
    assert len(store.reads(report_id)) == 1


def test_a_report_of_another_version_is_one_sentence(lite):
    _, report_id = kept(lite)
    with lite.database.write() as connection:
        connection.exec_driver_sql("UPDATE reports SET body = '{\"new\": 1}'")
    with pytest.raises(StoreError, match="another version"):
        lite.report(report_id)
