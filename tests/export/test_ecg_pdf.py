"""The ECG in the PDF: true scale measured in the paths themselves, and all that the report must say."""

from __future__ import annotations

import re
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from medcore import registry
from medcore.export import ecg_pdf, ecg_strip, fonts, sheet, wording
from medcore.store import Actor, ReportRow, ReportState, StudyRow, StudyStatus
from medcore.types import Event, Gate, Recording, Report, Study
from tests.pages import ecg_nouns

NOW = datetime(2024, 2, 1, 9, 30, tzinfo=UTC)
PERSON = Actor(name="Dr A", verified=False)
MM = 72 / 25.4  # points
Path = list[tuple[float, float]]


@pytest.fixture(autouse=True)
def cards(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"ecg_12lead": ecg_nouns.card(), "ecg_rhythm": ecg_nouns.card("ecg_rhythm", ecg_nouns.RHYTHM)}
    monkeypatch.setattr(registry, "cards", lambda: known)


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


def row(report: Report, **changes: Any) -> ReportRow:
    plain = ReportRow(report_id="r" * 32, study_id="s", task="ecg_12lead", state=ReportState.DRAFT, report=report, created_at=NOW)
    return replace(plain, **changes)


def made(study: Study, report: Report, language: str = "en", attribution: Any = None, **changes: Any) -> bytes:
    about = StudyRow(
        study_id="s", created_at=NOW, created_by=PERSON, patient=study.patient, study_uid=None, study_date="2024-01-31", modality="ECG",
        description=None, images=0, demo=False, status=StudyStatus.READY,
    )  # fmt: skip
    return ecg_pdf(row(report, **changes), about, study, ecg_nouns.card(), [], language, attribution)


def contents(data: bytes) -> list[str]:
    """The drawing of each page, inflated."""
    found = []
    for body in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.S):
        try:
            text = zlib.decompress(body)
        except zlib.error:
            continue
        if b" m" in text and b" l" in text:
            found.append(text.decode("latin-1"))
    return found


def paths(page: str) -> list[Path]:
    """Every open path of a page in millimetres from the lower left corner."""
    found: list[Path] = []
    for x, y, operator in re.findall(r"(-?[\d.]+) (-?[\d.]+) ([ml])\b", page):
        point = (float(x) / MM, float(y) / MM)
        if operator == "m":
            found.append([point])
        else:
            found[-1].append(point)
    return found


def steps(rate: float = 500.0) -> Recording:
    """1 mV high for half a second of every second, in all twelve leads: a ruler in both directions."""
    at = np.arange(round(10 * rate)) / rate
    wave = np.where(at % 1.0 < 0.4, 1.0, 0.0).astype(np.float32)
    return Recording(signal=np.tile(wave, (12, 1)), unit="mV", sampling_rate_hz=rate, leads=ecg_nouns.LEADS)


def traces(page: str) -> list[Path]:
    return [path for path in paths(page) if len(path) > 100]


def rises(path: Path) -> list[float]:
    """Where a trace goes up by more than half a millivolt at once."""
    return [b[0] for a, b in pairwise(path) if b[1] - a[1] > 5.0]


@pytest.mark.parametrize("rate", [250.0, 500.0, 1000.0])
def test_a_second_is_25_mm_and_a_millivolt_10_mm(rate: float) -> None:
    page = contents(made(ecg_nouns.study(steps(rate)), ecg_nouns.report()))[0]
    strip = max(traces(page), key=len)
    apart = np.diff(rises(strip))
    assert len(apart) == 8
    np.testing.assert_allclose(apart, 25.0, atol=0.03)
    height = max(y for _, y in strip) - min(y for _, y in strip)
    assert height == pytest.approx(10.0, abs=0.02)
    assert strip[-1][0] - strip[0][0] == pytest.approx(25.0 * 10, abs=25 / rate + 0.05)


def test_the_pulse_is_1_mv_for_200_ms_on_every_row() -> None:
    pulses = [path for path in paths(contents(made(ecg_nouns.study(steps()), ecg_nouns.report()))[0]) if len(path) == 6]
    assert len(pulses) == 4
    for path in pulses:
        assert path[2][1] - path[1][1] == pytest.approx(10.0, abs=0.02)
        assert path[3][0] - path[2][0] == pytest.approx(5.0, abs=0.02)


def test_the_grid_is_in_millimetres_and_on_the_page() -> None:
    page = contents(made(ecg_nouns.study(steps()), ecg_nouns.report()))[0]
    upright = sorted({round(path[0][0], 3) for path in paths(page) if len(path) == 2 and abs(path[0][0] - path[1][0]) < 1e-3})
    np.testing.assert_allclose(np.diff(upright), 1.0, atol=0.02)
    everything = [point for path in paths(page) for point in path]
    assert all(0 < x < 297 and 0 < y < 210 for x, y in everything)


def test_three_rows_of_four_and_the_rhythm_strip() -> None:
    found = traces(contents(made(ecg_nouns.study(ecg_nouns.recording()), ecg_nouns.report()))[0])
    assert len(found) == 13
    np.testing.assert_allclose(sorted(path[-1][0] - path[0][0] for path in found), [62.5] * 12 + [250.0], atol=0.1)
    parts = ecg_strip.arranged(ecg_nouns.recording(), 0.0)
    assert [ecg_nouns.LEADS[one.lead] for one in parts] == ["I", "aVR", "V1", "V4", "II", "aVL", "V2", "V5", "III", "aVF", "V3", "V6", "II"]


