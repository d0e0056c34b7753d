"""How the shipped networks were trained, and how a hospital trains its own: `python -m medcore train ecg_12lead --data DIR`."""

from __future__ import annotations

from pathlib import Path

from medcore.tasks.ecg_12lead.model import RATE_HZ
from medcore.training.ecg import Plan, run
from medcore.training.sequence import Recipe
from medcore.training.waveforms import Wear

PLAN = Plan(
    recipe=Recipe(
        rate_hz=RATE_HZ,
        lengths_s=((8.0, 0.3), (10.0, 0.7)),
        epochs=25,
        smoothing=0.02,
        # Time is hardly stretched and nothing turned upside down: rate and polarity are what some of the labels are about.
        wear=Wear(stretch=0.03, flip=0.0, gain=0.3, noise=0.2, wander=0.4, lost_leads=0.1, low_pass_hz=(15.0, 45.0)),
    ),
    counted=("1AVB", "CRBBB", "CLBBB", "SBRAD", "AFIB", "STACH"),
)


def train(data: Path, *, resume: bool, seed: int, install: bool) -> Path:
    """Train on data/manifest.csv (record, patient, a 0/1 column a label) and return where the weights are."""
    return run("ecg_12lead", PLAN, data, resume=resume, seed=seed, into=install)
