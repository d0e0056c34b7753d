"""What a pattern is, and glucose counted in hours of the wearer's clock: what windows over the day are added up from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from medcore.signals.glucose_time import HOUR_S, Bools, Floats, Ints, date_of, weights
from medcore.types import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """`nights_or_days` of `of` days (meals for after_meal_high) show `kind` from `start_hour` to `end_hour`, above 24 past midnight.

    `days` are the evidence, each once; a window past midnight belongs to the day it begins on. The week's patterns compare with `other`,
    the count and number of the other days, by `p` of Fisher's exact test.
    """

    kind: str
    start_hour: int
    end_hour: int
    nights_or_days: int
    of: int
    days: tuple[date, ...]
    other: tuple[int, int] | None = None
    p: float | None = None

    @property
    def night(self) -> bool:
        """Whether the window lies between 21:00 and 07:00: then days are called nights."""
        return self.end_hour <= 7 or (self.start_hour >= 21 and self.end_hour <= 31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """The trace by hour of the clock: `first` the day number of row 0, minutes of readings (D * 24,), and where each reading goes."""

    first: int
    place: Ints  # (N,) hour of each reading since midnight of the first day
    minutes: Floats  # (N,) that each reading stands for
    covered: Floats  # (D * 24,)

    def total(self, inside: Bools | Floats) -> Floats:
        """(D * 24,) minutes of the readings `inside`, or minutes times a value (N,)."""
        return np.bincount(self.place, self.minutes * inside, minlength=len(self.covered)).astype(np.float64)

    def dates(self, rows: Ints) -> tuple[date, ...]:
        """The days of the numbers `rows`."""
        return tuple(date_of(self.first + int(row)) for row in rows)


def hours(trace: Trace) -> Hours:
    """The trace by hour of the clock."""
    number = np.floor_divide(trace.clock_s.astype(np.float64), HOUR_S).astype(np.int64)
    first, last = int(number.min()) // 24, int(number.max()) // 24
    minutes = weights(trace) * trace.interval_min
    place = number - first * 24
    covered = np.bincount(place, minutes, minlength=(last - first + 1) * 24).astype(np.float64)
    return Hours(first=first, place=place, minutes=minutes, covered=covered)


def window(values: Floats, start: int, end: int) -> Floats:
    """(D,) sums of hourly `values` (D * 24,) from hour `start` to `end` of each day; past midnight of the next, none after the last."""
    sums = np.r_[0.0, np.cumsum(values)]
    at = np.arange(len(values) // 24) * 24
    return np.asarray(sums[np.minimum(at + end, len(values))] - sums[at + start])
