"""How the shipped networks were trained, and how a hospital trains its own: `python -m medcore train glucose_forecast --data DIR`."""

from __future__ import annotations

from pathlib import Path

from medcore.training.forecast import Recipe
from medcore.training.forecast_recipe import Plan, run

PLAN = Plan(
    # Sets differ by a factor of thirteen in readings; the small one, of forty children over a day or two, is soon learned by heart.
    recipe=Recipe(shares={"t1d_uom": 0.65, "tsalikian2005": 0.10, "hall2018": 0.25}, epochs=18, steps=250),
    counted=("t1d_uom", "tsalikian2005"),
)


def train(data: Path, *, resume: bool, seed: int, install: bool) -> Path:
    """Train on every NAME.csv in `data` (subject, time, glucose_mg_dl), NAME_events.csv beside it, and return where the weights are."""
    return run("glucose_forecast", PLAN, data, resume=resume, seed=seed, into=install)
