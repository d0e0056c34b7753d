"""Glucose in words, for page, PDF and plain text alike: levels in the reader's unit, shares with their time, clock times, ranges."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta

from medcore.export.wording import coded, say
from medcore.signals.glucose_ranges import MG_DL_PER_MMOL
from medcore.types import Measurement

UNITS = ("mg/dL", "mmol/L")
DASH = "–"
_DAY_MIN = 1440
_EPOCH = datetime(1970, 1, 1)
_WHOLE = 100.0  # percent
_BARE = ("", "1")  # units that are none
_MOST_DIGITS = 3
_TENTHS = 10.0  # a share below is told to a tenth, as goals of 1 % and 4 % ask


def converted(mg_dl: float, unit: str) -> float:
    """A level of `mg_dl` mg/dL in `unit`, unrounded.

    Raises:
        ValueError: no unit of glucose.
    """
    if unit not in UNITS:
        raise ValueError(f"{unit} is no unit of glucose")
    return mg_dl if unit == UNITS[0] else mg_dl / MG_DL_PER_MMOL


def level(mg_dl: float, unit: str) -> str:
    """A level as it is printed in `unit`, without the unit: whole mg/dL, tenths of mmol/L; a dash for one that is missing."""
    if not math.isfinite(mg_dl):
        return DASH
    return f"{converted(mg_dl, unit):.{0 if unit == UNITS[0] else 1}f}"


def share(percent: float, beside: float | None = None) -> str:
    """A share of the time: a tenth of a percent below ten, else whole percents; more digits where it would round to `beside`, a goal."""
    if not math.isfinite(percent):
        return DASH
    digits = 1 if 0 < percent < _TENTHS else 0
    while beside is not None and digits < _MOST_DIGITS and percent != beside and round(percent, digits) == beside:
        digits += 1
    return f"{percent:.{digits}f}%"


def time_a_day(percent: float, language: str) -> str:
    """The same share as time of a day of 24 hours."""
    if not math.isfinite(percent):
        return DASH
    minutes = round(percent / 100 * _DAY_MIN)
    hours, rest = divmod(minutes, 60)
    return (
        say(language, "glucose_report.hours", hours=hours, minutes=rest) if hours else say(language, "glucose_report.minutes", minutes=rest)
    )


def range_words(low: float | None, high: float | None, unit: str) -> str:
    """A range of levels, open where one end is None: "<54", "70–180", ">250"."""
    if low is None:
        return "" if high is None else f"<{level(high, unit)}"
    return f">{level(low, unit)}" if high is None else f"{level(low, unit)}–{level(high, unit)}"


def value_words(one: Measurement, unit: str) -> str:
    """A measurement with its unit; what is in mg/dL is told in `unit`."""
    if not math.isfinite(one.value):
        return DASH
    if one.unit == UNITS[0]:
        return f"{level(one.value, unit)} {unit}"
    if one.unit == "%":
        digits = 1
        while digits < _MOST_DIGITS and any(round(one.value, digits) == end != one.value for end in one.reference or ()):
            digits += 1  # beside a limit that it would round to
        return f"{one.value:.{digits}f}%"
    number = f"{one.value:.0f}" if float(one.value).is_integer() else f"{one.value:.1f}"
    return number if one.unit in _BARE else f"{number} {one.unit}"


def reference_words(one: Measurement, unit: str) -> str:
    """The cited range of a measurement, open where one end is unbounded; empty where none is cited."""
    if one.reference is None:
        return ""
    low, high = one.reference
    low = -math.inf if low <= 0 else low  # nothing that is measured here can be below 0, nor a share above 100 %
    high = math.inf if one.unit == "%" and high >= _WHOLE else high
    told = level if one.unit == UNITS[0] else _plain
    if not math.isfinite(low):
        return f"≤ {told(high, unit)}"
    return f"{told(low, unit)} – {told(high, unit)}" if math.isfinite(high) else f"≥ {told(low, unit)}"


def _plain(value: float, unit: str) -> str:  # the unit of glucose does not matter to a share
    return f"{value:g}"


def side(one: Measurement) -> str | None:
    """Where a value stands against its range: "within", "below", "above"; None where it cannot be told."""
    if one.reference is None or not math.isfinite(one.value):
        return None
    low, high = one.reference
    return "below" if one.value < low else "above" if one.value > high else "within"


def hour_words(hour: float) -> str:
    """An hour of the wearer's clock, 24:00 at the end of the day and 01:00 for the 25th: "02:00"."""
    minutes = round(hour * 60)
    minutes = minutes if minutes <= _DAY_MIN else minutes % _DAY_MIN
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def clock(clock_s: float) -> datetime:
    """A reading's time on the wearer's clock, without a time zone because the clock has none."""
    return _EPOCH + timedelta(seconds=float(clock_s))


def weekday(day: date, language: str) -> str:
    """The short name of a day of the week."""
    return coded(language, "glucose_report", f"day_{day.isoweekday()}")
