"""Beats with a known spectrum; NumPy only, since the script that asks neurokit2 uses it too."""

import numpy as np


def peaks(seed: int, seconds: float = 400.0) -> np.ndarray:
    """Times of beats in ms: a slow and a respiratory wave of known height on the interval, noise; above 1000 s a very slow one too."""
    rng = np.random.default_rng(seed)
    mean, slow, quick = rng.uniform(650, 1100), rng.uniform(15, 45), rng.uniform(10, 40)
    breath, phase = rng.uniform(0.2, 0.32), rng.uniform(0, 6.28)
    times = [0.0]
    while times[-1] < seconds * 1000:
        t = times[-1] / 1000
        day = 60 * np.sin(2 * np.pi * t / 2400) if seconds > 1000 else 0.0  # what SDANN is made of
        wave = day + slow * np.sin(2 * np.pi * 0.095 * t + phase) + quick * np.sin(2 * np.pi * breath * t)
        times.append(times[-1] + mean + wave + rng.normal(0, 6))
    return np.rint(times)
