"""Glucose in the record: kept whole, decoded again from all its files, told from the same file read otherwise."""

import dataclasses

import numpy as np
import pytest
from store_nouns import ME

import medcore.read as reader
from medcore.read.glucose import note
from tests.read.build import zipped
from tests.read.glucose import build

TIMES, VALUES = build.clock(200), build.glucose(200).tolist()
NIGHTSCOUT = [
    ("a/entries.json", build.dumped(build.entries(TIMES, VALUES))),
    ("a/treatments.json", build.dumped(build.treatments(TIMES[0]))),
]
AMBIGUOUS = build.table(TIMES, VALUES, "time,glucose", "03/04/2024 %H:%M")
STUDIES = {
    "one file": [("x.csv", build.clarity(TIMES, VALUES))],
    "entries and treatments": NIGHTSCOUT,
    "the same in a zip": [("x.zip", zipped(NIGHTSCOUT))],
    "table with a note": [("x.csv", AMBIGUOUS), ("note", note(date_order="dmy"))],
}
ARRAYS = ("minutes", "clock_s", "glucose", "beyond", "event_minutes", "event_kind", "event_value")


@pytest.mark.parametrize("name", STUDIES)
def test_a_trace_comes_back_and_is_decoded_again(store, name):
    sent = reader.read_all(STUDIES[name]).studies[0]
    saved = store.save(sent, ME)
    row, loaded = store.study(saved.study_id), store.load(saved.study_id, with_bytes=True)
    assert (row.modality, row.images, row.study_date) == ("CGM", 0, sent.study_date) and store.count(modality="CGM") == 1
    assert [source.data for source in loaded.sources] == [source.data for source in sent.sources]
    for path in store.blobs._arrays.rglob("*.npy"):
        path.unlink()
    again = store.load(saved.study_id).traces[0]
    for found in (loaded.traces[0], again):
        assert all(np.array_equal(getattr(found, each), getattr(sent.traces[0], each)) for each in ARRAYS)
        plain = {each: getattr(sent.traces[0], each) for each in ARRAYS}
        assert dataclasses.replace(found, **plain) == sent.traces[0]
    assert store.save(sent, ME).existed


def test_what_was_said_of_a_table_makes_another_study(lite):
    told = [reader.read_all([("x.csv", AMBIGUOUS), ("note", note(date_order=order))]).studies[0] for order in ("dmy", "mdy")]
    assert len({lite.save(study, ME).study_id for study in told}) == 2
