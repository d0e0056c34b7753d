"""Whether an ECG can be read, lead by lead, before anything is said of it.

Two questions of each window of 10 s make its score: are the beats alike (template correlation, Orphanidou 2015, doi
10.1109/JBHI.2014.2338351), and do they stand out (QRS prominence)? Kurtosis and relative powers (Clifford 2012, doi
10.1088/0967-3334/33/9/1419) tell an ECG from a sine, a pulse wave or an EEG. Limits and their sources: reference/ecg_quality.toml.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medcore.signals import limits
from medcore.signals.filters import LOWEST_HZ, Bools, Signal, bandpass, fill_gaps, resample, samples
from medcore.signals.qrs import BAND_HZ, Ints, peaks_in_band
from medcore.types import LeadQuality, Recording

Floats = NDArray[np.float64]

RATE_HZ = 250.0  # everything but gaps, flat lines and rails is judged at this rate
_SHORTEST_S = 2.0
_PIECE_S = 600  # a long recording is judged in pieces, so that memory does not grow with the hours
_BEAT_S = 0.15  # on each side of a peak, compared with its neighbours
_NEAR_S = 0.1  # on each side of a peak, not counted as between the beats
_limit = partial(limits.value, "ecg_quality")

_Readable = tuple[tuple[LeadQuality, ...], Bools]
_last: tuple[weakref.ref[NDArray[Any]], tuple[float, tuple[str, ...]], _Readable] | None = None  # see readable_seconds


@dataclass(frozen=True, slots=True)
class _Windows:
    """What was measured in windows of 10 s of one lead (W,)."""

    score: Floats
    kurtosis: Floats
    sharp: Floats
    noise: Floats
    mains: Floats
    steady: Floats

    @property
    def like_ecg(self) -> Bools:
        """Spiky and steep as only a QRS makes it, with beats that are alike and stand out."""
        blunt = self.sharp < _limit("enough_sharp_share")
        spiky = self.kurtosis >= np.where(blunt, _limit("least_kurtosis_of_blunt"), _limit("least_kurtosis"))
        out: Bools = (self.score >= _limit("readable")) & spiky & (self.sharp >= _limit("least_sharp_share"))
        return out

    @property
    def clean(self) -> Bools:
        """Without so much noise that waves could not be seen."""
        out: Bools = (self.noise <= _limit("most_noise_share")) & (self.mains <= _limit("most_mains_share"))
        return out


def quality(recording: Recording) -> tuple[tuple[LeadQuality, ...], float]:
    """Each lead's quality, and the share of the recording (0..1) that at least one lead lets read.

    A second of a lead is analysable where it was recorded, is neither flat nor at a rail, and lies in a window that looks like an ECG.
    """
    leads, readable = readable_seconds(recording)
    return leads, float(readable.mean())


def readable_seconds(recording: Recording) -> tuple[tuple[LeadQuality, ...], Bools]:
    """Each lead's quality, and which seconds (S,) of the recording at least one usable lead lets read.

    The last answer is kept while its signal lives: a day is asked about twice, first whether and then where it can be read.
    """
    global _last
    kept = _last
    if kept is not None and kept[0]() is recording.signal and kept[1] == (recording.sampling_rate_hz, recording.leads):
        return kept[2]
    found = _readable_seconds(recording)
    _last = (weakref.ref(recording.signal), (recording.sampling_rate_hz, recording.leads), found)
    return found


def _readable_seconds(recording: Recording) -> _Readable:
    if recording.seconds < _SHORTEST_S or recording.sampling_rate_hz < LOWEST_HZ:  # too little was recorded to see a QRS, or two
        nothing = (LeadQuality(lead=name, usable=False, analysable=0.0, problems=("missing",)) for name in recording.leads)
        return tuple(nothing), np.zeros(max(int(recording.seconds), 1), np.bool_)
    leads, readable = [], []
    for name, lead in zip(recording.leads, recording.signal, strict=True):
        judged, seconds = _lead(name, samples(lead), recording.sampling_rate_hz)
        leads.append(judged)
        readable.append(seconds & judged.usable)
    seconds = np.any(readable, axis=0)
    seconds.flags.writeable = False
    return tuple(leads), seconds


def gate(leads: tuple[LeadQuality, ...]) -> str | None:
    """Why a recording may not be read: "not_ecg", "unreadable", or None where a quarter of its leads at least are usable.

    Many leads of noise would pass one in a while by chance, hence the quarter.
    """
    if 4 * sum(lead.usable for lead in leads) >= max(len(leads), 1):
        return None
    foreign = sum("not_ecg" in lead.problems for lead in leads)
    return "not_ecg" if 2 * foreign >= len(leads) else "unreadable"


def _lead(name: str, lead: Signal, rate: float) -> tuple[LeadQuality, Bools]:
    """The verdict on one lead and which of its seconds can be read."""
    faults = _faults(lead, rate)
    spoilt = np.any(list(faults.values()), axis=0)
    count = len(spoilt)
    windows, per_window = _measure(lead, rate), _limit("window")
    at = np.minimum((np.arange(count) / per_window).astype(np.int64), len(windows.score) - 1)
    like = windows.like_ecg[at]
    seconds: Bools = ~spoilt & like & windows.clean[at]
    problems = [code for code, where in faults.items() if where.mean() >= _limit("problem_share")]
    shown = {
        "mains": windows.mains > _limit("most_mains_share"),
        "noise": windows.noise > _limit("most_noise_share"),
        "baseline": windows.steady < _limit("least_steady_share"),
    }
    problems += [code for code, where in shown.items() if where[at][~spoilt].sum() >= _limit("problem_share") * count]
    if like[~spoilt].sum() < _limit("usable_share") * max(int((~spoilt).sum()), 1) and not spoilt.all():
        problems.append("not_ecg")
    share = float(seconds.mean())
    return LeadQuality(lead=name, usable=share >= _limit("usable_share"), analysable=share, problems=tuple(problems)), seconds


def _faults(lead: Signal, rate: float) -> dict[str, Bools]:
    """Seconds (S,) that were not recorded, do not move, or stand at a rail, at the recorder's own rate."""
    starts = (np.arange(max(int(len(lead) / rate), 1)) * rate).astype(np.int64)
    sizes = np.diff(np.r_[starts, len(lead)])  # the last second takes what is left over

    def share(where: Bools) -> Floats:
        out: Floats = np.add.reduceat(where, starts, dtype=np.int32) / sizes
        return out

    still = np.r_[False, np.diff(lead) == 0]
    missing: Bools = share(~np.isfinite(lead)) >= 0.5
    flat: Bools = share(still) >= _limit("flat_share")
    railed: Bools = share(_at_rails(lead, still, max(3, round(_limit("rail_run") * rate)))) >= _limit("rail_share")
    return {"missing": missing, "flat": flat & ~missing, "saturated": railed & ~flat & ~missing}


