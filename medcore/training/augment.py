"""Random changes of image batches that a diagnosis must survive.

Each takes uint8 (B, 1, S, S) and a generator, and gives float32 0..255 of the training size. What varies
between hospitals (framing, exposure, sharpness, noise, markers, borders) is varied here, so that the
network cannot use it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """How far each property may wander. Angles in degrees, the rest as shares."""

    rotate: float = 12.0
    zoom: tuple[float, float] = (0.8, 1.2)  # of the field of view; below 1 looks closer
    aspect: float = 0.2
    shift: float = 0.08
    flip: bool = True
    gamma: float = 0.4  # log scale
    window: float = 0.12  # of the grey range, at each end
    blur: float = 0.5  # chance
    noise: float = 10.0  # grey levels, SD
    patches: int = 3  # markers and erased blocks an image
    invert: float = 0.0  # chance


def augment(batch: Tensor, size: int, how: Augmentation, rng: torch.Generator) -> Tensor:
    """uint8 (B, 1, S, S) -> float32 (B, 1, size, size) in 0..255, each image changed by its own draw."""
    x = _move(batch.float(), size, how, rng)
    x = _expose(x, how, rng)
    x = _focus(x, how, rng)
    return _mark(x, how, rng).clamp_(0, 255)


def _uniform(n: int, low: float, high: float, rng: torch.Generator) -> Tensor:
    return torch.rand(n, generator=rng) * (high - low) + low


def _move(x: Tensor, size: int, how: Augmentation, rng: torch.Generator) -> Tensor:
    n = len(x)
    angle = torch.deg2rad(_uniform(n, -how.rotate, how.rotate, rng))
    zoom = _uniform(n, *how.zoom, rng)
    aspect = torch.exp(_uniform(n, -how.aspect, how.aspect, rng))
    mirror = torch.where(torch.rand(n, generator=rng) < 0.5, -1.0, 1.0) if how.flip else torch.ones(n)
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0] = torch.cos(angle) * zoom * aspect * mirror
    theta[:, 0, 1] = -torch.sin(angle) * zoom * aspect
    theta[:, 1, 0] = torch.sin(angle) * zoom / aspect * mirror
    theta[:, 1, 1] = torch.cos(angle) * zoom / aspect
    theta[:, 0, 2] = _uniform(n, -how.shift, how.shift, rng)
    theta[:, 1, 2] = _uniform(n, -how.shift, how.shift, rng)
    grid = F.affine_grid(theta, [n, x.shape[1], size, size], align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _expose(x: Tensor, how: Augmentation, rng: torch.Generator) -> Tensor:
    n = len(x)
    gamma = torch.exp(_uniform(n, -how.gamma, how.gamma, rng)).view(n, 1, 1, 1)
    x = (x / 255.0).clamp(0, 1).pow(gamma)
    low = _uniform(n, -how.window, how.window, rng).view(n, 1, 1, 1)
    high = 1 + _uniform(n, -how.window, how.window, rng).view(n, 1, 1, 1)
    x = ((x - low) / (high - low)).clamp(0, 1) * 255.0
    turned = (torch.rand(n, generator=rng) < how.invert).view(n, 1, 1, 1)
    return torch.where(turned, 255.0 - x, x)


def _focus(x: Tensor, how: Augmentation, rng: torch.Generator) -> Tensor:
    """Blur, sharpen or re-sample; the same kernel for the batch's affected half keeps this cheap."""
    size = x.shape[-1]
    affected = (torch.rand(len(x), generator=rng) < how.blur).view(-1, 1, 1, 1)
    kind = int(torch.randint(3, (1,), generator=rng))
    strength = float(_uniform(1, 0.3, 1.0, rng))
    if kind == 0:
        small = max(32, int(size * (1 - 0.6 * strength)))
        changed = F.interpolate(F.interpolate(x, (small, small), mode="bilinear", antialias=True), (size, size), mode="bilinear")
    else:
        smooth = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), 3, 1)
        weight = strength if kind == 1 else -1.5 * strength
        changed = x + weight * (smooth - x)
    x = torch.where(affected, changed, x)
    level = _uniform(len(x), 0, how.noise, rng).view(-1, 1, 1, 1) * (torch.rand(len(x), generator=rng) < 0.5).view(-1, 1, 1, 1)
    return x + torch.randn(x.shape, generator=rng) * level


def _mark(x: Tensor, how: Augmentation, rng: torch.Generator) -> Tensor:
    """Blocks of one grey value: bright ones stand for side markers, dark ones for collimators, any for devices."""
    size = x.shape[-1]
    for image in x:
        for _ in range(int(torch.randint(how.patches + 1, (1,), generator=rng))):
            height, width = (int(side) for side in _uniform(2, 0.03 * size, 0.22 * size, rng))
            top, left = (int(place) for place in torch.rand(2, generator=rng) * torch.tensor([size - height, size - width]))
            image[:, top : top + height, left : left + width] = float(_uniform(1, 0, 255, rng))
    return x
