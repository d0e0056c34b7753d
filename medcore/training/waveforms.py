"""Random changes of ECG batches that a reading must survive: other devices, filters, electrodes, patients who move.

All take float32 (B, C, T) in units of the height of a usual beat, and a generator.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True, slots=True, kw_only=True)
class Wear:
    """How far each property may wander."""

    stretch: float = 0.1  # of time, as a share either way
    gain: float = 0.4  # log scale
    flip: float = 0.3  # chance that a lead is upside down
    low_pass_hz: tuple[float, float] = (12.0, 45.0)
    high_pass_hz: tuple[float, float] = (0.1, 1.2)
    filtered: float = 0.5  # chance of each
    tilt: float = 0.35  # of the frequency response, natural log, SD
    noise: float = 0.25  # largest SD, of a beat's height
    wander: float = 0.5  # largest height of the baseline
    bursts: float = 0.3  # chance of a second or two of movement
    holes: float = 0.3  # chance that up to two seconds are lost
    lost_leads: float = 0.0  # chance that a lead is not there at all


def uniform(n: int, low: float, high: float, rng: torch.Generator) -> Tensor:
    """(n,) draws."""
    return torch.rand(n, generator=rng) * (high - low) + low


def worn(x: Tensor, rate_hz: float, how: Wear, rng: torch.Generator) -> Tensor:
    """(B, C, T) -> (B, C, T), each record changed by its own draw; time is left as it is."""
    x = _response(x, rate_hz, how, rng)
    n, leads, length = x.shape
    sign = torch.where(torch.rand(n, 1, 1, generator=rng) < how.flip, -1.0, 1.0)
    x = x * sign * torch.exp(uniform(n, -how.gain, how.gain, rng))[:, None, None]
    x = x + _noise(n, leads, length, rate_hz, rng) * (uniform(n, 0, 1, rng).square() * how.noise)[:, None, None]
    x = x + _wander(n, leads, length, rate_hz, rng) * (uniform(n, 0, 1, rng).square() * how.wander)[:, None, None]
    x = _losses(x, rate_hz, how, rng)
    kept = torch.rand(n, leads, 1, generator=rng) >= how.lost_leads
    return torch.where(kept, x, torch.zeros(()))


def _response(x: Tensor, rate_hz: float, how: Wear, rng: torch.Generator) -> Tensor:
    """Each record through a device of its own: random corners and a random smooth tilt between them, without shift in time."""
    n, _, length = x.shape
    spectrum = torch.fft.rfft(x)
    f = torch.fft.rfftfreq(length, 1 / rate_hz)[None].clamp(min=1e-3)
    low = uniform(n, math.log(how.low_pass_hz[0]), math.log(how.low_pass_hz[1]), rng).exp()[:, None]
    high = uniform(n, math.log(how.high_pass_hz[0]), math.log(how.high_pass_hz[1]), rng).exp()[:, None]
    use_low, use_high = (torch.rand(2, n, 1, generator=rng) < how.filtered).unbind(0)
    response = torch.where(use_low, 1 / (1 + (f / low) ** 4), torch.ones(())) * torch.where(
        use_high, 1 / (1 + (high / f) ** 4), torch.ones(())
    )
    knots = torch.randn(n, 1, 6, generator=rng) * how.tilt
    place = (f / f.max()).sqrt() * 2 - 1
    tilt = F.grid_sample(knots[:, :, None], torch.stack([place, torch.zeros_like(place)], dim=-1)[:, None].expand(n, -1, -1, -1),
                         align_corners=True)[:, 0, 0]  # fmt: skip
    changed: Tensor = torch.fft.irfft(spectrum * (response * tilt.exp())[:, None], length)
    return changed


def _noise(n: int, leads: int, length: int, rate_hz: float, rng: torch.Generator) -> Tensor:
    """Noise of unit SD whose spectrum falls by a power drawn anew: white as of a device, pink as of muscle and movement."""
    f = torch.fft.rfftfreq(length, 1 / rate_hz).clamp(min=0.5)
    slope = uniform(n, -0.3, 1.5, rng)[:, None, None]
    shaped = torch.fft.irfft(torch.fft.rfft(torch.randn(n, leads, length, generator=rng)) / f**slope, length)
    unit: Tensor = shaped / shaped.std(dim=2, keepdim=True)
    return unit


def _wander(n: int, leads: int, length: int, rate_hz: float, rng: torch.Generator) -> Tensor:
    """A baseline of two slow waves, as of breathing."""
    t = torch.arange(length)[None, None] / rate_hz
    waves = [
        torch.sin(2 * math.pi * (uniform(n, 0.05, 0.7, rng)[:, None, None] * t + torch.rand(n, leads, 1, generator=rng))) for _ in range(2)
    ]
    return waves[0] + 0.5 * waves[1]


def _losses(x: Tensor, rate_hz: float, how: Wear, rng: torch.Generator) -> Tensor:
    """Bursts of strong noise, and stretches where the electrode was off."""
    n, _, length = x.shape
    t = torch.arange(length)[None, None]
    for chance, lost in ((how.bursts, False), (how.holes, True)):
        first = (torch.rand(n, 1, 1, generator=rng) * length).long()
        span = (uniform(n, 0.2, 2.0, rng) * rate_hz)[:, None, None]
        within = (t >= first) & (t < first + span) & (torch.rand(n, 1, 1, generator=rng) < chance)
        x = torch.where(within, torch.zeros(()), x) if lost else x + within * torch.randn(x.shape, generator=rng) * 0.7
    return x


def crop(signal: NDArray[np.floating], length: int, stretch: float, rng: np.random.Generator) -> tuple[NDArray[np.float32], int]:
    """A random piece of (C, N) as (C, length), time stretched by up to `stretch` either way, and how much of it is signal.

    A signal that is too short stands whole at the start, followed by zeros.
    """
    factor = float(np.exp(rng.uniform(-stretch, stretch)))
    need = min(int(length * factor), signal.shape[1])
    first = int(rng.integers(0, signal.shape[1] - need + 1))
    count = min(int(need / factor), length)
    at = first + np.arange(count) * ((need - 1) / max(count - 1, 1))
    left = np.minimum(at.astype(np.int64), signal.shape[1] - 2)
    share = (at - left).astype(np.float32)
    out = np.zeros((signal.shape[0], length), np.float32)
    out[:, :count] = signal[:, left] * (1 - share) + signal[:, left + 1] * share
    return out, count
