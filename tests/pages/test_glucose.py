"""The Glucose page in every state: nothing open, unread, read, refused, under way, one reading, other units and populations, exports."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from medcore import registry
from medcore.export.wording import LANGUAGES, say, table
from medcore.signals import glucose as signals
from medcore.types import Gate, GlucoseReading, Report, Study
from medcore.ui import demo, glucose_out
from medcore.ui.glucose_asked import VIEWS, period_of
from medcore.ui.routes import granted_url
from medcore.ui.tokens import TOKENS, Grant
from tests.pages import glucose_nouns as nouns
from tests.pages.conftest import HOSTILE, READER, World, film, opened
from tests.pages.test_pages import data, said, sound
from tests.pages.test_pixels import get

TRACE = nouns.trace()
REFUSED = Gate(code="shuffled", reason="The values jump as if their order were lost: no forecast is given.")


@pytest.fixture
def sensors(world: World) -> World:
    """The record with a forecaster of our own."""
    registry.cards().update(glucose_forecast=nouns.card())
    return world


def kept(world: World, report: Report | None = None, study: Study | None = None) -> str:
    study_id = world.store.save(study or nouns.study(TRACE), READER).study_id
    if report is not None:
        world.read(study_id, report)
    return study_id


def view(app: AppTest, name: str) -> AppTest:
    return sound(app.button_group(key="view").set_value(name).run())


def unit(app: AppTest, name: str) -> AppTest:
    return sound(app.button_group(key="unit").set_value(name).run())


def figures(app: AppTest) -> list[Any]:
    return list(app.get("plotly_chart"))


def refused(report: Report) -> Report:
    return replace(report, gate=REFUSED, status="refused", decision=None, findings=(), probabilities=(), glucose=GlucoseReading())


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_open_says_so_and_takes_one_in(sensors: World, language: str) -> None:
    app = sound(opened("glucose", language=language))
    assert say(language, "glucose.nothing_title") in said(app)
    shown = [button.key for button in app.button if str(button.key).startswith("demo-button")]
    assert shown == [f"demo-button-{case.name}" for case in demo.cases() if case.modality == "CGM"]
    assert len(app.file_uploader) == 1


def test_the_empty_page_lists_traces_only(sensors: World) -> None:
    sensors.add(film())
    kept(sensors)
    rows = data(sound(opened("glucose")), "worklist-table")["rows"]
    assert [row["patient"] for row in rows] == ["SYNTHETIC, GLUCOSE"]
    assert rows[0]["modality"] == "CGM"


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_unread_trace_has_its_whole_report_by_formula(sensors: World, language: str) -> None:
    app = sound(opened("glucose", study=kept(sensors), language=language))
    assert len(figures(app)) == 2  # the profile and the days
    measured = {one.name: one.value for one in signals.measurements(TRACE)}
    rows = {row[0]: row for row in data(app, "glucose-statistics")["rows"]}
    assert rows[say(language, "glucose_report.stat_mean")][1]["words"] == f"{measured['mean']:.0f} mg/dL"
    assert rows[say(language, "glucose_report.stat_cv")][2]["icon"] == "absent"
    ranges = data(app, "glucose-ranges")
    assert [part["code"] for part in ranges["parts"]] == ["very_low", "low", "target", "high", "very_high"]
    assert sum(part["share"] for part in ranges["parts"]) == pytest.approx(100)
    assert [goal["met"] for goal in ranges["goals"]] == [one.met for one in signals.judged(TRACE, "adult")]
    assert all(goal["icon"] and goal["words"] for goal in ranges["goals"])
    assert any(button.key == "read-now" for button in app.button)
    assert say(language, "glucose.no_report") in said(view(app, "forecast"))


def test_all_that_is_said_of_the_file_is_on_the_page(sensors: World) -> None:
    one = nouns.trace(time_zone="Europe/Berlin", warnings=("2 readings were dropped.",))
    app = sound(opened("glucose", study=kept(sensors, None, nouns.study(one))))
    facts = {fact[0]: fact[1] for fact in data(app, "about")["facts"]}
    assert facts[say("en", "glucose.worn")] == "2024-03-04 – 2024-03-17"
    assert facts[say("en", "glucose.date_order")] == say("en", "date_order.ymd")
    assert facts[say("en", "glucose.time_zone")] == "Europe/Berlin"
    assert facts[say("en", "glucose.unit_found")] == "mg/dL"
    assert "2 readings were dropped." in said(app)


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_part_of_a_read_trace(sensors: World, name: str, language: str) -> None:
    app = view(opened("glucose", study=kept(sensors, nouns.report(TRACE)), language=language), name)
    assert len(figures(app)) == {"agp": 2, "days": 2, "forecast": 2}.get(name, 0)
    assert len(data(app, "reading")["findings"]) == 2
    assert say(language, "glucose_report.overread") in said(app)


def test_the_unit_changes_numbers_and_curves(sensors: World) -> None:
    app = unit(opened("glucose", study=kept(sensors)), "mmol/L")
    mean = next(one.value for one in signals.measurements(TRACE) if one.name == "mean")
    assert data(app, "glucose-statistics")["rows"][0][1]["words"] == f"{mean / 18.016:.1f} mmol/L"
    assert data(app, "glucose-ranges")["parts"][2]["range"] == "3.9–10.0"
    assert '"3.9"' in figures(app)[0].proto.spec and '"180"' not in figures(app)[0].proto.spec


def test_a_file_in_mmol_opens_in_mmol(sensors: World) -> None:
    one = nouns.trace(unit="mmol/L")
    app = sound(opened("glucose", study=kept(sensors, None, nouns.study(one))))
    assert data(app, "glucose-statistics")["rows"][0][1]["words"].endswith("mmol/L")


def test_pregnancy_has_ranges_and_a_note_of_its_own(sensors: World) -> None:
    app = opened("glucose", study=kept(sensors))
    app = sound(app.selectbox(key="population-en").set_value("pregnancy").run())
    ranges = data(app, "glucose-ranges")
    assert [part["range"] for part in ranges["parts"]] == ["<54", "54–63", "63–140", ">140"]
    assert say("en", "glucose_note.pregnancy_type_1") in ranges["notes"] and ranges["limited"]
    names = [row[0] for row in data(app, "glucose-statistics")["rows"]]
    assert say("en", "glucose_report.stat_cv") in names
    assert say("en", "glucose_report.stat_gri") not in names and say("en", "glucose_report.stat_gmi") not in names


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_forecast_says_that_it_was_not_made_for_pregnancy(sensors: World, language: str) -> None:
    unfit = say(language, "glucose_report.not_pregnancy")
    app = view(opened("glucose", study=kept(sensors, nouns.report(TRACE)), language=language), "forecast")
    assert unfit not in said(app) and say(language, "glucose.tally_note") in said(app)
    app = sound(app.selectbox(key=f"population-{language}").set_value("pregnancy").run())
    assert unfit in said(app) and data(app, "glucose-replay")["warnings"]


def test_short_and_thin_traces_are_warned_of(sensors: World) -> None:
    one = nouns.trace(3)
    app = sound(opened("glucose", study=kept(sensors, None, nouns.study(one))))
    assert say("en", "glucose_report.few_days") in said(app)
    assert say("en", "glucose_report.few_days") not in said(sound(opened("glucose", study=kept(sensors))))


def test_one_reading_is_no_error(sensors: World) -> None:
    one = nouns.trace(5 / 1440, events=False)
    assert len(one.minutes) == 1
    app = opened("glucose", study=kept(sensors, None, nouns.study(one)))
    for name in VIEWS:
        view(app, name)
    assert say("en", "glucose_report.profile_few") in said(view(app, "agp"))


def test_compared_with_the_period_before(sensors: World) -> None:
    app = opened("glucose", study=kept(sensors))
    app = sound(app.button_group(key="period").set_value("7").run())
    app = sound(app.toggle(key="compare").set_value(True).run())
    assert len(figures(app)) == 3
    shown = data(app, "glucose-differences")
    assert shown["columns"][1:3] == ["2024-03-11 – 2024-03-17", "2024-03-04 – 2024-03-10"]
    mean = [next(m.value for m in signals.measurements(signals.cut(TRACE, *days)) if m.name == "mean") for days in _WEEKS]
    assert shown["rows"][0][3] in (f"{mean[0] - mean[1]:+.0f} mg/dL", "0 mg/dL") and "-0 mg/dL" not in str(shown)
    app = sound(app.button_group(key="period").set_value("all").run())
    assert say("en", "glucose.no_before") in said(app)


_WEEKS = ((date(2024, 3, 11), date(2024, 3, 17)), (date(2024, 3, 4), date(2024, 3, 10)))


def test_periods_never_begin_before_the_trace() -> None:
    worn = (date(2024, 3, 4), date(2024, 3, 8))
    assert period_of(worn, "14") == period_of(worn, "all") == worn
    assert period_of(worn, "3") == (date(2024, 3, 6), date(2024, 3, 8))


def test_a_pattern_shows_the_nights_that_were_planted(sensors: World) -> None:
    app = view(opened("glucose", study=kept(sensors)), "patterns")
    shown = data(app, "glucose-patterns")["patterns"]
    lows = [one for one in shown if one["kind"] == "low"]
    assert len(lows) == 1 and "4 of 14 nights" in lows[0]["counted"]
    assert [day for day, _ in lows[0]["days"]] == ["2024-03-06", "2024-03-09", "2024-03-12", "2024-03-15"]


def test_a_single_day_stands_apart_with_what_was_eaten(sensors: World) -> None:
    app = view(opened("glucose", study=kept(sensors)), "days")
    app = sound(app.selectbox(key="glucose-day-en").set_value("2024-03-06").run())
    assert say("en", "event.carbs") in figures(app)[0].proto.spec
    app = sound(app.button(key="day-before").click().run())
    assert app.selectbox(key="glucose-day-en").value == "2024-03-05"


def test_measurements_have_words_ranges_and_sources(sensors: World) -> None:
    app = view(opened("glucose", study=kept(sensors)), "measurements")
    rows = [row for part in (0, 1) for row in data(app, f"glucose-measured-{part}")["rows"]]
    assert len(rows) == len(signals.measurements(TRACE))
    assert all("doi" in source[1] for source in data(app, "glucose-sources")["facts"])
    for language in LANGUAGES:
        assert {f"measurement.{one.name}" for one in signals.measurements(TRACE)} <= table(language).keys()


def test_every_code_has_words() -> None:
    for language in LANGUAGES:
        words = table(language)
        assert {f"glucose_report.pattern_{kind}" for kind in signals.PATTERNS} <= words.keys()
        for population in signals.POPULATIONS:
            goals = signals.goals(population)
            assert f"glucose_report.population_{population}" in words
            assert not goals.note or f"glucose_note.{goals.note}" in words
            assert {f"glucose_report.goal_{goal.name}" for goal in goals.goals} <= words.keys()
        assert {"gate.constant", "gate.shuffled", "gate.not_glucose", "modality.CGM"} <= words.keys()
        assert {f"glucose_export.{kind.removeprefix('glucose-')}" for kind in glucose_out.KINDS} <= words.keys()


def test_the_replay_is_given_warnings_at_the_chosen_point(sensors: World) -> None:
    app = view(opened("glucose", study=kept(sensors, nouns.report(TRACE))), "forecast")
    shown = data(app, "glucose-replay")
    assert shown["watch"] == {"column": 1, "threshold": 0.35, "horizon": 60.0, "name": say("en", "glucose.within_low_60")}
    assert shown["now"] == len(TRACE.minutes) - 1 and shown["url"].startswith("/api/granted/")
    assert {one["icon"] for one in shown["warnings"]} <= {"absent", "refused", "indeterminate"} and len(shown["warnings"]) >= 4
    fewer = sound(app.button_group(key="point-low_60").set_value("half_a_day").run())
    assert data(fewer, "glucose-replay")["watch"]["threshold"] == 0.55
    other = sound(fewer.button_group(key="warning").set_value("low_30").run())
    assert data(other, "glucose-replay")["watch"]["column"] == 0
    tally = {fact[0]: fact[1] for fact in data(other, "glucose-tally")["facts"]}
    assert tally[say("en", "glucose.lows")] == say("en", "glucose.of", count=4, of=4)


def test_an_explanation_is_queued_for_the_moment_and_then_shown(sensors: World) -> None:
    study = kept(sensors, nouns.report(TRACE))
    app = view(opened("glucose", study=study), "forecast")
    assert data(app, "glucose-replay")["influence"] is None
    sound(app.button(key="explain-now").click().run())
    job = sensors.store.claim("test")
    last = len(TRACE.minutes) - 1
    assert job is not None and job.kind == "explain" and job.params["slice_index"] == last and job.params["label"] == "low_60"
    sensors.store.finish(job.job_id, "test", nouns.influence(last))
    shown = data(view(opened("glucose", study=study), "forecast"), "glucose-replay")["influence"]
    assert shown["rows"] == ["glucose", "insulin", "carbohydrate"] and len(shown["values"][0]) == 48
    assert shown["stamp"] == say("en", "glucose.influence_stamp") and shown["step"] == 5.0


def test_responses_are_labelled_and_only_shown_at_their_own_moment(sensors: World) -> None:
    study = kept(sensors, nouns.report(TRACE))
    app = view(opened("glucose", study=study), "forecast")
    assert say("en", "glucose.responses_note") in said(app)
    assert "with 30 g carbohydrate now" in figures(app)[0].proto.spec
    report = sensors.store.reports(study)[0].report_id
    app.session_state[f"glucose-now-{report}"] = 500
    app = sound(app.run())
    assert figures(app) == [] and say("en", "glucose.responses_elsewhere") in said(app)
    sound(app.button(key="read-here").click().run())
    job = sensors.store.claim("test")
    assert job is not None and job.kind == "diagnose" and job.params["slice_index"] == 500


def test_a_refused_trace_has_no_forecast_and_all_the_rest(sensors: World) -> None:
    app = opened("glucose", study=kept(sensors, refused(nouns.report(TRACE))))
    assert data(app, "reading")["findings"] == [] and data(app, "reading")["decision"]["detail"] == REFUSED.reason
    assert len(figures(app)) == 2
    app = view(app, "forecast")
    assert say("en", "glucose.no_forecast") in said(app) and REFUSED.reason in said(app)
    assert any(button.label == say("en", "override.confirm") for button in app.button)


def test_a_reading_under_way_can_be_cancelled_and_a_failure_is_told(sensors: World) -> None:
    study = kept(sensors)
    job = sensors.store.enqueue("diagnose", study, "glucose_forecast", {"override": False}, READER)
    sensors.store.claim("test")
    app = sound(opened("glucose", study=study))
    sound(app.button(key=f"cancel-{job}").click().run())
    assert sensors.store.job(job).cancel_requested


def test_several_readings_are_told_apart_by_their_now(sensors: World) -> None:
    study = kept(sensors, nouns.report(TRACE))
    sensors.read(study, nouns.report(TRACE, now=700))
    app = sound(opened("glucose", study=study))
    options = app.selectbox(key="which-report").options
    assert len(options) == 2 and options[0].endswith("2024-03-06 16:15") and options[1].endswith("2024-03-17 23:55")


def test_a_hostile_name_is_shown_literally(sensors: World) -> None:
    app = sound(opened("glucose", study=kept(sensors, None, nouns.study(replace(TRACE, device=HOSTILE), name=HOSTILE))))
    assert data(app, "about")["title"] == HOSTILE
    assert HOSTILE in [fact[1] for fact in data(app, "about")["facts"]]


def test_another_kind_of_study_is_sent_home(sensors: World) -> None:
    app = opened("glucose", study=sensors.add())
    assert "plotly" not in said(app) and sound(app)


EXPORTS = {
    "glucose-pdf": b"%PDF", "glucose-full": b"%PDF", "glucose-csv": b"", "glucose-readings": b"", "glucose-text": b"", "glucose-fhir": b"{",
}  # fmt: skip


@pytest.mark.parametrize("kind", EXPORTS)
@pytest.mark.parametrize("read", [False, True])
def test_exports_are_granted_files(sensors: World, monkeypatch: pytest.MonkeyPatch, kind: str, read: bool) -> None:
    monkeypatch.setattr(TOKENS, "alive", lambda _session: True)
    study = kept(sensors, nouns.report(TRACE) if read else None)
    report = sensors.store.reports(study)[0].report_id if read else ""
    options = (report, "0", "adult", "mmol/L", "2024-03-04", "2024-03-17")
    grant = Grant(kind=kind, subject=study, browser="b", session="x", language="en", options=options)
    answer = get(granted_url(TOKENS.grant(grant)), "b")
    assert answer.status == 200 and answer.body.startswith(EXPORTS[kind]) and len(answer.body) > 200
    assert f"medcore-{kind}" in answer.headers["content-disposition"] and answer.headers["cache-control"] == "no-store, private"
    nothing = replace(grant, options=(*options[:4], "2020-01-01", "2020-01-02"))
    assert get(granted_url(TOKENS.grant(nothing)), "b").status == 404


def test_the_forecasts_are_bytes_that_hold_what_they_say(sensors: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TOKENS, "alive", lambda _session: True)
    report = nouns.report(TRACE)
    study = kept(sensors, report)
    row = sensors.store.reports(study)[0]
    body = get(granted_url(TOKENS.grant(Grant(kind="foreseen", subject=row.report_id, browser="b", session="x"))), "b").body
    readings, moments, horizons, levels = np.frombuffer(body, "<i4", 4)
    assert (readings, moments, horizons, levels) == (len(TRACE.minutes), len(TRACE.minutes), 24, 5)
    assert len(body) == 16 + readings * 16 + moments * 12 + horizons * 4 + moments * horizons * levels * 2
    forecast = report.glucose.forecast if report.glucose else None
    assert forecast is not None
    quantiles = np.frombuffer(body[-moments * horizons * levels * 2 :], "<i2").reshape(moments, horizons, levels) / 10
    np.testing.assert_allclose(quantiles, forecast.quantiles, atol=0.051)


def test_no_forecast_is_sent_of_a_refused_trace(sensors: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TOKENS, "alive", lambda _session: True)
    held = nouns.report(TRACE)
    study = kept(sensors, replace(refused(held), glucose=held.glucose))
    row = sensors.store.reports(study)[0]
    assert get(granted_url(TOKENS.grant(Grant(kind="foreseen", subject=row.report_id, browser="b", session="x"))), "b").status == 404


def test_a_last_warning_is_right_if_a_low_came_after_it(sensors: World) -> None:
    low = int(np.flatnonzero(TRACE.glucose < 70)[0])
    now = low - 2
    made = nouns.report(TRACE, now=now)
    assert made.glucose is not None and made.glucose.forecast is not None
    seen = made.glucose.forecast
    short = replace(seen, origins=seen.origins[: now + 1], quantiles=seen.quantiles[: now + 1], p_low=seen.p_low[: now + 1])
    app = view(opened("glucose", study=kept(sensors, replace(made, glucose=GlucoseReading(forecast=short)))), "forecast")
    tally = {fact[0]: fact[1] for fact in data(app, "glucose-tally")["facts"]}
    assert tally[say("en", "glucose.lows")] == say("en", "glucose.of", count=1, of=1)
    assert data(app, "reading")["decision"]["words"].startswith("Warning: Glucose below 70 mg/dL")
