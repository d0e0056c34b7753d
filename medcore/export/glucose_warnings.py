"""The warnings that a report's forecast would have given, each with what came of it, counted as the task's evaluation counts them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from medcore.export import glucose_words as words
from medcore.signals import glucose_warning
from medcore.types import Forecast, Report, Trace

LABELS = ("low_30", "low_60")  # in the order of `Forecast.p_low`
HORIZONS_MIN = (30.0, 60.0)
_COVERED = 2.5  # intervals between two readings, above which nobody can tell that no low came


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """One warning: raised at reading number `origin`, `moment` of the wearer's clock, with `probability`; it stands for its horizon.

    `lead_min` is how long before the first reading below 70 mg/dL; None where none came within the horizon. `known` is False where the
    readings after it do not cover the horizon, so that nobody can tell.
    """

    label: str
    moment: datetime
    origin: int
    probability: float
    lead_min: float | None
    known: bool


def raised(trace: Trace, forecast: Forecast, label: str, threshold: float) -> tuple[Warned, ...]:
    """The warnings of `label` ("low_30" or "low_60") at `threshold`, in order of time; `medcore.signals.glucose_warning` says what one is.

    Raises:
        ValueError: no such label.
    """
    column = LABELS.index(label)
    minutes, level = trace.minutes.astype(np.float64), trace.glucose.astype(np.float64)
    origins, chance = forecast.origins.astype(np.int64), forecast.p_low[:, column].astype(np.float64)
    horizon = HORIZONS_MIN[column]
    at = glucose_warning.warnings(minutes[origins], level[origins], chance, threshold, horizon)
    right = glucose_warning.right(minutes, level, origins[at], horizon)
    return tuple(
        _warned(trace, label, int(origins[row]), float(chance[row]), horizon, bool(came)) for row, came in zip(at, right, strict=True)
    )


def _warned(trace: Trace, label: str, origin: int, chance: float, horizon: float, came: bool) -> Warned:
    minutes = trace.minutes.astype(np.float64)
    lead = None
    if came:
        low = np.flatnonzero((minutes > minutes[origin]) & (trace.glucose.astype(np.float64) < glucose_warning.LOW))
        lead = float(minutes[low[0]] - minutes[origin])
    moment = words.clock(float(trace.clock_s[origin]))
    known = came or _covers(minutes, origin, horizon, trace.interval_min)
    return Warned(label=label, moment=moment, origin=origin, probability=chance, lead_min=lead, known=known)


def _covers(minutes: NDArray[np.float64], origin: int, horizon: float, interval: float) -> bool:
    """Whether readings follow all the way to the horizon."""
    start, end = minutes[origin], minutes[origin] + horizon
    inside = minutes[(minutes > start) & (minutes <= end)]
    return bool(np.diff(np.concatenate([[start], inside, [end]])).max() <= _COVERED * interval)


def of_report(trace: Trace, report: Report) -> tuple[Warned, ...]:
    """The warnings of both horizons at the operating points of the report's own findings, first by label and then by time."""
    forecast = report.glucose.forecast if report.glucose is not None else None
    if forecast is None:
        return ()
    thresholds = {one.label.name: one.label.threshold for one in report.findings}
    return tuple(one for label in LABELS if label in thresholds for one in raised(trace, forecast, label, thresholds[label]))


def counted(warned: Sequence[Warned], label: str) -> tuple[int, int, int]:
    """How many warnings of `label` there were, how many a low reading followed, and how many cannot be told."""
    own = [one for one in warned if one.label == label]
    return len(own), sum(one.lead_min is not None for one in own), sum(not one.known for one in own)
