"""Training of the delineator on hand-marked leads: pieces of one lead with what its neighbours show, and a class for each sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from medcore.networks.device import autocast, device, settle
from medcore.networks.recurrent import Segmenter
from medcore.training.annotations import Annotation
from medcore.training.descent import Descent, descend
from medcore.training.waveforms import Wear, crop, uniform, worn

SYMBOLS = {"p": 0, "N": 1, "t": 2}  # of LUDB, in the order of types.WAVES
PEAK_SD = 3.0  # samples: how sharp a peak the network is asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """One marked wave in samples of the recording; None where the mark is missing."""

    kind: int
    onset: int | None
    peak: int
    offset: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """One subject: (L, N) prepared leads and for each lead (4, N): class of each sample, NaN where unmarked, and the three peaks."""

    leads: NDArray[np.float32]
    truth: NDArray[np.float16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What the delineator's training may vary."""

    rate_hz: float
    samples: int = 2048
    epochs: int = 30
    steps: int = 36
    batch: int = 32
    rate: float = 3e-3
    wear: Wear = field(
        default_factory=lambda: Wear(stretch=0.25, low_pass_hz=(25.0, 110.0), high_pass_hz=(0.05, 0.7), flip=0.15, noise=0.15, holes=0.1)
    )


def waves(marks: Sequence[Annotation]) -> list[Wave]:
    """The waves of one lead's annotations: a peak with the bracket before it and the one after it, where they are its own."""
    found = []
    for place, mark in enumerate(marks):
        if mark.symbol in SYMBOLS:
            before = marks[place - 1] if place else None
            after = marks[place + 1] if place + 1 < len(marks) else None
            found.append(
                Wave(
                    kind=SYMBOLS[mark.symbol],
                    onset=before.sample if before and before.symbol == "(" else None,
                    peak=mark.sample,
                    offset=after.sample if after and after.symbol == ")" else None,
                )
            )
    return found


def truth(marked: Sequence[Wave], factor: float, length: int) -> NDArray[np.float16]:
    """(4, N): class numbers (0 none, then WAVES), NaN before the first mark, after the last and in half-marked waves; three peak heights.

    Args:
        factor: samples of the network for one of the recording.
    """
    out = np.zeros((4, length), np.float16)
    t = np.arange(length)
    for wave in marked:
        near = np.exp(-0.5 * np.square((t - wave.peak * factor) / PEAK_SD))
        out[1 + wave.kind] = np.maximum(out[1 + wave.kind], near)
        if wave.onset is None or wave.offset is None:
            out[0, int((wave.peak - 60) * factor) : int((wave.peak + 60) * factor)] = np.nan
        else:
            out[0, round(wave.onset * factor) : round(wave.offset * factor) + 1] = 1 + wave.kind
    known = [mark for wave in marked for mark in (wave.onset, wave.offset) if mark is not None]
    first, last = (int(min(known) * factor), int(max(known) * factor)) if known else (length, 0)
    out[0, :first] = out[0, last + 1 :] = np.nan
    return out


def fit(network: Callable[[], Segmenter], context: Callable[[NDArray[np.float32]], NDArray[np.float32]], subjects: Sequence[Marked],
        recipe: Recipe, seed: int, checkpoint: Path) -> Segmenter:  # fmt: skip
    """One network trained on `subjects`, with averaged weights."""
    torch.manual_seed(seed)

    def losses(net: Segmenter, rng: torch.Generator) -> Iterator[Tensor]:
        draw = np.random.default_rng(int(torch.randint(2**31, (1,), generator=rng)))
        for _ in range(recipe.steps):
            x, wanted = _batch(context, subjects, recipe, draw)
            x = torch.cat([worn(x[:, :1], recipe.rate_hz, recipe.wear, rng), _around(x[:, 1:], rng)], dim=1)
            with autocast(device()):
                out = net(x.to(device()))
            yield loss(out.float(), wanted.to(device()))

    how = Descent(epochs=recipe.epochs, steps=recipe.steps, rate=recipe.rate, averaging=0.99, clip=1.0)
    return descend(settle(network()), losses, how, seed, checkpoint).eval()


def _around(x: Tensor, rng: torch.Generator) -> Tensor:
    """The neighbours' channels, louder or softer and with noise of their own."""
    gain = torch.exp(uniform(len(x), -0.4, 0.4, rng))[:, None, None]
    return x * gain + torch.randn(x.shape, generator=rng) * (uniform(len(x), 0, 1, rng).square() * 0.1)[:, None, None]


def _batch(context: Callable[[NDArray[np.float32]], NDArray[np.float32]], subjects: Sequence[Marked], recipe: Recipe,
           draw: np.random.Generator) -> tuple[Tensor, Tensor]:  # fmt: skip
    """(B, 1 + CONTEXT, T) pieces and (B, 4, T) truth."""
    pieces, wanted = [], []
    for k in draw.integers(len(subjects), size=recipe.batch):
        subject = subjects[k]
        lead = int(draw.integers(len(subject.leads)))
        others = draw.permutation(len(subject.leads))[: int(draw.choice([0, 1, 2, 7, len(subject.leads)]))]
        around = context(subject.leads[np.union1d(others, [lead])])
        stack = np.concatenate([subject.leads[lead : lead + 1], around, _one_hot(subject.truth[lead])])
        piece, count = crop(stack, recipe.samples, recipe.wear.stretch, draw)
        pieces.append(piece[: 1 + len(around)])
        wanted.append(_classes(piece[1 + len(around) :], count))
    return torch.from_numpy(np.stack(pieces)), torch.from_numpy(np.stack(wanted))


def _one_hot(rows: NDArray[np.float16]) -> NDArray[np.float32]:
    """(4, N) -> (8, N): classes and 'unmarked' as channels that a stretch of time may pass between, and the peaks."""
    kinds = np.where(np.isnan(rows[0]), 4, rows[0]).astype(int)
    return np.concatenate([np.eye(5, dtype=np.float32)[:, kinds], rows[1:].astype(np.float32)])


def _classes(stack: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    kinds = stack[:5].argmax(axis=0).astype(np.float32)
    kinds[kinds == 4] = np.nan
    kinds[count:] = np.nan
    return np.concatenate([kinds[None], stack[5:]])


def loss(out: Tensor, wanted: Tensor) -> Tensor:
    """Cross entropy of the class and of the peaks, where the truth is known."""
    known = ~wanted[:, 0].isnan()
    target = wanted[:, 0].nan_to_num().long()
    classes = F.cross_entropy(out[:, :4], target, reduction="none")
    peaks = F.binary_cross_entropy_with_logits(out[:, 4:], wanted[:, 1:], reduction="none").sum(dim=1)
    return ((classes + 2 * peaks) * known).sum() / known.sum()
