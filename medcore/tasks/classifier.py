"""The verbs of image classifiers: load, predict, attribute, and the words between a score and a finding.

A task of this kind has a model.py with SIZE, `prepare(series, index) -> Frame` and these verbs. Everything the task is
about stands in its card and its `prepare`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import safetensors.torch
import torch
from monai.networks.nets.efficientnet import EfficientNet
from numpy.typing import NDArray
from torch import Tensor

from medcore.calibrate import Calibration
from medcore.errors import ModelUnavailable
from medcore.explain import METHODS, Influence
from medcore.networks.device import device, settle
from medcore.networks.encoder import classify, encoder, fused, stages
from medcore.tasks.gate import Neighbourhood, describe
from medcore.types import Finding, Gate, ModelCard, Series, Status

Grey = NDArray[np.uint8]
Floats = NDArray[np.float64]


class Frame(NamedTuple):
    """What the network sees: `pixels` (S, S), taken from `box` (top, left, bottom, right) of the slice, which may reach beyond it."""

    pixels: Grey
    box: tuple[int, int, int, int]


class Task(Protocol):
    """A model.py of an image classifier."""

    SIZE: int

    def prepare(self, series: Series, index: int, size: int = ...) -> Frame:
        """Slice `index` of the series as the network sees it."""

    def load(self, weights: bytes) -> Model:
        """The model in checked weights."""

    def predict(self, model: Model, frames: Grey) -> Prediction:
        """Read (B, S, S) frames."""

    def attribute(self, model: Model, frame: Grey, label: int, method: str) -> Influence:
        """What moved one label's logit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A loaded network with what makes its scores speak. `lock`: hooks of an attribution change a shared net while they run."""

    net: EfficientNet
    calibration: Calibration
    neighbourhood: Neighbourhood
    lock: threading.Lock


