"""The page about formats says what the table of glucose says, and each format of it is read."""

from __future__ import annotations

from medcore.read.glucose import clarity, libre
from medcore.read.glucose.formats import formats
from tests.read.test_ecg_formats_page import PAGE, row


def test_the_page_holds_each_row_of_the_table() -> None:
    lines = PAGE.read_text(encoding="utf-8").partition("## Glucose")[2].splitlines()
    expected = [
        row(each.name, each.files, "seen on a real file: " + each.seen if each.seen else "from the specification only", each.reads,
            each.refuses, each.specification)
        for each in formats()
    ]  # fmt: skip
    assert [line for line in lines if line.startswith("| ") and not line.startswith(("| format", "|---"))] == expected


def test_the_formats_are_called_as_traces_call_them() -> None:
    names = [each.name for each in formats()]
    assert {clarity.FORMAT, libre.FORMAT} < set(names) and len(names) == 8 and all(each.reads and each.refuses for each in formats())
