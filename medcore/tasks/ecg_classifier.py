"""The verbs of ECG classifiers: load, predict, attribute. Several networks, of different folds, are one model: their logits are averaged.

A task of this kind has a model.py with RATE_HZ, `prepare(recording)`, `network()` and these verbs. Labels that exclude each
other are calibrated together; labels that do not, each by itself as two classes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from medcore.calibrate import Calibration
from medcore.errors import ModelUnavailable
from medcore.explain import SIGNAL_METHODS, SignalInfluence
from medcore.networks.device import device, settle
from medcore.networks.recurrent import Informed, SequenceClassifier
from medcore.signals.qrs import r_peaks
from medcore.tasks.gate import Neighbourhood, describe
from medcore.types import Recording

Floats = NDArray[np.float64]
Signal = NDArray[np.float32]
Net = SequenceClassifier | Informed
Trained = TypeVar("Trained", SequenceClassifier, Informed)
TOGETHER = 24  # records in one pass


class Task(Protocol):
    """A model.py of an ECG classifier."""

    RATE_HZ: float

    def seen(self, recording: Recording) -> list[int]:
        """The numbers of the recording's leads that the network sees, in its order."""

    def prepare(self, recording: Recording) -> Signal:
        """(C, N) at RATE_HZ as the network sees it."""

    def network(self) -> Net:
        """Random weights."""

    def load(self, weights: bytes) -> Model:
        """The model in checked weights."""

    def predict(self, model: Model, signals: Sequence[Signal]) -> Prediction:
        """Read signals of any lengths."""

    def attribute(self, model: Model, signal: Signal, label: int, method: str, beats: NDArray[np.int64]) -> SignalInfluence:
        """What moved one label's logit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Networks, and what makes their scores speak. One calibration of all classes, or one a label."""

    nets: tuple[Net, ...]
    calibrations: tuple[Calibration, ...]
    neighbourhood: Neighbourhood
    lock: threading.Lock

    @property
    def exclusive(self) -> bool:
        """Whether one label excludes the others."""
        return len(self.calibrations) == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """For B signals: (B, K) logits, calibrated probabilities and their interval, (B,) distance to the training signals."""

    logits: Floats
    probabilities: Floats
    low: Floats
    high: Floats
    distance: Floats


