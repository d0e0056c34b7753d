"""The verbs of beat finders: load, scores of each sample of one lead, and the complexes in them.

A task of this kind has a model.py with RATE_HZ, `prepare(recording)`, `network()` and `load(weights)`. A day of one lead passes through in
pieces of half a minute, each levelled by itself: what an electrode loses at night must not cost the night.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
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
from medcore.types import BEATS, Recording

Floats = NDArray[np.float32]

PIECE, OVERLAP = 4096, 128  # samples of the network: a piece, and what it sees beyond it on both sides
TOGETHER = 56  # pieces in one pass: the recurrent part is as slow for one as for many
_SPAN_S = 2.0  # one beat at least lies in a stretch of this length, above 30 bpm
_LEAST = 0.1  # of the lead's usual height: a piece without beats is not blown up to the height of beats
_MOST = 6.0  # of a beat's height: what exceeds it is an artefact


class Task(Protocol):
    """A model.py of a beat finder."""

    RATE_HZ: float

    def prepare(self, recording: Recording) -> Floats:
        """(L, N) at RATE_HZ."""

    def network(self) -> Segmenter:
        """Random weights."""

    def load(self, weights: bytes) -> Model:
        """The model in checked weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """The network, and what decides on ventricular beats: log odds are `weight` @ features + `bias`, of beat_finding.features.

    `lock`: torch modules are not shared between threads while they run.
    """

    net: Segmenter
    weight: NDArray[np.float64]
    bias: float
    lock: threading.Lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Of one lead (N,): how much each sample is of a QRS, how much it is its peak, and (3, N) which of BEATS a beat there would be."""

    share: Floats
    peak: Floats
    kind: Floats


def load(weights: bytes, network: Callable[[], Segmenter]) -> Model:
    """The model in `weights` (safetensors).

    Raises:
        ModelUnavailable: not safetensors, or not the tensors of this network.
    """
    try:
        tensors = {name: value.float() for name, value in safetensors.torch.load(weights).items()}
        net = network()
        net.load_state_dict({name.removeprefix("net."): value for name, value in tensors.items() if name.startswith("net.")})
        weight, bias = tensors["ventricular.weight"].double().numpy(), float(tensors["ventricular.bias"])
    except (safetensors.SafetensorError, RuntimeError, KeyError, ValueError) as error:
        raise ModelUnavailable("The weights file does not hold the network that its task needs.") from error
    return Model(net=settle(net).eval().requires_grad_(False), weight=weight, bias=bias, lock=threading.Lock())


def dump(net: Segmenter, weight: NDArray[np.float64], bias: float) -> bytes:
    """The inverse of `load`, in single precision: the file is small."""
    tensors = {f"net.{name}": value.cpu().contiguous() for name, value in net.state_dict().items()}
    tensors["ventricular.weight"] = torch.from_numpy(np.asarray(weight, np.float32))
    tensors["ventricular.bias"] = torch.tensor(float(bias))
    return safetensors.torch.save(tensors)


def levelled(x: Tensor, rate_hz: float, least: float = 0.0) -> Tensor:
    """(B, 1, T) pieces, each in units of the height of its own usual beat where it moves at all, but of `least` at the lowest."""
    span = min(int(_SPAN_S * rate_hz), x.shape[2])
    parts = x[:, 0, : x.shape[2] // span * span].unflatten(1, (-1, span))
    height = (parts.amax(dim=2) - parts.amin(dim=2)) / 2
    height = torch.where(height > 0, height, torch.nan).nanmedian(dim=1).values
    height = torch.where(height > least, height, torch.full((), max(least, 1e-6)))
    return (x / height[:, None, None]).clamp(-_MOST, _MOST)


@torch.inference_mode()
def scores(model: Model, lead: Floats, rate_hz: float, tell: Callable[[float], None] = lambda share: None) -> Scores:
    """One prepared lead (N,), of any length.

    Args:
        tell: called with 0..1 as the pieces are done; may raise Cancelled.
    """
    count = len(lead)
    pieces = -(-count // PIECE)
    out = np.zeros((2 + len(BEATS), pieces * PIECE), np.float32)
    least = _LEAST * float(np.median(_heights(lead, rate_hz)))
    whole = PIECE + 2 * OVERLAP
    for first in range(0, pieces, TOGETHER):
        tell(first / pieces)
        last = min(first + TOGETHER, pieces)
        low, high = first * PIECE - OVERLAP, last * PIECE + OVERLAP
        part = np.zeros(high - low, np.float32)
        part[max(-low, 0) : min(high, count) - low] = lead[max(low, 0) : min(high, count)]
        x = torch.from_numpy(part).unfold(0, whole, PIECE)[:, None]
        with model.lock:
            logits = model.net(levelled(x, rate_hz, least).to(device())).float().cpu()[..., OVERLAP:-OVERLAP]
        both = torch.cat([logits[:, :2].sigmoid(), logits[:, 2:].softmax(dim=1)], dim=1)
        out[:, first * PIECE : last * PIECE] = both.transpose(0, 1).flatten(1).numpy()
    return Scores(share=out[0, :count], peak=out[1, :count], kind=out[2:, :count])


def _heights(lead: Floats, rate_hz: float) -> Floats:
    span = min(int(_SPAN_S * rate_hz), len(lead))
    parts = lead[: len(lead) // span * span].reshape(-1, span)
    heights: Floats = (parts.max(axis=1) - parts.min(axis=1)) / 2
    return heights