def _at_rails(lead: Signal, still: Bools, run: int) -> Bools:
    """Samples in runs of at least `run` that stand exactly at the largest or smallest value of the lead."""
    if not np.isfinite(lead).any():
        return np.zeros(len(lead), np.bool_)
    rail = (lead == np.nanmax(lead)) | (lead == np.nanmin(lead))
    edges = np.flatnonzero(np.diff(np.r_[False, rail & (still | np.r_[still[1:], False]), False]))
    out = np.zeros(len(lead), np.bool_)
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        out[start:stop] = stop - start >= run
    return out


def _measure(lead: Signal, rate: float) -> _Windows:
    """All windows of one lead, in pieces of ten minutes; the last window may be shorter and counts if it is half a window."""
    step = int(_PIECE_S * rate)
    starts = range(0, max(len(lead) - int(rate * _limit("window") / 2), 1), step)
    pieces = [_piece(lead[start : start + step], rate) for start in starts]
    return _Windows(*(np.concatenate(columns) for columns in zip(*pieces, strict=True)))


def _piece(lead: Signal, rate: float) -> tuple[Floats, ...]:
    x = fill_gaps(resample(lead[None], rate, RATE_HZ)[0])[0]
    wide, band = bandpass(x, RATE_HZ, 0.67, 40.0), bandpass(x, RATE_HZ, *BAND_HZ)
    peaks = peaks_in_band(band, RATE_HZ)
    size = min(int(_limit("window") * RATE_HZ), len(x))
    rows = max(round(len(x) / size), 1)
    starts = np.minimum(np.arange(rows) * size, len(x) - size)
    at = starts[:, None] + np.arange(size)  # (W, size)
    score = _alike(wide, peaks, starts, size)
    score += _limit("prominence_weight") * np.log(np.maximum(_prominence(band, peaks, starts, size), 1e-3))
    sharp, *shares = _shares(x[at])
    score += _limit("sharp_weight") * np.minimum(np.log(sharp / _limit("enough_sharp_share")), 0.0)
    return score, _kurtosis(wide[at]), sharp, *shares


