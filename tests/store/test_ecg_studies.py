"""ECGs in the record: kept whole, decoded again from all their files, and on top of the worklist where a reading raises an alarm."""

import dataclasses

import numpy as np
import pytest
from sqlalchemy import select
from store_nouns import ME, report, study
from store_rooms import kept, read

import medcore.read as reader
from medcore.read.ecg import note
from medcore.store import migrate, schema
from tests.read.build import zipped
from tests.read.build_ecg import heart, table, wfdb

WFDB = [(f"folder/{name}", data) for name, data in wfdb(516)]
ECGS = {
    "record of two files": WFDB,
    "the same in a zip": [("x.zip", zipped(WFDB))],
    "long names of folders": [(f"{'f' * 200}/{name}", data) for name, data in wfdb(516)],
    "table with a note": [("x.csv", table(heart(leads=1))), ("note", note(250, "mV"))],
}


@pytest.mark.parametrize("name", ECGS)
def test_an_ecg_comes_back_and_is_decoded_again(store, name):
    sent = reader.read_all(ECGS[name]).studies[0]
    saved = store.save(sent, ME)
    row, loaded = store.study(saved.study_id), store.load(saved.study_id, with_bytes=True)
    assert (row.modality, row.images, row.alarm) == ("ECG", 0, None) and store.count(modality="ECG") == 1
    assert [source.data for source in loaded.sources] == [source.data for source in sent.sources] and len(loaded.sources) == 2
    for path in store.blobs._arrays.rglob("*.npy"):
        path.unlink()
    again = store.load(saved.study_id).recordings[0]
    for found in (loaded.recordings[0], again):
        assert np.array_equal(found.signal, sent.recordings[0].signal)
        assert dataclasses.replace(found, signal=sent.recordings[0].signal) == sent.recordings[0]
    assert store.save(sent, ME).existed


def test_what_was_said_of_an_ecg_makes_another_study(lite):
    data = table(heart(leads=1))
    ids = {lite.save(reader.read_all([("x.csv", data), ("note", note(hz))]).studies[0], ME).study_id for hz in (250, 500)}
    assert len(ids) == 2


def test_an_alarm_stands_above_every_finding(store):
    near_yes = kept(store, 0.9)[0]
    unsure = kept(store, 0.6, status="indeterminate")[0]
    alarmed = store.save(study(), ME).study_id
    read(store, alarmed, dataclasses.replace(report(0.01), alarm="paced"))
    beside = store.save(study(), ME).study_id
    read(store, beside, dataclasses.replace(report(0.01), also=(dataclasses.replace(report(0.02, task="rhythm"), alarm="ventricular"),)))
    rows = store.studies()
    assert {row.study_id for row in rows[:2]} == {alarmed, beside} and [row.study_id for row in rows[2:]] == [unsure, near_yes]
    assert {row.study_id: row.alarm for row in rows} == {alarmed: "paced", beside: "ventricular", unsure: None, near_yes: None}
    assert all(row.flag for row in rows) and store.count(flagged=True) == 4


def test_an_alarm_goes_when_a_newer_reading_of_the_task_has_none(lite):
    study_id = lite.save(study(), ME).study_id
    read(lite, study_id, dataclasses.replace(report(0.01), alarm="asystole"))
    read(lite, study_id, report(0.01, task="other"))
    assert lite.study(study_id).alarm == "asystole"
    read(lite, study_id, report(0.01))
    assert lite.study(study_id).alarm is None and not lite.study(study_id).flag


def test_findings_of_readings_beside_it_count(lite):
    def row(*also, **arguments):
        study_id = lite.save(study(), ME).study_id
        read(lite, study_id, dataclasses.replace(report(0.01, **arguments), also=also))
        return lite.study(study_id)

    assert not row(report(0.02)).flag
    assert row(report(0.9)).flag
    assert row(report(0.9), status="refused", gate="blank").flag
    assert row(report(0.4)).uncertainty == pytest.approx(0.8)
    assert row(report(0.4, status="indeterminate")).indeterminate


def test_a_record_from_before_alarms_is_brought_up_to_date(store):
    study_id, report_id = kept(store)
    with store.database.write() as connection:
        migrate.move(connection, "0001")
    migrate.migrate(store.database)
    with store.database.read() as connection:
        assert connection.execute(select(schema.reports.c.alarm)).scalar_one() is None
    assert store.study(study_id).alarm is None and store.report(report_id).report.decision == "opacity"
