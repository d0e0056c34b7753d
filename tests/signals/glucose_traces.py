"""Sensor traces with known properties, and series that are none; NumPy and medcore.types only, all seeded."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np

from medcore.types import EVENTS, Trace

MONDAY = datetime(2024, 3, 4)
_EPOCH = datetime(1970, 1, 1)


def trace(glucose, minutes=None, *, interval=5.0, start=MONDAY, beyond=None, events=(), clock_s=None, unit="mg/dL") -> Trace:
    """A trace of `glucose` at steps of `interval` from `start`; `events` are (minutes, kind, value)."""
    values = np.asarray(glucose, np.float32)
    minutes = np.arange(len(values)) * interval if minutes is None else np.asarray(minutes, np.float64)
    begun = (start - _EPOCH).total_seconds()
    return Trace(
        minutes=minutes - minutes[0],
        clock_s=begun + minutes * 60 if clock_s is None else np.asarray(clock_s, np.float64),
        glucose=values,
        beyond=np.zeros(len(values), np.int16) if beyond is None else np.asarray(beyond, np.int16),
        event_minutes=np.array([event[0] for event in events], np.float64),
        event_kind=np.array([EVENTS.index(event[1]) for event in events], np.uint8),
        event_value=np.array([event[2] for event in events], np.float32),
        interval_min=interval,
        unit=unit,
    )


def worn(seed: int, days: float = 14, interval: float = 5.0, mean: float = 150.0, spread: float = 40.0) -> np.ndarray:
    """(N,) whole mg/dL of a made-up wearer: three meals a day, a slow drift, the sensor's own wandering noise, limits 40 and 400."""
    rng = np.random.default_rng(seed)
    minutes = np.arange(round(days * 1440 / interval)) * interval
    drift = np.cumsum(rng.normal(0, 1, int(days * 24) + 2))
    drift -= np.linspace(0, drift[-1], len(drift))
    values = mean - spread / 2 + spread / 3 * np.interp(minutes / 60, np.arange(len(drift)), drift)
    for day in range(int(np.ceil(days))):
        for hour in (7.5, 12.5, 19.0):
            since = (minutes - (day * 24 + hour + rng.normal(0, 0.6)) * 60) / 60
            values += spread * rng.gamma(4, 0.4) * np.where(since > 0, since * np.exp(1 - np.maximum(since, 0) / 0.9) / 0.9, 0)
    noise = np.convolve(rng.normal(0, 1, len(minutes) + 20), np.ones(3) / 3, mode="same")[: len(minutes)]
    return np.clip(np.round(values + 3 * noise), 40, 400)


def ragged(seed: int, days: float = 14, interval: float = 5.0) -> Trace:
    """A worn trace with gaps of minutes to hours and a jitter of seconds."""
    rng = np.random.default_rng(seed)
    values = worn(seed, days, interval)
    keep = np.ones(len(values), np.bool_)
    for length in (2, 5, 8, 12, 40, 90):
        at = int(rng.integers(20, len(values) - 120))
        keep[at : at + length] = False
    minutes = np.arange(len(values)) * interval + np.round(rng.normal(0, 1, len(values))) / 60
    return trace(values[keep], minutes[keep], interval=interval)


def day(number: int) -> date:
    """Day `number` after MONDAY."""
    return date.fromordinal(MONDAY.toordinal() + number)


def foreign(kind: str, seed: int, days: float = 3, interval: float = 5.0) -> np.ndarray:
    """(N,) of something that is no glucose, as a table might hold it."""
    rng = np.random.default_rng(seed)
    n = round(days * 1440 / interval)
    hours = np.arange(n) * interval / 60
    asleep = np.cos(2 * np.pi * (hours - 4) / 24)
    match kind:
        case "constant":
            return np.full(n, float(rng.integers(60, 250)))
        case "nearly constant":
            return 120 + rng.normal(0, 0.8, n)
        case "shuffled":
            return rng.permutation(worn(seed, days, interval))
        case "noise":
            return rng.normal(150, 40, n).clip(40, 400)
        case "uniform":
            return rng.uniform(40, 400, n)
        case "sine":
            return 140 + 60 * np.sin(2 * np.pi * hours / rng.uniform(2, 8))
        case "square":
            return np.where(np.sin(2 * np.pi * hours / rng.uniform(2, 8)) > 0, 200.0, 90.0)
        case "sawtooth":
            return 80 + 100 * np.mod(hours / rng.uniform(2, 8), 1)
        case "ramp":
            return np.linspace(60, 300, n)
        case "steps":
            return rng.poisson(np.where(asleep > 0, 0.2, 120 * rng.random(n))).astype(float)
        case "temperature":
            return 36.8 - 0.4 * asleep + rng.normal(0, 0.1, n)
        case "temperature in F":
            return (36.8 - 0.4 * asleep + rng.normal(0, 0.1, n)) * 1.8 + 32
        case "oxygen saturation":
            return np.clip(np.round(96.5 + rng.normal(0, 1.2, n)), 88, 100)
        case "heart rate":  # a beat's rate each interval, not its mean: activity comes and goes within minutes
            busy = (rng.random(n) < 0.35) * rng.gamma(2, 14, n) * (asleep < 0.3)
            return np.round(66 - 8 * asleep + busy + rng.normal(0, 5, n))
        case "smooth heart rate":  # means of five minutes, as a watch exports them
            busy = np.convolve((rng.random(n) < 0.06) * rng.gamma(3, 25, n), np.exp(-np.arange(12) / 4), mode="full")[:n] * (asleep < 0.3)
            return np.round(66 - 8 * asleep + busy + np.convolve(rng.normal(0, 3, n), np.ones(3) / 3, mode="same"))
        case "random walk":
            walk = np.cumsum(rng.normal(0, 3, n))
            return np.clip(np.round(140 + walk - np.linspace(0, walk[-1], n)), 40, 400)
        case "ecg":
            return rng.normal(0, 0.3, n)
        case "clock":
            return 1.7e9 + hours * 3600
    raise KeyError(kind)


FOREIGN = (
    *("constant", "nearly constant", "shuffled", "noise", "uniform", "sine", "square", "sawtooth", "ramp", "steps", "temperature"),
    *("temperature in F", "oxygen saturation", "heart rate", "ecg", "clock"),
)

LOOKALIKE = ("smooth heart rate", "random walk")  # what a day of values alone does not tell from glucose

CASES = (
    *("worn 0 5", "worn 1 5", "worn 2 5", "ragged 3 5", "ragged 4 5", "ragged 5 5", "worn 6 15", "ragged 7 15", "worn 8 9"),
    *("worn 9 1", "low 10 5", "low 11 15"),
)


def case(name: str) -> Trace:
    """One of CASES, which iglu-python was asked about too: kind, seed, interval in min."""
    kind, seed, interval = name.split()
    step = float(interval)
    if kind == "ragged":
        return ragged(int(seed), interval=step)
    level = {"mean": 110.0, "spread": 60.0} if kind == "low" else {}
    return trace(worn(int(seed), 3 if step == 1 else 14, step, **level), interval=step)
