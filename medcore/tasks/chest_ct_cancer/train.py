"""How the shipped network was trained, and how a hospital trains its own: `python -m medcore train chest_ct_cancer --data DIR`."""

from __future__ import annotations

from pathlib import Path

from medcore.training.augment import Augmentation
from medcore.training.classifier import Plan, run
from medcore.training.loop import Recipe, Stage

PLAN = Plan(
    # Window and scanner part the classes of this set, so both vary hard.
    recipe=Recipe(
        stored=256,
        stages=(Stage(size=160, epochs=8, rate=8e-4),),
        finish=Stage(size=192, epochs=3, rate=3e-4),
        batch=24,
        augmentation=Augmentation(rotate=15, zoom=(0.6, 1.1), aspect=0.15, gamma=0.6, window=0.3, blur=0.6, noise=15, patches=2),
    ),
    order="sequence",
    runs=10,
)


def train(data: Path, *, resume: bool, seed: int, install: bool) -> Path:
    """Train on data/manifest.csv (path, label, group, sequence) and return where the weights are."""
    return run("chest_ct_cancer", PLAN, data, resume=resume, seed=seed, into=install)
