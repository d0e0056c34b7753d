"""What a person said of a glucose table that does not say it itself: a small text file beside it, one of the study's sources."""

from __future__ import annotations

import re
from dataclasses import dataclass

from medcore.errors import Inconsistent

MAGIC = b"medcore glucose note 1\n"
NOTE_BYTES = 1024
UNITS = ("mg/dL", "mmol/L")
DATE_ORDERS = ("ymd", "dmy", "mdy")
_LINE = re.compile(r"(time_column|clock_column|glucose_column|unit|date_order): (\S{1,16})", re.ASCII)
_COLUMN = re.compile(r"[1-9]\d{0,2}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Columns are counted from 1; None is what was not said. `clock_column`: where the time of day stands in a column of its own."""

    time_column: int | None = None
    clock_column: int | None = None
    glucose_column: int | None = None
    unit: str | None = None
    date_order: str | None = None


def note(
    *,
    time_column: int | None = None,
    glucose_column: int | None = None,
    clock_column: int | None = None,
    unit: str | None = None,
    date_order: str | None = None,
) -> bytes:
    """The file to upload together with a table that was refused with ColumnsUnknown, DateOrderUnknown or GlucoseUnitUnknown.

    Raises:
        Inconsistent: a column, unit or order that cannot be.
    """
    said = {
        "time_column": time_column, "clock_column": clock_column, "glucose_column": glucose_column, "unit": unit, "date_order": date_order,
    }  # fmt: skip
    data = MAGIC + "".join(f"{name}: {value}\n" for name, value in said.items() if value is not None).encode()
    parse_note(data)
    return data


def is_note(data: bytes) -> bool:
    """Whether the first line is that of a note."""
    return data.startswith(MAGIC)


def parse_note(data: bytes) -> Said:
    """The note.

    Raises:
        Inconsistent: it states what cannot be, or something else.
    """
    lines = data[len(MAGIC) : NOTE_BYTES].decode("ascii", "replace").splitlines()
    found = [_LINE.fullmatch(line) for line in lines if line.strip()]
    facts = {line[1]: line[2] for line in found if line is not None}
    columns = {name: facts[name] for name in ("time_column", "clock_column", "glucose_column") if name in facts}
    if None in found or not all(_COLUMN.fullmatch(value) for value in columns.values()):
        raise Inconsistent("A column that was stated is not a number from 1 to 999.")
    if facts.get("unit", UNITS[0]) not in UNITS or facts.get("date_order", DATE_ORDERS[0]) not in DATE_ORDERS:
        raise Inconsistent("The unit or the order of dates that was stated is not one that is known.")
    numbers = {name: int(value) for name, value in columns.items()}
    if len(set(numbers.values())) < len(numbers):
        raise Inconsistent("Time and glucose were stated to stand in the same column.")
    return Said(**numbers, unit=facts.get("unit"), date_order=facts.get("date_order"))
