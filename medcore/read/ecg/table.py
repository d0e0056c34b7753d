"""A text file as a table of numbers: where it begins, how it is divided, what stands before it. Nothing of an ECG yet."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medcore.errors import Inconsistent

PREAMBLE = 100  # lines before the first row at most
_LOOK = 30  # rows that must agree on how they are divided
_HEAD = 1 << 16
_NUMBER = re.compile(r"[-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d+)?|nan|-", re.ASCII | re.IGNORECASE)
_CLOCK = re.compile(r"\[?(?:\d{4}-\d\d-\d\d[ T])?(?:(?:(\d+):)?(\d{1,2}):)?(\d{1,2}(?:\.\d+)?)(?: \d\d/\d\d/\d{4})?\]?", re.ASCII)
_DELIMITERS = (";", "\t", ",", None)  # None: blanks
_COLUMNS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a table stands in its text. `clock`: the first column holds times of day and is no number."""

    start: int  # byte of the first row
    delimiter: str | None
    columns: int
    clock: bool
    decimal_comma: bool
    preamble: tuple[str, ...]  # lines before the rows, without what marks a comment


def decoded(data: memoryview) -> bytes | None:
    """The text as ASCII-compatible bytes; None where it is no text. UTF-16 is taken by its byte order mark."""
    head = bytes(data[:_HEAD])
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return bytes(data).decode("utf-16").encode()
        except UnicodeError:
            return None
    return None if b"\0" in head else bytes(data).removeprefix(b"\xef\xbb\xbf")


def layout(text: bytes) -> Layout | None:
    """Where the rows begin and how they are divided, by what fits the first of them; None where there are no rows of numbers."""
    head = text[:_HEAD].decode("latin-1")
    lines = head.splitlines(keepends=True)
    if len(head) == _HEAD:
        lines = lines[:-1]
    start, preamble = 0, list[str]()
    for number, line in enumerate(lines[: PREAMBLE + 1]):
        rows = [each for each in (row.strip("\r\n") for row in lines[number : number + _LOOK]) if each.strip()]
        found = _divided(rows) if len(rows) > 1 else None
        if found is not None and line.strip():
            delimiter, columns, clock, comma = found
            return Layout(start=start, delimiter=delimiter, columns=columns, clock=clock, decimal_comma=comma, preamble=tuple(preamble))
        preamble.append(line.strip().lstrip("#%/ ").strip())
        start += len(line)
    return None


def _divided(rows: list[str]) -> tuple[str | None, int, bool, bool] | None:
    """Delimiter, columns, whether the first is a clock, whether decimals stand behind a comma."""
    for delimiter in _DELIMITERS:
        if delimiter is not None and delimiter not in rows[0]:
            continue
        fields = [split(row, delimiter) for row in rows]
        columns = len(fields[0])
        if columns > _COLUMNS or any(len(row) != columns for row in fields):
            continue
        numeric = [all(_is_number(row[place]) for row in fields) for place in range(columns)]
        clock = columns > 1 and not numeric[0] and all(":" in row[0] and _CLOCK.fullmatch(row[0]) for row in fields)
        if all(numeric[clock:]) and any(field for row in fields for field in row):
            comma = delimiter != "," and any("," in field for row in fields for field in row)
            return delimiter, columns, clock, comma
    return None


def _is_number(field: str) -> bool:
    return not field or _NUMBER.fullmatch(field) is not None


def split(line: str, delimiter: str | None) -> list[str]:
    """The fields of a line without blanks and quotes."""
    fields = line.split() if delimiter is None else line.split(delimiter)
    if delimiter in (",", ";") and len(fields) > 1 and not fields[-1].strip():
        fields = fields[:-1]
    return [field.strip().strip("'\"").strip() for field in fields]


def rows(text: bytes, shape: Layout, room: int) -> NDArray[np.float64]:
    """(rows, columns) of numbers, the clock left out, an empty field NaN.

    Raises:
        Inconsistent: a later row is divided otherwise, or holds what is no number. MemoryError: more than `room` bytes of numbers.
    """
    body = text[shape.start :].replace(b"\r\n", b"\n").replace(b"'", b"").replace(b'"', b"").strip(b"\n ")
    if shape.delimiter is not None:
        body = _filled(body, shape)
    if (body.count(b"\n") + 1) * shape.columns * 8 > room:
        raise MemoryError
    columns = range(1, shape.columns) if shape.clock else None  # None: all, and each line must have as many
    try:
        return np.loadtxt(io.BytesIO(body), dtype=np.float64, delimiter=shape.delimiter, usecols=columns, ndmin=2, comments=None)
    except ValueError:
        raise Inconsistent("A line of this table of numbers is not like the lines before it.") from None


def _filled(body: bytes, shape: Layout) -> bytes:
    """With NaN in empty fields and points in front of decimals."""
    assert shape.delimiter is not None  # noqa: S101 - for the type checker
    mark = shape.delimiter.encode()
    if shape.decimal_comma:
        body = body.replace(b",", b".")
    body = re.sub(rb"[ ]*" + re.escape(mark) + rb"[ ]*", mark, body) if b" " in body else body
    for _ in range(2):
        body = body.replace(mark * 2, mark + b"nan" + mark)
    body = re.sub(mark + rb"-(?=" + re.escape(mark) + rb"|\n|$)", mark + b"nan", body)
    first = body.split(b"\n", 1)[0]
    if first.count(mark) == shape.columns:  # each line ends with a delimiter
        body = body.replace(mark + b"\n", b"\n").removesuffix(mark)
    else:
        body = body.replace(mark + b"\n", mark + b"nan\n")
        body = body + b"nan" if body.endswith(mark) else body
    return body.replace(b"\n" + mark, b"\nnan" + mark)


def clock_seconds(text: bytes, shape: Layout, most: int) -> NDArray[np.float64]:
    """The first `most` times of the clock's column, in seconds since midnight or the start."""
    lines = text[shape.start : shape.start + 200 * most].decode("latin-1").splitlines()[:most]
    found = [_CLOCK.fullmatch(split(line, shape.delimiter)[0]) for line in lines if line.strip()]
    seconds = [int(each[1] or 0) * 3600 + int(each[2] or 0) * 60 + float(each[3]) for each in found if each is not None]
    return np.array(seconds)
