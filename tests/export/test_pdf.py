"""The PDF report: what it must say, in which state, with which letters."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from medcore.export import fonts, pdf, sheet, wording
from medcore.store import Actor, Addendum, Read, ReportRow, ReportState, StudyRow, StudyStatus, Verdict
from medcore.types import Attribution, Gate, Patient, Series, Study
from tests.pages.conftest import card, report

NOW = datetime(2024, 2, 1, 9, 30, tzinfo=UTC)
PERSON = Actor(name="Dr A", verified=False)


def series() -> Series:
    ramp = np.linspace(0, 4000, 256 * 200).reshape(1, 1, 256, 200).astype(np.int16)
    return Series(array=ramp, unit="grey", modality="CR")


def study(name: str = "王^小明") -> Study:
    return Study(study_uid="1.2", patient=Patient(name=name, patient_id="P1"), series=(series(),), sources=())


def study_row(name: str = "王^小明") -> StudyRow:
    return StudyRow(
        study_id="s",
        created_at=NOW,
        created_by=PERSON,
        patient=Patient(name=name, patient_id="P1"),
        study_uid="1.2",
        study_date="2024-01-31",
        modality="CR",
        description="Chest",
        images=1,
        demo=False,
        status=StudyStatus.READY,
    )


def row(**changes: Any) -> ReportRow:
    plain = ReportRow(
        report_id="r" * 32, study_id="s", task="chest_xray_pneumonia", state=ReportState.DRAFT, report=report(0.91), created_at=NOW
    )
    return replace(plain, **changes)


READ = Read(read_id="1", report_id="r", verdict=Verdict.DISAGREE, note="A rib, not an opacity", actor=PERSON, created_at=NOW)


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


def pages(data: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b(?!s)", data))


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_a_draft_says_all_that_it_must(language: str, written: list[str]) -> None:
    data = pdf(row(), study_row(), study(), card(), [READ], language)
    assert data.startswith(b"%PDF") and 1 <= pages(data) <= 2
    text = "\n".join(written)
    spoken = language if language == "en" or fonts.cjk() else "en"
    assert text.count(wording.say(spoken, "app.research")) == pages(data)
    for part in (
        wording.say(spoken, "pdf.draft"),
        "P1",
        "2024-01-31",
        "ab" * 32,
        "cd" * 32,
        "1.0.0",
        "A rib, not an opacity",
        "Dr A",
        "0.42 ± 0.06",
    ):
        assert part in text, part


def test_no_patient_data_in_the_file_properties() -> None:
    data = pdf(row(), study_row("SECRET^NAME"), study("SECRET^NAME"), card(), [], "en")
    title = re.search(rb"/Title \((.*?)\)", data)
    assert title is not None and b"SECRET" not in title.group(1)


def test_signed_and_added_to(written: list[str]) -> None:
    signed = row(
        state=ReportState.SIGNED, signed_by=PERSON, signed_at=NOW, addenda=(Addendum(text="Seen again", actor=PERSON, created_at=NOW),)
    )
    pdf(signed, study_row(), study(), card(), [], "en")
    text = "\n".join(written)
    assert "SIGNED by Dr A (unverified), 2024-02-01 09:30 UTC" in text
    assert "Seen again" in text and wording.say("en", "pdf.draft") not in text


def test_a_refused_report_prints_no_finding(written: list[str]) -> None:
    refused = report(gate=Gate(code="age", reason="The patient is too old."))
    pdf(row(report=refused), study_row(), study(), card(), [], "en")
    text = "\n".join(written)
    assert wording.say("en", "reading.refused") in text and "The patient is too old." in text
    assert "Pneumonia" not in text.replace("Pneumonia on a child", "")


def test_the_influence_map_is_named_as_such(written: list[str]) -> None:
    values = np.linspace(0, 1, 256 * 200, dtype=np.float32).reshape(256, 200)
    shown = Attribution(method="gradcam", label="pneumonia", baseline="none", values=values)
    pdf(row(), study_row(), study(), card(), [], "en", shown)
    assert any("Influence, not location" in line for line in written)


def test_without_a_chinese_font_boxes_are_printed_and_explained(written: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "cjk", lambda: None)
    data = pdf(row(), study_row(), study(), card(), [], "zh")
    text = "\n".join(written)
    assert data.startswith(b"%PDF")
    assert fonts.BOX in text and "王" not in text
    assert wording.say("en", "pdf.glyphs") in text


def test_control_characters_and_direction_marks_are_dropped() -> None:
    assert fonts.drawable("a\x00b\u202ec\x1bd\ne") == ("abcd e", False)


def test_a_long_note_goes_on_to_the_next_page_and_keeps_the_line(written: list[str]) -> None:
    long = replace(READ, note="word " * 1500)
    data = pdf(row(), study_row(), study(), card(), [long], "en")
    assert pages(data) >= 2
    assert "\n".join(written).count(wording.say("en", "app.research")) == pages(data)


def test_the_file_is_small() -> None:
    data = pdf(row(), study_row(), study(), card(), [], "en")
    assert len(data) < 2_000_000
