"""Made-up glucose for tests of the forecast."""

from __future__ import annotations

import numpy as np

from medcore.types import EVENTS, Patient, Study, Trace


def trace(count=600, interval=5.0, seed=0, events=(), gaps=()):
    """Waves about 140 mg/dL, of no regular length, as smooth as a sensor's.

    `events` are (minute, kind, value); `gaps` are (first, last) numbers of lost readings.
    """
    rng = np.random.default_rng(seed)
    minutes = interval * np.arange(count)
    push = np.convolve(rng.normal(0, 1, count + 24), np.hanning(25)[1:], "valid")[:count]  # two hours long, as of meals
    level = 140 + 35 * np.sin(minutes / 170 + np.cumsum(push) / 200) + 6 * push + rng.normal(0, 0.7, count)
    kept = np.ones(count, bool)
    for first, last in gaps:
        kept[first:last] = False
    events = sorted(events)
    return Trace(
        minutes=minutes[kept] - minutes[kept][0],
        clock_s=60 * minutes[kept] + 8 * 3600,
        glucose=level[kept].astype(np.float32),
        beyond=np.zeros(int(kept.sum()), np.int16),
        event_minutes=np.array([one[0] for one in events], np.float64),
        event_kind=np.array([EVENTS.index(one[1]) for one in events], np.uint8),
        event_value=np.array([one[2] for one in events], np.float32),
        interval_min=interval,
        unit="mg/dL",
    )


def study(one):
    return Study(study_uid=None, patient=Patient(), series=(), sources=(), traces=(one,))


def cut(one, count):
    """`one` as it was when reading number `count` - 1 had just come: nothing later is there."""
    now = one.minutes[count - 1]
    before = one.event_minutes <= now
    return Trace(
        minutes=one.minutes[:count], clock_s=one.clock_s[:count], glucose=one.glucose[:count], beyond=one.beyond[:count],
        event_minutes=one.event_minutes[before], event_kind=one.event_kind[before], event_value=one.event_value[before],
        interval_min=one.interval_min, unit=one.unit,
    )  # fmt: skip
