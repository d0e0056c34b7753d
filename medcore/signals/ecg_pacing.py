"""Pacing spikes: narrow, steep deflections at a fixed time before the QRS, larger than anything the QRS itself has of that steepness.

A spike of 0.5-2 ms survives the recorder's low-pass as a few samples only at 500 Hz and more (Kligfield 2007, doi
10.1016/j.jacc.2007.01.024; Herleikson 1997, US 5682902 detects it by slew rate). Here it is what a median filter of 12 ms takes away.
Bipolar spikes may be too small to be seen: that none was found does not mean that nobody paces.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from medcore.signals import limits
from medcore.signals.filters import Signal, bandpass, fill_gaps
from medcore.signals.qrs import BAND_HZ, peaks_in_band

_LONGEST_S = 60  # of a long recording the first minute is looked at
_MEDIAN_S = 0.012  # wider than a spike, narrower than a QRS
_BEFORE_S, _QRS_S = 0.3, 0.025  # a spike is looked for from 300 to 25 ms before the peak, what the QRS has itself within 25 ms of it
_FIXED_S = 0.006
_limit = partial(limits.value, "ecg_rules")


def paced(signal: NDArray[Any], sampling_rate_hz: float) -> bool | None:
    """Whether at least half of the beats of (L, N) follow a spike by the same time; None below 500 Hz or with fewer than 3 beats."""
    if sampling_rate_hz < _limit("spike_rate"):
        return None
    x = fill_gaps(signal[:, : round(_LONGEST_S * sampling_rate_hz)])[0]
    smooth: Signal = median_filter(x, size=(1, round(_MEDIAN_S * sampling_rate_hz) | 1))
    steep = np.abs(x - smooth).sum(axis=0)
    band = bandpass(smooth, sampling_rate_hz, *BAND_HZ)  # without the spikes, which would pass for beats
    peaks = peaks_in_band(np.sqrt(np.square(band).sum(axis=0)), sampling_rate_hz)
    before, near = round(_BEFORE_S * sampling_rate_hz), round(_QRS_S * sampling_rate_hz)
    peaks = peaks[(peaks >= before) & (peaks < x.shape[1] - near)]
    if len(peaks) < 3:
        return None
    ahead = steep[peaks[:, None] + np.arange(-before, -near)]
    own = steep[peaks[:, None] + np.arange(-near, near + 1)].max(axis=1)
    delay = ahead.argmax(axis=1)
    fixed = np.abs(delay[:, None] - delay) <= _FIXED_S * sampling_rate_hz  # (B, B)
    alike = fixed[fixed.sum(axis=1).argmax()]
    spike = float(np.median(ahead.max(axis=1)[alike]))
    ratio = spike / max(float(np.median(own[alike])), 1e-9)
    alone = spike / max(float(np.quantile(ahead[alike], 0.9)), 1e-9)  # over what else is steep before the QRS
    return bool(alike.mean() >= _limit("spike_share") and ratio >= _limit("spike_ratio") and alone >= _limit("spike_alone"))
