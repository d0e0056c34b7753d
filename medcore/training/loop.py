"""The loop every image recipe shares: balanced batches, one cycle of learning rate, averaged weights, resume."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from monai.networks.nets.efficientnet import EfficientNet
from torch import Tensor, nn

from medcore.networks.device import autocast, device, settle
from medcore.networks.encoder import pretrained
from medcore.training.augment import Augmentation, augment
from medcore.training.descent import Descent, descend


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Some epochs at one image size and one cycle of the learning rate."""

    size: int  # pixels; smaller than at inference is faster, and closes the gap that zooming in opens (arXiv 1906.06423)
    epochs: int
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What a classifier's training may vary. Sizes in pixels."""

    stored: int  # side of the prepared training images that augmentation draws from
    stages: tuple[Stage, ...]  # of each fold's network
    finish: Stage  # of the averaged network, on all folds' images: small first, larger later (arXiv 2104.00298)
    batch: int = 32
    decay: float = 0.02
    dropout: float = 0.3
    smoothing: float = 0.05
    averaging: float = 0.99  # of the exponential moving average over steps
    folds: int = 5
    augmentation: Augmentation = field(default_factory=Augmentation)


def scaled(x: Tensor) -> Tensor:
    """Grey levels 0..255 as the encoder wants them, (x - 127) / 128."""
    return (x.float() - 127.0) / 128.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What one network learns from."""

    images: Tensor  # uint8 (N, 1, S, S), prepared
    targets: Tensor  # int64 (N,), the class of each
    strata: Tensor  # int64 (N,), what batches are balanced over: the class, or its subtypes


def fit(sample: Sample, labels: int, recipe: Recipe, seed: int, checkpoint: Path) -> EfficientNet:
    """Train one network through the recipe's stages and return it with averaged weights.

    Args:
        checkpoint: the stem of the files in which the state stands after each epoch; existing ones are resumed.
    """
    torch.manual_seed(seed)
    net = pretrained(1, labels, recipe.dropout)
    for number, stage in enumerate(recipe.stages):
        net = _stage(net, sample, recipe, stage, seed + 1000 * number, checkpoint.with_name(f"{checkpoint.name}-stage{number}.pt"))
    return net.eval()


def finish(net: EfficientNet, sample: Sample, recipe: Recipe, seed: int, checkpoint: Path) -> EfficientNet:
    """Train `net` further through the recipe's last stage; resumed from `checkpoint` where that stands."""
    return _stage(net.train().requires_grad_(True), sample, recipe, recipe.finish, seed, checkpoint).eval()


def _stage(net: EfficientNet, sample: Sample, recipe: Recipe, stage: Stage, seed: int, checkpoint: Path) -> EfficientNet:
    steps = math.ceil(len(sample.images) / recipe.batch)

    def losses(net: EfficientNet, rng: torch.Generator) -> Iterator[Tensor]:
        for index in balanced(sample.strata, steps * recipe.batch, rng).split(recipe.batch):
            x = augment(sample.images[index], stage.size, recipe.augmentation, rng)
            yield _loss(net, scaled(x), sample.targets[index], recipe.smoothing)

    how = Descent(epochs=stage.epochs, steps=steps, rate=stage.rate, decay=recipe.decay, averaging=recipe.averaging)
    return descend(settle(net), losses, how, seed, checkpoint)


def _loss(net: EfficientNet, x: Tensor, target: Tensor, smoothing: float) -> Tensor:
    where = device()
    with autocast(where):
        logits = net(x.to(where, memory_format=torch.channels_last))
    return nn.functional.cross_entropy(logits.float(), target.to(where), label_smoothing=smoothing)


def balanced(strata: Tensor, count: int, rng: torch.Generator) -> Tensor:
    """`count` row numbers, each stratum drawn equally often."""
    weight = 1.0 / torch.bincount(strata).double()
    return torch.multinomial(weight[strata], count, replacement=True, generator=rng)


def soup(nets: list[EfficientNet]) -> EfficientNet:
    """One network whose weights and batch statistics are the mean of those of `nets`, which are left as they are.

    Networks fine-tuned from the same start lie in one basin, where the mean of the weights behaves like the mean
    of the predictions (Wortsman 2022, arXiv 2203.05482): the gain of an ensemble at the price of one pass.
    """
    states = [net.state_dict() for net in nets]
    mean = {key: torch.stack([state[key].float() for state in states]).mean(0).to(value.dtype) for key, value in states[0].items()}
    net = copy.deepcopy(nets[0])
    net.load_state_dict(mean)
    return net
