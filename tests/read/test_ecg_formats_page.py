"""The page about formats says what the table says, and the table what the reader does."""

from __future__ import annotations

from pathlib import Path

from medcore import settings
from medcore.read.ecg.formats import formats

PAGE = Path(settings.PROJECT) / "docs" / "formats.md"


def row(*fields: str) -> str:
    return f"| {' | '.join(fields)} |"


def test_the_page_holds_each_row_of_the_table() -> None:
    lines = PAGE.read_text(encoding="utf-8").partition("## Glucose")[0].splitlines()
    rows = [line for line in lines if line.startswith("| ") and not line.startswith(("| format", "|---"))]
    expected = [
        row(each.name, each.files, "seen on a real file: " + each.seen if each.seen else "from the specification only", each.reads,
            each.refuses, each.specification)
        for each in formats()
    ]  # fmt: skip
    assert rows == expected


def test_only_what_was_tried_is_called_seen() -> None:
    assert [each.name for each in formats() if each.seen] == ["WFDB", "DICOM", "Philips Sierra XML"]
    assert all(each.specification and each.reads and each.refuses and each.files for each in formats())
