"""From a study to a report: who is refused and why, what an override does, which task is chosen."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.data import get_testdata_file

import medcore
from medcore import pipeline, registry
from medcore.errors import Cancelled, InputRejected, TaskNotFound
from tests.tasks.films import ct_slice, dicom, film, series, study

TASK = "chest_xray_pneumonia"


@pytest.mark.parametrize(
    ("one", "patient", "code"),
    [
        (series(film(), "CR"), {"age_years": 40.0}, "age"),
        (series(film(), "CR"), {"age_years": 0.5}, "age"),
        (series(film(), "CR"), {"age_years": 6.0}, "age"),
        (series(film(), "CR", body_part="KNEE"), {}, "body_part"),
        (series(film(side=64), "CR"), {}, "too_small"),
        (series(np.zeros((300, 300), np.uint8), "CR"), {}, "blank"),
        (series(film(), "MR"), {}, "modality"),
        (series(ct_slice(), "CT", "HU"), {}, "modality"),
    ],
)
def test_header_reasons(one, patient, code):
    gate = pipeline.check(one, registry.card(TASK), study(one, **patient).patient)
    assert gate.code == code
    assert gate.reason.endswith(".")
    report = pipeline.diagnose(TASK, study(one, **patient))
    assert report.gate.code == code
    assert (report.findings, report.decision, report.status) == ((), None, "refused")


@pytest.mark.parametrize("age", [1.0, 4.0, 5.9, None])
def test_the_trained_population_and_an_unknown_age_pass_the_header(age):
    assert pipeline.check(series(film()), registry.card(TASK), study(series(film()), age_years=age).patient).passed


def test_colour_is_refused_and_grey_saved_as_rgb_is_not():
    grey = np.repeat(film()[None, None], 3, axis=0)
    colour = grey.copy()
    colour[0] = 255 - colour[0]
    card = registry.card(TASK)
    patient = study(series(film())).patient
    assert pipeline.check(medcore.Series(array=grey, unit="RGB", modality=None), card, patient).passed
    assert pipeline.check(medcore.Series(array=colour, unit="RGB", modality=None), card, patient).code == "colour"


def test_an_override_shows_findings_and_says_so():
    report = pipeline.diagnose(TASK, study(series(film()), age_years=40.0), override=True)
    assert report.overridden
    assert report.gate.code == "age"
    assert [finding.label.name for finding in report.findings] == ["pneumonia"]
    assert report.decision in {"normal", "pneumonia"}


@pytest.mark.parametrize(
    "pixels", [np.random.default_rng(0).integers(0, 256, (300, 300), np.uint8), np.tril(np.full((300, 300), 200, np.uint8))]
)
def test_what_is_no_film_is_out_of_distribution(pixels):
    report = pipeline.diagnose(TASK, study(series(pixels, None)))
    assert report.gate.code == "out_of_distribution"
    assert report.gate.distance > report.gate.limit
    assert report.findings == ()


def test_progress_may_cancel():
    def stop(share):
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        pipeline.diagnose(TASK, study(series(film())), progress=stop)


@pytest.mark.parametrize(("where", "words"), [("slice_index", "no such slice"), ("series_index", "no such series")])
@pytest.mark.parametrize("number", [3, -1])
def test_a_slice_or_series_that_is_not_there(where, words, number):
    with pytest.raises(InputRejected, match=words):
        pipeline.diagnose(TASK, study(series(film())), **{where: number})


def test_a_unique_task_is_chosen_by_header():
    assert pipeline.choose(study(series(film(), "DX"))) == TASK
    assert pipeline.choose(study(series(ct_slice(), "CT", "HU"))) == "chest_ct_cancer"
    assert pipeline.choose(study(series(film(), "CR", body_part="LEG"))) == TASK  # whose gate then says why not
    with pytest.raises(TaskNotFound, match="MR"):
        pipeline.choose(study(series(film(), "MR")))


def test_a_picture_that_several_tasks_might_read_is_read_once_by_each(monkeypatch):
    asked = []
    plain = pipeline.diagnose
    monkeypatch.setattr(pipeline, "diagnose", lambda task, *rest, **more: asked.append(task) or plain(task, *rest, **more))
    report = plain(None, study(series(film(), None)))
    assert sorted(asked) == sorted(task for task, card in registry.cards().items() if not {"ECG", "CGM"} & set(card.modality))
    assert report.task == TASK
    assert plain(None, study(series(film(), None)), slice_index=0).task == TASK


def test_the_report_names_what_made_it():
    one = medcore.read("film", dicom(film()))
    report = pipeline.diagnose(TASK, one, override=True)
    card = registry.card(TASK)
    made = report.provenance
    assert (made.task, made.model_version, made.weights_sha256, made.code_version) == (
        TASK,
        card.version,
        card.weights_sha256,
        medcore.__version__,
    )
    again = pipeline.diagnose(TASK, medcore.read("other name", dicom(film())), override=True)
    assert again.probabilities == report.probabilities


def test_a_monochrome1_film_reads_like_its_monochrome2_twin():
    plain = medcore.read("a", dicom(film()))
    turned = medcore.read("b", dicom(255 - film(), PhotometricInterpretation="MONOCHROME1"))
    first, second = (pipeline.diagnose(TASK, one, override=True) for one in (plain, turned))
    assert first.probabilities[1][1] == pytest.approx(second.probabilities[1][1], abs=0.01)


def test_size_and_bit_depth_hardly_matter():
    card = registry.card(TASK)
    tools = pipeline.loaded(TASK)
    frames = [tools.module.prepare(series(film(0, side)), 0).pixels.astype(float) for side in (448, 900, 1800)]
    assert np.abs(frames[0] - frames[2]).mean() < 6
    wide = (film(0, 600).astype(np.uint16) << 4) + 3
    eight, twelve = (tools.module.prepare(one, 0).pixels.astype(float) for one in (series(film(0, 600)), series(wide)))
    assert np.abs(eight - twelve).mean() < 3
    assert card.kind == "image_classifier"


def test_a_chest_ct_is_read_in_hounsfield_units():
    report = pipeline.diagnose("chest_ct_cancer", study(series(ct_slice(), "CT", "HU"), age_years=60.0), override=True)
    assert {finding.label.name for finding in report.findings} == {"benign", "malignant"}


def test_pydicoms_small_ct_is_too_small_for_its_findings():
    one = medcore.read("CT_small.dcm", Path(get_testdata_file("CT_small.dcm")).read_bytes())
    report = pipeline.diagnose("chest_ct_cancer", one)
    assert not report.gate.passed
    assert report.findings == ()
