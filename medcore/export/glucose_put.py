"""A line of text at a place of the sheet, cut to its width: what a report of fixed places needs beside the flowing lines of `Sheet`."""

from __future__ import annotations

from typing import Literal

from medcore.export.sheet import INK, Sheet, fitted

Colour = tuple[int, int, int]
_POINT_MM = 0.3528
_DIGIT_EM = 0.64  # of DejaVu Sans: wide enough that a line is never cut for its own rounding


def put(
    sheet: Sheet, x: float, middle: float, text: str, size: float, colour: Colour = INK, *,
    bold: bool = False, align: Literal["L", "R", "C"] = "L", width: float | None = None,
) -> float:  # fmt: skip
    """Print `text` around the height `middle` from, to or around `x` (by `align`) and tell how wide it is; cut to `width` with an ellipsis.

    Cells and not `FPDF.text`: that knows no fallback font, and would print Chinese as boxes.
    """
    sheet.type_(size, colour, bold)
    shown = sheet.safe(text)
    shown = shown if width is None else fitted(sheet, shown, width)
    wide = float(sheet.get_string_width(shown))
    left = x if align == "L" else x - wide if align == "R" else x - wide / 2
    high = size * _POINT_MM * 1.2
    sheet.type_(size, colour, bold)
    sheet.set_xy(left, middle - high / 2)
    sheet.cell(wide + _DIGIT_EM * size * _POINT_MM, high, shown)
    return wide
