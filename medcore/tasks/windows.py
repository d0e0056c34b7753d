"""What a forecast sees: the hours before each moment, on a grid that ends at the moment itself. NumPy only.

Nothing after the moment is touched: between two readings the grid is interpolated, and both are at or before it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medcore.types import EVENTS, Trace

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Floats16 = NDArray[np.float16]
Ints = NDArray[np.int64]

STEP = 5.0  # minutes between two points of the near past
STEPS = 48  # of them: four hours
FAR_STEP, FAR_STEPS = 30.0, 48  # the far past, a day, in half-hour means
BRIDGED = 22.5  # minutes between two readings that may be joined by a line: one lost reading of a 10-minute sensor, none of two
CHANNELS = ("glucose", "change", "known", "fresh", "carbs", "insulin", "basal", "told")
STATICS = ("sine", "cosine", "interval", "mean", "spread", "unrest", "hours", "now")
CENTRE, UNIT, CHANGE = 140.0, 60.0, 40.0  # mg/dL
GRAMS, UNITS, BASAL = 50.0, 5.0, 0.3  # g, U, U in five minutes: usual sizes
LOW = 70.0  # mg/dL
_LONGEST = 60  # minutes: a longer step says nothing of the sensor's interval
TOLERANCE = 2.5  # minutes between a horizon and the reading that counts for it, in training
SEEN_THROUGH = 0.7  # of the readings due within a warning's time, without which "no low came" is not known
LONG_ACTING = 3.0  # U: a basal dose above is an injection that acts for a day, not the last minutes' delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """B moments: `near` (B, 8, 48) latest last, channels as CHANNELS; `far` (B, 2, 48) level and whether known; `now` (B, 8) as STATICS."""

    near: Floats32 | Floats16
    far: Floats32 | Floats16
    now: Floats32

    def rows(self, index: Ints | slice) -> Windows:
        """The moments that `index` names."""
        return Windows(near=self.near[index], far=self.far[index], now=self.now[index])

    def halved(self) -> Windows:
        """The same in half precision, in which a training keeps them."""
        return Windows(near=self.near.astype(np.float16), far=self.far.astype(np.float16), now=self.now)

    def __len__(self) -> int:
        return len(self.near)


def windows(trace: Trace, origins: Ints) -> Windows:
    """What is known at readings number `origins` (B,) of `trace`."""
    minutes, glucose = trace.minutes.astype(np.float64), trace.glucose.astype(np.float64)
    at = minutes[origins]
    return Windows(near=_near(trace, minutes, glucose, at), far=_far(minutes, glucose, at), now=_now(trace, minutes, glucose, origins))


def _near(trace: Trace, minutes: Floats, glucose: Floats, at: Floats) -> Floats32:
    when = at[:, None] - STEP * np.arange(STEPS - 1, -1, -1)
    level = np.interp(when, minutes, glucose)  # held before the first reading
    right = np.searchsorted(minutes, when - 1e-6)
    before, after = minutes[np.maximum(right - 1, 0)], minutes[np.minimum(right, len(minutes) - 1)]
    known = (when >= minutes[0] - 1e-6) & ((after - before <= BRIDGED) | (np.abs(after - when) < 1e-3))
    fresh = known & (np.minimum(np.abs(when - before), np.abs(after - when)) <= STEP / 2)
    near = np.zeros((len(at), len(CHANNELS), STEPS), np.float32)
    near[:, 0] = (level - CENTRE) / UNIT
    near[:, 1] = (level - level[:, -1:]) / CHANGE
    near[:, 2], near[:, 3] = known, fresh
    if len(trace.event_minutes):
        near[:, 4] = _sums(trace, "carbs", when) / GRAMS
        near[:, 5] = _sums(trace, "bolus", when) / UNITS
        near[:, 6] = np.minimum(_sums(trace, "basal", when) + _rates(trace, when) * STEP / 60, LONG_ACTING) / BASAL / 10
        near[:, 7] = (trace.event_minutes[0] <= at)[:, None]  # that meals are recorded at all is known from the first one on
    return near


def _sums(trace: Trace, kind: str, when: Floats) -> Floats:
    """What came of `kind` in the five minutes up to each point of the grid."""
    own = trace.event_kind == EVENTS.index(kind)
    value = trace.event_value[own].astype(np.float64)
    if kind == "basal":
        value = np.where(value > LONG_ACTING, 0.0, value)
    total = np.concatenate([[0.0], np.cumsum(value)])
    times = trace.event_minutes[own]
    came: Floats = total[np.searchsorted(times, when, side="right")] - total[np.searchsorted(times, when - STEP, side="right")]
    return came


def _rates(trace: Trace, when: Floats) -> Floats:
    """The basal rate in force at each point, U/h; 0 where none was stated."""
    own = trace.event_kind == EVENTS.index("basal_rate")
    value = np.concatenate([[0.0], trace.event_value[own].astype(np.float64)])
    return value[np.searchsorted(trace.event_minutes[own], when, side="right")]


def _far(minutes: Floats, glucose: Floats, at: Floats) -> Floats32:
    edges = at[:, None] - FAR_STEP * np.arange(FAR_STEPS, -1, -1)
    place = np.searchsorted(minutes, edges, side="right")
    total = np.concatenate([[0.0], np.cumsum(glucose)])
    count = np.diff(place, axis=1)
    mean = np.diff(total[place], axis=1) / np.maximum(count, 1)
    far = np.zeros((len(at), 2, FAR_STEPS), np.float32)
    far[:, 0] = np.where(count > 0, (mean - CENTRE) / UNIT, 0.0)
    far[:, 1] = count > 0
    return far


def _now(trace: Trace, minutes: Floats, glucose: Floats, origins: Ints) -> Floats32:
    """Time of day, the sensor's interval, and the last day's mean, spread and unrest (mean change in five minutes)."""
    at = minutes[origins]
    first = np.searchsorted(minutes, at - 1440.0)
    count = (origins - first + 1).astype(np.float64)
    level = glucose - CENTRE
    mean = _between(level, first, origins + 1) / count
    spread = np.sqrt(np.maximum(_between(level**2, first, origins + 1) / count - mean**2, 0.0))
    step = np.diff(minutes)
    near = step <= BRIDGED
    moved = np.where(near, np.abs(np.diff(glucose)), 0.0)
    lasted = np.where(near, step, 0.0)
    unrest = _between(moved, first, origins) / np.maximum(_between(lasted, first, origins), STEP) * STEP
    angle = 2 * np.pi * (trace.clock_s[origins] % 86400.0) / 86400.0
    hours = np.minimum(at - minutes[0], 1440.0) / 1440.0
    rows = [
        np.sin(angle),
        np.cos(angle),
        usual_step(minutes)[origins] / 15.0,
        mean / UNIT,
        spread / UNIT,
        unrest / 5.0,
        hours,
        level[origins] / UNIT,
    ]
    return np.stack(rows, axis=1).astype(np.float32)


def usual_step(minutes: Floats) -> Floats:
    """(N,) the sensor's usual step in minutes, by the readings up to each: the commonest, 5 or 15 where it is within one of these."""
    step = np.rint(np.diff(minutes)).astype(np.int64)
    counts = np.zeros((len(minutes), _LONGEST), np.int32)
    known = (step >= 1) & (step < _LONGEST)
    counts[1:][known, step[known]] = 1
    counts = np.cumsum(counts, axis=0, dtype=np.int32)
    usual = np.where(counts.any(axis=1), counts.argmax(axis=1), 5).astype(np.float64)
    return np.where(np.abs(usual - 5) <= 1, 5.0, np.where(np.abs(usual - 15) <= 1, 15.0, usual))


