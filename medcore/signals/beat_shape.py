"""How each beat differs from the patient's usual one, by formula: early or late, another shape, broader, taller.

What a cardiologist compares, beat by beat, in measures that need no voltage (after de Chazal 2004, doi 10.1109/TBME.2004.827359, who
divide each by the patient's own average): RR ratios, correlation with the dominant beat, and width.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

_BEFORE_S, _AFTER_S = 0.12, 0.20  # of the peak: the complex and how the ST segment begins
_SHIFT_S = 0.032  # how far a beat may be moved to lie on the dominant one
_CHUNK = 64  # beats that share a dominant beat: about a minute
_ALIKE = 0.85  # correlation of two beats of one shape
_AROUND = 10  # beats on each side whose median RR is the usual one


def rr_features(peaks: NDArray[Any]) -> Floats:
    """(M,) ascending samples -> (M, 2): RR before over the usual one around here, and RR after over it; 1 where there is none."""
    if len(peaks) < 3:
        return np.ones((len(peaks), 2), np.float32)
    rr = np.diff(peaks).astype(np.float32)
    padded = np.pad(rr, _AROUND, mode="reflect" if len(rr) > _AROUND else "edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * _AROUND + 1)
    usual = np.median(windows, axis=1)
    at = np.minimum(np.arange(len(peaks)), len(rr) - 1)
    before, after = np.r_[usual[0], rr], np.r_[rr, usual[-1]]
    return np.stack([before / usual[at], after / usual[at]], axis=1).astype(np.float32)


def shape_features(lead: NDArray[Any], peaks: Ints, early: Floats, rate_hz: float) -> Floats:
    """How each beat at `peaks` (M,) of (N,) without baseline differs from the dominant one; `early` (M,) is its RR ratio before.

    (M, 4): correlation, log of one plus what it leaves unexplained, log of the ratio of heights, log of the ratio of effective widths.
    """
    if not len(peaks):
        return np.empty((0, 4), np.float32)
    before, after, shift = round(_BEFORE_S * rate_hz), round(_AFTER_S * rate_hz), round(_SHIFT_S * rate_hz)
    at = np.clip(peaks[:, None] + np.arange(-before - shift, after + shift + 1), 0, len(lead) - 1)
    wide = np.asarray(lead, np.float32)[at]
    usual = dominant(wide[:, shift:-shift], early)
    out = _compared(wide, usual, shift)
    out[(peaks < before) | (peaks >= len(lead) - after)] = (1, 0, 0, 0)  # cut by an end of the signal: nothing can be said
    return out


def dominant(beats: Floats, early: Floats) -> Floats:
    """(M, W) beats -> (M, W): for each the mean of the commonest shape around it, which early beats have no vote on."""
    chunks = [np.arange(first, min(first + _CHUNK, len(beats))) for first in range(0, len(beats), _CHUNK)]
    if len(chunks) > 1 and len(chunks[-1]) < _CHUNK // 2:
        chunks[-2:] = [np.concatenate(chunks[-2:])]
    vote = np.where(early < 0.85, np.float32(0.2), np.float32(1))
    unit = _unit(beats)
    first = [_medoid(unit[chunk], vote[chunk]) for chunk in chunks]
    centres = np.stack([mean for mean, _ in first])
    overall = _medoid(_unit(centres), np.array([weight for _, weight in first], np.float32))[0]
    usual = np.empty_like(beats)
    for chunk in chunks:
        bonus = 0.5 * vote[chunk].sum() * np.clip(unit[chunk] @ _unit(overall[None])[0], 0, 1)
        members = _members(unit[chunk], vote[chunk], bonus)
        usual[chunk] = beats[chunk][members].mean(axis=0)
    return usual


def _unit(beats: Floats) -> Floats:
    centred = beats - beats.mean(axis=1, keepdims=True)
    out: Floats = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-6)
    return out


def _members(unit: Floats, vote: Floats, bonus: Floats | float = 0.0) -> NDArray[np.bool_]:
    """Which beats have the shape that most votes are for."""
    alike = unit @ unit.T > _ALIKE
    best = int(np.argmax((alike * vote).sum(axis=1) + bonus))
    out: NDArray[np.bool_] = alike[best]
    return out


def _medoid(unit: Floats, vote: Floats) -> tuple[Floats, float]:
    members = _members(unit, vote)
    return unit[members].mean(axis=0), float(vote[members].sum())


def _compared(wide: Floats, usual: Floats, shift: int) -> Floats:
    """(M, W + 2 shift) beats against (M, W) dominant ones, each where it fits best."""
    reference = _unit(usual)
    best = np.full(len(wide), -2.0, np.float32)
    fitted = np.empty_like(usual)
    for move in range(2 * shift + 1):
        here = wide[:, move : move + usual.shape[1]]
        correlation = (_unit(here) * reference).sum(axis=1)
        better = correlation > best
        best[better], fitted[better] = correlation[better], here[better]
    fitted = fitted - np.median(fitted, axis=1, keepdims=True)
    base = usual - np.median(usual, axis=1, keepdims=True)
    left = np.linalg.norm(fitted - base, axis=1) / np.maximum(np.linalg.norm(base, axis=1), 1e-6)
    tall, high = np.abs(fitted).max(axis=1), np.abs(base).max(axis=1)
    width = np.abs(fitted).sum(axis=1) / np.maximum(tall, 1e-6) / np.maximum(np.abs(base).sum(axis=1) / np.maximum(high, 1e-6), 1e-6)
    return np.stack(
        [best, np.log1p(left), np.log(np.maximum(tall, 1e-3) / np.maximum(high, 1e-3)), np.log(np.maximum(width, 1e-3))], axis=1
    )
