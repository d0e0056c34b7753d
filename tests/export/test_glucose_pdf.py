"""The one-page glucose report: that it is one page, that what is drawn lies where its scale says, and that it says all it must."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest

from medcore.errors import InputRejected
from medcore.export import fonts, glucose_charts, glucose_pdf, sheet, wording
from medcore.signals import glucose
from medcore.store import Actor, ReportRow, ReportState
from medcore.types import Gate, Report, Trace
from tests.export import glucose_made as made
from tests.export.test_ecg_pdf import contents, paths

PERSON = Actor(name="Dr A", verified=False)
MM = 72 / 25.4  # points
WHEN = datetime(2024, 3, 16, 8, 0, tzinfo=UTC)
LEFT, AXIS, WIDTH = 12.0, 10.0, 168.0  # mm, of the profile
TOP, HEIGHT, HIGHEST = 297 - (98.0 + 8.5), 50.5, 350.0


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every line that the sheet was asked to print."""
    lines: list[str] = []
    keep = sheet.Sheet.safe

    def safe(self: Any, text: str) -> str:
        shown = keep(self, text)
        lines.append(shown)
        return shown

    monkeypatch.setattr(sheet.Sheet, "safe", safe)
    return lines


def printed(trace: Trace | None = None, report: Report | None = None, **changes: Any) -> bytes:
    one = made.trace() if trace is None else trace
    options = {"population": "adult", "unit": "mg/dL", "first": made.FIRST, "last": made.LAST, "language": "en", **changes}
    return glucose_pdf(made.study(one), report, **options)


