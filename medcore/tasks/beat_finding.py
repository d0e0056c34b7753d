"""From the beat finder's scores to beats: leads fused, peaks picked, kinds decided. For hours of signal, in blocks.

Each lead has a say by how decided its own scores are around the moment, so that a lead full of noise is outvoted by a quiet one. A beat
must reach a share of the height that beats usually have nearby; where one is missing in the rhythm, less will do (search-back, after Pan
and Tompkins 1985, doi 10.1109/TBME.1985.325532).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from medcore.signals.beat_shape import rr_features, shape_features
from medcore.tasks.beats import Floats, Model, Scores, Task, scores
from medcore.types import BEATS, Recording

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

BLOCK_S, MARGIN_S = 1800, 10  # of the recording at a time, and what is read beyond it so that nothing is lost at a seam
MOST_LEADS = 3  # that are read of a recording of many: more cost time and say little new of where beats are
LONG_S = 600.0  # recordings below this are read in all their leads
REFRACTORY_S = 0.2  # no heart beats again sooner
_SPREAD_S = 0.032  # how far the peaks of one beat lie apart in different leads
_LEAST, _FIRM = 0.12, 0.35  # a score that may be a beat; one that certainly tells how high beats are here
_SHARE, _BACK = 0.5, 0.3  # of the usual height: a beat, and a beat where one is missing
_MISSING = 1.5  # times the usual RR
_AROUND = 20  # beats on each side, of whose heights and RR the usual ones are the medians
_DECIDED_S, _POWER = 10.0, 8  # a lead's say is this power of how decided it is around here
VENTRICULAR, _OTHER = 0.5, 0.5  # shares that make a beat ventricular, or paced, fused or unknown
_BOUND_S = 0.15  # within which a complex begins and ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Beats of a recording (M,) in order: samples of the recording between samples too, bounds NaN where not seen; `score` 0..1;
    `kinds` (M, 3) the network's shares of BEATS; `shape` (M, 8) the most and least telling lead's shape features.
    """

    peak: NDArray[np.float64]
    onset: NDArray[np.float64]
    offset: NDArray[np.float64]
    score: Floats
    kinds: Floats
    shape: Floats

    def only(self, kept: Bools) -> Found:
        """The beats that `kept` names."""
        return Found(**{name: getattr(self, name)[kept] for name in self.__slots__})


def find(task: Task, model: Model, recording: Recording, leads: Sequence[int], tell: Callable[[float], None]) -> Found:
    """All beats that `leads` together show.

    Args:
        tell: called with 0..1; may raise Cancelled.
    """
    parts = []
    blocks = list(_blocks(recording))
    for number, (first, start, stop, last) in enumerate(blocks):
        piece = replace(
            recording, signal=recording.signal[list(leads), first:last], leads=tuple(recording.leads[k] for k in leads), lead_names=()
        )

        def within(share: float, number: int = number) -> None:
            tell((number + share) / len(blocks))

        found = _in_block(task, model, piece, within)
        peak = found.peak + first
        found = replace(found, peak=peak, onset=found.onset + first, offset=found.offset + first)
        parts.append(found.only((peak >= start) & (peak < stop)))
    tell(1.0)
    whole = Found(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in Found.__slots__})
    return whole.only(_apart(whole.peak, whole.score, REFRACTORY_S * recording.sampling_rate_hz))


def leads_of(recording: Recording, usable: Sequence[float]) -> list[int]:
    """The numbers of the leads to read: of a long recording the few whose `usable` share is largest, in their own order."""
    order = sorted(range(len(usable)), key=lambda k: (-usable[k], k))
    most = MOST_LEADS if recording.seconds > LONG_S else len(order)
    return sorted(order[:most])


def _blocks(recording: Recording) -> Iterator[tuple[int, int, int, int]]:
    """(first sample read, first and one past last that count, one past last read) of each block, at whole seconds."""
    rate, count = recording.sampling_rate_hz, recording.signal.shape[1]
    for start in range(0, max(int(np.ceil(recording.seconds)), 1), BLOCK_S):
        if round(start * rate) < count:
            bounds = (max(start - MARGIN_S, 0), start, start + BLOCK_S, start + BLOCK_S + MARGIN_S)
            first, begin, stop, last = (min(round(bound * rate), count) for bound in bounds)
            yield first, begin, stop, last


