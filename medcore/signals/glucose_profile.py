"""The ambulatory glucose profile: percentiles of glucose by time of day over all days, as the AGP report draws them.

Bergenstal 2013 (doi 10.1089/dia.2013.0051) and Johnson 2019 (doi 10.1089/dia.2019.0034) ask for smoothed curves of the 5th, 25th, 50th,
75th and 95th percentile and give no formula of the smoothing. Here: linear percentiles (type 7) of all readings in each bin, then a mean of
each curve over the two bins on either side with weights 1-2-3-2-1, around midnight too; a bin without a percentile lends no weight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medcore.signals import limits
from medcore.signals.glucose_time import DAY_S, Floats, Ints, day_numbers
from medcore.types import Array, Trace

LEVELS = (5, 25, 50, 75, 95)  # percent
_KERNEL = np.array([1.0, 2.0, 3.0, 2.0, 1.0])
_OUTER = (5, 95)  # need more days than the others


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """`values` (L, B) mg/dL of `levels` (L,) percent at `minutes` (B,) of the day, NaN where too few days have readings; `counts` (B,)."""

    minutes: Array  # float64, centres of the bins
    levels: tuple[int, ...]
    values: Array  # float64
    counts: Array  # int64, readings
    days: Array  # int64, days with a reading


def profile(trace: Trace, bins: int = 96) -> Profile:
    """The profile of all days of `trace` by the wearer's clock."""
    place = np.minimum(np.mod(trace.clock_s.astype(np.float64), DAY_S) / DAY_S * bins, bins - 1).astype(np.int64)
    counts = np.bincount(place, minlength=bins)
    seen = _days(place, day_numbers(trace), bins)
    raw = _percentiles(place, trace.glucose.astype(np.float64), counts)
    for row, level in enumerate(LEVELS):
        raw[row, seen < limits.value("glucose_measures", "profile_days_outer" if level in _OUTER else "profile_days")] = np.nan
    minutes = (np.arange(bins) + 0.5) * (DAY_S / 60 / bins)
    return Profile(minutes=minutes, levels=LEVELS, values=_smooth(raw), counts=counts, days=seen)


def _days(place: Ints, day: Ints, bins: int) -> Ints:
    """(B,) different days with a reading in each bin."""
    pairs = np.unique((day - day.min()) * bins + place)
    return np.bincount(pairs % bins, minlength=bins)


def _percentiles(place: Ints, glucose: Floats, counts: Ints) -> Floats:
    """(L, B) linear percentiles of each bin, NaN where it is empty."""
    ordered = glucose[np.lexsort((glucose, place))]
    start = np.cumsum(counts) - counts
    rank = np.array(LEVELS)[:, None] / 100 * np.maximum(counts - 1, 0)
    low = np.floor(rank).astype(np.int64)
    high = np.minimum(low + 1, np.maximum(counts - 1, 0))
    at = np.clip(start + np.stack([low, high]), 0, len(ordered) - 1)  # (2, L, B)
    values = ordered[at[0]] + (rank - low) * (ordered[at[1]] - ordered[at[0]])
    return np.asarray(np.where(counts > 0, values, np.nan))


def _smooth(curves: Floats) -> Floats:
    """Each curve (L, B) with its neighbours around midnight, unknown bins left out and left unknown."""
    known = np.isfinite(curves)
    filled = np.where(known, curves, 0.0)
    offsets = np.arange(len(_KERNEL)) - len(_KERNEL) // 2
    total = sum(weight * np.roll(filled, offset, axis=1) for weight, offset in zip(_KERNEL, offsets, strict=True))
    weight = sum(weight * np.roll(known, offset, axis=1) for weight, offset in zip(_KERNEL, offsets, strict=True))
    return np.where(known, total / np.maximum(weight, 1.0), np.nan)
