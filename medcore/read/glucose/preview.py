"""The first rows of a table as a person sees them, who is asked which column is what. For showing only: nothing is read from it."""

from __future__ import annotations

from medcore.read.glucose.sheet import decoded, sheets
from medcore.read.text import clean

_BYTES = 1 << 13
_CELL = 24  # characters of a cell that are shown
_COLUMNS = 20


def preview(data: bytes, rows: int = 6) -> tuple[tuple[str, ...], ...]:
    """The cells of the first `rows` rows, all of the width of the widest, without control characters; empty where nothing divides them."""
    head = data[:_BYTES]
    text = decoded(memoryview(head[: head.rfind(b"\n") + 1] if len(data) > _BYTES and b"\0" not in head else head))
    sheet = next(iter(sheets(text)), None) if text else None
    if sheet is None:
        return ()
    found = [[clean(cell, _CELL) or "" for cell in cells[:_COLUMNS]] for _, cells in sheet.head[:rows]]
    width = max(map(len, found), default=0)
    return tuple((*cells, *[""] * (width - len(cells))) for cells in found)
