"""Beats that were not there, planted in beats that were: ventricular ones, early narrow ones, and beats that drop out.

Five recordings with ventricular beats teach five morphologies. A planted beat is a few smooth lobes, broad and with a discordant T wave,
as a beat that spreads from muscle to muscle is (Josephson's criteria as shapes); every draw is another one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float32]
Floats = NDArray[np.float64]
UNKNOWN = -1  # the kind of a beat that nobody named
_FEWEST = 4  # beats that a piece must have
_P_S, _T_S = 0.22, 0.40  # before and after its peak, what is taken away with a beat


@dataclass(frozen=True, slots=True, kw_only=True)
class Beats:
    """QRS complexes of one signal: samples (M,) in order, NaN where a bound is unknown; `kind` numbers types.BEATS or is UNKNOWN.

    `unclear` (K, 2): stretches where nobody knows whether there are beats.
    """

    peak: Floats
    onset: Floats
    offset: Floats
    kind: NDArray[np.int64]
    unclear: Floats

    def moved(self, by: float, factor: float, length: float) -> Beats:
        """Times shifted by `by`, then multiplied, and what then lies outside 0..length left out."""
        peak, onset, offset = ((times + by) * factor for times in (self.peak, self.onset, self.offset))
        kept = (peak >= 0) & (peak < length)
        return Beats(peak=peak[kept], onset=onset[kept], offset=offset[kept], kind=self.kind[kept], unclear=(self.unclear + by) * factor)


@dataclass(frozen=True, slots=True)
class _Shape:
    """One morphology: its samples, and where in them the complex begins, peaks and ends."""

    samples: Signal
    onset: int
    peak: int
    offset: int


def planted(signal: Signal, beats: Beats, rate_hz: float, draw: np.random.Generator) -> tuple[Signal, Beats]:
    """A copy of (N,) with one kind of irregularity planted at random, and its beats. Too few beats: as it was."""
    if len(beats.peak) < _FEWEST:
        return signal, beats
    signal = signal.copy()
    way = draw.choice(4, p=(0.5, 0.15, 0.2, 0.15))
    if way == 0:
        return _single(signal, beats, rate_hz, draw)
    if way == 1:
        return _run(signal, beats, rate_hz, draw)
    if way == 2:
        return _early(signal, beats, rate_hz, draw)
    gone = draw.choice(np.arange(1, len(beats.peak) - 1), size=int(draw.integers(1, 3)), replace=False)
    for k in gone:
        _erase(signal, beats, int(k), rate_hz)
    return signal, _without(beats, gone)


def _single(signal: Signal, beats: Beats, rate_hz: float, draw: np.random.Generator) -> tuple[Signal, Beats]:
    """Single ventricular beats, now and then or after every other beat; most are followed by a compensatory pause."""
    shape = _ventricular(signal, beats, rate_hz, draw)
    spacing = int(draw.integers(2, 4)) if draw.random() < 0.3 else 0
    places = (
        np.arange(0, len(beats.peak) - 2, spacing) if spacing else np.unique(draw.integers(0, len(beats.peak) - 2, draw.integers(1, 5)))
    )
    gone, new = [], []
    for k in places.tolist():
        cycle = beats.peak[k + 1] - beats.peak[k]
        at = beats.peak[k] + max(draw.uniform(0.45, 0.85) * cycle, 0.28 * rate_hz)
        room = beats.peak[k + 2] - at
        if room < 0.35 * rate_hz or k in gone:
            continue
        if cycle < 1.1 * rate_hz or draw.random() < 0.7:
            _erase(signal, beats, k + 1, rate_hz)
            gone.append(k + 1)
        elif beats.peak[k + 1] - at < 0.35 * rate_hz:
            continue
        new.append(_place(signal, shape, int(at)))
    return signal, _with(_without(beats, gone), new, 1)


def _run(signal: Signal, beats: Beats, rate_hz: float, draw: np.random.Generator) -> tuple[Signal, Beats]:
    """Two to ten ventricular beats one after another."""
    shape = _ventricular(signal, beats, rate_hz, draw)
    first = int(draw.integers(0, len(beats.peak) - 2))
    cycle = draw.uniform(0.28, 0.6) * rate_hz
    at = beats.peak[first] + max(draw.uniform(0.5, 0.9) * (beats.peak[first + 1] - beats.peak[first]), 0.3 * rate_hz)
    times = at + np.cumsum(np.r_[0.0, cycle * draw.uniform(0.93, 1.07, int(draw.integers(1, 10)))])
    times = times[times < len(signal) - 0.3 * rate_hz]
    if not times.size:
        return signal, beats
    gone = np.flatnonzero((beats.peak > beats.peak[first]) & (beats.peak < times[-1] + 0.5 * rate_hz))
    for k in gone.tolist():
        _erase(signal, beats, k, rate_hz)
    new = [_place(signal, shape, int(time), fresh=number == 0) for number, time in enumerate(times)]
    return signal, _with(_without(beats, gone), new, 1)


def _early(signal: Signal, beats: Beats, rate_hz: float, draw: np.random.Generator) -> tuple[Signal, Beats]:
    """Early beats of the patient's own shape, as from the atria."""
    before, after = int(0.1 * rate_hz), int(0.3 * rate_hz)
    source = beats.peak.astype(int)
    gone, new = [], []
    for k in np.unique(draw.integers(0, len(source) - 2, draw.integers(1, 4))).tolist():
        cycle = source[k + 1] - source[k]
        at = int(source[k] + max(draw.uniform(0.5, 0.85) * cycle, 0.3 * rate_hz))
        if source[k] < before or at + after >= len(signal) or k in gone:
            continue
        own = signal[source[k] - before : source[k] + after]
        shape = _Shape(own - np.linspace(own[0], own[-1], len(own), dtype=np.float32), before, before, before)
        if source[k + 2] - at < 0.3 * rate_hz:
            continue
        _erase(signal, beats, k + 1, rate_hz)
        gone.append(k + 1)
        peak = _place(signal, shape, at)[1]
        new.append((np.nan if np.isnan(beats.onset[k]) else peak - (beats.peak[k] - beats.onset[k]), peak,
                    np.nan if np.isnan(beats.offset[k]) else peak + beats.offset[k] - beats.peak[k], int(beats.kind[k])))  # fmt: skip
    kept = _without(beats, gone)
    for one in new:
        kept = _with(kept, [one[:3]], one[3])
    return signal, kept