def test_a_gap_stays_a_gap() -> None:
    whole = ecg_nouns.recording(leads=("I",))
    signal = whole.signal.copy()
    signal[:, 1000:1500] = np.nan
    found = traces(contents(made(ecg_nouns.study(replace(whole, signal=signal)), ecg_nouns.report()))[0])
    assert len(found) == 2
    assert found[1][0][0] - found[0][-1][0] == pytest.approx(25.0, abs=0.2)


def test_without_voltages_there_is_no_pulse_and_the_strip_says_so(written: list[str]) -> None:
    page = contents(made(ecg_nouns.study(replace(steps(), unit="NU")), ecg_nouns.report()))[0]
    assert [path for path in paths(page) if len(path) == 6] == []
    assert any(wording.say("en", "ecg_pdf.uncalibrated") in line for line in written)


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_the_report_says_all_that_it_must(language: str, written: list[str]) -> None:
    data = made(ecg_nouns.study(ecg_nouns.recording()), ecg_nouns.report(), language)
    text = "\n".join(written)
    spoken = language if language == "en" or fonts.cjk() else "en"
    pages = len(re.findall(rb"/Type /Page\b(?!s)", data))
    assert text.count(wording.say(spoken, "app.research")) == pages
    for part in (
        wording.say(spoken, "ecg.overread"), wording.say(spoken, "pdf.draft"), "SYN-E1", "cd" * 32, "ef" * 32, "214 ms", "Rijnbeek 2014",
        "PR 214 ms > 200 ms", wording.say(spoken, "ecg.above"), wording.say(spoken, "ecg.analysable"), "97%", "0.05–150 Hz",
    ):  # fmt: skip
        assert part in text, part


def test_a_refused_ecg_prints_no_finding(written: list[str]) -> None:
    refused = ecg_nouns.report(
        gate=Gate(code="not_ecg", reason="This does not look like an ECG."), findings=(), measurements=(), also=(),
        ecg=ecg_nouns.reading(withheld="not_ecg", statements=()),
    )  # fmt: skip
    made(ecg_nouns.study(ecg_nouns.recording()), refused)
    text = "\n".join(written)
    assert wording.say("en", "reading.refused") in text and "This does not look like an ECG." in text
    assert "Possible" not in text and wording.say("en", "ecg_withheld.not_ecg") in text


def test_an_alarm_stands_at_the_head(written: list[str]) -> None:
    made(ecg_nouns.study(ecg_nouns.recording()), ecg_nouns.report(alarm="ventricular"))
    said = [number for number, line in enumerate(written) if line.startswith("Review now")]
    assert said and said[0] < 6


def test_a_long_recording_is_a_trend_and_strips_of_its_events(written: list[str]) -> None:
    long = ecg_nouns.recording(1800.0, 125.0, ("MLII",), started_at="2024-01-31T08:12:00")
    pages = contents(made(ecg_nouns.study(long), ecg_nouns.report(ecg=ecg_nouns.reading(holter=ecg_nouns.holter(30)))))
    text = "\n".join(written)
    assert "Pause · 08:18:00 · 3.40 s" in text and "Possible ventricular run" in text
    strips = [path for page in pages for path in traces(page)]
    assert len(strips) == 3
    assert all(path[-1][0] - path[0][0] == pytest.approx(250, abs=0.3) for path in strips)


def test_the_worst_of_each_kind_comes_before_the_second_of_any(written: list[str]) -> None:
    def event(kind: str, at: float) -> Event:
        return Event(kind=kind, start_s=at, end_s=at + 2, value=3, unit="s")

    events = (*(event("pause", 100.0 + at) for at in range(0, 70, 10)), event("af", 300.0), event("unreadable", 400.0))
    long = ecg_nouns.recording(600.0, 125.0, ("MLII",))
    made(ecg_nouns.study(long), ecg_nouns.report(ecg=ecg_nouns.reading(holter=replace(ecg_nouns.holter(10), events=events))))
    heads = [
        line.split(" · ")[1] for line in written if line.startswith(("Pause · ", "Possible atrial fibrillation · ", "Not analysable · "))
    ]
    assert heads == ["0:01:40", "0:05:00", "0:01:50", "0:02:00", "0:02:10", "0:02:20"]


def test_influence_is_drawn_under_the_trace_and_named(written: list[str]) -> None:
    plain = contents(made(ecg_nouns.study(ecg_nouns.recording()), ecg_nouns.report()))[0]
    coloured = contents(made(ecg_nouns.study(ecg_nouns.recording()), ecg_nouns.report(), attribution=ecg_nouns.influence()))[0]
    assert coloured.count(" re") > plain.count(" re") + 50
    assert any("Influence, not location" in line for line in written)


def test_signed_by_whom(written: list[str]) -> None:
    made(ecg_nouns.study(ecg_nouns.recording()), ecg_nouns.report(), state=ReportState.SIGNED, signed_by=PERSON, signed_at=NOW)
    assert any("SIGNED by Dr A (unverified), 2024-02-01 09:30 UTC" in line for line in written)


def test_no_patient_data_in_the_file_properties() -> None:
    data = made(ecg_nouns.study(ecg_nouns.recording(), name="SECRET^NAME"), ecg_nouns.report())
    title = re.search(rb"/Title \((.*?)\)", data)
    assert title is not None and b"SECRET" not in title.group(1)
