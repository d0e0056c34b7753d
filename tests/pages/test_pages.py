"""Every page in its empty, full and error state, in both languages, with hostile names."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from medcore import registry
from medcore.export.wording import LANGUAGES, say
from medcore.store import ReportState
from medcore.types import Attribution, Gate
from medcore.ui import demo
from tests.pages.conftest import HOSTILE, World, card, film, opened, report

PAGES = ("worklist", "image", "models", "validate")
AGE = Gate(code="age", reason="The model was trained on patients from 1 to under 6 years of age, and this patient is not one of them.")


def sound(app: AppTest) -> AppTest:
    assert [error.value for error in app.exception] == []
    return app


def data(app: AppTest, key: str) -> dict[str, Any]:
    """What our component `key` was given."""
    for element in app.get("bidi_component"):
        if element.proto.id.endswith(f"-{key}") or f"-{key}-" in element.proto.id or key in element.proto.id:
            loaded: dict[str, Any] = json.loads(element.proto.json)
            return loaded
    raise AssertionError(f"{key} is not on the page: {[element.proto.id for element in app.get('bidi_component')]}")


def said(app: AppTest) -> str:
    """All that is on the page as one text."""
    parts = [str(getattr(element, "value", "")) for name in ("markdown", "caption", "title", "text") for element in app.get(name)]
    parts += [element.label for element in app.button]
    parts += [json.dumps(json.loads(element.proto.json), ensure_ascii=False) for element in app.get("bidi_component")]
    return "\n".join(parts)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", PAGES)
def test_empty(world: World, page: str, language: str) -> None:
    app = sound(opened(page, language=language))
    assert say(language, "app.research") in said(app)


def test_an_empty_worklist_says_what_to_do(world: World) -> None:
    assert say("en", "worklist.empty") in said(sound(opened()))


@pytest.mark.parametrize("page", ("models", "validate"))
def test_no_model_installed(world: World, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "cards", dict)
    assert say("en", "models.none") in said(sound(opened(page)))


def test_worklist_shows_what_is_known_and_nothing_as_html(world: World) -> None:
    study = world.add(film(HOSTILE, "[x](y) **b**"))
    world.read(study, report(0.91))
    app = sound(opened())
    row = data(app, "worklist-table")["rows"][0]
    assert (row["patient"], row["patient_id"]) == (HOSTILE, "[x](y) **b**")
    assert row["flag"] == {"icon": "present", "words": "Pneumonia"}
    assert row["status"]["words"] == say("en", "status.ready")
    for element in (*app.markdown, *app.caption, *app.get("html")):
        assert HOSTILE not in str(getattr(element, "value", "")) and "[x](y)" not in str(getattr(element, "value", ""))


def test_search_and_filter(world: World) -> None:
    world.read(world.add(film("A^Ada", "P1", seed=1)), report(0.91))
    world.read(world.add(film("B^Ben", "P2", seed=2)), report(0.05))
    app = opened()
    assert len(data(app, "worklist-table")["rows"]) == 2
    app.text_input(key="search").input("Ben").run()
    assert [row["patient"] for row in data(sound(app), "worklist-table")["rows"]] == ["B, Ben"]
    app.text_input(key="search").input("nobody").run()
    assert say("en", "worklist.no_match") in said(sound(app))


def test_a_good_and_a_bad_file_in_one_upload(world: World) -> None:
    app = opened()
    app.file_uploader[0].upload("film", film()).upload("note.txt", b"hello", "text/plain").run()
    text = said(sound(app))
    assert "note.txt" in text
    assert say("en", "upload.added", count=1) in text
    assert [row.action for row in world.store.audit_log() if row.action == "upload_refused"] == ["upload_refused"]
    assert "hello" not in str(world.store.audit_log()) and "note.txt" not in str(world.store.audit_log())


def test_two_patients_in_one_study_are_both_named(world: World) -> None:
    import io

    import pydicom

    second = pydicom.dcmread(io.BytesIO(film(patient_id="SYN-1")))
    second.PatientID, second.SOPInstanceUID = "SYN-2", pydicom.uid.generate_uid()
    second.file_meta.MediaStorageSOPInstanceUID = second.SOPInstanceUID
    out = io.BytesIO()
    second.save_as(out)
    app = opened()
    app.file_uploader[0].upload("a.dcm", film(patient_id="SYN-1")).upload("b.dcm", out.getvalue()).run()
    text = said(sound(app))
    assert "SYN-1" in text and "SYN-2" in text
    assert world.store.count() == 0


@pytest.mark.parametrize("case", demo.cases(), ids=lambda case: case.name)
def test_demo_cases_are_the_files_they_should_be(case: demo.Case) -> None:
    assert len(demo.content(case)) > 10_000


def test_a_demo_case_comes_in_with_one_click(world: World) -> None:
    app = opened()
    app.button(key="demo-button-leg").click().run()
    assert say("en", "upload.added", count=1) in said(sound(app))
    assert world.store.studies()[0].demo


def test_an_unknown_study_is_one_sentence(world: World) -> None:
    app = opened("image", study="nonsense")
    assert [error.value for error in app.exception] == []
    assert "not in the record" in said(app)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reading_with_a_finding(world: World, language: str) -> None:
    study = world.add()
    world.read(study, report(0.91))
    app = sound(opened("image", study=study, language=language))
    shown = data(app, "reading")
    assert shown["decision"]["icon"] == "present"
    assert [row["probability"] for row in shown["findings"]] == [0.91]
    assert "0.42" in shown["findings"][0]["point"] and "0.86" in shown["findings"][0]["interval"]
    assert "abababababab" in shown["made"]
    assert data(app, "viewer-canvas")["saliency"] is None
    assert study not in data(app, "viewer-canvas")["url"]


def test_indeterminate_is_not_called(world: World) -> None:
    study = world.add()
    world.read(study, report(0.44, status="indeterminate"))
    assert data(sound(opened("image", study=study)), "reading")["decision"]["icon"] == "indeterminate"


def test_a_refused_study_shows_no_finding_and_the_override_is_recorded(world: World) -> None:
    study = world.add(film(age="064Y"))
    world.read(study, report(gate=AGE))
    app = sound(opened("image", study=study, signer="Dr A"))
    shown = data(app, "reading")
    assert shown["findings"] == [] and shown["decision"]["detail"] == AGE.reason
    app.text_area[0].input("Asked by the ward")
    next(button for button in app.button if button.label == say("en", "override.confirm")).click().run()
    job = world.store.jobs(study)[0]
    assert job.params["override"] is True and job.params["reason"] == "Asked by the ward" and job.created_by.name == "Dr A"
    assert any(row.action == "gate_override" for row in world.store.audit_log())
    claimed = world.store.claim("test")
    assert claimed is not None
    world.store.finish(claimed.job_id, "test", report(gate=AGE, overridden=True))
    after = sound(opened("image", study=study))
    assert data(after, "reading")["decision"]["icon"] == "present"
    assert "Dr A" in said(after) and "Asked by the ward" in said(after)


def test_no_override_without_a_reason(world: World) -> None:
    study = world.add()
    world.read(study, report(gate=AGE))
    app = opened("image", study=study, signer="Dr A")
    next(button for button in app.button if button.label == say("en", "override.confirm")).click().run()
    assert say("en", "override.missing") in said(sound(app))
    assert all(not job.params.get("override") for job in world.store.jobs(study))


def test_unknown_age_is_said_to_be_unknown(world: World) -> None:
    study = world.add(film(age=""))
    facts = {fact[0]: fact for fact in data(sound(opened("image", study=study)), "about")["facts"]}
    assert facts["Age"][1:] == ["unknown", "unknown"]


def test_a_queued_study_can_be_cancelled(world: World) -> None:
    study = world.add()
    job = world.job(study)
    app = sound(opened("image", study=study))
    app.button(key=f"cancel-{job}").click().run()
    assert world.store.job(job).state == "cancelled"
    assert say("en", "job.was_cancelled") in said(sound(opened("image", study=study)))


def test_opinions_stay_and_need_a_name_and_a_note(world: World) -> None:
    study = world.add()
    made = world.read(study, report(0.91))

    def save(app: AppTest) -> AppTest:
        return next(button for button in app.button if button.label == say("en", "opinion.save")).click().run()

    app = opened("image", study=study)
    app.segmented_control(key="verdict").set_value("agree")
    assert say("en", "who.first") in said(save(app))
    app = opened("image", study=study, signer="Dr A")
    app.segmented_control(key="verdict").set_value("disagree")
    assert say("en", "opinion.note_needed") in said(save(app))
    app = opened("image", study=study, signer="Dr A")
    app.segmented_control(key="verdict").set_value("disagree")
    app.text_area[0].input("<b>It is a rib</b>")
    save(app)
    kept = world.store.reads(made)
    assert [(str(read.verdict), read.note, read.actor.name, read.actor.verified) for read in kept] == [
        ("disagree", "<b>It is a rib</b>", "Dr A", False)
    ]
    assert data(app, "opinions")["history"][0]["text"] == "<b>It is a rib</b>"


def test_a_signed_report_takes_addenda_only(world: World) -> None:
    study = world.add()
    made = world.read(study, report(0.91))
    app = opened("image", study=study, signer="Dr A")
    app.button(key="sign").click().run()
    app.button(key="confirm-sign").click().run()
    assert world.store.report(made).state == ReportState.SIGNED
    app = sound(opened("image", study=study, signer="Dr A"))
    assert "Dr A (unverified)" in said(app)
    assert not [button for button in app.button if button.key == "sign"]
    app.text_area[-1].input("Seen again")
    next(button for button in app.button if button.label == say("en", "addendum.save")).click().run()
    assert [one.text for one in world.store.report(made).addenda] == ["Seen again"]


def test_nobody_signs_without_a_name(world: World) -> None:
    study = world.add()
    world.read(study, report(0.91))
    assert opened("image", study=study).button(key="sign").disabled


def test_an_explanation_is_asked_for_once(world: World) -> None:
    study = world.add()
    made = world.read(study, report(0.91))
    app = opened("image", study=study)
    app.segmented_control(key=f"method-{made}").set_value("occlusion").run()
    asked = [job for job in world.store.jobs(study) if job.kind == "explain"]
    assert [(job.params["method"], job.params["label"]) for job in asked] == [("occlusion", "pneumonia")]
    app.run()
    assert len([job for job in world.store.jobs(study) if job.kind == "explain"]) == 1
    assert say("en", "explain.influence") in said(sound(app))


def test_an_explanation_belongs_to_the_report_that_is_shown(world: World) -> None:
    study = world.add()
    older = world.read(study, report(0.91))
    newer = world.read(study, report(0.2))
    app = opened("image", study=study)
    app.selectbox(key="which-report").set_value(1).run()
    app.segmented_control(key=f"method-{older}").set_value("gradcam").run()
    claimed = world.store.claim("test")
    assert claimed is not None and claimed.kind == "explain"
    shown = Attribution(method="gradcam", label="pneumonia", baseline="", values=np.ones((2, 2), np.float32))
    world.store.finish(claimed.job_id, "test", shown)
    assert [len(world.store.report(name).attachments) for name in (older, newer)] == [1, 0]


def test_a_study_no_model_reads_says_so(world: World) -> None:
    study = world.add(film(modality="MR", body="KNEE"))
    assert say("en", "image.no_task") in said(sound(opened("image", study=study)))


def test_models_page_shows_figures_and_plots(world: World) -> None:
    app = sound(opened("models"))
    assert len(app.get("plotly_chart")) == 4
    assert "0.980 – 0.995" in str([table.value for table in app.table])


def test_weak_models_say_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "cards", lambda: {"chest_xray_pneumonia": card(experimental=True)})
    assert say("en", "models.weak") in said(sound(opened("models")))


def test_models_page_without_results(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_task: str) -> dict[str, object]:
        raise FileNotFoundError

    monkeypatch.setattr(registry, "results", missing)
    assert say("en", "models.no_results") in said(sound(opened("models")))


def test_validation_is_a_job_and_its_result_stands_on_the_page(world: World) -> None:
    app = opened("validate")
    app.file_uploader[0].upload("set.zip", b"PK-not-really", "application/zip").run()
    app.button(key="validate-start").click().run()
    claimed = world.store.claim("test")
    assert claimed is not None and claimed.kind == "validate" and claimed.task == "chest_xray_pneumonia"
    summary = {"n": 4, "share_refused": 0.25, "groups": 3, "figures": {"auroc": {"value": 0.75, "low": 0.5, "high": 1.0}}}
    world.store.finish(claimed.job_id, "test", {"summary": summary, "predictions": "path\na.png\n"})
    app = sound(opened("validate"))
    assert "0.500 – 1.000" in str([table.value for table in app.table])
    assert say("en", "validate.n", n=4, refused="25.0%") in [caption.value for caption in app.caption]
    assert say("en", "validate.groups", n=3) in [caption.value for caption in app.caption]
    app.button(key=f"remove-{claimed.job_id}").click().run()
    assert world.store.jobs(None, kind="validate") == ()


def test_delete_asks_first(world: World) -> None:
    study = world.add()

    def page(study_id: str) -> None:
        from medcore.store import open_store
        from medcore.ui import worklist

        worklist.confirm_delete(open_store(), open_store().study(study_id))

    app = AppTest.from_function(page, args=(study,)).run()
    assert world.store.count() == 1
    app.button(key="confirm-delete").click().run()
    assert world.store.count() == 0
