"""Whether the arm electrodes were swapped: lead I upside down while V6 is upright.

Batchvarov 2007 (Europace 9:1081, doi 10.1093/europace/eum198): with the arms swapped I is inverted, II and III and
aVR and aVL change places, and the chest leads stay; P, QRS and T of I then disagree with V6. In dextrocardia V6 is small or negative too,
so that it is not mistaken for a swap.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medcore.signals import limits
from medcore.signals.filters import LOWEST_HZ, Signal, bandpass, fill_gaps, resample, samples
from medcore.signals.qrs import BAND_HZ, peaks_in_band
from medcore.types import Recording

RATE_HZ = 250.0
_NEEDED = ("I", "aVR", "V6")
_BEFORE_S, _AFTER_S = 0.25, 0.40  # of the average beat about the QRS
_QRS_S, _P_S = 0.05, (0.22, 0.08)  # half a QRS; where a P wave is looked for, before the QRS
_LONGEST_S = 60  # the electrodes of a long recording do not move


def average_beat(signal: Signal, sampling_rate_hz: float) -> Signal | None:
    """The median beat of all leads (L, N) -> (L, 163) at 250 Hz, 250 ms before the QRS to 400 ms after; None with fewer than 3 beats.

    Beats are found where the leads together are steepest.
    """
    x = fill_gaps(resample(signal, sampling_rate_hz, RATE_HZ))[0]
    wide = bandpass(x, RATE_HZ, 0.67, 40.0)
    band = bandpass(x, RATE_HZ, *BAND_HZ)
    peaks = peaks_in_band(np.sqrt(np.square(band).mean(axis=0)), RATE_HZ)
    before, after = round(_BEFORE_S * RATE_HZ), round(_AFTER_S * RATE_HZ)
    peaks = peaks[(peaks >= before) & (peaks < x.shape[1] - after)]
    if len(peaks) < 3:
        return None
    out: Signal = np.median(wide[:, peaks[:, None] + np.arange(-before, after + 1)], axis=1)
    return out


def lead_reversal(recording: Recording) -> str | None:
    """ "arms" where everything speaks for swapped arm electrodes, else None. Needs I, aVR and V6.

    All of: P and QRS of I negative, QRS of aVR not negative, QRS of V6 positive, and the beat of I against that of V6 turned over
    (correlation below the limit in reference/ecg_rules.toml).
    """
    if not set(_NEEDED) <= set(recording.leads) or recording.sampling_rate_hz < LOWEST_HZ or recording.seconds < 1:
        return None
    rows = [recording.leads.index(lead) for lead in _NEEDED]
    signal = samples(recording.signal[rows, : round(_LONGEST_S * recording.sampling_rate_hz)])
    if not np.isfinite(signal).any(axis=1).all():
        return None
    beat = average_beat(signal, recording.sampling_rate_hz)
    if beat is None or not (beat.std(axis=1) > 0).all():
        return None
    limb, avr, chest = (row - _level(row) for row in beat)
    turned = np.corrcoef(limb, chest)[0, 1] <= limits.value("ecg_rules", "arms_swapped_correlation")
    swapped = _qrs(limb) < 0 and _p(limb) < 0 and _qrs(avr) >= 0 and _qrs(chest) > 0
    return "arms" if turned and swapped else None


def _level(beat: NDArray[np.float32]) -> float:
    """The level just before the QRS (PR segment)."""
    at = round(_BEFORE_S * RATE_HZ)
    return float(np.median(beat[at - round(0.07 * RATE_HZ) : at - round(0.045 * RATE_HZ)]))


def _qrs(beat: NDArray[np.float32]) -> float:
    """Net area of the QRS."""
    at, half = round(_BEFORE_S * RATE_HZ), round(_QRS_S * RATE_HZ)
    return float(beat[at - half : at + half + 1].sum())


def _p(beat: NDArray[np.float32]) -> float:
    """Net area of where a P wave stands."""
    at = round(_BEFORE_S * RATE_HZ)
    first, last = (at - round(seconds * RATE_HZ) for seconds in _P_S)
    return float(beat[first:last].sum())
