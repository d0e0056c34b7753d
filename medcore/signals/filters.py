"""Resampling and zero-phase filters of ECG signals (L, N), long ones in blocks; what is missing (NaN) stays missing.

Cut-offs follow Kligfield 2007 (AHA/ACC/HRS part I, doi 10.1016/j.jacc.2007.01.024): a zero-phase high-pass may go up to 0.67 Hz
without bending the ST segment. Zero-phase is forward and backward, so nothing is shifted in time.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.signal as sps
from numpy.typing import NDArray

Signal = NDArray[np.float32]
Bools = NDArray[np.bool_]

WANDER_HZ = 0.67  # below lies the baseline (Kligfield 2007)
LOWEST_HZ = 50.0  # below it there is no QRS to be seen
_LARGEST = 1e8  # in any unit of voltage: beyond it a number is no sample, and its powers would overflow
_BLOCK_S = 600.0  # long signals are filtered in pieces of this length, so that memory does not grow with the hours
_TERMS = 2000  # largest numerator and denominator of a rate ratio
_HALF_TAPS = 10  # of the anti-aliasing filter, times the larger of the two factors (as scipy's default)


def resample(signal: NDArray[Any], from_hz: float, to_hz: float) -> Signal:
    """`signal` (L, N) at `from_hz` -> (L, ceil(N * to_hz / from_hz)) at `to_hz`, sample j at j / to_hz seconds.

    Polyphase, anti-aliased by a Kaiser (5.0) low-pass at the lower Nyquist rate; the ends continue with their last value.
    A gap comes out as a gap; one shorter than an output sample is bridged.

    Raises:
        ValueError: a rate is not above 0.
    """
    if not (from_hz > 0 and to_hz > 0):
        raise ValueError("rates are above 0 Hz")
    up, down = _ratio(from_hz, to_hz)
    if up == down or signal.shape[1] == 0:
        return np.array(signal, np.float32)
    count = -(-signal.shape[1] * up // down)
    out = np.empty((signal.shape[0], count), np.float32)
    for lead, row in enumerate(signal):
        filled, gaps = fill_gaps(row)
        out[lead] = _polyphase(filled, up, down)
        if gaps.any():
            nearest = np.minimum(np.rint(np.arange(count) * (down / up)).astype(np.int64), len(row) - 1)
            out[lead][gaps[nearest]] = np.nan
    return out


def _ratio(from_hz: float, to_hz: float) -> tuple[int, int]:
    """The rates' ratio in lowest terms: exact where both are round numbers, else the nearest with small terms."""
    exact = Fraction(to_hz).limit_denominator(1000) / Fraction(from_hz).limit_denominator(1000)
    if max(exact.numerator, exact.denominator) > _TERMS:
        exact = exact.limit_denominator(_TERMS) if exact < 1 else 1 / (1 / exact).limit_denominator(_TERMS)
    return exact.numerator, exact.denominator


@lru_cache(maxsize=32)
def _taps(up: int, down: int) -> Signal:
    larger = max(up, down)
    taps: Signal = sps.firwin(2 * _HALF_TAPS * larger + 1, 1.0 / larger, window=("kaiser", 5.0)).astype(np.float32)
    return taps


def _polyphase(row: Signal, up: int, down: int) -> Signal:
    """One lead in blocks that start at multiples of `down`, so that the pieces fit without a seam."""
    context = -(-(_HALF_TAPS * max(up, down) // up + 2) // down) * down
    block = max(2**20 // down, 1) * down
    padded = np.pad(row, (context, context + down), mode="edge")
    taps, pieces = _taps(up, down), []
    for start in range(0, len(row), block):
        size = min(block, -(-(len(row) - start) // down) * down)
        piece = sps.resample_poly(padded[start : start + size + 2 * context], up, down, window=taps)
        lead_in = context // down * up
        pieces.append(piece[lead_in : lead_in + size // down * up])
    out: Signal = np.concatenate(pieces)[: -(-len(row) * up // down)]
    return out


def samples(signal: NDArray[Any]) -> Signal:
    """`signal` as float32 with NaN for what cannot be a sample: infinite, or of a size that no recorder has."""
    out = np.array(signal, np.float32)
    out[~(np.abs(out) < _LARGEST)] = np.nan
    return out


def fill_gaps(signal: NDArray[Any]) -> tuple[Signal, Bools]:
    """`signal` (..., N) with gaps bridged by straight lines (ends by the nearest value, 0 where there is none), and where they were."""
    filled = samples(signal)
    gaps: Bools = np.isnan(filled)
    if gaps.any():
        flat, holes = filled.reshape(-1, filled.shape[-1]), gaps.reshape(-1, filled.shape[-1])
        for row, hole in zip(flat, holes, strict=True):
            known = np.flatnonzero(~hole)
            row[hole] = np.interp(np.flatnonzero(hole), known, row[known]) if known.size else 0.0
    return filled, gaps


def bandpass(signal: NDArray[Any], sampling_rate_hz: float, low_hz: float, high_hz: float, order: int = 2) -> Signal:
    """Butterworth band-pass, forward and backward, of (..., N). A `high_hz` at or above the Nyquist rate leaves only the high-pass."""
    kind, edges = ("bandpass", [low_hz, high_hz]) if high_hz < 0.49 * sampling_rate_hz else ("highpass", low_hz)
    sos = sps.butter(order, edges, kind, fs=sampling_rate_hz, output="sos")
    return _zero_phase(signal, sos, sampling_rate_hz, 4.0 / low_hz)


def lowpass(signal: NDArray[Any], sampling_rate_hz: float, high_hz: float, order: int = 2) -> Signal:
    """Butterworth low-pass, forward and backward, of (..., N)."""
    sos = sps.butter(order, high_hz, "lowpass", fs=sampling_rate_hz, output="sos")
    return _zero_phase(signal, sos, sampling_rate_hz, 4.0 / high_hz)


def baseline(signal: NDArray[Any], sampling_rate_hz: float) -> Signal:
    """The wander under (..., N): what lies below 0.67 Hz. Subtract it to straighten the trace."""
    return lowpass(signal, sampling_rate_hz, WANDER_HZ)


def _zero_phase(signal: NDArray[Any], sos: NDArray[Any], sampling_rate_hz: float, context_s: float) -> Signal:
    filled, gaps = fill_gaps(signal)
    out = in_blocks(lambda part: _both_ways(sos, part), filled, int(_BLOCK_S * sampling_rate_hz), int(context_s * sampling_rate_hz))
    if gaps.any():
        out[gaps] = np.nan
    return out


def _both_ways(sos: NDArray[Any], part: Signal) -> Signal:
    reach = min(int(3 * (2 * len(sos) + 1)), part.shape[-1] - 1)
    out: Signal = sps.sosfiltfilt(sos, part, axis=-1, padlen=max(reach, 0)).astype(np.float32)
    return out


def in_blocks(function: Callable[[Signal], Signal], signal: Signal, block: int, context: int) -> Signal:
    """`function` over (..., N) in pieces of `block` samples, each seen with `context` samples on both sides that are then dropped."""
    count = signal.shape[-1]
    if count <= 2 * block:
        return function(signal) if count else signal
    out = np.empty_like(signal)
    for start in range(0, count, block):
        stop = min(start + block, count)
        first = max(start - context, 0)
        piece = function(signal[..., first : min(stop + context, count)])
        out[..., start:stop] = piece[..., start - first : stop - first]
    return out