class Read(Protocol):
    """What a prediction of any input has: (B, K) calibrated probabilities and their interval."""

    @property
    def probabilities(self) -> Floats:
        """(B, K)."""

    @property
    def low(self) -> Floats:
        """(B, K)."""

    @property
    def high(self) -> Floats:
        """(B, K)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """For B images: (B, K) logits, calibrated probabilities and their interval, (B,) distance to the training images."""

    logits: Floats
    probabilities: Floats
    low: Floats
    high: Floats
    distance: Floats


def load(weights: bytes, labels: int) -> Model:
    """The model in `weights` (safetensors).

    Raises:
        ModelUnavailable: not safetensors, or not the tensors of this network.
    """
    try:
        tensors = {name: value.float() for name, value in safetensors.torch.load(weights).items()}
        net = encoder(1, labels)
        net.load_state_dict({name.removeprefix("net."): value for name, value in tensors.items() if name.startswith("net.")})
        calibration = Calibration(scale=tensors["calibration.scale"].double().numpy(), bias=tensors["calibration.bias"].double().numpy())
        neighbourhood = Neighbourhood(mean=tensors["gate.mean"], whitening=tensors["gate.whitening"])
    except (safetensors.SafetensorError, RuntimeError, KeyError, ValueError) as error:
        raise ModelUnavailable("The weights file does not hold the network that its task needs.") from error
    settle(fused(net)).eval().requires_grad_(False)
    return Model(net=net, calibration=calibration, neighbourhood=neighbourhood, lock=threading.Lock())


def rounded(net: EfficientNet) -> EfficientNet:
    """`net` with its convolutions rounded to half precision, as `dump` keeps them: what is measured is what ships."""
    with torch.no_grad():
        for weight in net.parameters():
            if weight.ndim == 4:
                weight.copy_(weight.half().float())
    return net


def dump(net: EfficientNet, calibration: Calibration, neighbourhood: Neighbourhood) -> bytes:
    """The inverse of `load`, for a net that is `rounded`: convolutions in half precision, the rest in single."""
    tensors = {f"net.{name}": value.cpu().half() if value.ndim == 4 else value.cpu() for name, value in net.state_dict().items()}
    tensors |= {"calibration.scale": torch.from_numpy(calibration.scale), "calibration.bias": torch.from_numpy(calibration.bias)}
    tensors |= {"gate.mean": neighbourhood.mean.cpu(), "gate.whitening": neighbourhood.whitening.cpu()}
    return safetensors.torch.save({name: value.contiguous() for name, value in tensors.items()})


def tensor(frames: Grey) -> Tensor:
    """(B, S, S) uint8 -> (B, 1, S, S) as the encoder wants it, (x - 127) / 128."""
    x = torch.tensor(frames, dtype=torch.float32)[:, None].sub_(127.0).div_(128.0)
    return x.to(device(), memory_format=torch.channels_last)


def forward(net: EfficientNet, x: Tensor) -> tuple[Tensor, Tensor]:
    """(B, 1, S, S) -> (B, K) logits and (B, D) descriptors for the gate, in one pass."""
    maps, features = stages(net, x)
    return classify(net, features).float().cpu(), describe(maps).cpu()


@torch.inference_mode()
def predict(model: Model, frames: Grey) -> Prediction:
    """Read (B, S, S) uint8 frames. In single precision: the same film gives the same figure on every machine."""
    with model.lock:
        logits, descriptors = forward(model.net, tensor(frames))
    scores = logits.double().numpy()
    low, high = model.calibration.interval(scores)
    return Prediction(
        logits=scores,
        probabilities=model.calibration.probabilities(scores),
        low=low,
        high=high,
        distance=model.neighbourhood.distance(descriptors).double().numpy(),
    )


def attribute(model: Model, frame: Grey, label: int, method: str) -> Influence:
    """What of one (S, S) frame moved the logit of class number `label`; `method` is a key of explain.METHODS."""
    x = tensor(frame[None]).requires_grad_(True)
    with model.lock:
        return METHODS[method](model.net, model.net._bn1, x, label)


def decide(card: ModelCard, probabilities: Floats) -> NDArray[np.int64]:
    """(B, K) probabilities -> (B,) class numbers: the class that exceeds its own operating point by the largest factor.

    For two classes whose thresholds sum to 1 this is the operating point itself.
    """
    thresholds = np.array([label.threshold for label in card.labels])
    chosen: NDArray[np.int64] = (probabilities / thresholds).argmax(axis=1)
    return chosen


def findings(card: ModelCard, prediction: Read, row: int) -> tuple[Finding, ...]:
    """The findings of image number `row`: every class that is one, present or not."""
    return tuple(
        Finding(
            label=label,
            probability=float(prediction.probabilities[row, k]),
            low=float(prediction.low[row, k]),
            high=float(prediction.high[row, k]),
        )
        for k, label in enumerate(card.labels)
        if label.is_finding
    )


def status(found: tuple[Finding, ...]) -> str:
    """indeterminate if any finding stands too near its operating point, else ok."""
    return "indeterminate" if any(finding.status == Status.INDETERMINATE for finding in found) else "ok"


def distance_gate(card: ModelCard, distance: float, distance_inverted: float | None = None, what: str = "image") -> Gate:
    """Whether an image (or other `what`) resembles those of training; an image that does so only when inverted is said to be inverted."""
    if distance <= card.gate_limit:
        return Gate(code="in", reason="", distance=distance, limit=card.gate_limit)
    if distance_inverted is not None and distance_inverted <= card.gate_limit:
        return Gate(code="inverted", reason="The grey scale of this image is inverted.", distance=distance, limit=card.gate_limit)
    reason = f"This {what} does not resemble the {what}s that the model was trained on."
    return Gate(code="out_of_distribution", reason=reason, distance=distance, limit=card.gate_limit)


def full_map(values: NDArray[np.float32], box: tuple[int, int, int, int], shape: tuple[int, int]) -> NDArray[np.float32]:
    """A map of the frame laid on the whole slice of `shape` (H, W), at the frame's own resolution: (h, w), zero outside the box."""
    top, left, bottom, right = box
    scale = values.shape[0] / max(bottom - top, right - left)
    height, width = (max(1, round(length * scale)) for length in shape)
    rows = ((np.arange(height) + 0.5) * shape[0] / height - top) * values.shape[0] / (bottom - top)
    columns = ((np.arange(width) + 0.5) * shape[1] / width - left) * values.shape[1] / (right - left)
    r, c = np.floor(rows).astype(int), np.floor(columns).astype(int)
    inside = ((r >= 0) & (r < values.shape[0]))[:, None] & ((c >= 0) & (c < values.shape[1]))[None]
    picked = values[np.clip(r, 0, values.shape[0] - 1)[:, None], np.clip(c, 0, values.shape[1] - 1)[None]]
    return np.where(inside, picked, np.float32(0))
