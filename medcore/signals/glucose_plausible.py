"""Whether a trace can be glucose at all: a gate before any forecast. It says no only where that is safe, and never for being short.

Glucose in tissue fluid moves slowly, so that readings next to each other are alike: the ratio of von Neumann 1941 (doi
10.1214/aoms/1177731677), the mean squared step over twice the variance, is 1 where order is lost and near 0 for a sensor. It never stands
still for a day, never runs exactly as a formula does, and a sensor shows nothing below 39 mg/dL. Lines and what they were drawn from:
reference/glucose_plausible.toml; the measured shares: benchmarks/results/glucose_plausible.json.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from medcore.signals import limits
from medcore.signals.glucose_time import Bools, Floats
from medcore.types import Trace

CODES = ("not_glucose", "constant", "shuffled")
_limit = partial(limits.value, "glucose_plausible")


def plausible(trace: Trace) -> str | None:
    """One of CODES, or None where nothing speaks against it; a series below two hours is only asked for its range."""
    glucose = trace.glucose.astype(np.float64)
    if _out_of_range(glucose):
        return "not_glucose"
    if len(glucose) < _limit("readings"):
        return None
    if _stands_still(trace, glucose):
        return "constant"
    steps = _steps(trace, glucose)
    if _order_lost(glucose, steps):
        return "shuffled"
    return "not_glucose" if _too_regular(trace, glucose, steps) or _no_momentum(trace, steps) else None


def _out_of_range(glucose: Floats) -> bool:
    """Too many values that no sensor shows."""
    outside = (glucose < _limit("lowest")) | (glucose > _limit("highest")) | ~np.isfinite(glucose)
    return bool(outside.mean() > _limit("outside") or np.median(glucose) < _limit("sensor_lowest"))


def _stands_still(trace: Trace, glucose: Floats) -> bool:
    """Hours within a hair's breadth; a sensor at its own limit may stand longer."""
    hours = (float(trace.minutes[-1]) - float(trace.minutes[0]) + trace.interval_min) / 60
    at_limit = _at_limit(trace, glucose)
    if at_limit.mean() > 0.5:
        return bool(at_limit.all() and hours >= _limit("limit_hours"))
    if np.ptp(glucose) <= _limit("still_range"):
        return hours >= _limit("still_hours")
    return bool(hours >= _limit("quiet_hours") and glucose.std() < _limit("quiet_sd")) or _mostly_still(trace, glucose)


def _at_limit(trace: Trace, glucose: Floats) -> Bools:
    return np.asarray((trace.beyond != 0) | (glucose <= _limit("sensor_low")) | (glucose >= _limit("sensor_high")))


def _mostly_still(trace: Trace, glucose: Floats) -> bool:
    """Most of the readings in stretches of many hours of one value."""
    start = np.flatnonzero(np.r_[True, np.abs(np.diff(glucose)) > 0.5])
    count = np.diff(np.r_[start, len(glucose)])
    stuck = (count * trace.interval_min >= _limit("stuck_hours") * 60) & ~_at_limit(trace, glucose)[start]
    return bool(count[stuck].sum() > _limit("stuck_share") * len(glucose))


def _steps(trace: Trace, glucose: Floats) -> Floats:
    """Differences between readings that are about one interval apart."""
    apart = np.diff(trace.minutes.astype(np.float64)) / trace.interval_min
    return np.asarray(np.diff(glucose)[(apart > 0.5) & (apart < 1.5)])


def _order_lost(glucose: Floats, steps: Floats) -> bool:
    """Steps as large as between any two readings, and large ones, or each undoing the one before it as in noise."""
    if len(steps) < _limit("steps"):
        return False
    squared = float(np.square(steps).mean())
    if squared < _limit("rough_ratio") * 2 * glucose.var():
        return False
    return squared >= _limit("rough_step") ** 2 or _momentum(steps) <= _limit("undone")


def _momentum(steps: Floats) -> float:
    """Correlation of each step with the one before; 0 where nothing moves."""
    before, after = steps[:-1] - steps[:-1].mean(), steps[1:] - steps[1:].mean()
    size = float(np.sqrt(np.square(before).sum() * np.square(after).sum()))
    return float((before * after).sum()) / size if size > 0 else 0.0


def _no_momentum(trace: Trace, steps: Floats) -> bool:
    """Whether many steps of five minutes say nothing of the next: glucose that rises goes on rising, a random walk does not."""
    low, high = _limit("momentum_from"), _limit("momentum_to")
    return low <= trace.interval_min <= high and len(steps) >= _limit("momentum_steps") and _momentum(steps) < _limit("momentum")


def _too_regular(trace: Trace, glucose: Floats, steps: Floats) -> bool:
    """A handful of levels, or what follows from itself: a generator's square, sine, sawtooth or ramp."""
    if len(glucose) < _limit("regular_readings"):
        return False
    if len(np.unique(np.round(glucose))) <= _limit("levels") and not _at_limit(trace, glucose).any():
        return True
    return _predicted(steps) or _repeats(trace, glucose)


def _predicted(steps: Floats) -> bool:
    """Whether each step follows from the two before it, as in a ramp and a sine."""
    target, before = steps[2:], np.stack([steps[1:-1], steps[:-2]], axis=1)
    if len(target) < _limit("steps") or not steps.any():
        return False
    weights = np.linalg.lstsq(before, target, rcond=None)[0]
    left = float(np.square(target - before @ weights).sum())
    return left < _limit("predicted") ** 2 * float(np.square(target).sum())


def _repeats(trace: Trace, glucose: Floats) -> bool:
    """Whether the longest unbroken stretch is its own past, three times over and more: no two days of a person are the same."""
    breaks = np.flatnonzero(np.diff(trace.minutes.astype(np.float64)) > 1.5 * trace.interval_min)
    start, stop = np.r_[0, breaks + 1], np.r_[breaks + 1, len(glucose)]
    longest = int(np.argmax(stop - start))
    part = glucose[start[longest] : stop[longest]]
    if len(part) < _limit("regular_readings"):
        return False
    alike = _autocorrelation(part - part.mean())[: int(len(part) / _limit("periods")) + 1]
    fallen = np.flatnonzero(alike < 0.5)  # beyond the likeness of neighbours
    return bool(fallen.size) and float(alike[fallen[0] :].max()) > _limit("repeats")


def _autocorrelation(values: Floats) -> Floats:
    """(N,) correlation with itself at each lag, each over the stretch that overlaps."""
    n = len(values)
    power = np.square(np.abs(np.fft.rfft(values, 2 * n)))
    products = np.fft.irfft(power, 2 * n)[:n]
    sums = np.r_[0.0, np.cumsum(np.square(values))]
    lag = np.arange(n)
    return np.asarray(products / np.maximum(np.sqrt(sums[n - lag] * (sums[n] - sums[lag])), 1e-9))
