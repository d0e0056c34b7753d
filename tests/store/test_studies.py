"""Studies are kept once, whole, found again, and go with all that is theirs."""

import os
import stat
import threading

import numpy as np
import pytest
from store_nouns import ME, report, study
from store_rooms import files, kept

import medcore.read
from medcore.errors import NotFound, StoreError
from medcore.store import Actor, StudyStatus


def test_a_study_comes_back_as_it_went_in(store):
    sent = study(name="Müller^Jörg\x00", patient_id="7", birth_date="1970-01-01", sex="M", age_years=56.0)
    saved = store.save(sent, Actor(name="Eve", verified=True), demo=True)
    row, loaded = store.study(saved.study_id), store.load(saved.study_id)
    assert not saved.existed and len(saved.study_id) == 32
    assert row.patient.name == "Müller^Jörg" and row.patient.age_years == 56.0
    assert (row.modality, row.images, row.demo, row.status, row.flag, row.uncertainty) == ("CT", 2, True, StudyStatus.NEW, False, None)
    assert row.created_by == Actor(name="Eve", verified=True)
    assert np.array_equal(loaded.series[0].array, sent.series[0].array) and loaded.series[0].array.dtype == np.int16
    assert loaded.series[0].affine is not None and np.array_equal(loaded.series[0].affine, np.eye(4))
    assert loaded.sources[0].data == b"" and store.load(saved.study_id, with_bytes=True).sources == sent.sources
    assert store.sources(saved.study_id) == sent.sources


def test_arrays_are_mapped_and_read_only(store):
    array = store.load(store.save(study(), ME).study_id).series[0].array
    assert isinstance(array, np.memmap) and not array.flags.writeable


def test_the_same_content_is_the_same_study(store):
    first, again = store.save(study(b"a"), ME), store.save(study(b"a"), ME)
    assert again.study_id == first.study_id and again.existed and not first.existed
    assert store.save(study(b"b"), ME).study_id != first.study_id
    assert store.save(study(b"a", uid="9.9"), ME).study_id != first.study_id  # another study of the same zip file


def test_the_same_content_at_the_same_time_is_one_study(store):
    saved, barrier = [], threading.Barrier(4)

    def save():
        barrier.wait()
        saved.append(store.save(study(b"same"), ME))

    run(*[save] * 4)
    assert len({one.study_id for one in saved}) == 1 and sorted(one.existed for one in saved) == [False, True, True, True]
    assert store.count() == 1


def test_files_are_private_and_named_by_hashes_alone(store, place):
    store.save(study(b"x"), ME)
    assert files(place)
    for path in place.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    for path in files(place):
        assert path.parent.name == path.name[:2] and len(path.name.removesuffix(".npy")) == 64


def test_an_unknown_study_is_not_found(store):
    for ask in (store.study, store.load, store.sources, store.priors, lambda name: store.delete(name, ME)):
        with pytest.raises(NotFound, match="not in the record"):
            ask("no\x00 such")


def test_deletion_removes_all_of_it_and_keeps_the_chain(store, place):
    study_id, report_id = kept(store, arrays=(np.ones((4, 4), np.float32),))
    store.add_read(report_id, "disagree", "patient note", ME)
    store.sign(report_id, ME)
    store.addendum(report_id, "more", ME)
    job = store.enqueue("explain", study_id, "chest", {}, ME)
    before = len(store.audit_log())
    store.delete(study_id, ME)
    assert files(place) == [] and store.count() == 0
    for ask in (lambda: store.report(report_id), lambda: store.job(job), lambda: store.study(study_id)):
        with pytest.raises(NotFound):
            ask()
    with store.database.read() as connection:
        tables = ("studies", "sources", "arrays", "holds", "jobs", "reports", "attachments", "addenda", "reads", "doubts")
        counts = {name: connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar() for name in tables}
    assert counts == dict.fromkeys(tables, 0)
    assert store.verify_audit() is None and len(store.audit_log()) == before + 1
    assert store.audit_log(1)[0].action == "study.deleted"


def test_a_file_that_another_study_has_stays(store, place):
    one, two = study(b"1", shared=(b"both",)), study(b"2", uid="4", shared=(b"both",))
    first, second = store.save(one, ME).study_id, store.save(two, ME).study_id
    store.delete(first, ME)
    assert [source.data for source in store.sources(second)] == [b"2", b"both"]
    store.delete(second, ME)
    assert files(place) == []


def test_a_deleted_study_may_be_saved_again(store):
    first = store.save(study(b"a"), ME).study_id
    store.delete(first, ME)
    again = store.save(study(b"a"), ME)
    assert not again.existed and again.study_id != first and store.sources(again.study_id)[0].data == b"a"


def test_saving_against_deleting_never_loses_a_file(store, place):
    """Two threads save and delete studies that share a file; whatever is in the record at the end is whole."""
    problems = []

    def work(uid):
        for _ in range(12):
            try:
                saved = store.save(study(b"own", uid=uid, shared=(b"both",)), ME).study_id
                if [source.data for source in store.sources(saved)] != [b"own", b"both"] or store.load(saved).series[0].array.max() < 0:
                    problems.append("wrong bytes")
                store.delete(saved, ME)
            except StoreError as error:
                problems.append(repr(error))
        store.save(study(b"own", uid=uid, shared=(b"both",)), ME)

    run(lambda: work("1"), lambda: work("2"))
    assert problems == [] and store.count() == 2
    for row in store.studies():
        assert [source.data for source in store.sources(row.study_id)] == [b"own", b"both"]
    for row in store.studies():
        store.delete(row.study_id, ME)
    assert files(place) == []


