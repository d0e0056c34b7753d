"""Heart rate variability of sinus beats, time domain, frequency domain and Poincaré plot.

Task Force of the ESC and NASPE 1996 (Circulation 93:1043, doi 10.1161/01.CIR.93.5.1043); Poincaré after Brennan 2001 (doi
10.1109/10.959330). An interval counts as NN if both its beats are normal and it differs by no more than 20 % from the median of the eleven
around it (after Malik 1989, Eur Heart J 10:1060). Nothing is given where more than a fifth of the intervals had to be left out:
fibrillation has no HRV of the sinus.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.signal as sps
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.ndimage import median_filter

from medcore.signals.ecg_fuse import fuse
from medcore.signals.ecg_intervals import intervals
from medcore.types import FUSED, Marks, Measurement, Recording

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

CITATION = "Task Force of the ESC and NASPE, Circulation 1996;93:1043, doi:10.1161/01.CIR.93.5.1043"
SHORT_S = 60.0  # from here on what looks at successive beats only (Baek 2015, doi 10.1089/tmj.2014.0104)
STANDARD_S = 300.0  # the five minutes of the Task Force: everything else
LONG_S = 3600.0  # SDANN needs many segments of five minutes
BANDS_HZ = {"vlf": (0.0033, 0.04), "lf": (0.04, 0.15), "hf": (0.15, 0.4)}
TACHOGRAM_HZ = 4.0

_PLAUSIBLE_MS = (300.0, 2000.0)
_EDIT, _AROUND = 0.2, 11
_KEPT = 0.8
_GAP_S = 5.0  # the longest stretch without NN that the cubic spline may bridge


def measurements(marks: Marks, recording: Recording) -> tuple[Measurement, ...]:
    """`hrv` of the beats in `marks`; those without fused ones are fused first."""
    rate = recording.sampling_rate_hz
    if not (marks.lead == FUSED).any():
        marks = fuse(marks, rate)
    found = intervals(marks, rate)
    return hrv(marks.peak.astype(np.float64)[found.qrs] / rate, found.normal)


def hrv(r_peaks_s: Floats, normal: Bools | None = None) -> tuple[Measurement, ...]:
    """What the length of the recording allows: () below a minute or where beats are missing or not of the sinus.

    Args:
        r_peaks_s: (B,) times of all beats in s, ascending.
        normal: (B,) False for ectopic, paced or unclassified beats; None: all are normal.
    """
    nn, at, follows, share = _normal_to_normal(np.asarray(r_peaks_s, np.float64), normal)
    seconds = float(nn.sum() / 1000)
    if share < _KEPT or seconds < SHORT_S * _KEPT or at[-1] - at[0] + nn[0] / 1000 < SHORT_S:
        return ()
    length = float(at[-1] - at[0] + nn[0] / 1000)
    values = {"hrv_nn_count": (float(nn.size), "1"), **_successive(nn, follows)}
    if length >= STANDARD_S:
        values |= _whole(nn, at, follows, length)
        values |= _spectrum(nn, at)
    return tuple(
        Measurement(name=name, value=float(f"{value:.6g}"), unit=unit, citation=CITATION)
        for name, (value, unit) in values.items()
        if np.isfinite(value)
    )


Values = dict[str, tuple[float, str]]


def _normal_to_normal(peaks: Floats, normal: Bools | None) -> tuple[Floats, Floats, Bools, float]:
    """NN in ms (K,), the time in s that each ends at, whether it follows the NN before without a beat between, and the share of RR kept."""
    rr = np.diff(peaks) * 1000
    if not rr.size:
        return rr, peaks[1:], np.zeros(0, np.bool_), 0.0
    sinus = np.ones(len(peaks), np.bool_) if normal is None else np.asarray(normal, np.bool_)
    good = sinus[1:] & sinus[:-1] & (rr >= _PLAUSIBLE_MS[0]) & (rr <= _PLAUSIBLE_MS[1])
    around = median_filter(rr, size=_AROUND, mode="nearest")
    good &= np.abs(rr - around) <= _EDIT * around
    rows = np.flatnonzero(good)
    return rr[rows], peaks[1:][rows], np.r_[False, np.diff(rows) == 1][: rows.size], float(good.mean())


def _successive(nn: Floats, follows: Bools) -> Values:
    """RMSSD, pNN50 (of all NN, as the Task Force defines it) and SD1."""
    steps = np.diff(nn, prepend=np.nan)[follows]
    if steps.size < 2:
        return {}
    return {
        "hrv_rmssd": (float(np.sqrt(np.square(steps).mean())), "ms"),
        "hrv_pnn50": (float(100 * (np.abs(steps) > 50 + 1e-6).sum() / nn.size), "%"),
        "hrv_sd1": (float(steps.std(ddof=1) / np.sqrt(2)), "ms"),
    }


def _whole(nn: Floats, at: Floats, follows: Bools, length: float) -> Values:
    """SDNN, SD2, and for an hour and more SDANN, the deviation of the means of five minutes."""
    before = np.roll(nn, 1)
    out: Values = {
        "hrv_sdnn": (float(nn.std(ddof=1)), "ms"),
        "hrv_sd2": (float((nn + before)[follows].std(ddof=1) / np.sqrt(2)), "ms"),
    }
    if length >= LONG_S:
        segment = ((at - at[0]) // STANDARD_S).astype(np.int64)
        count = np.bincount(segment)
        means = np.bincount(segment, nn)[count > 1] / count[count > 1]
        out["hrv_sdann"] = (float(means.std(ddof=1)), "ms")
    return out


def _spectrum(nn: Floats, at: Floats) -> Values:
    """Power by Welch's method (Hann, five minutes, half overlapped) of the tachogram at 4 Hz; {} where it has a long gap."""
    if np.diff(at).max(initial=0) > _GAP_S:
        return {}
    grid = np.arange(at[0], at[-1], 1 / TACHOGRAM_HZ)
    tachogram: Any = CubicSpline(at, nn)(grid)
    segment = min(len(grid), round(STANDARD_S * TACHOGRAM_HZ))
    hz, density = sps.welch(tachogram, TACHOGRAM_HZ, window="hann", nperseg=segment, noverlap=segment // 2, detrend="constant")
    power = {name: _band(hz, density, *edges) for name, edges in BANDS_HZ.items()}
    both = power["lf"] + power["hf"]
    out: Values = {f"hrv_{name}": (value, "ms2") for name, value in power.items()}
    if power["hf"] > 0:
        out |= {"hrv_lf_hf": (power["lf"] / power["hf"], "1"), "hrv_lf_nu": (100 * power["lf"] / both, "%")}
        out["hrv_hf_nu"] = (100 * power["hf"] / both, "%")
    return out


def _band(hz: Floats, density: Floats, low: float, high: float) -> float:
    inside = (hz >= low) & (hz < high)
    return float(density[inside].sum() * (hz[1] - hz[0]))