def _kurtosis(windows: Signal) -> Floats:
    """(W, N) -> (W,): 3 for Gaussian noise, 0 for a line."""
    centred = windows - windows.mean(axis=1, keepdims=True)
    power = np.square(centred)
    out: Floats = np.square(power).mean(axis=1) / np.maximum(np.square(power.mean(axis=1)), 1e-30)
    return out


def _shares(windows: Signal) -> tuple[Floats, Floats, Floats, Floats]:
    """(W, N) -> shares of power (W,): above 5 Hz, high-frequency noise, mains, and what is not wander."""
    size = windows.shape[1]
    spectrum = np.fft.rfft((windows - windows.mean(axis=1, keepdims=True)) * np.hanning(size).astype(np.float32), axis=1)
    power = np.square(np.abs(spectrum)).astype(np.float64)
    hz = np.fft.rfftfreq(size, 1 / RATE_HZ)
    mains = (np.abs(hz - 50) <= 1) | (np.abs(hz - 60) <= 1)

    def band(low: float, high: float, where: Any = True) -> Floats:
        out: Floats = power[:, (hz >= low) & (hz < high) & where].sum(axis=1) + 1e-30
        return out

    high = band(40, 100, ~mains)
    return (
        band(5, 40) / band(0.67, 40),
        high / (band(5, 40) + high),
        band(40, 100, mains) / band(0.67, 100),
        band(1, 40) / band(0, 40),
    )


def _alike(wide: Signal, peaks: Ints, starts: Ints, size: int) -> Floats:
    """Mean correlation (W,) of each beat with the second best of its six neighbours, 0 without two beats in the window.

    The second best, so that neither an ectopic beat nor one lucky pair decides.
    """
    half = round(_BEAT_S * RATE_HZ)
    inside = peaks[(peaks >= half) & (peaks < len(wide) - half)]
    if len(inside) < 2:
        return np.zeros(len(starts))
    beats = wide[inside[:, None] + np.arange(-half, half + 1)]
    beats = beats - beats.mean(axis=1, keepdims=True)
    beats /= np.maximum(np.linalg.norm(beats, axis=1, keepdims=True), 1e-12)
    each = np.full((6, len(inside)), -1.0)
    for lag in range(1, min(4, len(inside))):
        each[lag - 1, lag:] = each[lag + 2, :-lag] = (beats[lag:] * beats[:-lag]).sum(axis=1)
    best = np.sort(each, axis=0)[-2 if len(inside) > 2 else -1]
    sums = np.r_[0.0, np.cumsum(best)]
    first, last = np.searchsorted(inside, starts), np.searchsorted(inside, starts + size)
    return np.where(last - first > 1, (sums[last] - sums[first]) / np.maximum(last - first, 1), 0.0)


def _prominence(band: Signal, peaks: Ints, starts: Ints, size: int) -> Floats:
    """Median peak of the beats over the root mean square between them, in the QRS band (W,); 0 without beats."""
    near, tall = round(_NEAR_S * RATE_HZ), round(_NEAR_S * RATE_HZ / 2)
    between = np.ones(len(band), np.bool_)
    height = np.abs(band)
    between[np.clip(peaks[:, None] + np.arange(-near, near + 1), 0, len(band) - 1)] = False
    tops = height[np.clip(peaks[:, None] + np.arange(-tall, tall + 1), 0, len(band) - 1)].max(axis=1, initial=0.0)
    out = np.zeros(len(starts))
    for number, start in enumerate(starts):
        rest = height[start : start + size][between[start : start + size]]
        here = tops[np.searchsorted(peaks, start) : np.searchsorted(peaks, start + size)]
        if rest.size and here.size:
            out[number] = np.median(here) / (np.sqrt(np.square(rest).mean()) + 1e-12)
    return out
