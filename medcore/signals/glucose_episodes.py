"""Episodes of low and high glucose (Danne 2017, doi 10.2337/dc17-1600; Battelino 2023, doi 10.1016/S2213-8587(22)00319-9).

One begins with at least 15 min below 70 (54) or above 180 (250) mg/dL and ends where at least 15 min on the other side begin. A reading
stands for the time to the next one, at most the sensor's interval: three readings of a 5-min sensor or one of a 15-min sensor are 15 min.
A gap above 30 min ends what is known. Elapsed time counts, not the clock.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from medcore.signals import limits
from medcore.signals.glucose_ranges import above, below
from medcore.signals.glucose_time import Bools, Floats, elapsed_minutes, even, steps
from medcore.types import Event, Trace

KINDS = ("low", "very_low", "high", "very_high")
_FILE = "glucose_measures"
_JITTER = 0.25  # of an interval, at most a minute: three readings a little less than 5 min apart are 15 min

Stretch = tuple[int, int]  # first and last reading


def episodes(trace: Trace) -> tuple[Event, ...]:
    """Episodes of all KINDS in order of time, seconds since the first reading, the value the nadir or peak in mg/dL.

    A very low episode lies within a low one, and both are given.
    """
    minutes = trace.minutes.astype(np.float64) - float(trace.minutes[0])
    glucose = trace.glucose.astype(np.float64)
    found = []
    for kind in KINDS:
        worst = np.min if kind in ("low", "very_low") else np.max
        for first, last in stretches(trace, kind):
            end = last_minute(minutes, last, trace.interval_min)
            peak = float(worst(glucose[first : last + 1]))
            found.append(Event(kind=kind, start_s=float(minutes[first]) * 60, end_s=end * 60, value=round(peak, 1), unit="mg/dL"))
    return tuple(sorted(found, key=lambda event: (event.start_s, KINDS.index(event.kind))))


def prolonged(event: Event) -> bool:
    """Whether an episode of low glucose lasts 120 min or more (Danne 2017)."""
    return event.kind == "low" and event.end_s - event.start_s >= limits.value(_FILE, "prolonged") * 60


def stretches(trace: Trace, kind: str) -> list[Stretch]:
    """First and last reading beyond the limit of each episode of `kind`, short recoveries between them included."""
    return list(_runs(beyond(trace, kind), trace.minutes.astype(np.float64), trace.interval_min, limits.value(_FILE, "gap")))


def beyond(trace: Trace, kind: str) -> Bools:
    """(N,) whether each reading lies beyond the limit of `kind`."""
    edge = limits.value(_FILE, kind)
    return below(trace, edge) if kind in ("low", "very_low") else above(trace, edge)


def counted_as_iglu(trace: Trace, kind: str) -> int:
    """Episodes of `kind` on straight lines at even steps over gaps of up to 45 min, as iglu counts them: the variant to compare with."""
    times, glucose = elapsed_minutes(trace)
    grid = steps(times, trace.interval_min)
    values = even(times, glucose, grid)
    known = np.isfinite(values)
    edge = limits.value(_FILE, kind)
    inside = values[known] < edge if kind in ("low", "very_low") else values[known] > edge
    return sum(1 for _ in _runs(inside, grid[known], trace.interval_min, 1.5 * trace.interval_min))


def last_minute(minutes: Floats, reading: int, interval_min: float) -> float:
    """Until when `reading` is known to hold: the next one, at most an interval away."""
    end = float(minutes[reading]) + interval_min
    return min(end, float(minutes[reading + 1])) if reading + 1 < len(minutes) else end


def _runs(inside: Bools, minutes: Floats, interval_min: float, gap_min: float) -> Iterator[Stretch]:
    """Episodes as (first, last) readings inside. A gap above `gap_min` closes what is open."""
    if not len(inside):
        return
    parted = np.diff(minutes) > gap_min
    start = np.flatnonzero(np.r_[True, (inside[1:] != inside[:-1]) | parted])
    last = np.r_[start[1:] - 1, len(inside) - 1]
    ends = np.minimum(minutes[last] + interval_min, np.r_[minutes[1:], np.inf][last])
    enough = ends - minutes[start] >= limits.value(_FILE, "episode") - min(1.0, _JITTER * interval_min)
    fresh = np.r_[True, parted[last[:-1]]]  # the run begins after a gap
    first = end = -1
    for run_first, run_last, low, long, apart in zip(*(a.tolist() for a in (start, last, inside[start], enough, fresh)), strict=True):
        if first >= 0 and (apart or (not low and long)):
            yield first, end
            first = -1
        if low and (first >= 0 or long):
            first, end = (run_first if first < 0 else first), run_last
    if first >= 0:
        yield first, end
