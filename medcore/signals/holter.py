"""A long recording in summary, by formula: the trend of each minute, and the events worth a strip, worst first.

Limits and their sources: reference/ecg_holter.toml. An interval between two beats counts only if every second it touches can be read:
what hides behind noise is neither a pause nor a rate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medcore.signals import limits
from medcore.types import BEATS, Event, Holter, Measurement

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

AF_WINDOW_S = 30.0  # one answer about atrial fibrillation
WORST = ("ventricular_run", "pause", "af", "bradycardia", "tachycardia", "ectopy", "unreadable")  # in which order events are shown
_MINUTE_S, _HOUR_S = 60.0, 3600.0
_V = BEATS.index("V")
_limit = partial(limits.value, "ecg_holter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What was found in a long recording.

    `beats` (M,) seconds, ascending; `kinds` (M,) numbers of BEATS; `readable` (S,) whether each second can be read;
    `af` (W,) whether each window of AF_WINDOW_S is atrial fibrillation: 1, 0, NaN where nobody knows.
    """

    beats: Floats
    kinds: NDArray[Any]
    readable: Bools
    af: Floats
    seconds: float

    @property
    def rr(self) -> Floats:
        """(M - 1,) seconds between beats, NaN across what cannot be read."""
        lost = np.r_[0, np.cumsum(~self.readable)]
        first = np.clip(self.beats[:-1].astype(np.int64), 0, len(self.readable) - 1)
        last = np.clip(self.beats[1:].astype(np.int64), 0, len(self.readable) - 1)
        return np.where(lost[last + 1] == lost[first], np.diff(self.beats), np.nan)


def summary(day: Day) -> Holter:
    """Trend and events."""
    minutes = max(int(np.ceil(day.seconds / _MINUTE_S)), 1)
    analysable = _shares(day.readable, np.arange(len(day.readable)), minutes)
    unknown = analysable < _limit("minute")
    mean, least, most = (np.where(unknown, np.nan, rate).astype(np.float32) for rate in _rates(day, minutes))
    ectopic = np.bincount(_minute(day.beats[day.kinds == _V], minutes), minlength=minutes)
    return Holter(
        rate_mean=mean,
        rate_min=least,
        rate_max=most,
        af_share=_shares(day.af, np.arange(len(day.af)) * AF_WINDOW_S, minutes),
        ectopic=ectopic.astype(np.int32),
        analysable=analysable,
        events=tuple(events(day)),
    )


def measurements(day: Day) -> tuple[Measurement, ...]:
    """What a Holter report states beside rate and RR: pauses, longest RR, burden of AF, ectopy an hour. What is unknown is left out."""
    rr = day.rr
    hours = day.readable.sum() / _HOUR_S
    out = []
    if np.isfinite(rr).any():
        out.append(Measurement(name="longest_rr", value=round(float(np.nanmax(rr)), 3), unit="s"))
        pauses = int((rr >= _limit("pause")).sum())
        out.append(Measurement(name="pauses", value=pauses, unit="1", citation=limits.limits("ecg_holter")["pause"].citation))
    known = np.isfinite(day.af)
    if known.any():
        out.append(Measurement(name="af_burden", value=round(float(day.af[known].mean()) * 100, 2), unit="%"))
    if hours > 0:
        out.append(Measurement(name="ventricular_per_hour", value=round(float((day.kinds == _V).sum() / hours), 2), unit="/h"))
        out.append(Measurement(name="ventricular_runs", value=sum(1 for _ in _ventricular_runs(day)), unit="1"))
    return tuple(out)


def events(day: Day) -> list[Event]:
    """Events of every kind, the worst of each first, at most so many of a kind."""
    found = {
        "ventricular_run": _ventricular_runs(day),
        "pause": _pauses(day),
        "af": _af(day),
        "bradycardia": _fast_or_slow(day, "bradycardia", -1),
        "tachycardia": _fast_or_slow(day, "tachycardia", 1),
        "ectopy": _ectopy(day),
        "unreadable": _unreadable(day),
    }
    most = int(_limit("events"))
    out: list[Event] = []
    for kind in WORST:
        sign = 1 if kind == "bradycardia" else -1  # the lowest rate is the worst
        out += sorted(found[kind], key=lambda event: (sign * event.value, event.start_s))[:most]
    return out


def _minute(times: Floats, minutes: int) -> Ints:
    return np.clip((times / _MINUTE_S).astype(np.int64), 0, minutes - 1)


