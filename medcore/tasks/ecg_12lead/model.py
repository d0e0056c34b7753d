"""Six findings of a twelve-lead ECG: how a recording is framed, and the network."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from medcore.networks.recurrent import TOLD, Informed, Segmenter, SequenceClassifier
from medcore.read.ecg.leads import STANDARD
from medcore.tasks import ecg_classifier as kind
from medcore.tasks.waveform import straightened
from medcore.types import Recording

RATE_HZ = 250.0  # of what the segmenter sees; the classifier works at half of it
LABELS = 6
ASKED = (STANDARD.index("II"), STANDARD.index("V1"), STANDARD.index("V5"))  # where P waves and both kinds of block show best
_CONTEXT = 2


def seen(recording: Recording) -> list[int]:
    """The numbers of the twelve leads in the network's order."""
    return [recording.leads.index(lead) for lead in STANDARD]


def prepare(recording: Recording) -> NDArray[np.float32]:
    """(12, N) at RATE_HZ: each lead without baseline and in the height of its own usual beat; most training data have no voltages."""
    return straightened(recording.signal[seen(recording)], recording.sampling_rate_hz, RATE_HZ)


def context(leads: Tensor) -> Tensor:
    """(B, 12, T) -> (B, 2, T): the delineator's context, over the leads as tensors: root mean squares of height and of steepness."""
    steep = torch.gradient(leads, dim=2)[0] * (RATE_HZ / 25.0)
    return torch.stack([leads.square().mean(dim=1).sqrt(), steep.square().mean(dim=1).sqrt()], dim=1)


def classifier() -> SequenceClassifier:
    """Random weights: 0.7 M parameters, two recurrent steps every half second; twelve leads and what the segmenter tells."""
    return SequenceClassifier(len(STANDARD) + TOLD, LABELS, (32, 48, 64, 96, 128), kernel=9, hidden=96, dropout=0.25)


def network() -> Informed:
    """Random weights, the segmenter's too: it is the delineator's, and comes with the weights file."""
    return Informed(Segmenter(1 + _CONTEXT, 7, (32, 48, 64, 96), kernel=9, hidden=64), classifier(), ASKED, context)


def load(weights: bytes) -> kind.Model:
    """The classifier of the six findings, each calibrated by itself."""
    return kind.load(weights, network)


predict = kind.predict
attribute = kind.attribute
