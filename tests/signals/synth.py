"""Generated ECGs whose waves stand where they were put: sums of bells about each R peak, and signals that are none."""

from __future__ import annotations

import numpy as np

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
GAINS = (0.6, 1.0, 0.4, -0.8, 0.1, 0.7, -0.5, 0.4, 0.8, 1.1, 1.0, 0.8)  # of a normal axis; III = II - I, aVR = -(I + II) / 2, ...
WAVES = ((-0.16, 0.022, 0.15), (-0.025, 0.008, -0.12), (0.0, 0.011, 1.2), (0.03, 0.009, -0.25), (0.27, 0.05, 0.3))  # P Q R S T: s, s, mV


def r_times(bpm: float, seconds: float, jitter: float = 0.02, seed: int = 0) -> np.ndarray:
    """Times of R peaks; `jitter` is the coefficient of variation of RR."""
    rr = 60 / bpm * (1 + jitter * np.random.default_rng(seed).normal(size=int(seconds * bpm / 30) + 2))
    times = 0.4 + np.cumsum(np.maximum(rr, 0.25))
    return times[times < seconds - 0.4]


def ecg(
    times: np.ndarray, seconds: float, rate: float, *, wide: float = 1.0, p: bool = True, noise: float = 0.01, seed: int = 0
) -> np.ndarray:
    """One lead (N,) in mV; `wide` stretches the QRS."""
    t = np.arange(round(seconds * rate)) / rate
    x = noise * np.random.default_rng(seed + 1).normal(size=t.size)
    quick = min(1.0, float(np.median(np.diff(times)))) ** 0.5 if len(times) > 1 else 1.0
    for number, (at, width, height) in enumerate(WAVES):
        if number == 0 and not p:
            continue
        stretch = wide if 0 < number < 4 else quick
        for beat in times:
            x += height * np.exp(-0.5 * ((t - beat - at * stretch) / (width * stretch)) ** 2)
    return x.astype(np.float32)


def twelve(lead: np.ndarray, noise: float = 0.005) -> np.ndarray:
    """(N,) -> (12, N) with the gains of a normal axis."""
    rng = np.random.default_rng(5)
    return (np.array(GAINS)[:, None] * lead + noise * rng.normal(size=(12, lead.size))).astype(np.float32)


def foreign(kind: str, seconds: float, rate: float, seed: int) -> np.ndarray:
    """A signal (N,) that is no ECG."""
    rng, t = np.random.default_rng(seed), np.arange(round(seconds * rate)) / rate
    if kind == "white":
        return rng.normal(size=t.size)
    if kind == "walk":
        return np.cumsum(rng.normal(size=t.size))
    if kind == "sine":
        return np.sin(2 * np.pi * rng.uniform(0.5, 40) * t)
    if kind == "eeg":  # pink noise with spindles of alpha
        alpha = np.clip(_pink(rng, t.size, 1.8, rate), 0, None) * np.sin(2 * np.pi * 10 * t)
        return 20 * (_pink(rng, t.size, 1.2, rate) + 1.5 * alpha)
    phase = np.cumsum(rng.uniform(50, 110) / 60 * (1 + 0.03 * _pink(rng, t.size, 1.5, rate))) / rate % 1
    pulse = np.exp(-0.5 * ((phase - 0.25) / 0.09) ** 2) + 0.4 * np.exp(-0.5 * ((phase - 0.55) / 0.12) ** 2)
    return pulse + 0.01 * _pink(rng, t.size, 1, rate)


def _pink(rng: np.random.Generator, count: int, slope: float, rate: float) -> np.ndarray:
    hz = np.fft.rfftfreq(count, 1 / rate)
    spectrum = np.fft.rfft(rng.normal(size=count))
    spectrum[1:] *= hz[1:] ** (-slope / 2)
    spectrum[0] = 0
    x = np.fft.irfft(spectrum, count)
    return x / x.std()


def fibrillation(seconds: float, rate: float, seed: int) -> np.ndarray:
    """Ventricular fibrillation (N,) in mV: three waves between 3 and 7 Hz whose frequency and height drift, 0.2 to 1 mV."""
    rng, t = np.random.default_rng(seed), np.arange(round(seconds * rate)) / rate
    x = np.zeros_like(t)
    base = rng.uniform(3.5, 6.5)
    for share in (1.0, 0.4, 0.3):
        hz = np.clip(base + rng.normal(0, 0.4) + 0.3 * _pink(rng, t.size, 2, rate), 3, 7)
        x += share * (1 + 0.4 * _pink(rng, t.size, 2, rate)) * np.sin(2 * np.pi * np.cumsum(hz) / rate + rng.uniform(0, 6))
    return (x / np.abs(x).max() * rng.uniform(0.2, 1.0) + 0.01 * rng.normal(size=t.size)).astype(np.float32)


def tachycardia(seconds: float, rate: float, seed: int, bpm: float = 180) -> np.ndarray:
    """Ventricular tachycardia (N,) in mV: one wide wave up and a slower one down in each beat, nothing between."""
    rng, t = np.random.default_rng(seed), np.arange(round(seconds * rate)) / rate
    phase = np.cumsum(bpm / 60 * (1 + 0.01 * _pink(rng, t.size, 1.5, rate))) / rate
    x = np.sin(2 * np.pi * phase) + 0.25 * np.sin(4 * np.pi * phase + 0.7) + 0.08 * np.sin(6 * np.pi * phase)
    return (x + 0.02 * rng.normal(size=t.size)).astype(np.float32)
