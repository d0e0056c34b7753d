"""How the shipped networks were trained, and how a hospital trains its own: `python -m medcore train ecg_rhythm --data DIR`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medcore.read.ecg.leads import STANDARD
from medcore.tasks.ecg_rhythm.model import RATE_HZ
from medcore.tasks.waveform import straightened
from medcore.training.ecg import Beside, Plan, run
from medcore.training.sequence import Recipe
from medcore.training.waveforms import Wear
from medcore.types import Recording


def twelve(recording: Recording) -> NDArray[np.float32]:
    """(12, N) of the second set, of which a lead is drawn each time."""
    rows = [recording.leads.index(lead) for lead in STANDARD]
    return straightened(recording.signal[rows], recording.sampling_rate_hz, RATE_HZ)


# From the third cycle on: networks that had learned under full wear read their own training records hardly better than new ones.
CALM = Wear(stretch=0.05, gain=0.2, flip=0.15, filtered=0.25, tilt=0.15, noise=0.08, wander=0.2, bursts=0.05, holes=0.05)

PLAN = Plan(
    recipe=Recipe(
        rate_hz=RATE_HZ,
        lengths_s=((10.0, 0.35), (20.0, 0.35), (30.0, 0.3)),
        cycles=((14, 2e-3), (5, 1e-3), (5, 1e-3), (3, 7e-4)),
        batch=64,
        calm=CALM,
    ),
    counted=("normal", "atrial_fibrillation", "other_rhythm"),  # as the 2017 challenge counts
    # Hospital ECGs of 10 s teach what atrial fibrillation looks like on other devices and leads; of the rest they say only "not that".
    beside=Beside(
        folder="ecg_12lead", column="AFIB", label="atrial_fibrillation", share=12 / 64, leads=(4.0, 6.0, *(0.6,) * 10), prepare=twelve
    ),
)


def train(data: Path, *, resume: bool, seed: int, install: bool) -> Path:
    """Train on data/manifest.csv (record, label), with ../ecg_12lead beside it if there, and return where the weights are."""
    return run("ecg_rhythm", PLAN, data, resume=resume, seed=seed, into=install)