def test_a_crash_between_file_and_row_leaves_no_orphan(lite, monkeypatch):
    place = lite.blobs._files.parent

    def crash(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("medcore.store.studies.hold", crash)
        with pytest.raises(KeyboardInterrupt):
            lite.save(study(b"a"), ME)
    assert len(files(place)) == 3 and lite.count() == 0  # published, then nothing
    lite.settle()
    assert files(place) == []


def test_a_crash_between_row_and_file_of_a_deletion_is_made_good(lite, monkeypatch):
    place, saved = lite.blobs._files.parent, lite.save(study(b"a"), ME)
    with monkeypatch.context() as patch:
        patch.setattr(type(lite), "settle", lambda self: None)
        lite.delete(saved.study_id, ME)
    assert len(files(place)) == 3
    lite.settle()
    assert files(place) == []


def test_what_a_dead_process_left_aside_goes(lite):
    aside = lite.blobs._aside
    (aside / "old").write_bytes(b"x")
    (aside / "new").write_bytes(b"x")
    os.utime(aside / "old", (0, 0))
    lite.settle()
    assert [path.name for path in aside.iterdir()] == ["new"]


def test_a_full_disk_leaves_nothing_half_stored(lite, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("medcore.store.blobs.os.fsync", full)
        with pytest.raises(StoreError, match="disk is full"):
            lite.save(study(b"a"), ME)
    assert files(lite.blobs._files.parent) == [] and lite.count() == 0
    assert not lite.save(study(b"a"), ME).existed


def test_an_altered_file_is_never_given_out(lite):
    saved = lite.save(study(b"a"), ME)
    path = next(lite.blobs._files.rglob("??/*"))
    path.chmod(0o600)
    path.write_bytes(b"evil")
    with pytest.raises(StoreError, match="missing or was altered"):
        lite.sources(saved.study_id)
    with pytest.raises(StoreError):
        lite.blob("../../etc/passwd")


def test_missing_arrays_are_decoded_again(lite, monkeypatch):
    sent = study(b"a")
    asked = []

    def read_all(files):
        asked.append(files)
        return type("Intake", (), {"studies": (study(b"other", uid="8"), sent)})

    monkeypatch.setattr(medcore.read, "read_all", read_all, raising=False)
    saved = lite.save(sent, ME)
    for path in lite.blobs._arrays.rglob("*.npy"):
        path.unlink()
    assert np.array_equal(lite.load(saved.study_id).series[0].array, sent.series[0].array)
    again = lite.load(saved.study_id).series[0].array
    assert asked == [[("0.dcm", b"a")]] and isinstance(again, np.memmap)
    lite.delete(saved.study_id, ME)
    assert files(lite.blobs._files.parent) == []


def test_a_cut_array_is_decoded_again(lite, monkeypatch):
    sent = study(b"a")
    monkeypatch.setattr(medcore.read, "read_all", lambda files: type("Intake", (), {"studies": (sent,)}), raising=False)
    saved = lite.save(sent, ME)
    for path in lite.blobs._arrays.rglob("*.npy"):
        path.write_bytes(path.read_bytes()[:-3])
    assert np.array_equal(lite.load(saved.study_id).series[0].array, sent.series[0].array)


def test_what_can_no_longer_be_read_is_one_sentence(lite, monkeypatch):
    monkeypatch.setattr(medcore.read, "read_all", lambda files: type("Intake", (), {"studies": ()}), raising=False)
    saved = lite.save(study(b"a"), ME)
    for path in lite.blobs._arrays.rglob("*.npy"):
        path.unlink()
    with pytest.raises(StoreError, match="missing or was altered"):
        lite.load(saved.study_id)


def test_priors_are_of_the_same_patient(store):
    base = {"name": "Doe^Jane", "patient_id": "P7", "birth_date": "1970-01-01"}
    new = store.save(study(**base, study_date="2026-02-01"), ME).study_id
    old = store.save(study(**base, study_date="2020-02-01"), ME).study_id
    spelled = store.save(study(name="DOE^JANE", patient_id="P7", study_date="2024-01-01"), ME).study_id
    for other in ({"name": "Roe^Jim"}, {"birth_date": "1980-01-01"}, {"patient_id": "P8"}, {"patient_id": None}):
        store.save(study(**base | other), ME)
    nobody = store.save(study(**base | {"patient_id": None}), ME).study_id
    assert [row.study_id for row in store.priors(new)] == [spelled, old]
    assert store.priors(nobody) == ()


def test_a_report_of_a_deleted_study_is_refused(store):
    study_id = store.save(study(), ME).study_id
    job_id = store.enqueue("diagnose", study_id, "chest", {}, ME)
    store.claim("w")
    store.delete(study_id, ME)
    assert store.heartbeat(job_id, "w", 0.5) is False
    with pytest.raises(StoreError):
        store.finish(job_id, "w", report(arrays=(np.ones((2, 2)),)))
    store.settle()
    assert files(store.blobs._files.parent) == []


def run(*functions):
    """Run them at the same time."""
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
