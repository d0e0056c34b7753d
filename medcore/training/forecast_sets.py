"""Sensor traces to examples of a forecast: cleaned, thinned to slower sensors, with what came after each moment, split by subject."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medcore.errors import BadManifest
from medcore.tables import open_table
from medcore.tasks.traces import of_table
from medcore.tasks.windows import TOLERANCE, Windows, ahead, lows, windows
from medcore.types import Trace

log = logging.getLogger(__name__)
Floats32 = NDArray[np.float32]
Ints = NDArray[np.int64]
COLUMNS = ("subject", "time", "glucose_mg_dl")
EVENT_COLUMNS = ("subject", "time", "kind", "value", "unit")
UNREST = 20.0  # mg/dL in five minutes, on the mean: more is two sources in turn (subject 2304 of T1D-UOM: 65, all others below 12)
THINNED = ((3, (0, 1, 2)), (2, (0,)))  # of a 5-minute sensor: every third reading from each start, every second from the first


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One person's trace, of the set that the file's name names."""

    set: str
    name: str
    trace: Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """N moments: what was seen, glucose then (N,), what came (N, H) mg/dL and whether a low did (N, 2), NaN unknown.

    `subject` (N,) numbers subjects; `step` (N,) 1 as recorded, else every so-many-th reading was kept; `start` (N,) of which phase.
    """

    seen: Windows
    now: Floats32
    came: Floats32
    low: Floats32
    subject: Ints
    step: Ints
    start: Ints

    def rows(self, index: Ints) -> Examples:
        """The moments that `index` names."""
        return Examples(
            seen=self.seen.rows(index), now=self.now[index], came=self.came[index], low=self.low[index], subject=self.subject[index],
            step=self.step[index], start=self.start[index],
        )  # fmt: skip


def load(data: Path) -> list[Subject]:
    """Every subject of every table of readings in `data`; NAME_events.csv holds the meals and insulin of NAME.csv.

    Raises:
        BadManifest: there is no table of readings, or one lacks a column.
    """
    files = [path for path in sorted(data.glob("*.csv")) if not path.stem.endswith("_events")]
    if not files:
        raise BadManifest("The folder holds no table of readings (subject, time, glucose_mg_dl).")
    found = []
    for path in files:
        beside = path.with_name(f"{path.stem}_events.csv")
        events = open_table(beside, EVENT_COLUMNS).rows if beside.is_file() else ()
        for one in of_table(open_table(path, COLUMNS).rows, events):
            if (moved := _unrest(one.trace)) > UNREST:
                log.warning("a subject of %s is left out: it moves by %.0f mg/dL in five minutes", path.stem, moved)
            else:
                found.append(Subject(set=path.stem, name=one.subject, trace=one.trace))
    return found


def _unrest(trace: Trace) -> float:
    """How far it moves in five minutes, on the mean, between readings at most six minutes apart; 0 where there are none."""
    step = np.diff(trace.minutes)
    near = step <= 6
    return float(np.abs(np.diff(trace.glucose))[near].sum() / step[near].sum() * 5) if near.any() else 0.0


def thinned(trace: Trace, every: int, start: int) -> tuple[Trace, Ints]:
    """The same wearer with a slower sensor, and the numbers of the readings kept."""
    kept = np.arange(start, len(trace.minutes), every)
    first = trace.minutes[kept[0]]
    slow = replace(
        trace, minutes=trace.minutes[kept] - first, clock_s=trace.clock_s[kept], glucose=trace.glucose[kept], beyond=trace.beyond[kept],
        event_minutes=trace.event_minutes - first, interval_min=trace.interval_min * every,
    )  # fmt: skip
    return slow, kept


def examples(subjects: Sequence[Subject], horizons: Sequence[float]) -> Examples:
    """Every moment of every subject, as recorded and, of 5-minute sensors, thinned; what came is taken from the whole trace."""
    parts = []
    for number, one in enumerate(subjects):
        variants = [(one.trace, np.arange(len(one.trace.minutes)), 1, 0)]
        if one.trace.interval_min == 5.0 and len(one.trace.minutes) > 10:
            variants += [(*thinned(one.trace, every, start), every, start) for every, starts in THINNED for start in starts]
        parts += [_examples(number, one.trace, *variant, horizons) for variant in variants]
    return _joined(parts)


def _examples(number: int, whole: Trace, trace: Trace, kept: Ints, step: int, start: int, horizons: Sequence[float]) -> Examples:
    came = [ahead(whole, kept, horizon, TOLERANCE) for horizon in horizons]
    count = len(kept)
    return Examples(
        seen=windows(trace, np.arange(count)).halved(),
        now=whole.glucose[kept].astype(np.float32),
        came=np.stack([np.where(index >= 0, whole.glucose[index], np.nan) for index in came], axis=1).astype(np.float32),
        low=np.stack([lows(whole, kept, within) for within in (30.0, 60.0)], axis=1),
        subject=np.full(count, number, np.int64),
        step=np.full(count, step, np.int64),
        start=np.full(count, start, np.int64),
    )


def _joined(parts: Sequence[Examples]) -> Examples:
    seen = Windows(**{name: np.concatenate([getattr(one.seen, name) for one in parts]) for name in ("near", "far", "now")})
    arrays = {name: np.concatenate([getattr(one, name) for one in parts]) for name in ("now", "came", "low", "subject", "step", "start")}
    return Examples(seen=seen, **arrays)


def folds(subjects: Sequence[Subject], count: int, seed: int) -> Ints:
    """The fold of each subject: dealt out within each set and kind of sensor, so that every fold has some of each."""
    rng = np.random.default_rng(seed)
    fold = np.zeros(len(subjects), np.int64)
    kinds = [(one.set, one.trace.interval_min) for one in subjects]
    for turn, kind in enumerate(dict.fromkeys(kinds)):
        own = [number for number, each in enumerate(kinds) if each == kind]
        for place, number in enumerate(rng.permutation(np.array(own))):
            fold[number] = place % count if turn % 2 == 0 else count - 1 - place % count
    return fold