def _ventricular(signal: Signal, beats: Beats, rate_hz: float, draw: np.random.Generator) -> _Shape:
    at = beats.peak.astype(int)
    height = float(np.median([np.ptp(signal[max(k - 6, 0) : k + 7]) for k in at])) * np.exp(draw.uniform(-0.35, 0.9))
    width = draw.uniform(0.115, 0.2) * rate_hz
    before, length = int(0.14 * rate_hz), int(0.75 * rate_hz)
    t = np.arange(length) - before
    sign = draw.choice([-1.0, 1.0])
    lobes = [(1.0, draw.uniform(-0.1, 0.1), draw.uniform(0.16, 0.24))]
    if draw.random() < 0.7:
        lobes.append((-draw.uniform(0.1, 1.0), draw.choice([-1, 1]) * draw.uniform(0.22, 0.36), draw.uniform(0.11, 0.18)))
    if draw.random() < 0.5:
        lobes.append((draw.uniform(-0.4, 0.4), draw.uniform(-0.3, 0.3), draw.uniform(0.06, 0.12)))
    complex_ = sum(a * np.exp(-0.5 * ((t / width - place) / spread) ** 2) for a, place, spread in lobes)
    complex_ *= height / np.ptp(complex_)
    wave = -draw.uniform(0.1, 0.55) * np.exp(-0.5 * ((t / rate_hz - draw.uniform(0.24, 0.36)) / draw.uniform(0.045, 0.085)) ** 2)
    samples = (sign * (complex_ + height * wave)).astype(np.float32)
    half = round(width / 2)
    peak = before - half + int(np.abs(samples[before - half : before + half + 1]).argmax())
    return _Shape(samples, before - half, peak, before + half)


def _place(signal: Signal, shape: _Shape, at: int, *, fresh: bool = True) -> tuple[float, float, float]:
    """Add a shape with its peak at `at`, over a straight line where `fresh`; (onset, peak, offset)."""
    first = at - shape.peak
    low, high = max(first, 0), min(first + len(shape.samples), len(signal))
    if fresh and high - low > 2:
        signal[low:high] = np.linspace(signal[low], signal[high - 1], high - low)
    signal[low:high] += shape.samples[low - first : high - first]
    known = shape.offset > shape.onset
    return (float(first + shape.onset) if known else np.nan, float(at), float(first + shape.offset) if known else np.nan)


def _erase(signal: Signal, beats: Beats, k: int, rate_hz: float) -> None:
    """A straight line in place of beat `k` with its P and T, as far as its neighbours leave room."""
    peaks = beats.peak
    first = max(peaks[k] - _P_S * rate_hz, peaks[k - 1] + 0.25 * rate_hz if k else 0, 0)
    stop = min(peaks[k] + _T_S * rate_hz, peaks[k + 1] - 0.12 * rate_hz if k + 1 < len(peaks) else len(signal), len(signal))
    low, high = int(min(first, peaks[k] - 0.08 * rate_hz)), int(max(stop, peaks[k] + 0.1 * rate_hz))
    low, high = max(low, 0), min(high, len(signal))
    signal[low:high] = np.linspace(signal[low], signal[high - 1], high - low)


def _without(beats: Beats, gone: NDArray[np.int64] | list[int]) -> Beats:
    kept = np.ones(len(beats.peak), bool)
    kept[gone] = False
    return replace(beats, peak=beats.peak[kept], onset=beats.onset[kept], offset=beats.offset[kept], kind=beats.kind[kept])


def _with(beats: Beats, new: list[tuple[float, float, float]], kind: int) -> Beats:
    if not new:
        return beats
    onset, peak, offset = np.array(new).T
    order = np.argsort(np.r_[beats.peak, peak])
    return replace(
        beats,
        peak=np.r_[beats.peak, peak][order],
        onset=np.r_[beats.onset, onset][order],
        offset=np.r_[beats.offset, offset][order],
        kind=np.r_[beats.kind, np.full(len(peak), kind)][order],
    )
