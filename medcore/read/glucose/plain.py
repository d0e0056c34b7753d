"""Glucose as a plain table: any CSV whose columns can be told by their names, or that a person told apart; xDrip+ among them.

No standard describes these files. What a name, the numbers or a person says is taken; nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from medcore.errors import ColumnsUnknown, Inconsistent
from medcore.read.curve import Curve
from medcore.read.glucose import columns, dates, values
from medcore.read.glucose.note import Said
from medcore.read.glucose.rows import About, Rows, curve
from medcore.read.glucose.sheet import Sheet
from medcore.read.text import clean
from medcore.types import EVENTS, Patient

FORMAT, XDRIP = "table", "xDrip+"
_XDRIP = ["day", "time", "udt cgms"]
_UNKNOWN = "This table may be of glucose, but which of its columns hold time and glucose cannot be told; please state it."
_TWO = "Line {line} is of another person than the lines before it; one file may hold the glucose of one person only."
_LOOK = 30  # rows that must hold times for a table without names to be asked about
_LEAST_ROWS = 12
_LEAST_STEP_S = 55.0  # between readings of a sensor; what is recorded faster is no glucose
_UNITS = {"carbs": ("g", "gram", "grams"), "bolus": ("u", "iu", "units"), "basal": ("u", "iu", "units"), "basal_rate": ("u/h", "iu/h")}


@dataclass(slots=True, kw_only=True)
class Places:
    """Where things stand in a row, counted from 0; None where nowhere. `hour`: the time of day in a column of its own."""

    time: int
    glucose: int | None = None
    hour: int | None = None
    subject: int | None = None
    strict: bool = False  # the subject's column can be nothing else
    device: int | None = None
    unit: int | None = None
    doses: dict[str, int] = field(default_factory=dict)
    kind: int | None = None  # of events in rows of their own, with `value`
    value: int | None = None


def header(names: Sequence[str]) -> Places | None:
    """Where things stand under these column names, as `columns.bare` leaves them; None where they are not those of glucose or of doses."""
    listed = list(names)
    if listed[:3] == _XDRIP:
        doses = {"carbs": 4, "bolus": 5} if listed[3:6] == ["bg level", "ch gr", "bolus"] else {}
        return Places(time=0, hour=1, glucose=2, doses=doses)
    time = _time(listed)
    if time is None:
        return None
    subjects = columns.found(columns.SUBJECT, listed)
    strict = columns.found(columns.STRICT_SUBJECT, listed)
    found = Places(
        time=time[0], hour=time[1], subject=next(iter(strict or subjects), None), strict=bool(strict),
        device=next(iter(columns.found(columns.DEVICE, listed)), None), unit=next(iter(columns.found(re.compile("units?"), listed)), None),
    )  # fmt: skip
    glucose = [place for place in columns.found(columns.GLUCOSE, listed) if place not in (found.time, found.hour)]
    if len(glucose) == 1:
        found.glucose = glucose[0]
        found.doses = {kind: own[0] for kind, pattern in columns.DOSES.items() if len(own := columns.found(pattern, listed)) == 1}
        return found
    kind, value = columns.found(columns.KIND, listed), columns.found(re.compile("value|amount|dose"), listed)
    if not glucose and len(kind) == 1 and len(value) == 1 and found.unit is not None:
        found.kind, found.value = kind[0], value[0]
        return found
    return None


def _time(names: list[str]) -> tuple[int, int | None] | None:
    """The column of the time, and of the time of day where the date stands alone; None where they cannot be told."""
    days, hours = columns.found(columns.DAY, names), columns.found(columns.HOUR, names)
    if len(days) == 1 and len(hours) == 1:
        return days[0], hours[0]
    times = columns.found(columns.TIME, names) or days
    return (times[0], None) if len(times) == 1 else None


def read(sheet: Sheet, line: int, cells: Sequence[str], places: Places, said: Said | None) -> Curve:
    """The curve of a table whose column names `cells` stand on `line` (0: it has none).

    Raises:
        InputRejected: any of its kinds.
    """
    rows = Rows()
    subject = _Subject(places)
    unit = columns.unit(cells[places.glucose]) if places.glucose is not None and cells else ""
    stated = _Unit()
    least = max(places.time, places.hour or 0, places.glucose or 0, places.value or 0)
    for number, row in sheet.rows(line):
        if least >= len(row):
            rows.read(number, "", "?")  # a row cut short is an unreadable one
            continue
        when = row[places.time] if places.hour is None else f"{row[places.time].strip()} {row[places.hour].strip()}"
        subject.check(number, row)
        if places.value is not None and places.kind is not None:
            _event(rows, number, when, row, places)
            continue
        if places.glucose is not None:
            if not rows.read(number, when, row[places.glucose], _cell(row, places.device)):
                rows.void += [number] if row[places.glucose].strip() else []
            elif not unit:
                stated.check(number, _cell(row, places.unit))
        for kind, place in places.doses.items():
            rows.dose(number, when, kind, _cell(row, place))
    xdrip = [columns.bare(cell) for cell in cells[:3]] == _XDRIP
    about = About(
        file_format=XDRIP if xdrip else FORMAT, unit="mg/dL" if xdrip else unit or stated.unit, patient=Patient(patient_id=subject.name()),
    )  # fmt: skip
    return curve(rows, about, said)


def _cell(row: Sequence[str], place: int | None) -> str:
    return row[place].strip() if place is not None and place < len(row) else ""


def _event(rows: Rows, line: int, when: str, row: Sequence[str], places: Places) -> None:
    """Take one row of a table of events; a kind or unit that is not known is left out."""
    kind = _cell(row, places.kind).casefold()
    if kind in EVENTS and _cell(row, places.unit).casefold() in _UNITS[kind]:
        rows.dose(line, when, kind, _cell(row, places.value))


class _Unit:
    """The unit of a column that names it row by row; two of them are no table."""

    def __init__(self) -> None:
        self.unit = ""

    def check(self, line: int, text: str) -> None:
        own = columns.unit(text)
        if own and self.unit and own != self.unit:
            raise Inconsistent(f"Line {line} is in {own}, unlike the lines before it; the file is not read.")
        self.unit = self.unit or own


class _Subject:
    """Whose rows these are: one person's only, unless the column merely counts rows."""

    def __init__(self, places: Places) -> None:
        self._place, self._strict = places.subject, places.strict
        self._seen: dict[str, int] = {}
        self._rows = 0

    def check(self, line: int, row: Sequence[str]) -> None:
        name = _cell(row, self._place)
        if not name:
            return
        self._rows += 1
        self._seen.setdefault(name, line)
        repeated = self._rows > len(self._seen)
        if len(self._seen) > 1 and (self._strict or repeated):
            raise Inconsistent(_TWO.format(line=list(self._seen.values())[1] if self._strict else line))

    def name(self) -> str | None:
        """The subject, where there is one."""
        return clean(next(iter(self._seen))) if len(self._seen) == 1 else None


