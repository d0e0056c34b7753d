"""CSV cells that a spreadsheet shows and never runs."""

from __future__ import annotations

import pytest

from medcore.export import csv_cell


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", '=HYPERLINK("http://evil")'])
def test_what_could_run_is_quoted(text: str) -> None:
    assert csv_cell(text) == "'" + text


@pytest.mark.parametrize("text", ["", "Smith", "a=b", " =1", "12"])
def test_the_rest_is_left_alone(text: str) -> None:
    assert csv_cell(text) == text