def _between(values: Floats, first: Ints, end: Ints) -> Floats:
    """The sum of `values` from `first` to before `end`, elementwise."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    summed: Floats = total[end] - total[first]
    return summed


def seen_through(trace: Trace, origins: Ints, horizon: float) -> tuple[Floats, Floats]:
    """(B,) what came of each origin's forecast, NaN where nothing did, and (B,) the minute from which that is known.

    A reading before the horizon is the nearest only once no nearer one may follow.
    """
    minutes = trace.minutes.astype(np.float64)
    tolerance = usual_step(minutes)[origins] / 2
    came = ahead(trace, origins, horizon, tolerance)
    target = minutes[origins] + horizon
    observed = np.where(came >= 0, trace.glucose[came], np.nan).astype(np.float64)
    return observed, target + np.where(came >= 0, np.abs(minutes[came] - target), tolerance)


def ahead(trace: Trace, origins: Ints, horizon: float, tolerance: float | Floats) -> Ints:
    """(B,) the reading nearest to `horizon` minutes after each origin and within `tolerance` of it, later than the origin; -1: none."""
    minutes = trace.minutes.astype(np.float64)
    when = minutes[origins] + horizon
    right = np.minimum(np.searchsorted(minutes, when), len(minutes) - 1)
    left = np.maximum(right - 1, 0)
    nearest = np.where(np.abs(minutes[left] - when) <= np.abs(minutes[right] - when), left, right)
    fine = (np.abs(minutes[nearest] - when) <= tolerance + 1e-6) & (nearest > origins)
    return np.where(fine, nearest, -1)


def lows(trace: Trace, origins: Ints, within: float) -> Floats32:
    """(B,) 1 where a reading below 70 mg/dL came within so many minutes, 0 where none did, NaN where too few readings came to tell."""
    minutes = trace.minutes.astype(np.float64)
    end = np.searchsorted(minutes, minutes[origins] + within + 1e-6, side="right")
    total = np.concatenate([[0], np.cumsum(trace.glucose < LOW)])
    came = total[end] - total[origins + 1] > 0
    told = end - origins - 1 >= SEEN_THROUGH * within / trace.interval_min
    return np.where(came, 1.0, np.where(told, 0.0, np.nan)).astype(np.float32)
