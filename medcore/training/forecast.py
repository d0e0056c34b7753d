"""The recipe of a forecaster: folds over subjects, examples worn at random, quantile losses; the folds' networks ship together."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from medcore.networks.device import device
from medcore.networks.foresight import SCALE, Foreseer
from medcore.tasks.adapting import LEVELS
from medcore.tasks.windows import CENTRE, CHANGE, STEP, STEPS, UNIT
from medcore.training.descent import Descent, descend
from medcore.training.forecast_sets import Examples

log = logging.getLogger(__name__)
Floats = NDArray[np.float64]
HIDEABLE = ("events", "carbs", "insulin", "time", "day", "hours")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wear:
    """How examples are changed, each chance and size of its own: networks overfit to a few dozen wearers otherwise."""

    scaled: float = 0.5  # chance that all glucose is multiplied
    scale: float = 0.16  # SD of the logarithm of the factor
    noisy: float = 0.3  # chance of sensor noise
    noise: float = 5.0  # mg/dL, most of its SD
    cut: float = 0.08  # chance that the past begins a short time ago
    hidden: Mapping[str, float] = field(  # chance that each of HIDEABLE is not known
        default_factory=lambda: {"events": 0.4, "carbs": 0.12, "insulin": 0.12, "time": 0.3, "day": 0.12, "hours": 0.06}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What a forecaster's training may vary."""

    shares: dict[str, float]  # of a batch, by set; a set that is not named gets the mean of these
    epochs: int = 10
    steps: int = 250
    batch: int = 512
    rate: float = 2e-3
    middle: float = 0.5  # weight of the squared error of the middle beside the quantile losses
    warning: float = 0.5  # weight of the warnings' cross entropy
    folds: int = 5
    wear: Wear = field(default_factory=Wear)


def fit(
    network: Callable[[], Foreseer],
    pool: Examples,
    weights: Floats,
    recipe: Recipe,
    horizons: tuple[float, ...],
    seed: int,
    checkpoint: Path,
) -> Foreseer:
    """One network trained on `pool`, examples drawn by `weights`, with averaged weights; resumed from `checkpoint` where it stands."""
    torch.manual_seed(seed)
    net = network().to(device())
    drawn = np.cumsum(weights) / weights.sum()
    loss = Loss(horizons, recipe)

    def losses(net: Foreseer, rng: torch.Generator) -> Iterator[Tensor]:
        for _ in range(recipe.steps):
            place = torch.rand(recipe.batch, generator=rng, dtype=torch.float64).numpy()
            rows = np.minimum(np.searchsorted(drawn, np.sort(place)), len(drawn) - 1)
            near, far, now, change, low = worn(pool.rows(rows), recipe.wear, rng)
            quantiles, logits = net(near.to(device()), far.to(device()), now.to(device()))
            yield loss(quantiles, logits, change.to(device()), low.to(device()))

    how = Descent(epochs=recipe.epochs, steps=recipe.steps, rate=recipe.rate, averaging=0.995, clip=1.0, warm=0.15)
    return descend(net.train(), losses, how, seed, checkpoint).eval()


class Loss:
    """Quantile losses of all horizons, each in the size that glucose moves by then; squared error of the middle; cross entropy of lows."""

    def __init__(self, horizons: tuple[float, ...], recipe: Recipe) -> None:
        self.scale = SCALE * torch.tensor(horizons).sqrt().to(device())
        self.levels = torch.tensor(LEVELS).to(device())
        self.recipe = recipe

    def __call__(self, quantiles: Tensor, logits: Tensor, change: Tensor, low: Tensor) -> Tensor:
        """(B, H, 5), (B, 2), and what came: (B, H), (B, 2), NaN unknown."""
        known, came = ~change.isnan(), change.nan_to_num() / self.scale
        said = quantiles / self.scale[:, None]
        error = came[..., None] - said
        pinball = torch.maximum(self.levels * error, (self.levels - 1) * error).sum(dim=2)
        squared = F.huber_loss(said[..., 2], came, delta=2.0, reduction="none")
        ahead = ((pinball + self.recipe.middle * squared) * known).sum() / known.sum()
        told = ~low.isnan()
        warned = F.binary_cross_entropy_with_logits(logits, low.nan_to_num(), reduction="none")
        return ahead + self.recipe.warning * (warned * told).sum() / told.sum().clamp(min=1)


