"""Six findings of a twelve-lead ECG: how a recording is framed, and the network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medcore.networks.recurrent import SequenceClassifier
from medcore.tasks import ecg_classifier as kind
from medcore.tasks.waveform import STANDARD, straightened
from medcore.types import Recording

RATE_HZ = 100.0
LABELS = 6


def seen(recording: Recording) -> list[int]:
    """The numbers of the twelve leads in the network's order."""
    return [recording.leads.index(lead) for lead in STANDARD]


def prepare(recording: Recording) -> NDArray[np.float32]:
    """(12, N) at RATE_HZ: each lead without baseline and in the height of its own usual beat; most training data have no voltages."""
    return straightened(recording.signal[seen(recording)], recording.sampling_rate_hz, RATE_HZ)


def network() -> SequenceClassifier:
    """Random weights: 0.7 M parameters, 3 recurrent steps a second."""
    return SequenceClassifier(12, LABELS, (32, 48, 64, 96, 128), kernel=9, hidden=96, dropout=0.25)


def load(weights: bytes) -> kind.Model:
    """The classifier of the six findings, each calibrated by itself."""
    return kind.load(weights, network)


predict = kind.predict
attribute = kind.attribute
