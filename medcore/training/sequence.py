"""Training of a signal classifier: batches of random pieces, worn at random, and the loss of labels that may be known in part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from medcore.networks.device import autocast, device, settle
from medcore.networks.recurrent import SequenceClassifier
from medcore.training.descent import Descent, descend
from medcore.training.waveforms import Wear, crop, uniform, worn

CALM_FROM = 2  # the number of the first calm cycle
Network = Callable[[], SequenceClassifier]
Loss = Callable[[Tensor, Tensor, float], Tensor]  # logits, targets, smoothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Records to learn from: `signals` (C, N) each, `targets` (n, K), `weights` (n,) how often a record is drawn.

    With `leads`, a record's lead is drawn by these weights (C,) and the network sees that one alone.
    """

    signals: Sequence[NDArray[np.floating]]
    targets: NDArray[np.float32]
    weights: NDArray[np.float64]
    share: float  # of a batch
    leads: NDArray[np.float64] | None = None

    def rows(self, kept: NDArray[np.bool_]) -> Pool:
        """The records that `kept` names."""
        index = np.flatnonzero(kept)
        return Pool(
            signals=[self.signals[k] for k in index.tolist()], targets=self.targets[index], weights=self.weights[index], share=self.share,
            leads=self.leads,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What a signal classifier's training may vary."""

    rate_hz: float
    lengths_s: tuple[tuple[float, float], ...]  # (seconds, chance): every batch has one length
    cycles: tuple[tuple[int, float], ...]  # (epochs, highest rate) of each, the next going on from the averaged weights of the last
    batch: int = 64
    smoothing: float = 0.05
    averaging: float = 0.995
    decay: float = 0.02
    folds: int = 5
    wear: Wear = field(default_factory=Wear)
    calm: Wear | None = None  # wear from the third cycle on, which is to see signals more as they come (arXiv 1909.09148)
    told: int = 0  # of the last channels, that tell what another network made of the signal: they wear differently


def among(logits: Tensor, allowed: Tensor, smoothing: float) -> Tensor:
    """Exclusive classes known in part: minus the log of what the `allowed` (B, K) ones have together.

    A full label allows one class; "not atrial fibrillation" allows all others.
    """
    log_p = logits.float().log_softmax(dim=1)
    said = log_p.masked_fill(allowed == 0, -1e4).logsumexp(dim=1)
    return -((1 - smoothing) * said + smoothing * log_p.mean(dim=1)).mean()


def separate(logits: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    """Labels that exclude nothing: the cross entropy of each, NaN where it is not known."""
    known = ~targets.isnan()
    wanted = targets.nan_to_num() * (1 - smoothing) + smoothing / 2
    each = torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), wanted, reduction="none")
    return (each * known).sum() / known.sum()


def fit(network: Network, pools: Sequence[Pool], recipe: Recipe, loss: Loss, seed: int, checkpoint: Path) -> SequenceClassifier:
    """One network trained on `pools`, with averaged weights; resumed from the files that begin as `checkpoint` where they stand."""
    torch.manual_seed(seed)
    net = network()
    steps = int(np.ceil(len(pools[0].signals) / (recipe.batch * pools[0].share)))

    def losses(wear: Wear, net: SequenceClassifier, rng: torch.Generator) -> Iterator[Tensor]:
        draw = np.random.default_rng(int(torch.randint(2**31, (1,), generator=rng)))
        for _ in range(steps):
            x, valid, targets = batch(pools, recipe, draw)
            x = _worn(x, recipe, wear, rng)
            with autocast(device()):
                logits = net(x.to(device()), valid.to(device()))
            yield loss(logits, targets.to(device()), recipe.smoothing)

    for number, (epochs, rate) in enumerate(recipe.cycles):
        how = Descent(epochs=epochs, steps=steps, rate=rate, decay=recipe.decay, averaging=recipe.averaging, clip=1.0, warm=0.15)
        wear = recipe.calm if number >= CALM_FROM and recipe.calm is not None else recipe.wear
        place = checkpoint.with_name(f"{checkpoint.stem}-cycle{number}{checkpoint.suffix}")
        net = descend(settle(net.train()), partial(losses, wear), how, seed + 1000 * number, place)
    return net.eval()


def _worn(x: Tensor, recipe: Recipe, wear: Wear, rng: torch.Generator) -> Tensor:
    """The signal worn; channels that tell are softened, and now and then silent, so that nothing rests on them alone."""
    signal = worn(x[:, : x.shape[1] - recipe.told], recipe.rate_hz, wear, rng)
    if not recipe.told:
        return signal
    kept = (torch.rand(len(x), 1, 1, generator=rng) >= 0.15) * uniform(len(x), 0.7, 1.0, rng)[:, None, None]
    return torch.cat([signal, x[:, x.shape[1] - recipe.told :] * kept], dim=1)


def batch(pools: Sequence[Pool], recipe: Recipe, draw: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """(B, C, T) pieces of one length, (B, T) where they are signal, (B, K) targets."""
    seconds, chances = zip(*recipe.lengths_s, strict=True)
    length = int(draw.choice(seconds, p=chances) * recipe.rate_hz)
    pieces, counts, targets = [], [], []
    for pool in pools:
        for k in draw.choice(len(pool.signals), round(recipe.batch * pool.share), p=pool.weights / pool.weights.sum()):
            signal = pool.signals[k]
            if pool.leads is not None:
                lead = int(draw.choice(len(pool.leads), p=pool.leads / pool.leads.sum()))
                signal = signal[lead : lead + 1]
            piece, count = crop(signal, length, recipe.wear.stretch, draw)
            pieces.append(piece)
            counts.append(count)
            targets.append(pool.targets[k])
    valid = torch.arange(length)[None] < torch.tensor(counts)[:, None]
    return torch.from_numpy(np.stack(pieces)), valid, torch.from_numpy(np.stack(targets))