def worn(batch: Examples, wear: Wear, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Near past, far past, the moment, (B, H) change to what came, (B, 2) lows, after `wear`."""
    near, far = (torch.from_numpy(array.astype(np.float32)) for array in (batch.seen.near, batch.seen.far))
    now, came, low = torch.from_numpy(batch.seen.now).clone(), torch.from_numpy(batch.came), torch.from_numpy(batch.low).clone()
    count = len(near)

    def chance(share: float) -> Tensor:
        return torch.rand(count, generator=rng) < share

    scaled = chance(wear.scaled)
    factor = torch.where(scaled, torch.exp(wear.scale * torch.randn(count, generator=rng)), 1.0)
    size = chance(wear.noisy) * torch.rand(count, generator=rng) * wear.noise
    noise = torch.randn(count, STEPS, generator=rng) * size[:, None] * near[:, 3]
    level = (near[:, 0] * UNIT + CENTRE) * factor[:, None] + noise
    at = level[:, -1]
    near[:, 0], near[:, 1] = (level - CENTRE) / UNIT, (level - at[:, None]) / CHANGE
    far[:, 0] = torch.where(far[:, 1] > 0, ((far[:, 0] * UNIT + CENTRE) * factor[:, None] - CENTRE) / UNIT, far[:, 0])
    now[:, 3] = ((now[:, 3] * UNIT + CENTRE) * factor - CENTRE) / UNIT
    now[:, 4:6] *= factor[:, None]
    now[:, 7] = (at - CENTRE) / UNIT
    low[scaled] = torch.nan  # the threshold is not multiplied
    _shorten(near, far, now, chance(wear.cut), rng)
    for what, share in wear.hidden.items():
        hide(near, far, now, what, chance(share))
    return near, far, now, came * factor[:, None] - at[:, None], low


def _shorten(near: Tensor, far: Tensor, now: Tensor, cut: Tensor, rng: torch.Generator) -> None:
    """Of those that `cut` names, the past begins so many points ago: before it the first level is held, as for a new sensor."""
    left = (torch.rand(len(near), generator=rng) ** 2 * STEPS).long()
    first = (STEPS - 1 - left)[:, None]
    gone = cut[:, None] & (torch.arange(STEPS)[None] < first)
    for channel in (0, 1):
        near[:, channel] = torch.where(gone, near[:, channel].gather(1, first), near[:, channel])
    near[:, 2:7] *= ~gone[:, None]
    far[cut] = 0
    now[cut, 6] = left[cut] * STEP / 1440.0


def hide(near: Tensor, far: Tensor, now: Tensor, what: str, rows: Tensor) -> None:
    """Take `what`, one of HIDEABLE, from the moments that `rows` (B,) names, in place: as if it had not been recorded."""
    if what == "events":
        near[rows, 4:8] = 0
    elif what == "carbs":
        near[rows, 4] = 0
    elif what == "insulin":
        near[rows, 5:7] = 0
    elif what == "time":
        now[rows, :2] = 0
    elif what == "day":
        far[rows] = 0
        now[rows, 3:7] = 0
    elif what == "hours":  # but the last one
        near[rows, :, : -STEPS // 4] = 0
    else:
        raise ValueError(f"{what} is nothing that can be hidden")


def drawn(pool: Examples, sets: list[str], recipe: Recipe) -> Floats:
    """How often each example is drawn: sets by their shares, subjects of a set by the root of how much they recorded."""
    weights = np.zeros(len(pool.subject))
    usual = float(np.mean(list(recipe.shares.values())))
    for name in dict.fromkeys(sets):
        own = [number for number, each in enumerate(sets) if each == name]
        mine = np.isin(pool.subject, own)
        count = np.bincount(pool.subject[mine], minlength=len(sets))
        weights[mine] = count[pool.subject[mine]] ** -0.5
        if mine.any():
            weights[mine] *= recipe.shares.get(name, usual) / weights[mine].sum()
    return weights
