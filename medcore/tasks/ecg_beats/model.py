"""Beats of one lead after another, for hours: how a recording is framed, and the network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medcore.networks.recurrent import Segmenter
from medcore.tasks.beats import Model
from medcore.tasks.beats import load as _load
from medcore.tasks.waveform import straightened
from medcore.types import Recording

RATE_HZ = 125.0  # a QRS complex holds little above 40 Hz, and a day has 10.8 million samples at this rate


def prepare(recording: Recording) -> NDArray[np.float32]:
    """(L, N) at RATE_HZ without baseline."""
    return straightened(recording.signal, recording.sampling_rate_hz, RATE_HZ)


def network() -> Segmenter:
    """Random weights: 0.2 M parameters. For each sample whether it is of a QRS and its peak, and if so, whether N, V or ?."""
    return Segmenter(1, 5, (16, 32, 48, 64), kernel=7, hidden=48)


def load(weights: bytes) -> Model:
    """The model in checked weights."""
    return _load(weights, network)
