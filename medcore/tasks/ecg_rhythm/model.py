"""Rhythm of a single-lead ECG of any length: how a recording is framed, and the network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medcore.networks.recurrent import SequenceClassifier
from medcore.tasks import ecg_classifier as kind
from medcore.tasks.waveform import rhythm_lead, straightened
from medcore.types import Recording

RATE_HZ = 100.0  # P waves and f waves (4 to 9 Hz) lie well below its Nyquist rate
LABELS = 4


def seen(recording: Recording) -> list[int]:
    """The number of the lead that is read: II, else I, else the first."""
    return [rhythm_lead(recording)]


def prepare(recording: Recording) -> NDArray[np.float32]:
    """(1, N) at RATE_HZ: that lead without baseline, in the height of its own usual beat."""
    return straightened(recording.signal[seen(recording)], recording.sampling_rate_hz, RATE_HZ)


def network() -> SequenceClassifier:
    """Random weights: 0.7 M parameters, 3 recurrent steps a second."""
    return SequenceClassifier(1, LABELS, (32, 48, 64, 96, 128), kernel=9, hidden=96)


def load(weights: bytes) -> kind.Model:
    """The classifier with its classes normal, atrial fibrillation, other rhythm and noisy."""
    return kind.load(weights, network)


predict = kind.predict
attribute = kind.attribute
