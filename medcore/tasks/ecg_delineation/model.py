"""P, QRS and T of each lead: how a recording is framed, and the network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medcore.networks.recurrent import Segmenter
from medcore.tasks import delineator as kind
from medcore.tasks.waveform import straightened
from medcore.types import Recording

RATE_HZ = 250.0  # 4 ms a sample; bounds are read between samples
CONTEXT = 2  # channels that tell what the other leads do at the time


def prepare(recording: Recording) -> NDArray[np.float32]:
    """(L, N) at RATE_HZ, each lead in the height of its own usual beat."""
    return straightened(recording.signal, recording.sampling_rate_hz, RATE_HZ)


def context(leads: NDArray[np.float32]) -> NDArray[np.float32]:
    """(L, N) -> (CONTEXT, N): over these leads, the root mean square of height and of steepness.

    A P wave that one lead hardly shows is seen by its neighbours. With one lead it says nothing new.
    """
    steep = np.gradient(leads, axis=1) * (RATE_HZ / 25.0)
    return np.stack([np.sqrt(np.square(leads).mean(axis=0)), np.sqrt(np.square(steep).mean(axis=0))]).astype(np.float32)


def network() -> Segmenter:
    """Random weights: 4 classes (none, P, QRS, T) and 3 peaks for each sample."""
    return Segmenter(1 + CONTEXT, 7, (32, 48, 64, 96), kernel=9, hidden=64)


def load(weights: bytes) -> kind.Model:
    """The delineator."""
    return kind.load(weights, network)