def told(sheet: Sheet, said: Said) -> tuple[int, tuple[str, ...], Places] | None:
    """Line and cells of the column names, and the places that a person told; None where the table has no such columns."""
    if said.time_column is None or said.glucose_column is None:
        return None
    places = Places(
        time=said.time_column - 1, glucose=said.glucose_column - 1, hour=None if said.clock_column is None else said.clock_column - 1,
    )  # fmt: skip
    width = max(places.time, said.glucose_column - 1, places.hour or 0)
    line, cells = 0, tuple[str, ...]()
    for number, row in sheet.head:
        if len(row) > width:
            when = row[places.time] if places.hour is None else f"{row[places.time]} {row[places.hour]}"
            if dates.is_time(when):
                return line, cells or ("",) * len(row), places
        line, cells = number, row
    return None


def asks(sheet: Sheet) -> ColumnsUnknown | None:
    """The question to ask, where the rows hold dates a minute or more apart beside numbers; None where this can be no sensor's table."""
    rows = [row for _, row in sheet.head[-_LOOK:]]
    width = min((len(row) for row in rows), default=0)
    if len(rows) < _LEAST_ROWS or width < 2:
        return None
    for place in range(width):
        texts = [row[place] for row in rows]
        if sum(dates.is_time(text) for text in texts) < 0.9 * len(texts) or not all(":" in text for text in texts if dates.is_time(text)):
            continue
        seconds = dates.times([text for text in texts if dates.is_time(text)], "dmy" if _day_first(texts) else "mdy").clock_s
        steps = np.abs(np.diff(seconds[~np.isnan(seconds)]))
        numbers = [other for other in range(width) if other != place and all(_is_number(row[other]) for row in rows)]
        if len(steps) and float(np.median(steps)) >= _LEAST_STEP_S and numbers:
            return ColumnsUnknown(_UNKNOWN)
    return None


def _day_first(texts: Sequence[str]) -> bool:
    return any(re.match(r"(1[3-9]|2\d|3[01])[-/.]", text) for text in texts)


def _is_number(text: str) -> bool:
    return not text.strip() or not np.isnan(values.number(text))
