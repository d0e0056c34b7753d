"""Warnings of a low, and what they were worth: counted by event, as a wearer meets them. NumPy only.

A warning is raised where its probability reaches the threshold while glucose is not low yet, and stands for its horizon; no second one
is raised meanwhile. It was right if a reading below 70 mg/dL came within that time. A low begins with a reading below 70 after half an
hour without one, and was foreseen if a warning stood when it began.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LOW = 70.0  # mg/dL
APART = 30.0  # minutes without a low reading before a new low begins
JOINED = 30.0  # minutes: a longer gap between two readings is time in which nobody could warn


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Of one trace or several: how many lows, how many of them foreseen, minutes between warning and low, warnings, false ones, days."""

    lows: int
    foreseen: int
    lead_min: tuple[float, ...]
    warnings: int
    false: int
    days: float

    @property
    def sensitivity(self) -> float:
        """The share of lows that a warning stood before; NaN without any."""
        return self.foreseen / self.lows if self.lows else float("nan")

    @property
    def false_a_day(self) -> float:
        """False warnings in 24 hours of readings."""
        return self.false / self.days if self.days else float("nan")

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            lows=self.lows + other.lows, foreseen=self.foreseen + other.foreseen, lead_min=self.lead_min + other.lead_min,
            warnings=self.warnings + other.warnings, false=self.false + other.false, days=self.days + other.days,
        )  # fmt: skip


def onsets(minutes: Floats, glucose: Floats) -> Ints:
    """The readings with which lows begin; one that follows a gap is none, since nobody could have foreseen it."""
    low = np.flatnonzero(glucose < LOW)
    if not len(low):
        return low
    fresh = np.concatenate([[True], np.diff(minutes[low]) > APART])
    starts = low[fresh]
    starts = starts[starts > 0]
    foreseeable: Ints = starts[minutes[starts] - minutes[starts - 1] <= JOINED]
    return foreseeable


def warnings(minutes: Floats, glucose: Floats, probability: Floats, threshold: float, horizon: float) -> Ints:
    """The readings at which a warning is raised."""
    raised = []
    until = -np.inf
    for k in np.flatnonzero((probability >= threshold) & (glucose >= LOW)):
        if minutes[k] >= until:
            raised.append(int(k))
            until = minutes[k] + horizon
    return np.array(raised, np.int64)


def right(minutes: Floats, glucose: Floats, raised: Ints, horizon: float) -> NDArray[np.bool_]:
    """Which of the warnings a low followed within `horizon` minutes."""
    low = minutes[glucose < LOW]
    after = np.searchsorted(low, minutes[raised], side="right")
    came = low[np.minimum(after, len(low) - 1)] if len(low) else np.full(len(raised), np.inf)
    return (after < len(low)) & (came <= minutes[raised] + horizon + 1e-6)


def tally(minutes: Floats, glucose: Floats, probability: Floats, threshold: float, horizon: float) -> Tally:
    """What warnings at `threshold` were worth on one trace."""
    raised = warnings(minutes, glucose, probability, threshold, horizon)
    begun = minutes[onsets(minutes, glucose)]
    times = minutes[raised]
    last = np.searchsorted(times, begun) - 1  # the latest warning before each low
    lead = begun - times[np.maximum(last, 0)] if len(times) else np.full(len(begun), np.inf)
    stood = (last >= 0) & (lead <= horizon + 1e-6)
    step = np.diff(minutes)
    return Tally(
        lows=len(begun), foreseen=int(stood.sum()), lead_min=tuple(lead[stood].tolist()), warnings=len(raised),
        false=int((~right(minutes, glucose, raised, horizon)).sum()), days=float(step[step <= JOINED].sum()) / 1440.0,
    )  # fmt: skip
