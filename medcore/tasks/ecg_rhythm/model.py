"""Rhythm of a single-lead ECG of any length: how a recording is framed, and the network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medcore.networks.recurrent import SequenceClassifier
from medcore.tasks.waveform import rhythm_lead, straightened
from medcore.types import Recording

RATE_HZ = 100.0  # P waves and f waves (4 to 9 Hz) lie well below its Nyquist rate


def prepare(recording: Recording) -> NDArray[np.float32]:
    """(1, N) at RATE_HZ: lead II, else I, else the first, without baseline and amplitude."""
    lead = rhythm_lead(recording)
    return straightened(recording.signal[lead : lead + 1], recording.sampling_rate_hz, RATE_HZ)


def network() -> SequenceClassifier:
    """Random weights: 0.7 M parameters, 3 recurrent steps a second."""
    return SequenceClassifier(1, 4, (32, 48, 64, 96, 128), kernel=9, hidden=96)
