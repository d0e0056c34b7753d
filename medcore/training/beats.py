"""Training of the beat finder: pieces of one lead with beats that cardiologists marked or two detectors agree on, worn and planted upon."""

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
from medcore.tasks.beats import levelled
from medcore.training.descent import Descent, descend
from medcore.training.ectopy import UNKNOWN, Beats, planted
from medcore.training.waveforms import Wear, worn

PEAK_SD_S = 0.02  # how sharp a peak the network is asked for
KNOWN_S = 0.1  # around a beat without bounds, the share is not asked for
PEAK_LOSS, KIND_LOSS = 2.0, 0.1  # weights beside the share's loss


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """One record: (L, N) prepared leads, and the beats that all of them show."""

    leads: NDArray[np.floating]
    beats: Beats


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Records to learn from, and their share of a batch."""

    records: Sequence[Traced]
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What the beat finder's training may vary."""

    rate_hz: float
    samples: int = 2048
    epochs: int = 20
    steps: int = 100
    batch: int = 32
    rate: float = 4e-3
    planted: float = 0.5  # chance of a piece to get beats that were not there
    silent: float = 0.04  # chance of a piece to be noise alone
    swings: float = 0.35  # chance of a piece to hold one to three swings or jumps of the baseline, up to five beats high
    wear: Wear = field(
        default_factory=lambda: Wear(
            stretch=0.4,
            gain=0.3,
            flip=0.4,
            low_pass_hz=(15.0, 45.0),
            high_pass_hz=(0.3, 2.0),
            noise=0.45,
            wander=0.8,
            bursts=0.4,
            holes=0.3,
        )
    )


def fit(
    network: Callable[[], Segmenter], pools: Sequence[Pool], recipe: Recipe, seed: int, checkpoint: Path, start: Segmenter | None = None
) -> Segmenter:
    """One network trained on `pools`, with averaged weights; `start`: one whose weights it begins with."""
    torch.manual_seed(seed)
    net = network()
    if start is not None:
        net.load_state_dict(start.state_dict())

    def losses(net: Segmenter, rng: torch.Generator) -> Iterator[Tensor]:
        draw = np.random.default_rng(int(torch.randint(2**31, (1,), generator=rng)))
        for _ in range(recipe.steps):
            x, wanted = batch(pools, recipe, draw)
            x = worn(x, recipe.rate_hz, recipe.wear, rng)
            wanted[:, 1::2] *= x != 0  # where the electrode is off, nobody can see a beat
            x = levelled(x, recipe.rate_hz)
            with autocast(device()):
                out = net(x.to(device()))
            yield loss(out.float(), wanted.to(device()))

    how = Descent(epochs=recipe.epochs, steps=recipe.steps, rate=recipe.rate, averaging=0.99, clip=1.0)
    return descend(settle(net), losses, how, seed, checkpoint).eval()


def batch(pools: Sequence[Pool], recipe: Recipe, draw: np.random.Generator) -> tuple[Tensor, Tensor]:
    """(B, 1, T) pieces and (B, 6, T) of what is wanted: share, peak and kind, each with its weight."""
    pieces, wanted = [], []
    for pool in pools:
        for k in draw.integers(len(pool.records), size=round(recipe.batch * pool.share)):
            signal, beats = piece(pool.records[k], recipe, draw)
            pieces.append(signal)
            wanted.append(targets(beats, recipe.samples, recipe.rate_hz))
    return torch.from_numpy(np.stack(pieces))[:, None], torch.from_numpy(np.stack(wanted))


