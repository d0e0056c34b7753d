"""Time in a sensor's trace: what stretch each reading stands for, which day it is of, and the trace at even steps.

A sensor that reads at its own interval gives readings of equal weight, and every share of time is the share of readings that the consensus
asks for (Danne 2017, doi 10.2337/dc17-1600). Where readings of several spacings are mixed (scans between the stored readings of an
intermittently scanned sensor, two sensors at once), a reading stands for half the way to its neighbours, no more than the sensor's
interval each: who scans when low is not low for longer because of it. Jitter of the clock is no mixture.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from medcore.errors import InputRejected
from medcore.types import Trace

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

DAY_S, HOUR_S = 86400.0, 3600.0
DAY_MIN = 1440.0
BRIDGE_MIN = 45.0  # no straight line is drawn over a longer gap (iglu's inter_gap)
_JITTER = 0.75  # a step of at least this share of the interval is the interval


def cut(trace: Trace, first: date, last: date) -> Trace:
    """The readings and events of the days `first` to `last` of the wearer's clock, both included; minutes count from the first of them.

    Raises:
        InputRejected: no reading lies on these days.
    """
    inside = _between(trace.clock_s, first, last)
    if not inside.any():
        raise InputRejected("There is no glucose reading on the days that were chosen.")
    start = float(trace.minutes[inside][0])
    eaten = _between(event_clock(trace), first, last)
    return replace(
        trace,
        minutes=trace.minutes.astype(np.float64)[inside] - start,
        **{name: getattr(trace, name)[inside] for name in ("clock_s", "glucose", "beyond")},
        event_minutes=trace.event_minutes.astype(np.float64)[eaten] - start,
        **{name: getattr(trace, name)[eaten] for name in ("event_kind", "event_value")},
    )


def recent(trace: Trace, days: int = 14) -> Trace:
    """The last `days` days of the calendar up to the last reading, as an AGP report takes them; the whole trace where it is shorter."""
    numbers = day_numbers(trace)
    last = int(numbers.max())
    return trace if numbers.min() > last - days else cut(trace, _date(last - days + 1), _date(last))


def days(trace: Trace) -> tuple[date, ...]:
    """The days of the wearer's clock that have a reading, in order."""
    return tuple(_date(int(number)) for number in np.unique(day_numbers(trace)))


def day_numbers(trace: Trace) -> Ints:
    """(N,) days of the wearer's clock since 1970-01-01."""
    return np.floor_divide(trace.clock_s.astype(np.float64), DAY_S).astype(np.int64)


def date_of(number: int) -> date:
    """The day of a number of `day_numbers`."""
    return _date(number)


def hours_of_day(trace: Trace) -> Floats:
    """(N,) hours since midnight of the wearer's clock."""
    return np.mod(trace.clock_s.astype(np.float64), DAY_S) / HOUR_S


def event_clock(trace: Trace) -> Floats:
    """(E,) the wearer's clock at each event, in s: that of the last reading before it, and the time since."""
    minutes, at = trace.minutes.astype(np.float64), trace.event_minutes.astype(np.float64)
    before = np.clip(np.searchsorted(minutes, at, side="right") - 1, 0, len(minutes) - 1)
    return np.asarray(trace.clock_s.astype(np.float64)[before] + (at - minutes[before]) * 60)


def weights(trace: Trace) -> Floats:
    """(N,) intervals of the sensor that each reading stands for: 1, less where readings are denser than the sensor's own."""
    steps = np.diff(trace.minutes.astype(np.float64)) / trace.interval_min
    steps = np.where(steps >= _JITTER, 1.0, steps)
    return np.asarray((np.r_[1.0, steps] + np.r_[steps, 1.0]) / 2)


def even(times: Floats, values: Floats, at: Floats, bridge: float = BRIDGE_MIN) -> Floats:
    """`values` at the times `at` on straight lines between readings, NaN outside and inside gaps above `bridge`; all times in minutes."""
    out = np.interp(at, times, values, left=np.nan, right=np.nan)
    long = np.flatnonzero(np.diff(times) > bridge)
    first = np.searchsorted(at, times[long], side="right")
    stop = np.searchsorted(at, times[long + 1], side="left")
    edges = np.zeros(len(at) + 1, np.int64)
    np.add.at(edges, first, 1)
    np.add.at(edges, stop, -1)
    out[np.cumsum(edges[:-1]) > 0] = np.nan
    return np.asarray(out)


def steps(times: Floats, interval_min: float, bridge: float = BRIDGE_MIN) -> Floats:
    """Whole multiples of the interval that `times` span, none inside gaps above `bridge`: years without readings take no memory."""
    breaks = np.flatnonzero(np.diff(times) > bridge)
    first = np.ceil(times[np.r_[0, breaks + 1]] / interval_min)
    count = np.maximum(np.floor(times[np.r_[breaks, len(times) - 1]] / interval_min) - first + 1, 0).astype(np.int64)
    place = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return np.asarray((np.repeat(first, count) + place) * interval_min)


def clock_minutes(trace: Trace) -> tuple[Floats, Floats]:
    """The wearer's clock in minutes since the first midnight, ascending, and the glucose at it; an hour that came twice is averaged."""
    clock = trace.clock_s.astype(np.float64)
    at = (clock - np.floor(clock.min() / DAY_S) * DAY_S) / 60
    glucose = trace.glucose.astype(np.float64)
    if (np.diff(at) > 0).all():
        return at, glucose
    unique, place = np.unique(at, return_inverse=True)
    return unique, np.bincount(place, glucose) / np.bincount(place)


def elapsed_minutes(trace: Trace) -> tuple[Floats, Floats]:
    """Elapsed minutes since the midnight before the first reading, and the glucose at them: what no change of the clock bends."""
    offset = float(np.mod(trace.clock_s[0], DAY_S)) / 60
    return trace.minutes.astype(np.float64) - float(trace.minutes[0]) + offset, trace.glucose.astype(np.float64)


def _between(clock: NDArray[np.generic], first: date, last: date) -> Bools:
    number = np.floor_divide(clock.astype(np.float64), DAY_S)
    return np.asarray((number >= _number(first)) & (number <= _number(last)))


def _number(day: date) -> int:
    return day.toordinal() - date(1970, 1, 1).toordinal()


def _date(number: int) -> date:
    return date.fromordinal(number + date(1970, 1, 1).toordinal())
