"""The Models and Validate pages speak of each kind of task in its own words, and never in the keys of a results file."""

from __future__ import annotations

import re
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from medcore import registry
from medcore.export.wording import LANGUAGES, say, table
from medcore.ui import charts, measured, models, validating
from tests.pages.conftest import World, opened
from tests.pages.ecg_results import FOREIGN, carded, made
from tests.pages.test_pages import said, sound

ECG = ("ecg_rhythm", "ecg_12lead", "ecg_delineation", "ecg_beats")
CARDS, RESULTS = {task: carded(task) for task in ECG}, {task: made(task) for task in ECG}


@pytest.fixture
def four(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The four ECG tasks with invented results."""
    monkeypatch.setattr(registry, "cards", lambda: CARDS)
    monkeypatch.setattr(registry, "results", lambda task: RESULTS[task])
    return world


def chosen(task: str, language: str = "en") -> AppTest:
    app = opened("models", language=language)
    return sound(app.segmented_control(key=f"model-{language}").set_value(task).run())


def with_blanks(name: str, figure: dict[str, float]) -> str:
    return measured.with_interval(name, figure).replace("\u00a0", " ")


def cells(app: AppTest) -> str:
    return "\n".join(str(one.value.to_dict()) for one in app.table).replace("\\xa0", " ")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("task", ECG)
def test_no_raw_key_is_shown(four: World, task: str, language: str) -> None:
    app = chosen(task, language)
    shown = cells(app) + said(app)
    assert len(app.table) >= 2
    assert not re.search(r"sd_ms|mean_ms|auroc_|ppv_|sensitivity_|f1_|one_lead|_deletion|beat_occlusion|integrated_gradients", shown)


def test_an_ecg_classifier_shows_each_label_the_clean_test_other_devices_and_beats(four: World) -> None:
    app = chosen("ecg_rhythm")
    shown, captions = cells(app), [one.value for one in app.caption]
    clean = RESULTS["ecg_rhythm"]["kept_out"]["figures"]["auroc"]
    assert with_blanks("auroc", clean) in shown
    assert with_blanks("f1", RESULTS["ecg_rhythm"]["figures"]["f1_atrial_fibrillation"]) in shown
    assert "0.966 (0.970 – 0.990)" in shown and say("en", "method.beat_occlusion") in shown
    assert say("en", "operating_point.f1") in shown
    assert say("en", "models.clean", n=120) in captions and say("en", "sanity.note_beats") in captions
    assert any(caption.startswith("Mean F1 of ") and caption.endswith("0.857") for caption in captions)
    assert len(app.get("plotly_chart")) == 4  # ROC, reliability, confusion, gate


def test_twelve_leads_draw_what_they_have(four: World) -> None:
    app = chosen("ecg_12lead")
    assert len(app.get("plotly_chart")) == 2  # ROC and gate: labels that exclude nothing have no confusion matrix
    assert say("en", "models.transfer") not in said(app)


def test_a_delineator_shows_waves_in_milliseconds(four: World) -> None:
    app = chosen("ecg_delineation")
    shown = cells(app)
    assert "-2.5 ± 12.2 (10.2 – 14.2)" in shown and "0.981 (0.971 – 0.991)" in shown
    assert say("en", "models.subjects", n=72, leads=864) in [one.value for one in app.caption]


def test_beats_are_counted_record_by_record(four: World) -> None:
    shown = cells(chosen("ecg_beats"))
    assert "2180" in shown and "r2" in shown and say("en", "models.invented") in shown


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_inputs_have_words_in_both_languages(name: str) -> None:
    key = "foreign." + name.lower().replace(" ", "_").replace("-", "_")
    assert table("en")[key] and table("zh")[key] != table("en")[key]


def test_every_foreign_kind_that_was_measured_has_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charts, "coded", lambda section, code: table("en").get(f"{section}.{code}", code))
    for task in ("chest_ct_cancer", "chest_xray_pneumonia"):
        for name in registry.results(task)["gate"]["outside"]:
            assert charts.foreign(name) != name


@pytest.mark.parametrize("task", list(registry.cards()))
def test_the_page_names_the_columns_that_the_kind_reads(task: str) -> None:
    card = registry.card(task)
    named = validating.columns(card)
    assert set(registry.kind_module(task).NEEDED) <= set(named)
    written = registry.kind_module(task).columns(card)
    assert named[0] == written[0]
    assert (named[1:] == ("label",)) == ("label" in written)
    assert {f"d_{name}" for name in named[1:] if f"d_{name}" in written} == {name for name in written if name.startswith("d_")}


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("ecg_rhythm", "record, label"),
        ("ecg_12lead", "record, 1AVB, CRBBB, CLBBB, SBRAD, AFIB, STACH"),
        ("ecg_delineation", "record"),
        ("ecg_beats", "record"),
    ],
)
def test_the_validate_page_says_what_a_manifest_of_the_chosen_task_holds(four: World, task: str, words: str) -> None:
    app = opened("validate")
    app = sound(app.selectbox(key="validate-task-en").set_value(task).run())
    captions = [one.value for one in app.caption]
    assert say("en", "validate.columns", names=words) in captions and say("en", "validate.record") in captions
    assert (say("en", "validate.measures") in captions) == (task in ("ecg_delineation", "ecg_beats"))


def validated(world: World, task: str, summary: dict[str, Any]) -> AppTest:
    """The page after a validation of `task` that brought `summary`."""
    app = opened("validate")
    app.selectbox(key="validate-task-en").set_value(task).run()
    app.file_uploader[0].upload("set.zip", b"PK-not-really", "application/zip").run()
    app.button(key="validate-start").click().run()
    claimed = world.store.claim("test")
    assert claimed is not None and claimed.task == task
    world.store.finish(claimed.job_id, "test", {"summary": summary, "predictions": "record\n"})
    return sound(opened("validate"))


def test_a_validation_of_marks_shows_their_number_and_what_could_not_be_read(four: World) -> None:
    app = validated(four, "ecg_delineation", {"n": 1, "unreadable": 2, "share_refused": 0.0, "waves": {"P": 11, "QRS": 12, "T": 10}})
    assert "QRS complex" in cells(app) and "12" in cells(app)
    assert say("en", "validate.n_recordings", n=1, refused="0.0%") in [one.value for one in app.caption]
    assert say("en", "validate.unreadable", n=2) in said(app)


def test_a_validation_without_a_known_label_says_that_there_are_no_figures(four: World) -> None:
    summary = {"n": 0, "unreadable": 0, "share_refused": 0.0, "groups": None, "note": "No row has a label that the task knows."}
    app = validated(four, "ecg_rhythm", summary)
    assert say("en", "validate.no_labels") in [one.value for one in app.caption]


@pytest.mark.parametrize("task", ECG)
def test_every_figure_that_a_training_writes_down_has_words(task: str) -> None:
    words = table("en")
    names = [measured.figure_name(name, CARDS[task]) for name in RESULTS[task]["figures"]]
    assert all(" · " in shown or f"figure.{name}" in words for name, shown in zip(RESULTS[task]["figures"], names, strict=True))
    assert len(set(names)) == len(names)


def test_the_first_model_is_one_that_is_not_experimental() -> None:
    assert models.first(CARDS) == "ecg_rhythm"
