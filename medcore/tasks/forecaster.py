"""The verbs of forecasters: load, predict, attribute. Several networks, of different folds, are one model: what they foresee is averaged.

A task of this kind has a model.py with HORIZONS, `network()` and `load`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from medcore.calibrate import Calibration
from medcore.errors import ModelUnavailable
from medcore.explain import SEQUENCE_METHODS, SignalInfluence
from medcore.networks.device import device
from medcore.networks.foresight import Foreseer
from medcore.tasks.adapting import LEVELS, Pace, adapted
from medcore.tasks.warning import WITHIN, Odds, evidence
from medcore.tasks.windows import STEPS, Windows, lows, seen_through, usual_step, windows
from medcore.types import Trace

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Progress = Callable[[float], None]
TOGETHER = 1024  # moments in one pass
BLOCK = 8 * TOGETHER  # moments whose windows are held at once
LAGS = 12  # readings that the pooled straight line sees
INTERVALS = (5.0, 15.0)  # minutes: the straight line has weights for each


class Task(Protocol):
    """A model.py of a forecaster."""

    HORIZONS: tuple[float, ...]

    def network(self) -> Foreseer:
        """Random weights."""

    def load(self, weights: bytes) -> Model:
        """The model in checked weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Networks, the odds of a low and their calibration, and the pooled straight lines (2 intervals, H, 1 + LAGS)."""

    nets: tuple[Foreseer, ...]
    horizons: tuple[float, ...]
    odds: Odds
    calibrations: tuple[Calibration, ...]
    lines: Floats
    lock: threading.Lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """For B moments: (B, H, 5) quantiles in mg/dL, (B, 2) calibrated probability of a low within 30 and 60 minutes with its interval.

    `lines` (B, H): the change in mg/dL that the pooled straight line foresees, to compare with; of all horizons of the model.
    """

    quantiles: Floats
    p_low: Floats
    low: Floats
    high: Floats
    lines: Floats


def load(weights: bytes, network: Callable[[], Foreseer], horizons: tuple[float, ...]) -> Model:
    """The model in `weights` (safetensors).

    Raises:
        ModelUnavailable: not safetensors, or not the tensors of this network.
    """
    try:
        tensors = {name: value.float() for name, value in safetensors.torch.load(weights).items()}
        count = 1 + max(int(name.split(".")[0][3:]) for name in tensors if name.startswith("net"))
        nets = [_net(tensors, f"net{k}.", network) for k in range(count)]
        scale, bias = (tensors[f"calibration.{name}"].double().numpy() for name in ("scale", "bias"))
        lines = tensors["lines"].double().numpy()
        odds = Odds(**{name: tensors[f"odds.{name}"].double().numpy() for name in ("mean", "scale", "weight")})
    except (safetensors.SafetensorError, RuntimeError, KeyError, ValueError, IndexError) as error:
        raise ModelUnavailable("The weights file does not hold the network that its task needs.") from error
    calibrations = tuple(Calibration(scale=s, bias=b) for s, b in zip(scale, bias, strict=True))
    return Model(nets=tuple(nets), horizons=horizons, odds=odds, calibrations=calibrations, lines=lines, lock=threading.Lock())


def _net(tensors: dict[str, Tensor], prefix: str, network: Callable[[], Foreseer]) -> Foreseer:
    net = network()
    net.load_state_dict({name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)})
    return net.to(device()).eval().requires_grad_(False)


def dump(nets: Sequence[Foreseer], odds: Odds, calibrations: Sequence[Calibration], lines: Floats) -> bytes:
    """The inverse of `load`."""
    tensors = {f"net{k}.{name}": value.cpu() for k, net in enumerate(nets) for name, value in net.state_dict().items()}
    tensors["calibration.scale"] = torch.from_numpy(np.stack([one.scale for one in calibrations]))
    tensors["calibration.bias"] = torch.from_numpy(np.stack([one.bias for one in calibrations]))
    tensors |= {f"odds.{name}": torch.from_numpy(getattr(odds, name)) for name in ("mean", "scale", "weight")}
    tensors["lines"] = torch.from_numpy(lines)
    return safetensors.torch.save({name: value.contiguous() for name, value in tensors.items()})


@torch.inference_mode()
def forward(nets: Sequence[Foreseer], seen: Windows, progress: Progress | None = None) -> tuple[Floats, Floats]:
    """(B, H, 5) quantiles of the change in mg/dL and (B, 2) logits of a low, the mean of `nets`."""
    quantiles, logits = [], []
    for first in range(0, len(seen), TOGETHER):
        part = [_tensor(array[first : first + TOGETHER]) for array in (seen.near, seen.far, seen.now)]
        said = [net(*part) for net in nets]
        quantiles.append(torch.stack([one[0] for one in said]).mean(dim=0).double().cpu().numpy())
        logits.append(torch.stack([one[1] for one in said]).mean(dim=0).double().cpu().numpy())
        if progress is not None:
            progress(min(first + TOGETHER, len(seen)) / len(seen))
    return np.concatenate(quantiles), np.concatenate(logits)


def _tensor(array: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.asarray(array, np.float32)).to(device())


def predict(model: Model, seen: Windows, now: Floats, progress: Progress | None = None) -> Foreseen:
    """What the networks foresee at B moments at which glucose is `now` (B,) mg/dL, before anything personal."""
    change, logits = forward(model.nets, seen, progress)
    quantiles = change + now[:, None, None]
    lines = straight(model.lines, seen)
    logits = model.odds.log_odds(evidence(now, quantiles, logits, lines, seen), now)
    pairs = [np.stack([np.zeros(len(now)), logits[:, k]], axis=1) for k in range(len(WITHIN))]
    p_low = np.stack([one.probabilities(pair)[:, 1] for one, pair in zip(model.calibrations, pairs, strict=True)], axis=1)
    ends = [one.interval(pair) for one, pair in zip(model.calibrations, pairs, strict=True)]
    low, high = (np.stack([end[side][:, 1] for end in ends], axis=1) for side in (0, 1))
    p_low[:, 1] = np.maximum(p_low[:, 0], p_low[:, 1])  # calibrated apart, they could cross
    return Foreseen(quantiles=quantiles, p_low=p_low, low=np.minimum(low, p_low), high=np.maximum(high, p_low), lines=lines)


def foresee(model: Model, trace: Trace, origins: Ints, progress: Progress | None = None, only: Sequence[float] = ()) -> Foreseen:
    """What is foreseen at each of `origins`, consecutive readings of `trace`, made personal from one to the next.

    Args:
        only: the horizons that are made personal, and the only ones that are given; none: all of the model.
    """
    raw = _blockwise(model, trace, origins, progress)
    horizons = tuple(only) or model.horizons
    part = [personal(trace, origins, raw.quantiles[:, model.horizons.index(horizon)], horizon) for horizon in horizons]
    return Foreseen(quantiles=np.stack(part, axis=1), p_low=raw.p_low, low=raw.low, high=raw.high, lines=raw.lines)


def _blockwise(model: Model, trace: Trace, origins: Ints, progress: Progress | None) -> Foreseen:
    """`predict` at `origins`, whose windows are built a block at a time: those of a year would fill gigabytes."""
    parts = []
    for first in range(0, len(origins), BLOCK):
        rows = origins[first : first + BLOCK]
        parts.append(predict(model, windows(trace, rows), trace.glucose[rows].astype(np.float64)))
        if progress is not None:
            progress(min(first + BLOCK, len(origins)) / len(origins))
    return Foreseen(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in ("quantiles", "p_low", "low", "high", "lines")}
    )


def personal(trace: Trace, origins: Ints, quantiles: Floats, horizon: float) -> Floats:
    """(B, 5) quantiles of one horizon at `origins`, consecutive readings of `trace`, made personal."""
    minutes = trace.minutes.astype(np.float64)
    observed, known_from = seen_through(trace, origins, horizon)
    step = usual_step(minutes)[origins]
    return adapted(minutes[origins], trace.glucose[origins].astype(np.float64), quantiles, observed, known_from, step, Pace())


class _Middle(nn.Module):
    """The middle of the forecast of one horizon, of the mean of the networks, as one number of the near past alone."""

    def __init__(self, nets: Sequence[Foreseer], horizon: int, far: Tensor, now: Tensor) -> None:
        super().__init__()
        self.nets, self.horizon, self.far, self.at = nn.ModuleList(nets), horizon, far, now

    def forward(self, near: Tensor) -> Tensor:
        """(B, C, T) -> (B, 1) change in mg/dL."""
        far, now = self.far.expand(len(near), -1, -1), self.at.expand(len(near), -1)
        return torch.stack([net(near, far, now)[0][:, self.horizon, 2] for net in self.nets]).mean(dim=0)[:, None]


def attribute(model: Model, seen: Windows, horizon: float, method: str) -> SignalInfluence:
    """What moved the middle of the forecast `horizon` minutes on, at the one moment of `seen`: (3, T) for glucose, insulin, carbohydrate.

    The comparison is with four hours at the present level, without meals or insulin.
    """
    near, far, now = (_tensor(array) for array in (seen.near, seen.far, seen.now))
    flat = near.clone()
    flat[:, 0], flat[:, 1], flat[:, 4:7] = near[:, 0, -1:], 0.0, 0.0
    with model.lock:
        found = SEQUENCE_METHODS[method](_Middle(model.nets, model.horizons.index(float(horizon)), far, now), near, flat)
    values = np.abs(np.stack([found.values[:4].sum(axis=0), found.values[5:7].sum(axis=0), found.values[4]]))
    return SignalInfluence(values=values.astype(np.float32), baseline="four hours at this level", gap=found.gap)


def straight(lines: Floats, seen: Windows) -> Floats:
    """(B, H) change in mg/dL that the pooled line on the last twelve readings foresees."""
    slow = seen.now[:, 2] * 15.0 >= 10.0  # by the interval of the sensor
    change: Floats = np.where(slow[:, None], lagged(seen, 3) @ lines[1].T, lagged(seen, 1) @ lines[0].T)
    return change


def lagged(seen: Windows, step: int) -> Floats:
    """(B, 1 + LAGS): one, and the last twelve readings as levels, `step` points of the grid apart."""
    levels = seen.near[:, 0, ::-1][:, ::step][:, :LAGS].astype(np.float64)
    return np.concatenate([np.ones((len(levels), 1)), levels], axis=1)


__all__ = [
    "LEVELS",
    "STEPS",
    "Foreseen",
    "Model",
    "Task",
    "attribute",
    "dump",
    "foresee",
    "forward",
    "lagged",
    "load",
    "lows",
    "predict",
    "straight",
]
