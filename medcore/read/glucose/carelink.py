"""Medtronic CareLink exports: several tables under each other, one a device, each with its own row of column names.

Medtronic publishes no specification. Numbers are counted anew in each table's first column; readings stand under "Sensor Glucose", what was
delivered under "Bolus Volume Delivered" and, of the automatic mode, in a table of its own by the hour.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from medcore.read.curve import Curve
from medcore.read.glucose import columns
from medcore.read.glucose.note import Said
from medcore.read.glucose.rows import About, Rows, curve
from medcore.read.glucose.sheet import Sheet
from medcore.read.text import clean
from medcore.types import Patient

FORMAT = "Medtronic CareLink"
_NAMES: Mapping[str, re.Pattern[str]] = {
    "index": re.compile(r"index"),
    "day": re.compile(r"date|datum|fecha|data"),
    "hour": re.compile(r"time|zeit|uhrzeit|heure|hora|ora"),
    "glucose": columns.any_of(
        "sensor glucose", "sensorglukose", "sensor glukose", "glucosa (del )?sensor", "valor del sensor", "glucosio (del )?sensore",
        "glucose (du )?capteur",
    ),
    "carbs": re.compile(r"bwz carb input ?(\(gram\w*\))?"),
    "bolus": re.compile(r"bolus volume delivered ?(\(u\))?"),
    "basal_rate": re.compile(r"basal rate ?(\(u h\))?"),
    "marker": re.compile(r"event marker"),
}  # fmt: skip
_MEAL = re.compile(r"meal:? *(\d+(?:[.,]\d+)?) *g", re.I)
_SECTION = re.compile(r"-{4,} *")
_AUTOMATIC = re.compile(r"auto", re.I)


def header(names: Sequence[str]) -> bool:
    """Whether a row of column names, as `columns.bare` leaves them, is CareLink's."""
    return list(names[:1]) == ["index"] and {"day", "hour"} <= set(_places(names))


def _places(names: Sequence[str]) -> dict[str, int]:
    listed = list(names)
    return {what: places[0] for what, pattern in _NAMES.items() if (places := columns.found(pattern, listed))}


def read(sheet: Sheet, line: int, cells: Sequence[str], said: Said | None) -> Curve:
    """The trace of a CareLink export whose first row of column names `cells` stands on `line`.

    Raises:
        InputRejected: any of its kinds.
    """
    table = _Table(cells)
    before = [row for number, row in sheet.head if number < line]
    rows, device, automatic = Rows(), "", any(_automatic(row) for row in before)
    for number, row in sheet.rows(line):
        first = row[0].strip()
        if _SECTION.fullmatch(first):
            automatic = _automatic(row)
            device = device or next((cell.strip() for cell in row[1:2] if not automatic), "")
        elif columns.bare(first) == "index":
            table = _Table(row)
        elif table.fits(row):
            table.take(number, row, rows, automatic)
    about = About(
        file_format=FORMAT, unit=table.unit, patient=_patient(before), device=clean(f"Medtronic {device}") if device else "Medtronic",
    )  # fmt: skip
    return curve(rows, about, said)


def _automatic(row: Sequence[str]) -> bool:
    return bool(row) and _SECTION.fullmatch(row[0].strip()) is not None and any(_AUTOMATIC.search(cell) for cell in row)


class _Table:
    """One of the tables: where its columns are."""

    def __init__(self, cells: Sequence[str]) -> None:
        self.places = _places([columns.bare(cell) for cell in cells])
        place = self.places.get("glucose")
        self.unit = columns.unit(cells[place]) if place is not None else ""

    def fits(self, row: Sequence[str]) -> bool:
        """Whether a row has a date and a time."""
        own = [self.places.get(what) for what in ("day", "hour")]
        return all(place is not None and place < len(row) and row[place].strip() for place in own)

    def take(self, line: int, row: Sequence[str], rows: Rows, automatic: bool) -> None:
        """Take what the row holds; insulin of the automatic mode, summed by the hour, as basal."""
        own = {what: row[place].strip() if place < len(row) else "" for what, place in self.places.items()}
        when = f"{own['day']} {own['hour']}"
        rows.read(line, when, own.get("glucose", ""))
        rows.dose(line, when, "basal" if automatic else "bolus", own.get("bolus", ""))
        rows.dose(line, when, "basal_rate", own.get("basal_rate", ""))
        meal = _MEAL.search(own.get("marker", ""))
        rows.dose(line, when, "carbs", own.get("carbs", "") or (meal[1] if meal else ""))


def _patient(before: Sequence[Sequence[str]]) -> Patient:
    """The names under "Last Name,First Name,Patient ID", or beside "Name"."""
    for number, row in enumerate(before[:-1]):
        names = [columns.bare(cell) for cell in row]
        if names[:2] == ["last name", "first name"]:
            values = [cell.strip() for cell in before[number + 1]] + ["", "", ""]
            return Patient(name=clean(f"{values[1]} {values[0]}"), patient_id=clean(values[2]) if names[2:3] == ["patient id"] else None)
        if names[:1] == ["name"] and len(row) > 1:
            return Patient(name=clean(row[1]))
    return Patient()
