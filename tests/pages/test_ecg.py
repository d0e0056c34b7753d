"""The ECG page in every state: nothing open, unread, read, refused, an alarm, intervals withheld, a long recording, a missing rate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from medcore import registry
from medcore.export.ecg_words import bare, decided, possible, range_words, side, value_words
from medcore.export.wording import LANGUAGES, say
from medcore.types import Gate, Measurement, Report, Statement, Study
from medcore.ui import demo
from medcore.ui.routes import granted_url
from medcore.ui.tokens import TOKENS, Grant
from tests.pages import ecg_nouns
from tests.pages.conftest import HOSTILE, READER, World, film, opened
from tests.pages.test_pages import data, said, sound
from tests.pages.test_pixels import get

NOT_ECG = Gate(code="not_ecg", reason="This does not look like an ECG.")


@pytest.fixture
def hearts(world: World) -> World:
    """The record with two ECG models of our own."""
    registry.cards().update(ecg_12lead=ecg_nouns.card(), ecg_rhythm=ecg_nouns.card("ecg_rhythm", ecg_nouns.RHYTHM))
    return world


def kept(world: World, report: Report | None = None, study: Study | None = None) -> str:
    study_id = world.store.save(study or ecg_nouns.study(ecg_nouns.recording()), READER).study_id
    if report is not None:
        world.read(study_id, report)
    return study_id


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_open_says_so_and_takes_one_in(hearts: World, language: str) -> None:
    app = sound(opened("ecg", language=language))
    assert say(language, "ecg.nothing_title") in said(app)
    shown = [button.key for button in app.button if str(button.key).startswith("demo-button")]
    assert shown == [f"demo-button-{case.name}" for case in demo.cases() if case.modality == "ECG"] and "demo-button-ecg" in shown
    assert len(app.file_uploader) == 1


def test_the_empty_page_lists_ecgs_only(hearts: World) -> None:
    hearts.add(film())
    kept(hearts)
    rows = data(sound(opened("ecg")), "worklist-table")["rows"]
    assert [row["patient"] for row in rows] == ["SYNTHETIC, ECG"]


def test_an_unread_ecg_is_on_the_paper(hearts: World) -> None:
    app = sound(opened("ecg", study=kept(hearts)))
    shown = data(app, "ecg-canvas")
    assert shown["meta"]["leads"] == list(ecg_nouns.LEADS) and shown["meta"]["seconds"] == 10.0
    assert shown["marks"] is None and shown["holter"] is None and shown["saliency"] is None
    assert shown["meta"]["filters"] == "Filters 0.05–150 Hz"
    assert any(button.key == "read-now" for button in app.button)
    offered = app.selectbox(key="task-en").options
    assert len(offered) == sum("ECG" in card.modality for card in registry.cards().values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reading_says_quality_findings_rules_and_numbers(hearts: World, language: str) -> None:
    study = kept(hearts, ecg_nouns.report())
    app = sound(opened("ecg", study=study, language=language))
    quality = data(app, "quality")
    assert [chip[0] for chip in quality["chips"]] == ["absent"] * 11 + ["refused"]
    assert say(language, "ecg_problem.mains") in quality["chips"][-1][1]
    assert quality["facts"][0][1] == "97%"
    assert say(language, "ecg.overread") in said(app)
    decision = data(app, "reading")["decision"]
    name = {"en": "first-degree AV block", "zh": "一度房室传导阻滞"}[language]
    assert decision["icon"] == "present" and say(language, "ecg.possible", name=name) in decision["words"]
    assert data(app, "reading-1")["decision"]["icon"] == "absent"
    measured = {row[0]: row for row in data(app, "measurements")["rows"]}
    row = measured[say(language, "measurement.pr_interval")]
    assert row[1]["words"] == "214 ms" and row[2]["icon"] == "present" and row[2]["note"].startswith("120 – 200")
    assert row[2]["words"] == say(language, "ecg.above")
    assert measured[say(language, "measurement.qrs_duration")][2]["note"].startswith("≤ 120")
    assert say(language, "measurement.hrv_sdnn") not in measured
    assert {row[0] for row in data(app, "hrv")["rows"]} == {say(language, "measurement.hrv_sdnn"), say(language, "measurement.hrv_rmssd")}


def test_the_paper_is_given_marks_and_nothing_of_the_patient_in_an_address(hearts: World) -> None:
    study = kept(hearts, ecg_nouns.report())
    shown = data(sound(opened("ecg", study=study)), "ecg-canvas")
    for url in (shown["url"], shown["marks"], shown["beat"]):
        assert url.startswith("/api/granted/") and study not in url
    assert shown["patient"] == ["SYNTHETIC, ECG", "SYN-E1", "female 61 y"]


def test_rules_and_network_that_disagree_are_flagged(hearts: World) -> None:
    agree = data(sound(opened("ecg", study=kept(hearts, ecg_nouns.report()))), "rules")["rows"]
    assert [row[0]["note"] for row in agree] == ["", "", ""]
    study = kept(hearts, ecg_nouns.report((0.81, 0.9, 0.1)), ecg_nouns.study(ecg_nouns.recording(seed=2), patient_id="P2"))
    app = sound(opened("ecg", study=study))
    rows = {row[0]["words"]: row for row in data(app, "rules")["rows"]}
    assert rows["complete right bundle branch block"][0]["note"] == say("en", "ecg.apart")
    assert rows["first-degree AV block"][0]["note"] == ""
    assert say("en", "ecg.disagree", names="complete right bundle branch block") in said(app)
    assert rows["atrial fibrillation"][2]["words"] == say("en", "ecg.rule_unknown")


def test_a_refused_ecg_shows_the_reason_and_no_finding(hearts: World) -> None:
    report = ecg_nouns.report(
        gate=NOT_ECG, status="refused", decision=None, findings=(), probabilities=(), measurements=(), also=(),
        ecg=ecg_nouns.reading(withheld="not_ecg", marks=None),
    )  # fmt: skip
    app = sound(opened("ecg", study=kept(hearts, report)))
    shown = data(app, "reading")
    assert shown["findings"] == [] and shown["decision"]["detail"] == NOT_ECG.reason
    assert say("en", "ecg_withheld.not_ecg") in said(app)
    assert say("en", "ecg.rules") not in said(app) and "first-degree" not in said(app)
    assert data(app, "ecg-canvas")["marks"] is None
    assert say("en", "explain.title") not in said(app)


@pytest.mark.parametrize("code", ["asystole", "ventricular", "paced"])
def test_an_alarm_is_a_red_banner(hearts: World, code: str) -> None:
    app = sound(opened("ecg", study=kept(hearts, ecg_nouns.report(alarm=code, ecg=ecg_nouns.reading(withheld=code), measurements=()))))
    assert data(app, "alarm-0")["notice"] == {
        "kind": "failed", "text": say("en", "ecg.review_now", reason=say("en", f"ecg_alarm.{code}")), "lines": [],
    }  # fmt: skip
    assert say("en", f"ecg_withheld.{code}") in said(app)


def test_an_alarm_of_a_companion_counts(hearts: World) -> None:
    plain = ecg_nouns.report()
    app = sound(opened("ecg", study=kept(hearts, replace(plain, also=(replace(plain.also[0], alarm="ventricular"),)))))
    assert "Review now" in said(app)


def test_reversed_arms_are_said_before_any_finding(hearts: World) -> None:
    app = sound(opened("ecg", study=kept(hearts, ecg_nouns.report(ecg=ecg_nouns.reading(lead_reversal="arms")))))
    text = said(app)
    assert text.index(say("en", "ecg_reversal.arms")) < text.index("Possible first-degree AV block")


def test_a_normalised_record_has_no_millivolts(hearts: World) -> None:
    study = ecg_nouns.study(ecg_nouns.recording(unit="NU", filters=None))
    app = sound(opened("ecg", study=kept(hearts, None, study)))
    shown = data(app, "ecg-canvas")
    assert shown["meta"]["unit"] == "NU" and shown["meta"]["filters"] == say("en", "ecg.filters_unknown")
    assert say("en", "ecg.normalised") in str(data(app, "about")["facts"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_long_recording_has_a_trend_and_events(hearts: World, language: str) -> None:
    long = ecg_nouns.recording(1200.0, 125.0, ("MLII",), started_at="2024-01-31T08:00:00")
    report = ecg_nouns.report(
        ecg=replace(ecg_nouns.reading(), marks=ecg_nouns.marks(ecg_nouns.beats(1200.0), 125.0), holter=ecg_nouns.holter(20))
    )
    shown = data(sound(opened("ecg", study=kept(hearts, report, ecg_nouns.study(long)), language=language)), "ecg-canvas")
    assert len(shown["holter"]["rate_mean"]) == 20
    assert shown["holter"]["events"][0]["words"] == say(language, "ecg_event.pause")
    assert shown["holter"]["events"][0]["value"] == "3.40 s"


def test_a_minute_nobody_could_read_is_null_and_not_a_number(hearts: World) -> None:
    summary = ecg_nouns.holter(20)
    rate = np.array(summary.rate_mean)
    rate[3] = np.nan
    long = ecg_nouns.recording(1200.0, 125.0, ("MLII",))
    report = ecg_nouns.report(ecg=ecg_nouns.reading(holter=replace(summary, rate_mean=rate)))
    shown = data(sound(opened("ecg", study=kept(hearts, report, ecg_nouns.study(long)))), "ecg-canvas")
    assert shown["holter"]["rate_mean"][3] is None and shown["holter"]["rate_mean"][4] is not None


def test_hostile_strings_are_never_markup(hearts: World) -> None:
    one = replace(ecg_nouns.recording(leads=("I",), device=HOSTILE), leads=("<b>I</b>",))
    study = ecg_nouns.study(one, name=HOSTILE)
    app = sound(opened("ecg", study=kept(hearts, ecg_nouns.report(), study)))
    assert data(app, "ecg-canvas")["meta"]["leads"] == ["<b>I</b>"]
    for element in (*app.markdown, *app.caption, *app.get("html")):
        assert HOSTILE not in str(getattr(element, "value", "")) and "<b>I" not in str(getattr(element, "value", ""))


def test_an_explanation_is_drawn_under_the_trace(hearts: World) -> None:
    study = kept(hearts, ecg_nouns.report(attributions=(ecg_nouns.influence(),)))
    app = opened("ecg", study=study)
    report = hearts.store.reports(study)[0].report_id
    app.segmented_control(key=f"method-{report}").set_value("integrated_gradients").run()
    shown = data(sound(app), "ecg-canvas")["saliency"]
    assert (shown["rows"], shown["columns"]) == (12, 400) and shown["stamp"] == say("en", "explain.stamp")
    assert say("en", "explain.influence_trace") in said(app)


def test_an_explanation_that_is_not_there_is_asked_for(hearts: World) -> None:
    study = kept(hearts, ecg_nouns.report())
    app = opened("ecg", study=study)
    report = hearts.store.reports(study)[0].report_id
    app.segmented_control(key=f"method-{report}").set_value("beat_occlusion").run()
    asked = [job for job in hearts.store.jobs(study) if job.kind == "explain"]
    assert [(job.params["method"], job.params["label"]) for job in asked] == [("beat_occlusion", "1AVB")]


def test_opinion_and_signature_as_on_every_page(hearts: World) -> None:
    study = kept(hearts, ecg_nouns.report())
    app = opened("ecg", study=study, signer="Dr A")
    app.button(key="sign").click().run()
    app.button(key="confirm-sign").click().run()
    assert str(hearts.store.reports(study)[0].state) == "signed"


def test_a_study_goes_to_its_own_page(hearts: World) -> None:
    from medcore.ui import worklist

    image, ecg = hearts.add(film()), kept(hearts)
    assert worklist.home(hearts.store.study(image)) == "image"
    assert worklist.home(hearts.store.study(ecg)) == "ecg"


def test_a_file_without_a_rate_is_asked_about_and_read_again(hearts: World) -> None:
    from medcore.ui import intake

    rows = "\n".join(f"{value:.4f}" for value in ecg_nouns.recording(leads=("I",)).signal[0])
    told = intake.admit(hearts.store, [("one.csv", f"I\n{rows}\n".encode())], READER)
    assert [error.code for _, error in told.refused] == ["sampling_rate_unknown"]
    assert [name for name, _, _ in told.asking] == ["one.csv"]

    def page() -> None:
        import streamlit as st

        from medcore.store import open_store
        from medcore.ui import worklist

        st.session_state.setdefault("language", "en")
        worklist.told(open_store())

    app = AppTest.from_function(page, default_timeout=20)
    app.session_state["outcome"] = told
    app.run()
    assert app.button(key="ask-confirm").disabled
    app.number_input(key="rate-1").set_value(500.0)
    app.selectbox(key="unit-1").set_value("mV")
    app.run()
    app.button(key="ask-confirm").click().run()
    assert [error.value for error in app.exception] == []
    kept_study = hearts.store.load(hearts.store.studies()[0].study_id)
    assert kept_study.recordings[0].sampling_rate_hz == 500.0 and kept_study.recordings[0].unit == "mV"
    assert app.session_state["outcome"].asking == () and app.session_state["outcome"].refused == ()


def test_who_does_not_know_the_rate_leaves_the_file_out(hearts: World) -> None:
    from medcore.errors import SamplingRateUnknown
    from medcore.ui import intake

    def page() -> None:
        from medcore.store import open_store
        from medcore.ui import worklist

        worklist.told(open_store())

    app = AppTest.from_function(page, default_timeout=20)
    app.session_state["language"] = "en"
    app.session_state["outcome"] = intake.Outcome(
        refused=(("a.csv", SamplingRateUnknown("No rate.")),), asking=(("a.csv", b"1\n2\n", "sampling_rate_unknown"),)
    )
    app.run()
    app.button(key="ask-skip").click().run()
    assert app.session_state["outcome"].asking == () and len(app.session_state["outcome"].refused) == 1
    assert hearts.store.count() == 0


@pytest.mark.parametrize(
    ("value", "reference", "where", "shown", "limits"),
    [
        (119.6, (120.0, 200.0), "below", "120 ms", "120 – 200"),
        (120.0, (120.0, 200.0), "within", "120 ms", "120 – 200"),
        (200.1, (120.0, 200.0), "above", "200 ms", "120 – 200"),
        (float("nan"), (120.0, 200.0), None, "–", "120 – 200"),
        (90.0, (float("-inf"), 120.0), "within", "90 ms", "≤ 120"),
        (90.0, (100.0, float("inf")), "below", "90 ms", "≥ 100"),
        (90.0, None, None, "90 ms", ""),
    ],
)
def test_values_against_ranges(value: float, reference: Any, where: str | None, shown: str, limits: str) -> None:
    one = Measurement(name="pr_interval", value=value, unit="ms", reference=reference)
    assert (side(one), value_words(value, "ms"), range_words(one)) == (where, shown, limits)


@pytest.mark.parametrize(
    ("value", "unit", "words"), [(75.4, "bpm", "75/min"), (-31.2, "deg", "-31°"), (1.234, "mV", "1.23 mV"), (12.34, "%", "12.3%")]
)
def test_units_as_a_person_writes_them(value: float, unit: str, words: str) -> None:
    assert value_words(value, unit) == words


def test_an_alarm_says_review_now_on_the_worklist(hearts: World) -> None:
    kept(hearts, ecg_nouns.report())
    kept(hearts, ecg_nouns.report(alarm="ventricular"), ecg_nouns.study(ecg_nouns.recording(seed=3), patient_id="P3"))
    rows = data(sound(opened()), "worklist-table")["rows"]
    assert [row["patient_id"] for row in rows] == ["P3", "SYN-E1"]
    assert rows[0]["flag"] == {"icon": "failed", "words": say("en", "flag.alarm")}


def test_the_page_of_images_sends_an_ecg_to_its_own(hearts: World) -> None:
    app = sound(opened("image", study=kept(hearts)))
    assert data(app, "ecg-canvas")["meta"]["rate"] == 500.0


def test_the_report_of_an_ecg_is_a4_on_its_side(hearts: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TOKENS, "alive", lambda _session: True)
    study = kept(hearts)
    report = hearts.read(study, ecg_nouns.report())
    answer = get(granted_url(TOKENS.grant(Grant(kind="pdf", subject=report, language="en", browser="b", session="x"))), "b")
    assert answer.status == 200 and answer.body.startswith(b"%PDF")
    assert b"/MediaBox [0 0 841.89 595.28]" in answer.body  # A4 on its side


def test_a_finding_is_called_possible_once_whatever_the_card_says() -> None:
    for language in LANGUAGES:
        once = possible(language, "AF")
        assert possible(language, once) == once and bare(language, once) == "AF"


def test_a_rule_without_a_card_of_its_own_has_words(hearts: World) -> None:
    slow = Statement(label="bradycardia", holds=True, because="48 bpm (< 60)", citation="Convention")
    study = kept(hearts, ecg_nouns.report(ecg=ecg_nouns.reading(statements=(slow,))))
    row = data(sound(opened("ecg", study=study)), "rules")["rows"][0]
    assert row[0]["words"] == say("en", "ecg_label.bradycardia")
    assert row[1]["words"] == say("en", "ecg.not_said") and row[2]["note"] == "48 bpm (< 60) [1]"


def test_where_one_class_rules_out_the_others_one_is_named(hearts: World) -> None:
    both = replace(ecg_nouns.report().also[0], decision="A", findings=tuple(ecg_nouns.finding(one, 0.5) for one in ecg_nouns.RHYTHM))
    assert decided(both, "en") == ("Possible atrial fibrillation",)
    assert decided(replace(both, decision="N"), "en") == ()
    assert decided(ecg_nouns.report((0.81, 0.05, 0.62)), "en") == ("Possible first-degree AV block", "Possible atrial fibrillation")
