"""Error grids: what a wrong glucose value would have done to a treatment decision. NumPy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ZONES = ("A", "B", "C", "D", "E")
TOP = 550.0  # mg/dL: where Parkes' grid ends

# Borders of the consensus grid for type 1 diabetes, (reference, measured) mg/dL: Pfuetzner 2013, doi 10.1177/193229681300700517.
_ABOVE = (
    ((0, 50), (30, 50), (140, 170), (280, 380), (430, 550)),
    ((0, 60), (30, 60), (50, 80), (70, 110), (260, 550)),
    ((0, 100), (25, 100), (50, 125), (80, 215), (125, 550)),
    ((0, 150), (35, 155), (50, 550)),
)
_BELOW = (
    ((50, 30), (170, 145), (385, 300), (550, 450)),
    ((120, 30), (260, 130), (550, 250)),
    ((250, 40), (550, 150)),
)


def clarke(reference: Floats, measured: Floats) -> NDArray[np.int64]:
    """(N,) zone numbers 0..4 = A..E of the Clarke grid (Clarke 1987, doi 10.2337/diacare.10.5.622), mg/dL."""
    r, m = reference, measured
    zone = np.full(r.shape, 1, np.int64)
    low, high = r <= 175 / 3, r >= 240
    zone[((r >= 70) & (r <= 290) & (m >= r + 110)) | ((r >= 130) & (r <= 180) & (m <= 7 / 5 * r - 182))] = 2
    zone[((high | low) & (m >= 70) & (m <= 180)) | ((r > 175 / 3) & (r <= 70) & (m >= 6 / 5 * r))] = 3
    zone[((r >= 180) & (m <= 70)) | ((r <= 70) & (m >= 180))] = 4
    zone[(np.abs(m - r) <= 0.2 * r) | ((r < 70) & (m < 70))] = 0
    return zone


def parkes(reference: Floats, measured: Floats) -> NDArray[np.int64]:
    """(N,) zone numbers 0..4 = A..E of the consensus grid for type 1 diabetes (Parkes 2000, doi 10.2337/diacare.23.8.1143), mg/dL."""
    r, m = np.clip(reference, 0, TOP), np.clip(measured, 0, TOP)
    zone = np.zeros(r.shape, np.int64)
    for number, border in enumerate(_ABOVE, 1):
        x, y = np.array(border, np.float64).T
        zone[m > np.interp(r, x, y, right=np.inf)] = number
    for number, border in enumerate(_BELOW, 1):
        x, y = np.array(border, np.float64).T
        zone[(m < np.interp(r, x, y, left=-np.inf)) & (zone <= number)] = number
    return zone
