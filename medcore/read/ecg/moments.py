"""Dates and times of ECG files as ISO 8601, local time of the recorder; what is not a date is None."""

from __future__ import annotations

import re
from datetime import date, datetime

_HL7 = re.compile(r"(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(?:\.\d+)?(?:[+-]\d{4})?", re.ASCII)
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?(?:\.\d+)?", re.ASCII)
_YEARS = {"YEARS": 1.0, "MONTHS": 1 / 12, "WEEKS": 7 / 365.25, "DAYS": 1 / 365.25, "HOURS": 1 / 8766}


def day(year: int, month: int, number: int) -> str | None:
    """A date; years before 1850 are placeholders."""
    try:
        return date(year, month, number).isoformat() if year >= 1850 else None
    except ValueError:
        return None


def moment(on: str | None, hour: int, minute: int, second: int) -> str | None:
    """A day and a time of day; None where either is missing."""
    try:
        return datetime.fromisoformat(on).replace(hour=hour, minute=minute, second=second).isoformat() if on else None
    except ValueError:
        return None


def hl7(value: str) -> tuple[str | None, str | None]:
    """Day and moment of an HL7 TS (YYYYMMDDHHMMSS.UUUU[+-]ZZzz); the moment only where minutes are given."""
    found = _HL7.fullmatch(value.strip())
    if not found:
        return None, None
    year, month, number, hour, minute, second = (int(part) if part else None for part in found.groups())
    on = day(year or 0, month or 0, number or 0)
    return on, None if hour is None or minute is None else moment(on, hour, minute, second or 0)


def american(value: str) -> str | None:
    """MM-DD-YYYY or with slashes (MUSE), else the ISO form."""
    parts = re.split(r"[-/]", value.strip())
    if len(parts) != 3 or not all(part.isascii() and part.isdecimal() and len(part) <= 4 for part in parts):
        return None
    first, second, third = map(int, parts)
    return day(first, second, third) if len(parts[0]) == 4 else day(third, first, second)


def clock(on: str | None, value: str) -> str | None:
    """A day with HH:MM:SS or HH:MM."""
    found = _CLOCK.fullmatch(value.strip())
    return moment(on, int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def years(value: float | None, unit: str) -> float | None:
    """An age in years, or None where the unit is not known."""
    factor = _YEARS.get(unit.strip().upper())
    return None if value is None or factor is None else value * factor
