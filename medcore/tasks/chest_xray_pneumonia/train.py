"""How the shipped network was trained, and how a hospital trains its own: `python -m medcore train chest_xray_pneumonia --data DIR`."""

from __future__ import annotations

from pathlib import Path

from medcore.training.classifier import Plan, run
from medcore.training.loop import Recipe, Stage

PLAN = Plan(
    recipe=Recipe(stored=224, stages=(Stage(size=160, epochs=3, rate=8e-4),), finish=Stage(size=192, epochs=2, rate=3e-4)),
    order="patient",
    stratum="subtype",  # viral pneumonia is the subtle one: it gets as many places in a batch as bacterial and normal
)


def train(data: Path, *, resume: bool, seed: int, install: bool) -> Path:
    """Train on data/manifest.csv (path, label, patient, subtype) and return where the weights are."""
    return run("chest_xray_pneumonia", PLAN, data, resume=resume, seed=seed, into=install)
