"""How the shipped networks were trained, and how a hospital trains its own: `python -m medcore train ecg_12lead --data DIR`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from medcore import registry
from medcore.networks.recurrent import TOLD, Informed, SequenceClassifier, halved
from medcore.tasks import delineator
from medcore.tasks.ecg_12lead.model import RATE_HZ, classifier, network
from medcore.training.ecg import Plan, Told, run
from medcore.training.sequence import Recipe
from medcore.training.waveforms import Wear

DELINEATOR = "ecg_delineation"  # whose first network is the segmenter


def whole(base: SequenceClassifier) -> Informed:
    """The segmenter before a trained classifier."""
    net = network()
    shipped: delineator.Model = registry.task_module(DELINEATOR).load(registry.checked_weights(DELINEATOR))
    net.front.load_state_dict(shipped.nets[0].state_dict())
    net.base.load_state_dict(base.state_dict())
    return net.eval().requires_grad_(False)


@torch.inference_mode()
def tell(signals: Sequence[NDArray[np.float16]]) -> list[NDArray[np.float16]]:
    """(12, N) at RATE_HZ -> (12 + TOLD, N / 2): the segmenter is asked once of each record, not in every epoch."""
    net = whole(classifier())
    out = []
    for signal in signals:
        x = torch.from_numpy(signal.astype(np.float32))[None]
        out.append(halved(torch.cat([x, net.told(x)], dim=1))[0].half().numpy())
    return out


PLAN = Plan(
    recipe=Recipe(
        rate_hz=RATE_HZ / 2,
        lengths_s=((8.0, 0.3), (10.0, 0.7)),
        cycles=((22, 2e-3),),
        smoothing=0.02,
        # Time is hardly stretched and nothing turned upside down: rate and polarity are what some of the labels are about.
        wear=Wear(stretch=0.03, flip=0.0, gain=0.3, noise=0.2, wander=0.4, lost_leads=0.1, low_pass_hz=(15.0, 45.0)),
        told=TOLD,
    ),
    counted=("1AVB", "CRBBB", "CLBBB", "SBRAD", "AFIB", "STACH"),
    told=Told(tell=tell, inner=classifier, whole=whole),
)


def train(data: Path, *, resume: bool, seed: int, install: bool) -> Path:
    """Train on data/manifest.csv (record, patient, a 0/1 column a label) and return where the weights are."""
    return run("ecg_12lead", PLAN, data, resume=resume, seed=seed, into=install)
