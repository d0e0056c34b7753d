"""From the wearer's clock to elapsed time: files that run backwards, and the hour that comes twice in autumn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_HOUR = 3600.0
_SLACK = 1.6  # intervals: a jump back that leaves no more than this between two readings once the hour is added is the clock's
_DEFAULT_S = 300.0
_WHOLE = 0.6  # of the readings of an hour must be there, before the clock was put back and after it
_LEAST_CHANGE = 600.0  # a sensor's own count drifts by seconds; people change clocks by quarters of an hour
_QUARTER = 900.0
_MOST_CHANGE = 14 * _HOUR
_UNEVEN = 180.0  # seconds between two readings that clock and count may disagree by
_SAME = 1e-6  # mg/dL


def elapsed(clock_s: Floats, glucose: Floats) -> tuple[Floats, int]:
    """Seconds on a clock that was never changed, (N,) as `clock_s` in the order of the file, and how often the clock was put back an hour.

    Only a wall clock is known. Where readings go on evenly but an hour earlier, and are not the same ones again, the clock was put back:
    everything after that is an hour later than it says. A clock put forward leaves a gap of an hour, as a pause would, and stays one.
    """
    order = np.arange(len(clock_s))
    steps = np.diff(clock_s)
    if (steps < 0).sum() > (steps > 0).sum():
        order = order[::-1]  # the newest reading comes first
    told = clock_s[order]
    steps = np.diff(told)
    usual = _usual(steps)
    after = steps + _HOUR
    jumps = np.flatnonzero((steps < 0) & (after > 0) & (after <= _SLACK * usual)) + 1
    breaks = np.append(np.flatnonzero(steps < 0) + 1, len(told))
    shift, changes = np.zeros(len(told)), 0
    for place in jumps.tolist():
        last = told[place - 1]
        end = int(breaks[np.searchsorted(breaks, place, side="right")])
        if not _twice(told, glucose[order], place, end, usual):
            continue
        changes += 1
        later = told > last
        later[place:end] = True
        shift += _HOUR * later
    found = np.empty(len(told))
    found[order] = told + shift
    return found, changes


def by_ticks(clock_s: Floats, ticks_s: Floats, sensors: Sequence[str]) -> Floats | None:
    """As `elapsed`, where each sensor also counts its own seconds: a clock changed either way, at home or by travel, shows against them.

    What one sensor says of the clock is carried on to the next one, whose count starts anew. None where the counts are no clock.
    """
    found = np.empty(len(clock_s))
    own = np.array(sensors) if len(sensors) else np.full(len(clock_s), "")
    ahead = 0.0
    for name in sorted(set(own.tolist()), key=lambda name: float(clock_s[own == name].min())):
        mine = np.flatnonzero(own == name)
        mine = mine[np.argsort(ticks_s[mine], kind="stable")]
        drift = np.diff(clock_s[mine] - ticks_s[mine], prepend=(clock_s[mine] - ticks_s[mine])[:1])
        change = np.where(np.abs(drift) >= _LEAST_CHANGE, np.rint(drift / _QUARTER) * _QUARTER, 0.0)
        if float(np.abs(drift - change).max()) > _UNEVEN or float(np.abs(change).max()) > _MOST_CHANGE:
            return None
        ahead_of_it = ahead + np.cumsum(change)
        found[mine] = clock_s[mine] - ahead_of_it
        ahead = float(ahead_of_it[-1])
    return found


def _usual(steps: Floats) -> float:
    near = steps[(steps > 0) & (steps <= _HOUR)]
    return float(np.median(near)) if len(near) else _DEFAULT_S


def _twice(told: Floats, glucose: Floats, place: int, end: int, usual: float) -> bool:
    """Whether the hour before `place` comes again after it with readings of its own: no gap filled later, nor the same readings again."""
    last = told[place - 1]
    before = np.flatnonzero((told[:place] > last - _HOUR) & (told[:place] <= last))
    hour = np.arange(place, end)[told[place:end] <= last]
    if min(len(before), len(hour)) < max(_WHOLE * _HOUR / usual, 2):
        return False
    both, mine, theirs = np.intersect1d(told[hour], told[before], return_indices=True)
    return not len(both) or bool((np.abs(glucose[hour[mine]] - glucose[before[theirs]]) < _SAME).mean() <= 0.5)
