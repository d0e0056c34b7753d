"""MAGE, the mean amplitude of glycemic excursions above one SD (Service 1970, doi 10.2337/diab.19.9.644), by two moving averages.

After Fernandes 2022 (doi 10.1177/19322968211061165), as iglu does it: the trace at steps of 5 min, cut at gaps above three hours; where
averages over 5 and 32 steps cross, a peak or a nadir lies between; rises and falls between them that exceed the SD of the stretch count.
The value is the mean over the rises' and the falls' MAGE of every stretch, by its length.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from medcore.signals.glucose_time import Bools, Floats, Ints, elapsed_minutes, even, steps
from medcore.types import Trace

STEP_MIN = 5.0
SHORT, LONG = 5, 32  # steps of the two averages (Fernandes 2022)
GAP_MIN = 180.0  # a longer gap separates stretches
_LEAST = 7  # steps of a stretch
_LEAST_SD = 1.0  # mg/dL


def mage(trace: Trace) -> float:
    """MAGE in mg/dL; NaN where nothing exceeds one SD."""
    times, glucose = elapsed_minutes(trace)
    grid = steps(times, STEP_MIN, GAP_MIN)
    if not len(grid):
        return float("nan")
    values = even(times, glucose, grid)
    found = [(amplitude, len(stretch) - 1) for stretch in _stretches(grid, values) for amplitude in _amplitudes(stretch)]
    total = sum(length for _, length in found)
    return sum(amplitude * length for amplitude, length in found) / total if total else float("nan")


def _stretches(grid: Floats, values: Floats) -> Iterator[Floats]:
    """`values` from a known one to a known one, without a gap above GAP_MIN."""
    known = np.flatnonzero(np.isfinite(values))
    if not known.size:
        return
    breaks = np.flatnonzero(np.diff(grid[known]) > GAP_MIN)
    for first, last in zip(known[np.r_[0, breaks + 1]], known[np.r_[breaks, len(known) - 1]], strict=True):
        yield values[first : last + 1]


def _amplitudes(values: Floats) -> list[float]:
    """Mean amplitude of the rises and of the falls of one stretch, as far as there are any."""
    known = values[np.isfinite(values)]
    if len(values) < _LEAST or len(known) < 2 or known.std(ddof=1) < _LEAST_SD:
        return []
    turns = _turns(values)
    spread = float(known.std(ddof=1))
    both = (_rises(turns, spread), _rises([-turn for turn in turns], spread, falls=True))
    return [float(np.mean(heights)) for heights in both if heights]


def _rolling(values: Floats, width: int) -> Floats:
    """Mean of what is known of the last `width` values, the first ones as the first whole window; NaN where nothing is known."""
    known = np.isfinite(values)
    total = np.r_[0.0, np.cumsum(np.where(known, values, 0.0))]
    count = np.r_[0, np.cumsum(known)]
    stop = np.arange(1, len(values) + 1)
    start = np.maximum(stop - width, 0)
    number = count[stop] - count[start]
    out = np.where(number > 0, (total[stop] - total[start]) / np.maximum(number, 1), np.nan)
    out[: min(width, len(out))] = out[min(width, len(out)) - 1]
    return np.asarray(out)


def _crossings(values: Floats, difference: Floats) -> tuple[list[int], list[bool]]:
    """Where the averages cross, ends included, and whether a peak (True) or a nadir follows. Over a gap the sign before it counts."""
    difference = np.where(np.abs(difference) < 1e-9, np.nan, difference)
    has = np.isfinite(difference)
    pair = np.zeros(len(values), np.bool_)
    pair[1:] = has[1:] & has[:-1] & np.isfinite(values[1:]) & np.isfinite(values[:-1])
    cross = np.zeros(len(values), np.bool_)
    cross[1:] = pair[1:] & (difference[1:] * difference[:-1] < 0)
    at, peak = [0], [bool(difference[0] > 0)]
    for k in np.flatnonzero(cross | (has & ~pair)).tolist():
        before = difference[k - 1] if cross[k] else difference[at[-1]]
        if k > 0 and difference[k] * before < 0:
            at.append(k)
            peak.append(bool(difference[k] > before))
    return [*at, len(values) - 1], peak


def _turns(values: Floats) -> list[float]:
    """Peaks and nadirs in mg/dL, in order: the most extreme value from the last turn to the next crossing."""
    at, peaks = _crossings(values, _rolling(values, SHORT) - _rolling(values, LONG))
    start, out = at[0], []
    for stop, peak in zip(at[1:], peaks, strict=True):
        part = values[start : stop + 1]
        known: Bools = np.isfinite(part)
        if not known.any():
            continue
        place: Ints | np.intp = np.nanargmax(part) if peak else np.nanargmin(part)
        out.append(float(part[place]))
        start += int(place)
    return out


def _rises(turns: list[float], spread: float, falls: bool = False) -> list[float]:
    """Heights from nadir to peak above `spread`; a rise ends where a fall above `spread` follows it, or with the turns.

    After iglu: the next rise is looked for from the end of that fall on, the next fall from the nadir itself on.
    """
    heights: list[float] = []
    j = before = 0
    while j < len(turns):
        nadir = min(turns[before : j + 1])
        if turns[j] - nadir <= spread:
            j += 1
            continue
        for k in range(j, len(turns)):
            if turns[k] >= turns[j]:
                j = k
            if turns[j] - turns[k] > spread or k == len(turns) - 1:
                heights.append(turns[j] - nadir)
                before, j = (j if falls else k), k
                break
        if k == len(turns) - 1:
            break
    return heights
