"""What leaves as data: CSV, plain text, FHIR. Each holds what was measured, in the unit asked for, and no cell is a formula."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from medcore.export import (
    glucose_csv,
    glucose_fhir,
    glucose_readings_csv,
    glucose_text,
    glucose_warnings,
    glucose_words,
    wording,
)
from medcore.export.glucose_facts import gathered, told_value
from medcore.signals import glucose
from medcore.store import Actor, ReportRow, ReportState
from medcore.types import Gate, Measurement, Report, Trace
from tests.export import glucose_made as made

WHEN = datetime(2024, 3, 16, 8, 0, 30, tzinfo=UTC)
SIGNER = Actor(name="Dr A", verified=True)


def options(**changes: Any) -> dict[str, Any]:
    return {"population": "adult", "unit": "mg/dL", "first": made.FIRST, "last": made.LAST, "language": "en", **changes}


def rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def told(trace: Trace) -> dict[str, float]:
    return {one.name: one.value for one in glucose.measurements(trace)}


def test_every_measurement_goal_and_pattern_is_a_row() -> None:
    trace = made.trace()
    found = rows(glucose_csv(made.study(trace), None, **options()))
    values = {row["code"]: float(row["value"]) for row in found if row["kind"] == "measurement"}
    assert values == pytest.approx(told(trace), rel=1e-5)
    goals = {row["code"]: row for row in found if row["kind"] == "goal"}
    assert goals["tir"]["low"] == "70" and goals["tir"]["high"] == "" and goals["tir"]["met"] == "yes" and "doi" in goals["tir"]["source"]
    lows = next(row for row in found if row["kind"] == "pattern" and row["code"] == "low")
    assert lows["value"] == "7" and lows["unit"] == "/14" and lows["source"].split()[:2] == ["2024-03-01", "2024-03-03"]
    assert {row["first"] for row in found} == {"2024-03-01"} and found[0]["note"] == wording.say("en", "app.research")


def test_levels_are_told_in_the_unit_asked_for_and_shares_are_not_touched() -> None:
    trace = made.trace()
    found = {
        row["code"]: row for row in rows(glucose_csv(made.study(trace), None, **options(unit="mmol/L"))) if row["kind"] == "measurement"
    }
    assert float(found["mean"]["value"]) == pytest.approx(told(trace)["mean"] / 18.016, rel=1e-5) and found["mean"]["unit"] == "mmol/L"
    assert float(found["mage"]["value"]) == pytest.approx(told(trace)["mage"] / 18.016, rel=1e-5)
    assert float(found["cv"]["value"]) == pytest.approx(told(trace)["cv"], rel=1e-5) and found["cv"]["unit"] == "%"


def test_other_populations_keep_no_adult_range_beside_their_goals() -> None:
    found = {(row["kind"], row["code"]): row for row in rows(glucose_csv(made.study(), None, **options(population="older")))}
    assert found["measurement", "tir"]["low"] == "" and found["goal", "tir"]["low"] == "50"


def test_pregnancy_has_no_risk_index_and_no_gmi() -> None:
    trace = made.trace()
    found = {
        row["code"] for row in rows(glucose_csv(made.study(trace), None, **options(population="pregnancy"))) if row["kind"] == "measurement"
    }
    assert set(told(trace)) - found == {"gmi", "gri", "gri_zone"}
    assert "97506-0" not in by_code(bundle(trace, population="pregnancy"))


def test_readings_are_as_they_were_on_the_wearers_clock() -> None:
    trace = made.trace()
    beyond = trace.beyond.copy()
    beyond[10] = -1
    found = rows(glucose_readings_csv(made.study(replace(trace, beyond=beyond)), None, **options()))
    readings = [row for row in found if row["kind"] == "reading"]
    assert len(readings) == len(trace.glucose)
    np.testing.assert_allclose([float(row["value"]) for row in readings], trace.glucose)
    assert readings[10]["beyond"] == "LOW" and readings[11]["beyond"] == "" and readings[1]["time"] == "2024-03-01T00:05:00"
    events = [(row["time"], row["kind"], row["value"], row["unit"]) for row in found if row["kind"] != "reading"]
    assert events[0] == ("2024-03-01T07:30:00", "carbs", "45", "g") and events[1] == ("2024-03-01T07:35:00", "bolus", "4.5", "U")
    assert [float(row["minutes"]) for row in found] == sorted(float(row["minutes"]) for row in found)


def test_another_trace_of_the_study_is_exported_when_named() -> None:
    both = replace(made.study(), traces=(made.trace(), made.trace(seed=8)))
    second = rows(glucose_csv(both, None, **options(trace=1)))
    assert float(second[0]["value"]) == pytest.approx(told(both.traces[1])["mean"], rel=1e-5) != told(both.traces[0])["mean"]
    with pytest.raises(ValueError, match="another trace"):
        glucose_csv(both, made.report(both.traces[0]), **options(trace=1))


def test_no_cell_is_a_formula() -> None:
    nasty = made.trace(file_format="=1+1", device="@x")
    for data in (glucose_csv(made.study(nasty), None, **options()), glucose_readings_csv(made.study(nasty), None, **options())):
        for row in rows(data):
            assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row.values()), row


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_the_text_fits_a_screen_and_says_what_a_record_needs(language: str) -> None:
    trace = made.trace()
    text = glucose_text(made.study(trace), made.report(trace), **options(language=language))
    lines = text.splitlines()
    assert len(lines) <= 32 and max(map(len, lines)) <= 140
    for part in (
        "2024-03-01 – 2024-03-14",
        "132 mg/dL",
        "6.5%",
        "88%",
        "0.96%",
        "02:00–0",
        wording.say(language, "app.research"),
        "cd" * 6,
    ):
        assert part in text, part
    assert "DOE" not in text and "SYN-G1" not in text and "1980" not in text


def test_the_text_without_a_report_and_with_a_refusal() -> None:
    trace = made.trace(2)
    options_ = options(last=made.FIRST.replace(day=2))
    alone = glucose_text(made.study(trace), None, **options_)
    assert wording.say("en", "glucose_report.no_report") in alone and wording.say("en", "glucose_report.few_days") in alone
    gate = Gate(code="constant", reason="The values hardly change, as no sensor's do: no forecast is given.")
    refused = glucose_text(made.study(trace), made.report(trace, gate=gate), **options_)
    assert gate.reason in refused and "0.41" not in refused


def test_the_text_says_what_must_be_said_of_the_goals() -> None:
    text = glucose_text(made.study(), None, **options(population="pregnancy"))
    assert wording.say("en", "glucose_note.pregnancy_type_1") in text and "63–140" in text


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_the_text_says_that_the_forecast_was_not_made_for_pregnancy(language: str) -> None:
    trace, unfit = made.trace(), wording.say(language, "glucose_report.not_pregnancy")
    study, report = made.study(trace), made.report(trace)
    text = glucose_text(study, report, **options(population="pregnancy", language=language))
    assert unfit in text and "0.41" in text
    assert wording.say(language, "glucose_report.stat_gri") not in text and wording.say(language, "glucose_report.stat_gmi") not in text
    assert "3.9" in wording.say(language, "glucose_note.pregnancy_type_1")
    assert unfit not in glucose_text(study, None, **options(population="pregnancy", language=language))
    assert unfit not in glucose_text(study, report, **options(language=language))


def test_the_zone_is_a_letter_as_on_the_page() -> None:
    facts = gathered(made.study(), None, population="adult", unit="mg/dL", first=made.FIRST, last=made.LAST)
    zone = facts.measurement("gri_zone")
    assert zone is not None and told_value(facts, zone, "en") == "ABCDE"[int(zone.value) - 1]


def test_warnings_are_counted_with_what_came_of_them() -> None:
    trace = made.trace()
    found = glucose_warnings.of_report(trace, made.report(trace))
    nights = [one for one in found if one.label == "low_60" and one.moment.hour < 3]
    assert len(nights) == 14 and sum(one.lead_min is not None for one in nights) == 7
    assert all(40 <= one.lead_min <= 60 for one in nights if one.lead_min is not None)
    vain = [one for one in found if one.label == "low_60" and one.moment.hour == 20]
    assert [one.lead_min for one in vain] == [None] and vain[0].known
    assert glucose_warnings.counted(found, "low_60") == (15, 7, 0)


def test_a_warning_before_a_gap_is_not_called_false() -> None:
    trace = made.trace()
    origin = int(np.flatnonzero(np.diff(trace.minutes) > 100)[0])
    chance = np.zeros((len(trace.glucose), 2), np.float32)
    chance[origin] = 0.9
    forecast = replace(made.forecast(trace), p_low=chance)
    (one,) = glucose_warnings.raised(trace, forecast, "low_60", 0.5)
    assert one.lead_min is None and not one.known


def bundle(trace: Trace | None = None, report: Report | None = None, **changes: Any) -> dict[str, Any]:
    one = made.trace() if trace is None else trace
    return json.loads(glucose_fhir(made.study(one), report, **options(now=WHEN, **changes)))


def resources(found: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in found["entry"] if entry["resource"]["resourceType"] == kind]


def by_code(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["code"]["coding"][0]["code"]: one for one in resources(found, "Observation")}


def test_the_summary_of_the_guide_is_whole() -> None:
    """Codes and profiles as in the published examples of hl7.fhir.uv.cgm 1.0.0."""
    trace = made.trace()
    found = by_code(bundle(trace, made.report(trace)))
    assert set(found) == {"107931-8", "97507-8", "106793-3", "97506-0", "104638-2", "104636-6", "104637-4"}
    summary, values = found["107931-8"], told(trace)
    assert len(summary["hasMember"]) == 6 and summary["meta"]["profile"] == ["http://hl7.org/fhir/uv/cgm/StructureDefinition/cgm-summary"]
    quantity = found["97507-8"]["valueQuantity"]
    expected = {"value": round(values["mean"], 2), "unit": "mg/dl", "system": "http://unitsofmeasure.org", "code": "mg/dL"}
    assert quantity == expected
    assert found["97506-0"]["valueQuantity"]["value"] == pytest.approx(values["gmi"], abs=0.006)
    assert found["104636-6"]["valueQuantity"] == {"value": 14, "unit": "days", "system": "http://unitsofmeasure.org", "code": "d"}
    shares = {one["code"]["coding"][0]["code"]: one["valueQuantity"]["value"] for one in found["106793-3"]["component"]}
    names = {"104642-4": "tbr2", "104641-6": "tbr1", "97510-2": "tir", "104640-8": "tar1", "104639-0": "tar2"}
    assert shares == pytest.approx({code: values[name] for code, name in names.items()}, abs=0.006)
    assert all(one["effectivePeriod"] == {"start": "2024-03-01", "end": "2024-03-14"} for one in found.values())


def test_the_mean_in_mmol_per_litre_has_its_own_code() -> None:
    trace = made.trace()
    found = by_code(bundle(trace, unit="mmol/L"))
    assert "97507-8" not in found and found["105273-7"]["valueQuantity"]["code"] == "mmol/L"
    assert found["105273-7"]["valueQuantity"]["value"] == pytest.approx(told(trace)["mean"] / 18.016, abs=0.006)


def test_every_reference_leads_to_an_entry_and_every_entry_is_named_once() -> None:
    trace = made.trace()
    found = bundle(trace, made.report(trace))
    urls = [entry["fullUrl"] for entry in found["entry"]]
    assert len(urls) == len(set(urls)) and all(re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", url) for url in urls)
    text = json.dumps(found)
    assert set(re.findall(r'"reference": "([^"]+)"', text)) <= set(urls)
    (provenance,) = resources(found, "Provenance")
    observed = {entry["fullUrl"] for entry in found["entry"] if entry["resource"]["resourceType"] in ("Observation", "RiskAssessment")}
    assert {one["reference"] for one in provenance["target"]} == observed
    assert provenance["entity"][0]["what"]["identifier"]["value"] == "ab" * 32 and provenance["recorded"] == "2024-03-16T08:00:30Z"
    assert all(isinstance(entry["resource"]["id"], str) for entry in found["entry"]) and found["type"] == "collection"


def test_the_same_period_gives_the_same_names() -> None:
    trace = made.trace()
    assert bundle(trace) == bundle(trace)


def test_the_forecast_is_a_risk_and_names_its_model() -> None:
    trace = made.trace()
    found = bundle(trace, made.report(trace))
    (risk,) = resources(found, "RiskAssessment")
    assert [(one["probabilityDecimal"], one["whenRange"]["high"]["value"]) for one in risk["prediction"]] == [(0.12, 30), (0.41, 60)]
    assert risk["prediction"][0]["outcome"]["coding"] == [{"system": "http://snomed.info/sct", "code": "302866003"}]
    assert risk["occurrenceDateTime"] == "2024-03-14" and "2024-03-14T23:55:00" in risk["note"][0]["text"]
    software = next(one for one in resources(found, "Device") if one["deviceName"][0]["name"] == "Medcore")
    assert software["identifier"][0]["value"] == "cd" * 32 and software["version"][1]["value"] == "0.1.0"


def test_a_refused_forecast_is_no_risk() -> None:
    trace = made.trace()
    found = bundle(trace, made.report(trace, gate=Gate(code="shuffled", reason="x")))
    assert resources(found, "RiskAssessment") == [] and "107931-8" in by_code(found)


def test_signed_is_final_and_unsigned_preliminary() -> None:
    trace = made.trace()
    report = made.report(trace)
    row = ReportRow(
        report_id="r" * 32, study_id="s", task=report.task, state=ReportState.SIGNED, report=report, created_at=made.NOW,
        signed_by=SIGNER, signed_at=WHEN,
    )  # fmt: skip
    assert {one["status"] for one in resources(bundle(trace, report), "Observation")} == {"preliminary"}
    assert {one["status"] for one in resources(bundle(trace, report, row=row), "Observation")} == {"final"}


def test_what_is_not_known_is_left_out() -> None:
    trace = made.trace(device=None)
    person = {"name": None, "patient_id": None, "birth_date": None, "sex": None}
    found = json.loads(glucose_fhir(made.study(trace, **person), None, **options(now=WHEN)))
    (patient,) = resources(found, "Patient")
    assert set(patient) == {"resourceType", "id"}
    assert len(resources(found, "Device")) == 1 and all("device" not in one for one in resources(found, "Observation"))


def test_a_summary_that_is_not_whole_does_not_claim_the_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = glucose.measurements
    monkeypatch.setattr(glucose, "measurements", lambda trace: tuple(one for one in whole(trace) if one.name != "gmi"))
    summary = by_code(bundle())["107931-8"]
    assert "meta" not in summary and len(summary["hasMember"]) == 5


@pytest.mark.parametrize(
    ("percent", "beside", "shown"),
    [(0.96, 1.0, "0.96%"), (1.0, 1.0, "1.0%"), (70.2, 70.0, "70.2%"), (87.8, 70.0, "88%"), (0.0, 1.0, "0%"), (4.04, 4.0, "4.04%")],
)
def test_a_share_beside_its_goal_shows_on_which_side_it_is(percent: float, beside: float, shown: str) -> None:
    assert glucose_words.share(percent, beside=beside) == shown


def test_words_of_levels_and_hours() -> None:
    assert [glucose_words.level(value, "mmol/L") for value in (54, 63, 70, 140, 180, 250)] == ["3.0", "3.5", "3.9", "7.8", "10.0", "13.9"]
    assert glucose_words.level(float("nan"), "mg/dL") == glucose_words.DASH
    assert [glucose_words.hour_words(hour) for hour in (0, 2, 23.5, 24, 26)] == ["00:00", "02:00", "23:30", "24:00", "02:00"]
    with pytest.raises(ValueError, match="no unit"):
        glucose_words.converted(100, "mg")


@pytest.mark.parametrize(("value", "told"), [(1.04, "1.04%"), (1.0, "1.0%"), (1.2, "1.2%"), (0.996, "0.996%"), (93.61, "93.6%")])
def test_a_share_beside_its_limit_is_told_with_the_digits_that_part_them(value: float, told: str) -> None:
    one = Measurement(name="tbr2", value=value, unit="%", reference=(0.0, 1.0))
    assert glucose_words.value_words(one, "mg/dL") == told