def piece(record: Traced, recipe: Recipe, draw: np.random.Generator) -> tuple[NDArray[np.float32], Beats]:
    """(T,) of one lead, time stretched, with its beats; what lies behind a short record's end is zero."""
    factor = float(np.exp(draw.uniform(-recipe.wear.stretch, recipe.wear.stretch)))
    need = min(int(recipe.samples * factor), record.leads.shape[1])
    first = int(draw.integers(0, record.leads.shape[1] - need + 1))
    signal = record.leads[int(draw.integers(len(record.leads))), first : first + need].astype(np.float32)
    beats = record.beats.moved(-first, 1.0, need)
    if draw.random() < recipe.planted:
        signal, beats = planted(signal, beats, recipe.rate_hz, draw)
    if draw.random() < recipe.swings:
        for _ in range(int(draw.integers(1, 4))):
            signal = signal + swing(len(signal), recipe.rate_hz, draw)
    count = min(int(need / factor), recipe.samples)
    out = np.zeros(recipe.samples, np.float32)
    out[:count] = np.interp(np.arange(count) * ((need - 1) / max(count - 1, 1)), np.arange(need), signal)
    if draw.random() < recipe.silent:
        nothing = np.empty(0)
        return out * 0, Beats(peak=nothing, onset=nothing, offset=nothing, kind=nothing.astype(int), unclear=np.empty((0, 2)))
    return out, beats.moved(0, (count - 1) / max(need - 1, 1), count)


def swing(length: int, rate_hz: float, draw: np.random.Generator) -> NDArray[np.float32]:
    """(N,) a stretch in which an electrode moves: a smooth swing or a jump that decays, half to five beats high; it is no beat."""
    out = np.zeros(length, np.float32)
    first, count = int(draw.integers(0, length)), int(draw.uniform(0.4, 3.0) * rate_hz)
    height = float(np.exp(draw.uniform(np.log(0.5), np.log(5.0)))) * draw.choice([-1.0, 1.0])
    if draw.random() < 0.35:
        wave = np.exp(-np.arange(count) / (draw.uniform(0.1, 0.8) * rate_hz))
    else:
        smooth = np.hanning(int(draw.uniform(0.12, 0.7) * rate_hz) + 2)
        wave = np.convolve(draw.normal(size=count + len(smooth)), smooth, "same")[:count] * np.hanning(count)
        wave /= np.abs(wave).max()
    out[first : first + count] = (height * wave)[: length - first]
    return out


def targets(beats: Beats, length: int, rate_hz: float) -> NDArray[np.float32]:
    """(6, T): share of a QRS, weight; height of a peak, weight; number of the kind, weight."""
    out = np.zeros((6, length), np.float32)
    out[1] = out[3] = 1
    t = np.arange(length)
    reach = round(KNOWN_S * rate_hz)
    for first, stop in beats.unclear:
        out[[1, 3], max(int(first), 0) : max(int(stop), 0)] = 0
    for onset, peak, offset, kind in zip(beats.onset, beats.peak, beats.offset, beats.kind, strict=True):
        low, high = max(int(peak) - reach, 0), int(peak) + reach + 1
        out[2, low:high] = np.maximum(out[2, low:high], np.exp(-0.5 * np.square((t[low:high] - peak) / (PEAK_SD_S * rate_hz))))
        if np.isnan(onset) or np.isnan(offset):
            out[1, low:high] = 0
        else:
            out[0, max(round(onset), 0) : round(offset) + 1] = 1
        if kind != UNKNOWN:
            near = slice(max(round(peak) - 2, 0), round(peak) + 3)
            out[4, near], out[5, near] = kind, 1
    return out


def loss(out: Tensor, wanted: Tensor) -> Tensor:
    """Cross entropy of share, peak, and of the kind where there is a beat of known kind."""
    share, share_known, peak, peak_known, kind, kind_known = wanted.unbind(1)
    first = F.binary_cross_entropy_with_logits(out[:, 0], share, reduction="none")
    second = F.binary_cross_entropy_with_logits(out[:, 1], peak, reduction="none")
    third = F.cross_entropy(out[:, 2:], kind.long(), reduction="none")
    seen = (first * share_known + PEAK_LOSS * second * peak_known).sum() / peak_known.sum().clamp(min=1)
    return seen + KIND_LOSS * (third * kind_known).sum() / kind_known.sum().clamp(min=1)