def _shares(values: NDArray[Any], times: NDArray[Any], minutes: int) -> NDArray[np.float32]:
    """Mean of what is known in each minute, NaN where nothing is."""
    known = np.isfinite(values.astype(np.float64))
    at = _minute(times[known].astype(np.float64), minutes)
    count = np.bincount(at, minlength=minutes)
    total = np.bincount(at, values[known].astype(np.float64), minlength=minutes)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)


def _rates(day: Day, minutes: int) -> tuple[Floats, Floats, Floats]:
    """Mean rate of each minute, and the lowest and highest of its running medians, in bpm."""
    rr = day.rr
    mean, least, most = (np.full(minutes, np.nan) for _ in range(3))
    known = np.isfinite(rr)
    at = _minute(day.beats[1:][known], minutes)
    count, total = np.bincount(at, minlength=minutes), np.bincount(at, rr[known], minlength=minutes)
    mean[count > 0] = 60 * count[count > 0] / total[count > 0]
    running = _running(rr, 5)
    steady = np.isfinite(running)
    place = _minute(day.beats[1:][steady], minutes)
    np.fmin.at(least, place, 60 / running[steady])
    np.fmax.at(most, place, 60 / running[steady])
    return mean, np.fmin(least, mean), np.fmax(most, mean)


def _running(rr: Floats, width: int) -> Floats:
    """(M,) medians over `width` intervals around each; NaN where one of them is unknown."""
    out = np.full(len(rr), np.nan)
    if len(rr) >= width:
        out[width // 2 : len(rr) - (width - 1 - width // 2)] = np.median(np.lib.stride_tricks.sliding_window_view(rr, width), axis=1)
    return out


def _stretches(inside: Bools) -> Iterator[tuple[int, int]]:
    """(first, one past last) of each run of True."""
    edges = np.flatnonzero(np.diff(np.r_[False, inside, False]))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _pauses(day: Day) -> Iterator[Event]:
    rr = day.rr
    for k in np.flatnonzero(rr >= _limit("pause")):
        yield Event(kind="pause", start_s=float(day.beats[k]), end_s=float(day.beats[k + 1]), value=round(float(rr[k]), 2), unit="s")


def _af(day: Day) -> Iterator[Event]:
    for first, stop in _stretches(day.af == 1):
        start, end = first * AF_WINDOW_S, min(stop * AF_WINDOW_S, day.seconds)
        if end - start >= _limit("af_episode"):
            yield Event(kind="af", start_s=start, end_s=end, value=round(end - start, 1), unit="s")


def _fast_or_slow(day: Day, kind: str, sign: int) -> Iterator[Event]:
    """Stretches whose running rate is beyond the limit; `sign` 1 above it, -1 below. The value is the most extreme rate."""
    rate = 60 / _running(day.rr, int(_limit("rate_beats")))
    beyond = np.isfinite(rate) & (sign * rate > sign * _limit(kind))
    for first, stop in _stretches(beyond):
        start, end = float(day.beats[first]), float(day.beats[stop])
        if end - start >= _limit("rate_episode"):
            worst = float((rate[first:stop] * sign).max() * sign)
            yield Event(kind=kind, start_s=start, end_s=end, value=round(worst, 1), unit="bpm")


def _ventricular_runs(day: Day) -> Iterator[Event]:
    rr = day.rr
    for first, stop in _stretches(day.kinds == _V):
        if stop - first >= _limit("ventricular_run") and np.isfinite(rr[first : stop - 1]).all():
            start, end = float(day.beats[first]), float(day.beats[stop - 1])
            yield Event(kind="ventricular_run", start_s=start, end_s=end, value=float(stop - first), unit="beats")


def _ectopy(day: Day) -> Iterator[Event]:
    minutes = max(int(np.ceil(day.seconds / _MINUTE_S)), 1)
    count = np.bincount(_minute(day.beats[day.kinds == _V], minutes), minlength=minutes)
    for first, stop in _stretches(count >= _limit("ectopy")):
        yield Event(
            kind="ectopy",
            start_s=first * _MINUTE_S,
            end_s=min(stop * _MINUTE_S, day.seconds),
            value=float(count[first:stop].max()),
            unit="/min",
        )


def _unreadable(day: Day) -> Iterator[Event]:
    for first, stop in _stretches(~day.readable):
        if stop - first >= _limit("unreadable"):
            end = min(float(stop), day.seconds)
            yield Event(kind="unreadable", start_s=float(first), end_s=end, value=round(end - first, 1), unit="s")
