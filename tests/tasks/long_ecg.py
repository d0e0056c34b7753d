"""Long generated recordings: one shape of beat added at each R peak, some of them early and broad."""

from __future__ import annotations

import numpy as np

from tests.signals.synth import WAVES

BROAD = ((0.0, 0.045, 1.6), (0.1, 0.04, -0.5), (0.33, 0.07, -0.5))


def long_ecg(seconds: float, rate: float, *, every: int = 0, pause_at: float | None = None, seed: int = 0):
    """(N,) in mV, times of R peaks (M,) in s, and which of them are ventricular: every so many, each with a compensatory pause."""
    rng = np.random.default_rng(seed)
    rr = 0.8 * (1 + 0.02 * rng.normal(size=int(seconds * 2)))
    number = np.arange(len(rr))
    ventricular = (number % every == every - 1) if every else np.zeros(len(rr), bool)
    rr = np.where(ventricular, 0.55 * rr, np.where(np.roll(ventricular, 1), 1.4 * rr, rr))
    if pause_at is not None:
        rr[np.searchsorted(np.cumsum(rr), pause_at) // 10 * 10] = 3.6
    times = 0.4 + np.cumsum(rr)
    kept = times < seconds - 1
    times, ventricular = times[kept], ventricular[kept]
    signal = 0.01 * rng.normal(size=round(seconds * rate))
    for beats, shape in ((times[~ventricular], WAVES), (times[ventricular], BROAD)):
        for beat in beats:
            first = max(int((beat - 0.35) * rate), 0)
            t = np.arange(first, min(first + int(0.95 * rate), len(signal))) / rate
            for at, width, height in shape:
                signal[first : first + len(t)] += height * np.exp(-0.5 * ((t - beat - at) / width) ** 2)
    return signal.astype(np.float32), times, ventricular
