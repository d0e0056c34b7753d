"""A text file as rows of cells: its encoding, what divides it, and its first rows, by which a format knows it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from medcore.errors import Inconsistent, TooLarge
from medcore.read.limits import GLUCOSE_BYTES, GLUCOSE_ROWS

HEAD_ROWS = 60  # among which the names of columns stand
_HEAD = 1 << 16
_DELIMITERS = (",", ";", "\t", "|")
_CELLS = 200
_NO_CSV = "From line {line} on, the rows of this table cannot be told apart; please export it again as CSV."
_QUOTED = "A quotation mark runs from line {line} over the rows up to line {last}, so they cannot be told apart; the file is not read."
_MOST_LINES = 20  # of one row; remarks of several lines are shorter
_MOMENT = re.compile(r"\d[-/.:]\d|\d{9}", re.ASCII)  # part of a date or a time, or seconds since 1970
csv.field_size_limit(1 << 16)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The text of a table and its first rows, numbered by the line of the file on which they end, divided by `delimiter`."""

    text: str
    delimiter: str
    head: tuple[tuple[int, tuple[str, ...]], ...]

    def rows(self, after: int = 0) -> Iterator[tuple[int, list[str]]]:
        """Line number and cells of every row after line `after`, empty rows left out.

        Raises:
            TooLarge: more than GLUCOSE_ROWS of them; the line is named. Inconsistent: the rows cannot be told apart;
                the line is named on which that begins.
        """
        if self.text.count("\n") > GLUCOSE_ROWS + after:
            raise TooLarge(f"The table goes on after line {GLUCOSE_ROWS + after}, more rows than are read from one file.")
        source = csv.reader(_lines(self.text), delimiter=self.delimiter)
        last, width = 0, 0
        try:
            for cells in source:
                line = source.line_num
                if line > last + 1 and _swallowed(cells, line - last, width, self.delimiter):
                    raise Inconsistent(_QUOTED.format(line=last + 1, last=line))
                last, width = line, len(cells) or width
                if line > after and cells:
                    yield line, cells
        except csv.Error:
            raise Inconsistent(_NO_CSV.format(line=last + 1)) from None


def _swallowed(cells: Sequence[str], lines: int, width: int, delimiter: str) -> bool:
    """Whether a row over several lines holds rows in its quotation marks, and not a remark; the row before had `width` cells."""
    if lines > _MOST_LINES:
        return True
    quoted = [cell for cell in cells if "\n" in cell or "\r" in cell]
    signs = sum(cell.count(delimiter) for cell in quoted)
    return width > 1 and signs >= (lines - 1) * (width - 1) and any(_MOMENT.search(cell) for cell in quoted)


def _lines(text: str) -> Iterator[str]:
    """The lines one after the other, so that not all of them are in memory beside the text."""
    end_sign, start = "\n" if "\n" in text else "\r", 0
    while start < len(text):
        end = text.find(end_sign, start) + 1 or len(text)
        yield text[start:end]
        start = end


def decoded(data: memoryview) -> str | None:
    """The text; None where this is none. UTF-8, UTF-16 with or without its mark, else Latin."""
    if len(data) > GLUCOSE_BYTES:
        return None
    head = bytes(data[:4096])
    wide = head[:2] in (b"\xff\xfe", b"\xfe\xff")
    codec = "utf-16" if wide else "utf-8-sig"
    if not wide and b"\0" in head:
        places = [place % 2 for place, byte in enumerate(head) if byte == 0]
        if len(places) < len(head) // 3 or len(set(places)) > 1:
            return None
        codec = "utf-16-le" if places[0] else "utf-16-be"
    try:
        return str(data, codec)
    except UnicodeDecodeError:
        return None if wide else str(data, "cp1252", "replace")


def sheets(text: str) -> Iterator[Sheet]:
    """The text divided by each sign that could divide it, the likeliest first."""
    head = text[:_HEAD]
    cut = head.rfind("\n") if len(text) > _HEAD else len(head)
    head = head[: cut if cut > 0 else len(head)]
    for delimiter in sorted(_DELIMITERS, key=lambda sign: -head.count(sign)):
        if delimiter in head:
            found = _head(head, delimiter)
            if found:
                yield Sheet(text, delimiter, found)


def _head(head: str, delimiter: str) -> tuple[tuple[int, tuple[str, ...]], ...]:
    source = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
    found: list[tuple[int, tuple[str, ...]]] = []
    try:
        for cells in source:
            if any(cells) and len(cells) <= _CELLS:
                found.append((source.line_num, tuple(cell.strip() for cell in cells)))
            if len(found) == HEAD_ROWS:
                break
    except csv.Error:
        pass  # what was seen before it tells enough; reading it all will name the fault
    return tuple(found)
