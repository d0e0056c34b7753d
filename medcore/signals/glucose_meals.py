"""Glucose before breakfast, and after meals where the export holds carbohydrates: counted per morning and per meal."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from medcore.signals import limits
from medcore.signals.glucose_ranges import above
from medcore.signals.glucose_time import DAY_S, HOUR_S, Bools, Floats, Ints, event_clock
from medcore.signals.glucose_window import Pattern, hours, window
from medcore.types import EVENTS, Trace

PARTS = ((4, 10), (10, 16), (16, 23))  # hours of the day that breakfast, lunch and supper begin in
_CARBS = EVENTS.index("carbs")
_limit = partial(limits.value, "glucose_patterns")


def fasting(trace: Trace) -> Iterator[Pattern]:
    """Mornings whose mean before breakfast is above the goal; a morning with carbohydrates shortly before does not count."""
    start, end = int(_limit("fasting_start")), int(_limit("fasting_end"))
    by_hour = hours(trace)
    covered = window(by_hour.covered, start, end)
    enough = covered >= _limit("enough") * (end - start) * 60
    eaten = np.floor_divide(event_clock(trace)[_carbs(trace, 0)], HOUR_S).astype(np.int64) - by_hour.first * 24
    eaten = eaten[(eaten >= 0) & (eaten < len(by_hour.covered))]
    enough &= window(np.bincount(eaten, minlength=len(by_hour.covered)).astype(np.float64), start - int(_limit("fasting_clear")), end) == 0
    mean = window(by_hour.total(trace.glucose.astype(np.float64)), start, end) / np.maximum(covered, 1e-9)
    rows = np.flatnonzero(enough & (mean > _limit("fasting_high")))
    if len(rows) >= _limit("days") and len(rows) >= _limit("fasting_share") * enough.sum():
        dates = by_hour.dates(rows)
        yield Pattern(kind="fasting_high", start_hour=start, end_hour=end, nights_or_days=len(rows), of=int(enough.sum()), days=dates)


def after_meals(trace: Trace) -> Iterator[Pattern]:
    """Parts of the day after whose meals glucose rises above 180 mg/dL, counted per meal."""
    at, clock = _meals(trace)
    outcome = _outcomes(trace, at)
    by_hour = hours(trace)
    hour = np.mod(clock, DAY_S) / HOUR_S
    day = np.floor_divide(clock, DAY_S).astype(np.int64) - by_hour.first
    for start, end in PARTS:
        known = (hour >= start) & (hour < end) & np.isfinite(outcome)
        rise = known & (outcome > 0)
        dates = np.unique(day[rise])
        if len(dates) >= _limit("days") and rise.sum() >= _limit("meal_share") * known.sum():
            meals, of = int(rise.sum()), int(known.sum())
            evidence = by_hour.dates(dates)
            yield Pattern(kind="after_meal_high", start_hour=start, end_hour=end, nights_or_days=meals, of=of, days=evidence)


def _carbs(trace: Trace, least_g: float) -> Bools:
    return np.asarray((trace.event_kind == _CARBS) & (trace.event_value.astype(np.float64) > least_g))


def _meals(trace: Trace) -> tuple[Floats, Floats]:
    """Minutes and clock of each meal: carbohydrates that follow a meal closely belong to it."""
    rows = np.flatnonzero(_carbs(trace, _limit("meal_carbs") - 1e-6))
    minutes = trace.event_minutes.astype(np.float64)
    kept: list[int] = []
    for row in rows.tolist():
        if not kept or minutes[row] - minutes[kept[-1]] >= _limit("meal_apart") * 60:
            kept.append(row)
    chosen: Ints = np.array(kept, np.int64)
    return minutes[chosen], event_clock(trace)[chosen]


def _outcomes(trace: Trace, at: Floats) -> Floats:
    """(M,) 1 where glucose rose by enough above 180 mg/dL within two hours of a meal, 0 where not, NaN where too little was read."""
    minutes, glucose = trace.minutes.astype(np.float64), trace.glucose.astype(np.float64)
    high = above(trace, limits.value("glucose_measures", "high"))
    span = _limit("meal_after") * 60
    out = np.full(len(at), np.nan)
    for k, meal in enumerate(at.tolist()):
        before = int(np.searchsorted(minutes, meal, side="right")) - 1
        stop = int(np.searchsorted(minutes, meal + span, side="right"))
        read = (stop - before - 1) * trace.interval_min >= _limit("enough") * span
        if before < 0 or meal - minutes[before] > 2 * trace.interval_min or not read:
            continue
        after = slice(before + 1, stop)
        out[k] = float(bool((high[after] & (glucose[after] >= glucose[before] + _limit("meal_rise"))).any()))
    return out
