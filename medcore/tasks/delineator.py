"""The verbs of delineators: load, scores of each sample, and the waves in them.

A task of this kind has a model.py with RATE_HZ, `prepare(recording)`, `context(leads)`, `network()` and these verbs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor

from medcore.errors import ModelUnavailable
from medcore.networks.device import device, settle
from medcore.networks.recurrent import Segmenter
from medcore.types import WAVES, Recording

Floats = NDArray[np.float32]

PIECE_S, OVERLAP_S = 20.0, 2.0  # long recordings are read in pieces that overlap by this much on both sides
SHORTEST_S = {"P": 0.03, "QRS": 0.036, "T": 0.06}  # below this a run of samples is no wave
NEAR_S = 0.10  # two runs of one wave closer than this, with nothing else between, are one wave
SEEN = {"P": 0.30, "QRS": 0.35, "T": 0.30}  # height of the peak's score that makes a wave
SURE = 0.7  # or this mean share, whatever the peak: a notched QRS has no one peak


class Task(Protocol):
    """A model.py of a delineator."""

    RATE_HZ: float

    def prepare(self, recording: Recording) -> Floats:
        """(L, N) at RATE_HZ."""

    def context(self, leads: Floats) -> Floats:
        """(L, N) -> (C, N): what the leads together do."""

    def network(self) -> Segmenter:
        """Random weights."""

    def load(self, weights: bytes) -> Model:
        """The model in checked weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Networks of several folds, whose scores are averaged. `lock`: torch modules are not shared between threads while they run.

    `early_s` (3, 2): by how much onset and offset of P, QRS and T come too early on subjects that a network did not see.
    """

    nets: tuple[Segmenter, ...]
    early_s: NDArray[np.float64]
    lock: threading.Lock


@dataclass(frozen=True, slots=True)
class Wave:
    """One wave of one lead in samples of the recording, between samples too; NaN where a bound is not seen. `kind` numbers WAVES."""

    kind: int
    onset: float
    peak: float
    offset: float
    confidence: float


def load(weights: bytes, network: Callable[[], Segmenter]) -> Model:
    """The model in `weights` (safetensors).

    Raises:
        ModelUnavailable: not safetensors, or not the tensors of this network.
    """
    try:
        tensors = {name: value.float() for name, value in safetensors.torch.load(weights).items()}
        count = 1 + max(int(name.split(".")[0][3:]) for name in tensors if name.startswith("net"))
        nets = [_net(tensors, f"net{k}.", network) for k in range(count)]
        early = tensors["bounds.early_s"].double().numpy()
    except (safetensors.SafetensorError, RuntimeError, KeyError, ValueError) as error:
        raise ModelUnavailable("The weights file does not hold the network that its task needs.") from error
    return Model(nets=tuple(nets), early_s=early, lock=threading.Lock())


def _net(tensors: dict[str, Tensor], prefix: str, network: Callable[[], Segmenter]) -> Segmenter:
    net = network()
    net.load_state_dict({name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)})
    return settle(net).eval().requires_grad_(False)


def dump(nets: Sequence[Segmenter], early_s: NDArray[np.float64]) -> bytes:
    """The inverse of `load`, for nets whose matrices are rounded to half precision."""
    tensors = {
        f"net{k}.{name}": value.cpu().half() if value.ndim >= 2 else value.cpu()
        for k, net in enumerate(nets)
        for name, value in net.state_dict().items()
    }
    tensors["bounds.early_s"] = torch.from_numpy(early_s)
    return safetensors.torch.save({name: value.contiguous() for name, value in tensors.items()})


def inputs(leads: Floats, context: Callable[[Floats], Floats]) -> Floats:
    """(L, N) -> (L, 1 + C, N): each lead with what all of them do."""
    around = context(leads)
    return np.concatenate([leads[:, None], np.broadcast_to(around, (len(leads), *around.shape))], axis=1)


@torch.inference_mode()
def scores(model: Model, x: Floats, rate_hz: float) -> Floats:
    """(L, C, N) inputs -> (L, 7, N): shares of none, P, QRS, T, and how much each sample is a peak of each wave."""
    count = x.shape[2]
    piece, overlap = int(PIECE_S * rate_hz), int(OVERLAP_S * rate_hz)
    out = np.empty((len(x), 7, count), np.float32)
    with model.lock:
        for start in range(0, count, piece):
            first, stop = max(start - overlap, 0), min(start + piece, count)
            part = _scores(model.nets, torch.from_numpy(np.ascontiguousarray(x[:, :, first : min(stop + overlap, count)])))
            out[:, :, start:stop] = part[:, :, start - first : stop - first]
    return out


def _scores(nets: Sequence[Segmenter], x: Tensor) -> Floats:
    length, multiple = x.shape[2], nets[0].multiple
    padded = torch.nn.functional.pad(x, (0, -length % multiple)).to(device())
    total = torch.zeros(len(x), 7, length)
    for net in nets:
        logits = net(padded)[:, :, :length].float().cpu()
        total += torch.cat([logits[:, :4].softmax(dim=1), logits[:, 4:].sigmoid()], dim=1)
    return (total / len(nets)).numpy()


def waves(score: Floats, rate_hz: float, together: Floats | None = None) -> list[Wave]:
    """The waves of one lead in its (7, N) scores, in order of time, samples of the network.

    Args:
        together: (7, N) the mean over leads. Whether a wave is there, the lead and the leads together decide; where it begins and
            ends, the lead alone, since that is what differs between leads.
    """
    seen: Floats = score if together is None else np.asarray((score + together) / 2, np.float32)
    found = [wave for kind in range(len(WAVES)) for wave in _of_kind(kind, score, seen, rate_hz)]
    return sorted(found, key=lambda wave: wave.peak)


def _of_kind(kind: int, score: Floats, seen: Floats, rate_hz: float) -> list[Wave]:
    share, own = seen[1 + kind], score[1 + kind]
    found = []
    for first, stop in _runs(share >= 0.5, int(NEAR_S * rate_hz), share + seen[0] > 0.5):
        peaked = float(seen[4 + kind, max(first - 2, 0) : stop + 2].max())
        certain = peaked >= SEEN[WAVES[kind]] or float(share[first:stop].mean()) >= SURE
        if stop - first < SHORTEST_S[WAVES[kind]] * rate_hz or not certain:
            continue
        peak = first + int((score[4 + kind, first:stop] + 0.2 * seen[4 + kind, first:stop]).argmax())
        begin, end = _own(own, first, stop)
        source = own if (begin, end) != (first, stop) or own[first] >= 0.5 else share
        found.append(Wave(kind, _crossing(source, begin - 1), float(peak), _crossing(source, end - 1), peaked))
    return found


def _own(own: Floats, first: int, stop: int, reach: int = 20) -> tuple[int, int]:
    """The run of the lead's own share that overlaps samples `first` to `stop` most; these themselves where it has none."""
    start = max(first - reach, 0)
    runs = [(a + start, b + start) for a, b in _runs(own[start : stop + reach] >= 0.5, 0, own[start : stop + reach] > 1)]
    overlap = [min(b, stop) - max(a, first) for a, b in runs]
    return runs[int(np.argmax(overlap))] if overlap and max(overlap) > 0 else (first, stop)


def _runs(inside: NDArray[np.bool_], near: int, between: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(first, one past last) of each run of True; runs less than `near` apart are joined where `between` holds all along."""
    edges = np.flatnonzero(np.diff(np.r_[0, inside.astype(np.int8), 0]))
    runs = list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
    joined: list[tuple[int, int]] = []
    for first, stop in runs:
        if joined and first - joined[-1][1] < near and between[joined[-1][1] : first].all():
            joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((first, stop))
    return joined


def _crossing(share: Floats, left: int) -> float:
    """Where between samples `left` and `left + 1` the share is one half; NaN at the recording's ends, where the bound is not seen."""
    if left < 0 or left + 1 >= len(share):
        return float("nan")
    a, b = float(share[left]), float(share[left + 1])
    return left + (0.5 - a) / (b - a) if a != b else left + 0.5