def pages(data: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b(?!s)", data))


def row(report: Report, **changes: Any) -> ReportRow:
    plain = ReportRow(report_id="r" * 32, study_id="s", task=report.task, state=ReportState.DRAFT, report=report, created_at=made.NOW)
    return replace(plain, **changes)


def language_of(language: str) -> str:
    return language if language == "en" or fonts.cjk() else "en"


@pytest.mark.parametrize("population", glucose.POPULATIONS)
@pytest.mark.parametrize("unit", ["mg/dL", "mmol/L"])
@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_it_is_one_page_and_everything_is_on_it(population: str, unit: str, language: str) -> None:
    trace = made.trace()
    data = printed(trace, made.report(trace), population=population, unit=unit, language=language)
    assert pages(data) == 1
    everything = [point for path in paths(contents(data)[0]) for point in path]
    assert all(5 < x < 205 and 5 < y < 292 for x, y in everything)


@pytest.mark.parametrize("days", [1, 2, 40])
def test_it_is_one_page_whatever_the_length(days: int, written: list[str]) -> None:
    trace = made.trace(days, gaps=False)
    data = printed(trace, made.report(trace), last=made.FIRST.fromordinal(made.FIRST.toordinal() + days - 1))
    assert pages(data) == 1
    text = "\n".join(written)
    assert (wording.say("en", "glucose_report.few_days") in text) == (days < 14)
    assert (wording.say("en", "glucose_report.profile_few") in text) == (days < 3)
    assert ("last 14 of 40 days" in text) == (days == 40)


def test_one_reading_is_a_page_too() -> None:
    alone = made.trace(
        1, minutes=np.zeros(1), clock_s=np.array([made.clock_of(made.FIRST)]), glucose=np.array([101.0], np.float32),
        beyond=np.zeros(1, np.int16), event_minutes=np.zeros(0), event_kind=np.zeros(0, np.uint8), event_value=np.zeros(0, np.float32),
    )  # fmt: skip
    assert pages(printed(alone)) == 1


def flat(trace: Trace, level: float) -> Trace:
    return replace(trace, glucose=np.full(len(trace.glucose), level, np.float32))


def test_the_profile_and_the_days_are_drawn_to_their_scales() -> None:
    page = contents(printed(flat(made.trace(gaps=False), 210.0)))[0]
    long = [path for path in paths(page) if len(path) == 96]
    median = next(path for path in long if path[0][0] < path[-1][0])
    np.testing.assert_allclose([y for _, y in median], TOP - HEIGHT * (1 - 210 / HIGHEST), atol=0.03)
    np.testing.assert_allclose(median[0][0], LEFT + AXIS + WIDTH * 7.5 / 1440, atol=0.03)
    np.testing.assert_allclose(median[-1][0], LEFT + AXIS + WIDTH * 1432.5 / 1440, atol=0.03)
    days = [path for path in paths(page) if len(path) == made.DAY]
    assert len(days) == 14
    panel = 186 / 7 - 1.2
    assert days[0][-1][0] - days[0][0][0] == pytest.approx(panel * 1435 / 1440, abs=0.03)
    first, second = 297 - (167 + 5 + 4), 297 - (167 + 5 + 4 + 27.5)
    assert days[0][0][1] == pytest.approx(first - 20 * (1 - 210 / HIGHEST), abs=0.03)
    assert days[7][0][1] == pytest.approx(second - 20 * (1 - 210 / HIGHEST), abs=0.03)


def bars(page: str) -> dict[glucose_charts.Colour, float]:
    """Height in mm of the rectangles 13 mm wide, by their colour."""
    found: dict[glucose_charts.Colour, float] = {}
    colour = (-1, -1, -1)
    for line in page.splitlines():
        if fill := re.fullmatch(r"([\d.]+) ([\d.]+) ([\d.]+) rg", line.strip()):
            colour = tuple(round(float(part) * 255) for part in fill.groups())  # type: ignore[assignment]  # three groups
        if grey := re.fullmatch(r"([\d.]+) g", line.strip()):
            colour = (round(float(grey.group(1)) * 255),) * 3
        for wide, high in re.findall(r"[\d.]+ [\d.]+ ([\d.]+) (-?[\d.]+) re f", line):
            if abs(float(wide) / MM - 13) < 0.01:
                found[colour] = abs(float(high)) / MM
    return found


def test_the_bar_is_divided_as_the_time_is() -> None:
    trace = made.trace(gaps=False)
    drawn = bars(contents(printed(trace))[0])
    told = {one.name: one.value for one in glucose.measurements(trace)}
    whole = sum(drawn.values())
    for code, name in (("very_low", "tbr2"), ("low", "tbr1"), ("target", "tir"), ("high", "tar1"), ("very_high", "tar2")):
        assert drawn[glucose_charts.COLOURS[code]] / whole * 100 == pytest.approx(told[name], abs=0.05), code


def test_labels_of_the_bar_never_touch_and_stay_on_it() -> None:
    for middles in ([0.1, 0.2, 25.0, 49.8, 49.9], [0.0, 0.0, 0.0, 0.0, 0.0], [50.0] * 5, [5.0, 15.0, 25.0, 35.0, 45.0]):
        placed = glucose_charts.spread(middles, 0.0, 50.0)
        assert min(np.diff(placed)) >= 4.6 - 1e-9 and placed[0] >= 2.3 - 1e-9 and placed[-1] <= 47.7 + 1e-9
    assert glucose_charts.spread([5.0, 15.0, 25.0, 35.0, 45.0], 0.0, 50.0) == [5.0, 15.0, 25.0, 35.0, 45.0]


def test_a_gap_is_not_bridged() -> None:
    drawn = [path for path in paths(contents(printed(made.trace()))[0]) if len(path) in (100, 98)]
    assert len(drawn) == 2  # the fourth day, whose readings 100 to 189 are missing, is two lines


def test_the_clock_set_back_breaks_the_line() -> None:
    trace = made.trace(2, gaps=False)
    clock = trace.clock_s.copy()
    clock[120:] -= 3600  # the hour from 09:00 comes twice
    day = glucose_charts.day_of(replace(trace, clock_s=clock), made.FIRST)
    assert (np.diff(day.minutes) < 0).sum() == 1 and len(day.minutes) == made.DAY + 12


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_the_page_says_all_that_it_must(language: str, written: list[str]) -> None:
    trace, spoken = made.trace(), language_of(language)
    printed(trace, made.report(trace), language=language)
    text = "\n".join(written)
    for part in (
        wording.say(spoken, "app.research"), wording.say(spoken, "glucose_report.overread"), wording.say(spoken, "pdf.draft"),
        "DOE, JANE", "SYN-G1", "2024-03-01 – 2024-03-14", "cd" * 32, "ef" * 32, "glucose_forecast 0.1.0", "70–180", ">250", "<54",
        wording.say(spoken, "glucose_report.met"), "132 mg/dL", "2024-03-14 23:55", "0.41",
    ):  # fmt: skip
        assert part in text, part


def test_mmol_per_litre_on_all_pages(written: list[str]) -> None:
    trace = made.trace()
    printed(trace, made.report(trace), unit="mmol/L", details=True)
    text = "\n".join(written)
    assert "7.3 mmol/L" in text and "below 3.9 mmol/L after" in text and "3.9–10.0" in text and ">13.9" in text
    assert [line for line in written if "mg/dL" in line and "file in mg/dL" not in line] == []


def test_pregnancy_has_its_own_range_and_goals(written: list[str]) -> None:
    printed(population="pregnancy")
    text = "\n".join(written)
    assert "63–140" in text and ">140" in text and ">250" not in text
    assert wording.say("en", "glucose_report.limited") in text
    assert wording.say("en", "glucose_report.stat_gri") not in written and wording.say("en", "glucose_report.stat_gmi") not in written


def test_the_forecast_in_pregnancy_says_that_it_was_not_made_for_it(written: list[str]) -> None:
    trace = made.trace()
    assert pages(printed(trace, made.report(trace), population="pregnancy")) == 1
    assert wording.say("en", "glucose_report.not_pregnancy") in written and "0.41" in "\n".join(written)


def test_a_goal_just_met_is_not_printed_as_its_limit(written: list[str]) -> None:
    printed(made.trace())
    assert any(line.startswith("0.96%") for line in written)


def test_a_refused_trace_has_measurements_and_no_forecast(written: list[str]) -> None:
    trace = made.trace()
    gate = Gate(code="shuffled", reason="The values jump as if their order were lost: no forecast is given.")
    printed(trace, made.report(trace, gate=gate))
    text = "\n".join(written)
    assert gate.reason in text and "132 mg/dL" in text
    assert "0.41" not in text and "warnings in the period" not in text


def test_an_override_is_said(written: list[str]) -> None:
    trace = made.trace()
    printed(trace, made.report(trace, gate=Gate(code="shuffled", reason="The values jump."), overridden=True))
    text = "\n".join(written)
    assert wording.say("en", "pdf.overridden") in text and "0.41" in text and "The values jump." in text


def test_signed_by_whom(written: list[str]) -> None:
    trace = made.trace()
    report = made.report(trace)
    printed(trace, report, row=row(report, state=ReportState.SIGNED, signed_by=PERSON, signed_at=WHEN))
    assert any("SIGNED by Dr A (unverified), 2024-03-16 08:00 UTC" in line for line in written)


def test_details_are_pages_behind_the_first(written: list[str]) -> None:
    trace = made.trace()
    report = made.report(trace)
    data = printed(trace, report, row=row(report), details=True)
    text = "\n".join(written)
    assert pages(data) > 1 and text.count(wording.say("en", "app.research")) == pages(data)
    for one in glucose.measurements(trace):
        assert one.citation and one.citation in text, one.name
    zone = next(one.value for one in glucose.measurements(trace) if one.name == "gri_zone")
    assert written[written.index(wording.say("en", "measurement.gri_zone")) + 1] == "ABCDE"[int(zone) - 1]
    assert "2024-03-01, 2024-03-03" in text and "below 70 mg/dL after" in text
    assert wording.say("en", "glucose_report.came_none") in text and wording.say("en", "pdf.opinions") in text


def test_a_long_name_leaves_the_number_and_the_birth_date_whole(written: list[str]) -> None:
    person = {"name": "A" * 60 + "^" + "B" * 60, "patient_id": "9" * 30}
    options = {"population": "adult", "unit": "mg/dL", "first": made.FIRST, "last": made.LAST, "language": "en"}
    assert pages(glucose_pdf(made.study(**person), None, **options)) == 1
    assert any("AAAA" in line and "…" in line and f"{'9' * 30} · female · 43 y · 1980-05-04" in line for line in written)


@pytest.mark.parametrize("population", ["older", "pregnancy", "child"])
def test_what_must_be_said_of_the_goals_is_in_the_details(population: str, written: list[str]) -> None:
    printed(population=population, details=True)
    note = wording.say("en", f"glucose_note.{glucose.goals(population).note}")
    assert note in written


def test_patterns_that_do_not_fit_are_counted(written: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    found = glucose.patterns(made.trace())
    monkeypatch.setattr(glucose, "patterns", lambda trace: found * 6)
    assert pages(printed()) == 1
    told = sum(line.startswith(("Low, ", "Very low, ", "High, ")) for line in written) - 1  # the last was measured and did not fit
    assert wording.say("en", "glucose_report.more", count=len(found) * 6 - told) in written


def test_no_patient_data_in_the_file_properties() -> None:
    title = re.search(rb"/Title \((.*?)\)", printed())
    assert title is not None and b"DOE" not in title.group(1) and b"SYN" not in title.group(1)


def test_a_period_without_readings_and_a_study_without_a_trace_are_refused() -> None:
    with pytest.raises(InputRejected):
        printed(first=date(2023, 1, 1), last=date(2023, 1, 14))
    empty = replace(made.study(), traces=())
    with pytest.raises(InputRejected):
        glucose_pdf(empty, None, population="adult", unit="mg/dL", first=made.FIRST, last=made.LAST, language="en")
