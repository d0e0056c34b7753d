"""Down the gradient: one cycle of learning rate, weights averaged over steps, a checkpoint after each epoch."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

Net = TypeVar("Net", bound=nn.Module)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Descent:
    """How one network is trained."""

    epochs: int
    steps: int  # an epoch
    rate: float
    decay: float = 0.02
    averaging: float = 0.99  # of the exponential moving average over steps
    clip: float = 0.0  # largest norm of a step's gradient; 0: none
    warm: float = 0.2  # share of the steps over which the rate rises


def descend(net: Net, losses: Callable[[Net, torch.Generator], Iterator[Tensor]], how: Descent, seed: int, checkpoint: Path) -> Net:
    """Train `net` and return it with averaged weights.

    Args:
        losses: an epoch's losses, one a step, each of a new batch.
        checkpoint: where the state stands after each epoch; an existing one is resumed.
    """
    torch.manual_seed(seed)
    rng = torch.Generator().manual_seed(seed)
    average = torch.optim.swa_utils.AveragedModel(
        net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(how.averaging), use_buffers=True
    )
    optimiser = torch.optim.AdamW(net.parameters(), lr=how.rate, weight_decay=how.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, how.rate, total_steps=how.steps * how.epochs, pct_start=how.warm)
    parts = {"net": net, "average": average, "optimiser": optimiser, "schedule": schedule}
    for epoch in range(_resume(parts, rng, checkpoint), how.epochs):
        started, total = time.monotonic(), 0.0
        net.train()
        for loss in losses(net, rng):
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            if how.clip:
                nn.utils.clip_grad_norm_(net.parameters(), how.clip)
            optimiser.step()
            schedule.step()
            average.update_parameters(net)
            total += float(loss.detach())
        _save(parts, rng, epoch + 1, checkpoint)
        left = (time.monotonic() - started) * (how.epochs - epoch - 1)
        log.info("%s epoch %d/%d: loss %.4f, %.0f s left in it", checkpoint.stem, epoch + 1, how.epochs, total / how.steps, left)
    averaged: Net = average.module  # type: ignore[assignment]  # AveragedModel forgets the type it holds
    return averaged


def _save(parts: dict[str, object], rng: torch.Generator, epoch: int, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {name: part.state_dict() for name, part in parts.items()}  # type: ignore[attr-defined]
    part = path.with_suffix(".part")
    torch.save(state | {"epoch": epoch, "rng": rng.get_state(), "torch_rng": torch.get_rng_state()}, part)
    part.replace(path)


def _resume(parts: dict[str, object], rng: torch.Generator, path: Path) -> int:
    """Load what `_save` wrote and return the number of epochs done; 0 where nothing stands."""
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    for name, part in parts.items():
        part.load_state_dict(state[name])  # type: ignore[attr-defined]
    rng.set_state(state["rng"])
    torch.set_rng_state(state["torch_rng"])
    return int(state["epoch"])
