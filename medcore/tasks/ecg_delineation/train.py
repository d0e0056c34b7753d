"""How the shipped networks were trained, and how a hospital trains its own: `python -m medcore train ecg_delineation --data DIR`."""

from __future__ import annotations

from pathlib import Path

from medcore.tasks.ecg_delineation.model import RATE_HZ
from medcore.training.delineation import Recipe
from medcore.training.delineation_recipe import run


def train(data: Path, *, resume: bool, seed: int, install: bool) -> Path:
    """Train on data/manifest.csv (record, subject; annotations in a file a lead, as LUDB has them) and return where the weights are."""
    return run("ecg_delineation", Recipe(rate_hz=RATE_HZ), 5, 3, data, resume=resume, seed=seed, into=install)
