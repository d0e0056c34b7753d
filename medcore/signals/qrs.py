"""QRS complexes by two moving averages, for judging a signal before any network has seen it.

Elgendi 2010 (BIOSIGNALS 2010, 428-431) with the parameters of Elgendi 2013 (PLOS ONE, doi 10.1371/journal.pone.0073557): band 8 to 20 Hz,
squared, a 97 ms average must exceed a 611 ms one by 8 % of the mean for at least 97 ms.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medcore.signals.filters import Signal, bandpass

BAND_HZ = (8.0, 20.0)
_QRS_S, _BEAT_S, _OFFSET = 0.097, 0.611, 0.08
_REFRACTORY_S = 0.2  # no heart beats again sooner
_LOCAL_S = 10.0  # the mean that the offset is a share of: a loud stretch must not deafen the rest of a day

Ints = NDArray[np.int64]


def r_peaks(lead: Signal, sampling_rate_hz: float) -> Ints:
    """Samples of the largest slope energy in each QRS complex of one lead (N,), ascending. Gaps hold none."""
    return peaks_in_band(bandpass(lead, sampling_rate_hz, *BAND_HZ), sampling_rate_hz)


def peaks_in_band(band: Signal, sampling_rate_hz: float) -> Ints:
    """As `r_peaks`, of a lead that is already between 8 and 20 Hz."""
    power = np.nan_to_num(band).astype(np.float32) ** 2
    if power.size < sampling_rate_hz or not power.any():
        return np.empty(0, np.int64)
    short = moving_mean(power, round(_QRS_S * sampling_rate_hz))
    limit = moving_mean(power, round(_BEAT_S * sampling_rate_hz))
    limit += _OFFSET * moving_mean(power, round(_LOCAL_S * sampling_rate_hz))
    edges = np.flatnonzero(np.diff(np.r_[False, short > limit, False]))
    starts, stops = edges[::2], edges[1::2]
    long_enough = stops - starts >= round(_QRS_S * sampling_rate_hz)
    found = [start + int(power[start:stop].argmax()) for start, stop in zip(starts[long_enough], stops[long_enough], strict=True)]
    return _apart(np.array(found, np.int64), power, _REFRACTORY_S * sampling_rate_hz)


def _apart(peaks: Ints, power: Signal, least: float) -> Ints:
    """Of two peaks closer than `least` samples the stronger."""
    keep: list[int] = []
    for peak in peaks.tolist():
        if keep and peak - keep[-1] < least:
            if power[peak] > power[keep[-1]]:
                keep[-1] = peak
        else:
            keep.append(peak)
    return np.array(keep, np.int64)


def moving_mean(values: Signal, width: int) -> Signal:
    """The mean over `width` samples around each, fewer at the ends; double sums, so that a day does not lose its digits."""
    width = max(1, min(width, len(values)))
    sums = np.r_[0.0, np.cumsum(values, dtype=np.float64)]
    middle = np.arange(len(values))
    first = np.maximum(middle - width // 2, 0)
    last = np.minimum(middle - width // 2 + width, len(values))
    out: Signal = ((sums[last] - sums[first]) / (last - first)).astype(np.float32)
    return out
