"""What cannot wait for a reading: asystole, a ventricular tachyarrhythmia, pacing. Each makes the usual intervals meaningless.

Ventricular, with no beat labels: windows of 5 s that look like a distorted sine between 2 and 9 Hz. All of: VF filter leakage (Kuo &
Dillman 1978, Computers in Cardiology 1978:347), spectral concentration (after Barro 1989, doi 10.1016/0141-5425(89)90067-8) and low
kurtosis, in the manner of Amann 2005's comparison (doi 10.1186/1475-925X-4-60). With labels: a run of wide ventricular beats. Asystole: no
QRS for 4 s (PhysioNet/CinC 2015, Clifford 2015, doi 10.1109/CIC.2015.7408639) while the electrodes still record. Limits:
reference/ecg_rules.toml.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medcore.signals import limits
from medcore.signals.ecg_fuse import fuse
from medcore.signals.ecg_intervals import intervals
from medcore.signals.ecg_pacing import paced
from medcore.signals.filters import LOWEST_HZ, Signal, bandpass, fill_gaps, resample, samples
from medcore.signals.qrs import BAND_HZ, peaks_in_band
from medcore.types import BEATS, FUSED, Marks, Recording

Floats = NDArray[np.float64]

RATE_HZ = 125.0  # nothing that is looked for here lies above 40 Hz
_LONGEST_S = 900.0  # longer recordings are judged in pieces, so that memory does not grow with the hours
_limit = partial(limits.value, "ecg_rules")


def alarm(recording: Recording, marks: Marks | None = None) -> str | None:
    """ "ventricular", "asystole", "paced", the first that holds, or None. `marks` with beat labels add what only they can tell.

    A pure sine, an unplugged electrode (a line without any noise) and missing samples raise none.
    """
    rate = recording.sampling_rate_hz
    if rate < LOWEST_HZ:
        return None
    if marks is not None and _ventricular_run(marks, rate):
        return "ventricular"
    signal, step = recording.signal, round(_LONGEST_S * rate)
    pieces = [signal[:, start : start + step] for start in range(0, signal.shape[1], step)]
    pieces = [piece for piece in pieces if piece.shape[1] >= _limit("alarm_window") * rate]
    ready = [resample(_connected(samples(piece)), rate, RATE_HZ) for piece in pieces]
    if any(_ventricular(piece, recording.unit) for piece in ready):
        return "ventricular"
    if any(_asystole(piece, recording.unit) for piece in ready):
        return "asystole"
    return "paced" if pieces and paced(pieces[0], rate) else None


def _connected(signal: Signal) -> Signal:
    """Leads (K, N) that recorded something at least half of the time."""
    known = np.isfinite(signal)
    moving = np.nanmax(np.where(known, signal, -np.inf), axis=1) > np.nanmin(np.where(known, signal, np.inf), axis=1)
    out: Signal = signal[(known.mean(axis=1) >= 0.5) & moving]
    return out


def _ventricular_run(marks: Marks, rate: float) -> bool:
    """Six ventricular beats in a row, faster than 120 a minute, the median of them wide."""
    found = intervals(marks if (marks.lead == FUSED).any() else fuse(marks, rate), rate)
    is_v = found.kind == BEATS.index("V")
    edges = np.flatnonzero(np.diff(np.r_[False, is_v, False]))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        rr = found.rr_ms[start + 1 : stop]
        if stop - start >= _limit("run_beats") and np.isfinite(rr).all() and 60_000 / rr.mean() > _limit("run_rate"):
            widths = found.qrs_ms[start:stop]
            if np.isfinite(widths).any() and np.nanmedian(widths) >= _limit("wide_qrs"):
                return True
    return False


def _ventricular(signal: Signal, unit: str) -> bool:
    """Whether two windows in a row, or the only one there is, look like it in at least half of the leads (K, N)."""
    if not len(signal):
        return False
    gaps = ~np.isfinite(signal)
    wide = bandpass(fill_gaps(signal)[0], RATE_HZ, 1.0, 30.0)
    size = round(_limit("alarm_window") * RATE_HZ)
    starts = np.arange(0, signal.shape[1] - size + 1, size // 2)
    at = starts[:, None] + np.arange(size)
    like = np.stack([_like_vf(lead[at], unit) & ~gap[at].any(axis=1) for lead, gap in zip(wide, gaps, strict=True)])  # (K, W)
    most = like.mean(axis=0) >= 0.5
    return bool((most[1:] & most[:-1]).any() if len(most) > 1 else most.any())


def _like_vf(windows: Signal, unit: str) -> NDArray[np.bool_]:
    """(W, N) -> (W,)"""
    x = windows - windows.mean(axis=1, keepdims=True)
    variance = np.maximum(np.square(x).mean(axis=1), 1e-20)
    kurtosis = np.square(np.square(x)).mean(axis=1) / np.square(variance)
    power = np.square(np.abs(np.fft.rfft(x * np.hanning(x.shape[1]).astype(np.float32), axis=1))).astype(np.float64)
    hz = np.fft.rfftfreq(x.shape[1], 1 / RATE_HZ)
    total = np.maximum(power[:, hz >= 1].sum(axis=1), 1e-20)
    peak = hz[np.where(hz >= 1, power, 0).argmax(axis=1)]
    near = np.abs(hz - peak[:, None])
    pure = (power * (near <= 0.5)).sum(axis=1) / total
    high = power[:, hz >= 12].sum(axis=1) / total
    tall = np.sqrt(variance) >= (_limit("vf_amplitude") if unit == "mV" else 0.0)
    shape = (kurtosis <= _limit("vf_kurtosis")) & (high <= _limit("vf_high_share")) & (pure <= _limit("vf_purity"))
    rhythm = (peak >= _limit("vf_slowest")) & (peak <= _limit("vf_fastest"))
    out: NDArray[np.bool_] = shape & rhythm & tall & (_leakage(x) <= _limit("vf_leakage"))
    return out


def _leakage(x: Signal) -> Floats:
    """What is left when each window (W, N) is added to itself half a mean period later, over what there was: 0 for a sine, 1 for noise."""
    steps = np.abs(np.diff(x, axis=1)).sum(axis=1)
    half = np.clip(np.rint(np.pi * np.abs(x).sum(axis=1) / np.maximum(steps, 1e-12) + 0.5).astype(np.int64), 1, x.shape[1] // 2)
    out = np.empty(len(x))
    for number, (row, lag) in enumerate(zip(x, half.tolist(), strict=True)):
        out[number] = np.abs(row[lag:] + row[:-lag]).sum() / max(float((np.abs(row[lag:]) + np.abs(row[:-lag])).sum()), 1e-12)
    return out


def _asystole(signal: Signal, unit: str) -> bool:
    """No beat for the limit's seconds in any lead (K, N), measured against the beats there are; without any, against a voltage."""
    if not len(signal):
        return False
    filled, gaps = fill_gaps(signal)
    band = bandpass(filled, RATE_HZ, *BAND_HZ)
    together: Any = np.sqrt(np.square(band).mean(axis=0))
    together[gaps.any(axis=0)] = 0.0
    peaks = peaks_in_band(together, RATE_HZ)
    least, still = _limit("asystole") * RATE_HZ, _still(filled, gaps)
    if unit == "mV" and _quiet(filled, still, least):
        return True
    if len(peaks) < 3:
        return False
    height = together[peaks]
    loud = np.flatnonzero(together > _limit("asystole_share") * np.median(height[height >= 0.5 * np.quantile(height, 0.9)]))
    edges = np.r_[0, loud, len(together) - 1]
    silent = np.flatnonzero(np.diff(edges) >= least)
    return any(still[edges[at] : edges[at + 1]].mean() < 0.1 for at in silent)


def _still(filled: Signal, gaps: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Samples (N,) where no lead moves at all or nothing was recorded: an electrode is off, the heart is not known."""
    steps = np.abs(np.diff(filled, axis=1, prepend=filled[:, :1]))
    out: NDArray[np.bool_] = np.all((steps <= 1e-6 * max(float(np.ptp(filled)), 1e-12)) | gaps, axis=0)
    return out


def _quiet(filled: Signal, still: NDArray[np.bool_], least: float) -> bool:
    """Whether the whole piece, at least `least` samples, stays within a voltage that no QRS is as small as."""
    wide = bandpass(filled, RATE_HZ, 1.0, 40.0)
    span = np.quantile(wide, 0.999, axis=1) - np.quantile(wide, 0.001, axis=1)
    return bool(filled.shape[1] >= least and span.max() < _limit("asystole_voltage") and still.mean() < 0.1)
