"""A forecaster of a signal's next hours: convolutions and a gated recurrent unit over the near past, attention, and heads for quantiles.

What a straight line through the last readings says goes past the network by a linear path, so that the network learns what lines miss.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SCALE = 4.5  # mg/dL by the root of minutes: how far glucose moves


class Foreseer(nn.Module):
    """Near past (B, C, T), far past (B, 2, S) and the moment (B, K) to quantiles of the change and logits of a low."""

    def __init__(
        self, channels: int, steps: int, far: int, statics: int, horizons: tuple[float, ...], hidden: int = 64, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.near = nn.Sequential(
            nn.Conv1d(channels, hidden, 5, padding=2), nn.GELU(),
            nn.Conv1d(hidden, hidden, 5, stride=2, padding=2), nn.GELU(),
        )  # fmt: skip
        self.memory = nn.GRU(hidden, hidden, batch_first=True)
        self.score = nn.Linear(hidden, 1)
        self.far = nn.Sequential(
            nn.Conv1d(2, 16, 5, stride=2, padding=2), nn.GELU(), nn.Conv1d(16, 16, 5, stride=2, padding=2), nn.GELU(), nn.Flatten(),
        )  # fmt: skip
        self.now = nn.Linear(statics, 32)
        inside = 2 * hidden + 16 * ((far + 3) // 4) + 32
        self.trunk = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(inside, 2 * hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * hidden, 2 * hidden), nn.GELU()
        )
        self.head = nn.Linear(2 * hidden, 5 * len(horizons))
        self.low = nn.Linear(2 * hidden, 2)
        self.line = nn.Linear(2 * steps, len(horizons))
        self.register_buffer("scale", SCALE * torch.tensor(horizons, dtype=torch.float32).sqrt())
        for layer in (self.head, self.line):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, near: Tensor, far: Tensor, now: Tensor) -> tuple[Tensor, Tensor]:
        """(B, H, 5) quantiles 5, 25, 50, 75, 95 % of the change in mg/dL, in order by construction, and (B, 2) logits of a low.

        A low within 30 minutes is one within 60: the second logit is never below the first.
        """
        steps, last = self.memory(self.near(near).transpose(1, 2))
        weight = self.score(torch.tanh(steps)).softmax(dim=1)
        seen = torch.cat([last[-1], (weight * steps).sum(dim=1), self.far(far), F.gelu(self.now(now))], dim=1)
        inner = self.trunk(seen)
        raw = self.head(inner).view(len(near), -1, 5)
        change = near[:, 1] * near[:, 2]
        middle = raw[..., 2] + self.line(torch.cat([change, change * near[:, 3]], dim=1))
        inner_low, inner_high = F.softplus(raw[..., 1] - 0.7), F.softplus(raw[..., 3] - 0.7)
        outer_low, outer_high = F.softplus(raw[..., 0] - 0.5), F.softplus(raw[..., 4] - 0.5)
        rows = [middle - inner_low - outer_low, middle - inner_low, middle, middle + inner_high, middle + inner_high + outer_high]
        quantiles = torch.stack(rows, dim=2) * cast(Tensor, self.scale)[:, None]
        first, more = self.low(inner).unbind(dim=1)
        within_60 = torch.logaddexp(torch.logaddexp(first, more), first + more)  # odds of either, whatever came first
        return quantiles, torch.stack([first, within_60], dim=1)