class Together(nn.Module):
    """The mean of several networks' logits, as one network."""

    def __init__(self, nets: Sequence[Net]) -> None:
        super().__init__()
        self.nets = nn.ModuleList(nets)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T) -> (B, K) logits."""
        return torch.stack([net(x) for net in self.nets]).mean(dim=0)


def load(weights: bytes, network: Callable[[], Net]) -> Model:
    """The model in `weights` (safetensors).

    Raises:
        ModelUnavailable: not safetensors, or not the tensors of this network.
    """
    try:
        tensors = {name: value.float() for name, value in safetensors.torch.load(weights).items()}
        count = 1 + max(int(name.split(".")[0][3:]) for name in tensors if name.startswith("net"))
        front = {name.removeprefix("net0."): value for name, value in tensors.items() if name.startswith("net0.front.")}
        nets = [_net(front | _own(tensors, k), network) for k in range(count)]
        scale, bias = (tensors[f"calibration.{name}"].double().numpy() for name in ("scale", "bias"))  # (L, 1 + DRAWS), (L, 1 + DRAWS, K)
        calibrations = tuple(Calibration(scale=s, bias=b) for s, b in zip(scale, bias, strict=True))
        neighbourhood = Neighbourhood(mean=tensors["gate.mean"], whitening=tensors["gate.whitening"])
    except (safetensors.SafetensorError, RuntimeError, KeyError, ValueError, IndexError) as error:
        raise ModelUnavailable("The weights file does not hold the network that its task needs.") from error
    return Model(nets=tuple(nets), calibrations=calibrations, neighbourhood=neighbourhood, lock=threading.Lock())


def _own(tensors: dict[str, Tensor], number: int) -> dict[str, Tensor]:
    prefix = f"net{number}."
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _net(state: dict[str, Tensor], network: Callable[[], Net]) -> Net:
    net = network()
    net.load_state_dict(state)
    return settle(net).eval().requires_grad_(False)


def rounded(net: Trained) -> Trained:
    """`net` with its matrices rounded to half precision, as `dump` keeps them: what is measured is what ships."""
    with torch.no_grad():
        for weight in net.parameters():
            if weight.ndim >= 2:
                weight.copy_(weight.half().float())
    return net


def dump(nets: Sequence[Net], calibrations: Sequence[Calibration], neighbourhood: Neighbourhood) -> bytes:
    """The inverse of `load`, for nets that are `rounded`: matrices in half precision, the rest in single."""
    tensors = {
        f"net{k}.{name}": value.cpu().half() if value.ndim >= 2 else value.cpu()
        for k, net in enumerate(nets)
        for name, value in net.state_dict().items()
        if k == 0 or not name.startswith("front.")  # the segmenter is one for all
    }
    tensors["calibration.scale"] = torch.from_numpy(np.stack([calibration.scale for calibration in calibrations]))
    tensors["calibration.bias"] = torch.from_numpy(np.stack([calibration.bias for calibration in calibrations]))
    tensors |= {"gate.mean": neighbourhood.mean.cpu(), "gate.whitening": neighbourhood.whitening.cpu()}
    return safetensors.torch.save({name: value.contiguous() for name, value in tensors.items()})


@torch.inference_mode()
def forward(nets: Sequence[Net], signals: Sequence[NDArray[np.floating[Any]]]) -> tuple[Floats, Tensor]:
    """(B, K) mean logits of `nets` and (B, D) descriptors by the first of them.

    Only signals of one length share a pass: what stands behind a shorter one would run through the recurrence and change its reading.
    The last third of a second may be cut, so that lengths that differ by a few samples are one.
    """
    step = nets[0].shortening
    lengths = [signal.shape[1] - signal.shape[1] % step if signal.shape[1] >= step else signal.shape[1] for signal in signals]
    logits = np.empty((len(signals), nets[0].labels))
    descriptors: list[Tensor] = [torch.empty(0)] * len(signals)
    for length in dict.fromkeys(lengths):
        own = [k for k, one in enumerate(lengths) if one == length]
        for first in range(0, len(own), TOGETHER):
            rows = own[first : first + TOGETHER]
            stack = np.stack([np.asarray(signals[k][:, :length], np.float32) for k in rows])
            logits[rows], found = _pass(nets, torch.from_numpy(stack).to(device()))
            for k, row in zip(rows, found, strict=True):
                descriptors[k] = row
    return logits, torch.stack(descriptors)


def _pass(nets: Sequence[Net], x: Tensor) -> tuple[Floats, Tensor]:
    """(B, C, T) -> (B, K) mean logits and (B, D) descriptors."""
    told = nets[0].told(x) if isinstance(nets[0], Informed) else None  # all share one segmenter
    total = torch.zeros(len(x), nets[0].labels, dtype=torch.float64)
    described = torch.empty(0)
    for number, net in enumerate(nets):
        maps = net.features(x, told) if isinstance(net, Informed) else net.features(x)
        total += net.read(maps, None)[0].double().cpu()
        if number == 0:
            described = describes(maps)
    return (total / len(nets)).numpy(), described


def describes(maps: Tensor) -> Tensor:
    """(B, C, 1, T') last map -> (B, 2 C) descriptors: mean and spread of each channel over time, on a root scale."""
    flat = maps.float()
    return describe([flat.mean(dim=3, keepdim=True), flat.std(dim=3, keepdim=True, unbiased=False)]).cpu()


def calibrated(calibrations: Sequence[Calibration], logits: Floats) -> tuple[Floats, Floats, Floats]:
    """(B, K) logits -> (B, K) probabilities with low and high ends of their intervals."""
    if len(calibrations) == 1:
        return calibrations[0].probabilities(logits), *calibrations[0].interval(logits)
    pairs = [two(logits[:, k]) for k in range(logits.shape[1])]
    fitted = np.stack([one.probabilities(pair)[:, 1] for one, pair in zip(calibrations, pairs, strict=True)], axis=1)
    ends = [one.interval(pair) for one, pair in zip(calibrations, pairs, strict=True)]
    low, high = (np.stack([end[side][:, 1] for end in ends], axis=1) for side in (0, 1))
    return fitted, low, high


def two(logit: Floats) -> Floats:
    """(B,) logit of a label -> (B, 2) logits of its absence and presence."""
    return np.stack([np.zeros_like(logit), logit], axis=1)


def beats_of(signal: Signal, rate_hz: float) -> NDArray[np.int64]:
    """R peaks of a (C, N) signal, in its lead II or the only one."""
    return r_peaks(signal[min(1, len(signal) - 1)], rate_hz)


def predict(model: Model, signals: Sequence[Signal]) -> Prediction:
    """Read (C, N) signals. In single precision: the same recording gives the same figure on every machine."""
    with model.lock:
        logits, descriptors = forward(model.nets, signals)
    probabilities, low, high = calibrated(model.calibrations, logits)
    distance = model.neighbourhood.distance(descriptors).double().numpy()
    return Prediction(logits=logits, probabilities=probabilities, low=low, high=high, distance=distance)


def attribute(model: Model, signal: Signal, label: int, method: str, beats: NDArray[np.int64]) -> SignalInfluence:
    """What of one (C, N) signal moved the logit of label number `label`; `method` is a key of explain.SIGNAL_METHODS.

    Args:
        beats: samples of `signal` between which a beat lies, in order, for methods that take away beat after beat.
    """
    x = torch.from_numpy(np.ascontiguousarray(signal, dtype=np.float32))[None].to(device())
    with model.lock:
        return SIGNAL_METHODS[method](Together(model.nets), x, label, beats)
