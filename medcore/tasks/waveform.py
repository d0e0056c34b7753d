"""Signals brought to one form: what an ECG task's network sees, in training and at the bedside alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medcore.signals.filters import bandpass, fill_gaps, resample
from medcore.types import Recording

Signal = NDArray[np.float32]
WANDER_HZ = 0.5  # below this lies the baseline; a network is not to depend on what a device leaves of it
_SPAN_S = 2.0  # one beat at least lies in a stretch of this length, above 30 bpm
_MOST = 6.0  # of the usual height of a beat: what exceeds it is an artefact


def straightened(signal: NDArray[Any], from_hz: float, to_hz: float) -> Signal:
    """(L, N) in any unit -> (L, M) at `to_hz` without baseline, each lead in units of the height of its own usual beat.

    Gaps are bridged by straight lines. A lead without any movement stays 0.
    """
    filled, _ = fill_gaps(signal)
    x = bandpass(resample(filled, from_hz, to_hz), to_hz, WANDER_HZ, np.inf)
    return np.asarray(np.clip(x / _height(x, to_hz)[:, None], -_MOST, _MOST), np.float32)


def _height(x: Signal, rate_hz: float) -> Signal:
    """(L,) half the usual peak-to-peak height: the median over stretches, so that one artefact does not make every beat small."""
    span = min(int(_SPAN_S * rate_hz), x.shape[1])
    count = x.shape[1] // span
    parts = x[:, : count * span].reshape(len(x), count, span)
    height = np.median(parts.max(axis=2) - parts.min(axis=2), axis=1) / 2
    return np.where(height > 0, height, np.float32(1)).astype(np.float32)


def rhythm_lead(recording: Recording) -> int:
    """The lead that a single-lead reading takes: II, else I, else the first; a lead that holds no signal counts as not there."""
    named = [recording.leads.index(name) for name in ("II", "I") if name in recording.leads]
    return next((lead for lead in (*named, *range(len(recording.leads))) if _moves(recording.signal[lead])), 0)


def _moves(lead: NDArray[Any]) -> bool:
    """Whether a lead (N,) holds more than gaps and one value."""
    known = lead[np.isfinite(lead)]
    return known.size > 0 and bool((known != known[0]).any())
