"""What the worker does for each kind of job, with the real networks and a real record."""

import csv
import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

import medcore
from medcore import registry
from medcore.errors import BadManifest, NotAnImage
from medcore.store import Actor
from medcore.tasks.records import files_of
from medcore.types import Attribution
from medcore.ui.validating import packed
from medcore.worker import handlers
from medcore.worker.archive import table_of
from tests.pages import ecg_nouns
from tests.read import build_ecg
from tests.tasks.films import ct_slice, dicom, film

ME = Actor(name="Dr Test", verified=False)
TASK = "chest_xray_pneumonia"


def do(store, kind, study_id=None, task=None, params=None, upload=None):
    """Order a job, claim it as a worker does, and do it."""
    asked = {} if upload is None else {"upload": upload}
    store.enqueue(kind, study_id, task, params or {}, ME, **asked)
    return handlers.handle(store.claim("test"), store, lambda share: None)


def test_a_film_is_read_and_explained(lite):
    study_id = lite.save(medcore.read("film", dicom(film())), ME).study_id
    report = do(lite, "diagnose", study_id, None, {"override": True})
    assert report.task == TASK
    assert report.findings
    shown = do(lite, "explain", study_id, TASK, {"method": "gradcam", "label": "pneumonia", "override": True})
    assert isinstance(shown, Attribution)
    assert (shown.method, shown.label) == ("gradcam", "pneumonia")


def test_the_slice_that_was_asked_for_is_read(lite):
    stored = (np.stack([ct_slice(k, 256) for k in range(3)]).astype(np.int32) + 1024).astype(np.uint16)
    data = dicom(stored[0], modality="CT", age="060Y", NumberOfFrames=3, PixelData=stored.tobytes(), RescaleSlope=1, RescaleIntercept=-1024)
    study_id = lite.save(medcore.read("ct", data), ME).study_id
    report = do(lite, "diagnose", study_id, "chest_ct_cancer", {"override": True, "series_index": 0, "slice_index": 2})
    assert report.slice_index == 2


def test_a_picture_that_two_tasks_might_read_goes_to_the_one_whose_gate_is_nearer(lite):
    study_id = lite.save(medcore.read("film.png", png(film())), ME).study_id
    report = do(lite, "diagnose", study_id, None, {"override": False})
    assert report.task in {"chest_xray_pneumonia", "chest_ct_cancer"}
    assert report.gate.distance is not None


def png(pixels):
    """`pixels` as PNG bytes."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def zipped(**files):
    """A zip of named members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "/"), data)
    return out.getvalue()


def test_files_dropped_together_are_measured_like_their_zip(lite):
    files = [("manifest.csv", b"path,label\na.png,normal\n"), ("a.png", png(film(0)))]
    outcome = do(lite, "validate", None, TASK, {}, packed(files))
    assert outcome["summary"]["n"] == 1
    whole = zipped(**{"manifest.csv": "path\n"})
    assert packed([("set.zip", whole)]) == whole


def test_a_zip_with_a_manifest_is_measured(lite):
    manifest = "path,label\na.png,normal\nimages/b.png,pneumonia\n../out.png,normal\n"
    upload = zipped(**{"set__manifest.csv": manifest, "set__a.png": png(film(0)), "set__images__b.png": png(film(1)), "out.png": b"x"})
    outcome = do(lite, "validate", None, TASK, {}, upload)
    assert outcome["summary"]["n"] == 2
    assert outcome["summary"]["unreadable"] == 1
    assert outcome["predictions"].count("\n") == 4
    json.dumps(outcome["summary"])


def test_a_bomb_in_the_zip_costs_its_row_and_no_formula_leaves(lite):
    manifest = "path,label\na.png,normal\nbomb.png,normal\n=HYPERLINK(1),normal\n"
    upload = zipped(**{"m.csv": manifest, "a.png": png(film(0)), "bomb.png": bytes(8 << 20)})
    outcome = do(lite, "validate", None, TASK, {}, upload)
    lines = outcome["predictions"].splitlines()
    assert outcome["summary"]["unreadable"] == 2
    assert "100 times its packed size" in lines[2]
    assert lines[3].startswith("'=HYPERLINK(1),normal")


@pytest.mark.parametrize("data", [b"no zip", zipped(a="x"), zipped(**{"m.csv": "label\nx\n"})], ids=["no zip", "no manifest", "no column"])
def test_a_zip_that_cannot_be_measured_is_one_sentence(data):
    with pytest.raises(BadManifest):
        table_of(data, ("path",), {})


ECG = [task for task, card in registry.cards().items() if "ECG" in card.modality and registry.weights_path(task).is_file()]


def records(folder, seconds, leads):
    """A zip of a WFDB record that is whole, one without its header, one without its signals, and a manifest with columns for any task."""
    traced = ecg_nouns.signal(ecg_nouns.beats(seconds), seconds, 250.0, leads)
    members = {}
    for name in ("whole", "headless", "silent"):
        for member, data in build_ecg.wfdb(values=np.rint(traced.T * 1000).astype(np.int64), name=name, leads=leads):
            members[f"{folder}/{member}"] = data
    del members[f"{folder}/headless.hea"], members[f"{folder}/silent.dat"]
    rows = [f"{name},normal,p{number},0,1,0,0,0,0" for number, name in enumerate(("whole", "headless", "silent"))]
    members[f"{folder}/manifest.csv"] = "\n".join(["record,label,patient,1AVB,CRBBB,CLBBB,SBRAD,AFIB,STACH", *rows, ""])
    return zipped(**members)


@pytest.mark.parametrize("task", ECG)
def test_a_zip_of_wfdb_records_is_measured(lite, task):
    card = registry.card(task)
    outcome = do(lite, "validate", None, task, {}, records("set", card.seconds[0] + 10, card.leads or ("I", "II")))
    assert (outcome["summary"]["n"], outcome["summary"]["unreadable"]) == (1, 2)
    assert outcome["summary"]["group"] == "patient"
    rows = list(csv.DictReader(io.StringIO(outcome["predictions"])))
    assert list(dict.fromkeys(row["record"] for row in rows)) == ["whole", "headless", "silent"]
    json.dumps(outcome["summary"])


def test_a_record_of_which_a_file_is_missing_says_which():
    table = table_of(records("set", 4.0, ("I", "II")), ("record",), {})
    assert [name for name, _ in files_of("whole", table.fetch)] == ["whole.hea", "whole.dat"]
    with pytest.raises(NotAnImage, match=r"neither a header \(\.hea\) nor a file"):
        files_of("headless", table.fetch)
    with pytest.raises(NotAnImage, match="signal file that the header names"):
        files_of("silent", table.fetch)
    with pytest.raises(NotAnImage, match="neither"):
        files_of("../../etc/passwd", table.fetch)