def _in_block(task: Task, model: Model, piece: Recording, tell: Callable[[float], None]) -> Found:
    """Beats of one block, in samples of it."""
    rate = task.RATE_HZ
    prepared = task.prepare(piece)
    said = []
    for number, lead in enumerate(prepared):

        def within(share: float, number: int = number) -> None:
            tell((number + share) / len(prepared))

        said.append(scores(model, lead, rate, within))
    height, place = fused(said, rate)
    at = picked(height, place, rate)
    weights = np.stack([_say(one.peak, rate)[at] for one in said])  # (L, M)
    weights /= np.maximum(weights.sum(axis=0), 1e-9)
    share = sum(w.mean() * one.share for w, one in zip(weights, said, strict=True)) if at.size else said[0].share
    bounds = bounds_of(np.asarray(share), at, rate)
    factor = piece.sampling_rate_hz / rate
    return Found(
        peak=at.astype(np.float64) * factor,
        onset=bounds[:, 0] * factor,
        offset=bounds[:, 1] * factor,
        score=height[at],
        kinds=_kinds(said, weights, at),
        shape=shape_of(prepared, weights, at, rate),
    )


def _kinds(said: Sequence[Scores], weights: Floats, at: Ints) -> Floats:
    """(M, 3) the leads' shares, each lead by its say; the middle of three samples, since a peak may be one off."""
    near = np.clip(at[:, None] + np.arange(-1, 2), 0, len(said[0].peak) - 1)
    return sum(
        (w[:, None] * one.kind[:, near].mean(axis=2).T for w, one in zip(weights, said, strict=True)), np.zeros((len(at), 3))
    ).astype(np.float32)


def shape_of(prepared: Floats, weights: Floats, at: Ints, rate_hz: float) -> Floats:
    """(M, 8): shape features (medcore.signals.beat_shape) of the mean of the leads by their say, and of the lead that differs most."""
    early = rr_features(at)[:, 0]
    each = np.stack([shape_features(lead, at, early, rate_hz) for lead in prepared])  # (L, M, 4)
    mean = (each * weights[:, :, None]).sum(axis=0)
    heard = np.where(weights > 0.5 / len(prepared), each[:, :, 0], np.inf)
    odd = np.take_along_axis(each, heard.argmin(axis=0)[None, :, None], axis=0)[0] if len(at) else mean
    return np.concatenate([mean, odd], axis=1).astype(np.float32)


def fused(said: Sequence[Scores], rate_hz: float) -> tuple[Floats, Floats]:
    """The leads' scores as one (N,): how much speaks for a beat, forgiving what leads differ in place; and where within that it peaks.

    A notched or broad complex has no one peak, but no less of a share, so both count.
    """
    says = np.stack([_say(one.peak, rate_hz) for one in said])
    says /= says.sum(axis=0)
    wide = 2 * round(_SPREAD_S * rate_hz) + 1
    narrow = wide // 4 * 2 + 1
    height, place = np.zeros_like(said[0].peak), np.zeros_like(said[0].peak)
    for say, one in zip(says, said, strict=True):
        steady = maximum_filter1d(uniform_filter1d(one.share, wide), narrow)
        height += say * (maximum_filter1d(one.peak, wide) + steady) / 2
        place += say * one.peak
    return height, place


