"""A forecast made personal as a trace goes on: what was wrong before corrects what is said next. NumPy only.

At every moment only errors are used that had come to light by then: those of forecasts whose time has come. Two things are learned of
the wearer. A linear correction of the middle: a recursive least squares fit whose prior says "none" (Ljung 1999, System Identification,
ch. 11). And how wide the band has to be: adaptive conformal inference (Gibbs and Candes 2021, arXiv 2106.00170), in which an end moves
out each time the truth falls beyond it, and else a little in, so that on any wearer and device the band holds its share in the long run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
_ENDS = tuple(
    (number, min(level, 1 - level)) for number, level in enumerate(LEVELS) if level != 0.5
)  # and the share that falls beyond each


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast a trace is learned from."""

    prior: float = 1500.0  # minutes of readings that the prior of no correction weighs
    window: float = 20160.0  # minutes whose errors count: two weeks
    gain: float = 0.02  # how far an end of the band moves a reading, in shares of its distance from the middle
    haste: float = 0.10  # the same at the start of a trace
    settled: float = 100.0  # readings after which the gain has come near its lasting size
    start: float = 0.08  # logarithm of the factor that a new wearer's band begins with: bands were learned on other wearers
    narrowest: float = -1.0  # logarithms of the least and most that a distance is stretched by
    widest: float = 1.5


def adapted(minutes: Floats, glucose: Floats, quantiles: Floats, observed: Floats, arrived: Floats, interval: Floats, pace: Pace) -> Floats:
    """(N, 5) quantiles of one horizon, at every reading of a trace in order, made personal.

    Args:
        minutes, glucose: (N,) of the readings at which was foreseen. quantiles: (N, 5) mg/dL as foreseen.
        observed: (N,) what came, NaN where nothing did. arrived: (N,) the minute at which that was known.
        interval: (N,) minutes, of the sensor.
    """
    known = np.searchsorted(np.maximum.accumulate(arrived), minutes, side="right")  # so many earlier forecasts have been seen through
    middle = quantiles[:, 2] + _correction(
        _features(minutes, glucose, quantiles[:, 2]), minutes, observed - quantiles[:, 2], known, interval, pace
    )
    return _widened(middle, quantiles, observed, known, pace)


def _features(minutes: Floats, glucose: Floats, foreseen: Floats) -> Floats:
    """(N, 6) what a correction may lean on: the foreseen change, the distance to the usual level, a constant, the last readings' slopes.

    The slopes are what sensors differ in: one that smooths its readings goes on as it went, one that does not turns back.
    """
    usual = np.cumsum(glucose) / np.arange(1, len(glucose) + 1)
    five, fifteen, thirty = (np.interp(minutes - ago, minutes, glucose) for ago in (5.0, 15.0, 30.0))
    return np.stack(
        [(foreseen - glucose) / 30.0, (glucose - usual) / 60.0, np.full(len(glucose), 0.5), (glucose - five) / 10.0,
         (glucose - fifteen) / 20.0, (fifteen - thirty) / 20.0],
        axis=1,
    )  # fmt: skip


def _correction(x: Floats, minutes: Floats, error: Floats, known: Ints, interval: Floats, pace: Pace) -> Floats:
    """What past errors, NaN where nothing came, say to add at each moment."""
    there = ~np.isnan(error)
    seen = np.where(there[:, None], x, 0.0)
    first = np.searchsorted(minutes, minutes - pace.window)
    squares = _sums(seen[:, :, None] * seen[:, None, :], first, known)
    products = _sums(seen * np.where(there, error, 0.0)[:, None], first, known)
    weight = np.linalg.solve(squares + (pace.prior / interval)[:, None, None] * np.eye(x.shape[1]), products[..., None])[..., 0]
    correction: Floats = np.einsum("nk,nk->n", x, weight)
    return correction


def _sums(values: Floats, first: Ints, end: Ints) -> Floats:
    """For each moment the sum over the forecasts from number `first` to before `end`."""
    total = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
    summed: Floats = total[np.maximum(end, first)] - total[first]
    return summed


def _widened(middle: Floats, quantiles: Floats, observed: Floats, known: Ints, pace: Pace) -> Floats:
    """The quantiles about the corrected middle, each end as far out as past errors ask.

    One error after another, in plain numbers: of each there are four, and NumPy would take ten times as long over them.
    """
    away = quantiles - quantiles[:, 2:3]
    shift, came = middle.tolist(), observed.tolist()
    factors = np.empty((len(shift), len(_ENDS)))
    for place, (number, share) in enumerate(_ENDS):
        factors[:, place] = _factors(shift, away[:, number].tolist(), came, known.tolist(), share, pace)
    out = middle[:, None] + away
    for place, (number, _) in enumerate(_ENDS):
        out[:, number] = middle + away[:, number] * factors[:, place]
    return np.sort(out, axis=1)


def _factors(
    middle: Sequence[float], away: Sequence[float], came: Sequence[float], known: Sequence[int], share: float, pace: Pace
) -> list[float]:
    """What one end's distance from the middle is multiplied by at each moment; `share` of what comes should fall beyond it."""
    stretch = pace.start  # the logarithm of the factor
    factors: list[float] = []
    done = counted = 0
    for seen in known:
        while done < seen:
            if came[done] == came[done]:  # not NaN
                gain = max(pace.gain, pace.haste / (1 + counted / pace.settled))
                error, end = came[done] - middle[done], away[done] * factors[done]
                beyond = error > end if away[done] > 0 else error < end
                stretch = min(max(stretch + gain * (beyond - share), pace.narrowest), pace.widest)
                counted += 1
            done += 1
        factors.append(math.exp(stretch))
    return factors