def _say(peak: Floats, rate_hz: float) -> Floats:
    """(N,) how decided a lead is around each sample: the mean of its local peaks' scores, weighted by themselves, to a power."""
    span = int(_DECIDED_S * rate_hz)
    at = local_peaks(peak, 0.03, round(REFRACTORY_S * rate_hz))
    count = -(-len(peak) // span)
    square, plain = (np.bincount(at // span, peak[at] ** power, count) for power in (2, 1))
    decided = (square / np.maximum(plain, 1e-3)) ** _POWER + 1e-6
    return np.repeat(decided, span)[: len(peak)].astype(np.float32)


def local_peaks(score: Floats, least: float, apart: int) -> Ints:
    """Samples where (N,) has its largest value within `apart` on both sides, of at least `least`; of a plateau the first."""
    at = np.flatnonzero((score == maximum_filter1d(score, 2 * apart + 1)) & (score >= least))
    return at[np.r_[True, np.diff(at) > apart]] if at.size else at


def picked(height: Floats, place: Floats, rate_hz: float) -> Ints:
    """Samples of the beats in fused scores."""
    at = local_peaks((height + 0.01 * place).astype(np.float32), _LEAST, round(REFRACTORY_S * rate_hz))
    if not at.size:
        return at
    tall = height[at]
    usual = _usual(tall, at, tall >= _FIRM)
    sure = tall >= _SHARE * usual
    if sure.sum() > 2:
        rr = np.diff(at[sure]).astype(np.float64)
        cycle = _median(rr)
        for k in np.flatnonzero(rr > _MISSING * cycle):
            first, stop = at[sure][k] + 0.4 * cycle[k], at[sure][k + 1] - 0.4 * cycle[k]
            between = np.flatnonzero((at > first) & (at < stop) & (tall >= _BACK * usual))
            if between.size:
                sure[between[tall[between].argmax()]] = True
    return at[sure]


def _usual(tall: Floats, at: Ints, firm: Bools) -> Floats:
    """The usual height of a beat around each candidate: the running median of the firm ones."""
    if not firm.any():
        return np.full(len(tall), _FIRM / _SHARE, np.float32)
    return np.interp(at, at[firm], _median(tall[firm].astype(np.float64))).astype(np.float32)


def _median(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(M,) running median over _AROUND values on each side."""
    width = min(2 * _AROUND + 1, len(values) - (len(values) + 1) % 2)
    if width < 3:
        return np.full(len(values), float(np.median(values)))
    windows = np.median(np.lib.stride_tricks.sliding_window_view(values, width), axis=1)
    return np.pad(windows, width // 2, mode="edge")


def bounds_of(share: Floats, at: Ints, rate_hz: float) -> NDArray[np.float64]:
    """(M, 2) where the share (N,) around samples `at` (M,) falls below one half on both sides, between samples; NaN where it does not."""
    steps = np.arange(round(_BOUND_S * rate_hz) + 2)
    out = np.full((len(at), 2), np.nan)
    for side, way in enumerate((-1, 1)):
        values = share[np.clip(at[:, None] + way * steps, 0, len(share) - 1)].astype(np.float64)
        below = values < 0.5
        first = below.argmax(axis=1)
        rows = np.flatnonzero(below.any(axis=1) & (first > 0))
        inner, outer = values[rows, first[rows] - 1], values[rows, first[rows]]
        out[rows, side] = at[rows] + way * (first[rows] - 1 + (inner - 0.5) / (inner - outer))
    return out


def _apart(peak: NDArray[Any], score: Floats, least: float) -> Bools:
    """Of two beats closer than `least` the surer one."""
    kept = np.ones(len(peak), bool)
    for k in np.flatnonzero(np.diff(peak) < least):
        kept[k if score[k] < score[k + 1] else k + 1] = False
    return kept


def features(found: Found) -> Floats:
    """(M, 11) of each beat: log odds of the network's V, its share of ?, RR features, shape features. What `kinds` is decided on."""
    v = np.clip(found.kinds[:, BEATS.index("V")], 1e-3, 1 - 1e-3)
    rr = np.clip(rr_features(found.peak), 0, 3)
    shape = np.clip(found.shape, -2, 2)
    return np.concatenate([np.log(v / (1 - v))[:, None], rr, shape], axis=1).astype(np.float32)


def kinds(model: Model, found: Found) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """(M,) numbers of BEATS, and (M,) how likely each is ventricular."""
    return kinds_by(model.weight, model.bias, found)


def kinds_by(weight: NDArray[np.float64], bias: float, found: Found) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """The same by given odds. Paced is a rhythm more than a beat, so there its neighbours have a say."""
    if not len(found.peak):
        return np.empty(0, np.int8), np.empty(0)
    ventricular = 1 / (1 + np.exp(-(features(found).astype(np.float64) @ weight + bias)))
    other = found.kinds[:, BEATS.index("?")]
    steady = np.minimum(other, _median(other.astype(np.float64)))
    out = np.where(steady >= _OTHER, BEATS.index("?"), BEATS.index("N"))
    return np.where(ventricular >= VENTRICULAR, BEATS.index("V"), out).astype(np.int8), ventricular
