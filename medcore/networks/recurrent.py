"""Networks for signals: convolutions that shorten time, then a gated recurrent unit that remembers over it.

One-dimensional convolutions are written as two-dimensional ones of height 1: oneDNN runs these about three times as fast on a CPU when
they are laid out channels last. The recurrent part works on a few steps a second, where its loop over time is cheap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

TOLD = 3  # channels in which a segmenter tells of P, QRS and T


def convolution(inside: int, outside: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    """Along time only, length kept (or divided by `stride`)."""
    return nn.Conv2d(inside, outside, (1, kernel), (1, stride), (0, kernel // 2), groups=groups, bias=False)


class Residual(nn.Module):
    """Two convolutions and a way round them (He 2016, arXiv 1603.05027, after Hannun 2019 for ECGs); `stride` shortens time."""

    def __init__(self, inside: int, outside: int, kernel: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.first = nn.Sequential(convolution(inside, outside, kernel, stride), nn.BatchNorm2d(outside))
        self.second = nn.Sequential(convolution(outside, outside, kernel), nn.BatchNorm2d(outside))
        self.pool = nn.AvgPool2d((1, stride), ceil_mode=True) if stride > 1 else nn.Identity()
        self.across = nn.Conv2d(inside, outside, 1, bias=False) if inside != outside else nn.Identity()
        self.dropout = nn.Dropout2d(dropout)  # whole channels: neighbours in time would tell a dropped sample

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, 1, T) -> (B, C', 1, ceil(T / stride))."""
        around = self.across(self.pool(x))
        inner = self.second(self.dropout(F.relu(self.first(x))))
        return F.relu(inner + around[..., : inner.shape[-1]])


class Memory(nn.Module):
    """A bidirectional GRU over the steps of a map, in single precision: bfloat16 gains nothing there on a CPU."""

    def __init__(self, inside: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.gru = nn.GRU(inside, hidden, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, 1, T) -> (B, T, 2 * hidden)."""
        with torch.autocast(x.device.type, enabled=False):
            out, _ = self.gru(self.dropout(x.float())[:, :, 0].transpose(1, 2))
        return cast(Tensor, out)


class SequenceClassifier(nn.Module):
    """A signal of any length to logits: residual convolutions, a GRU, and attention that says which moments count.

    `forward(x, valid)` takes (B, C, T) at the rate it was trained at; `valid` (B, T) is False where a training batch was padded.
    """

    def __init__(self, channels: int, labels: int, widths: Sequence[int], kernel: int, hidden: int, dropout: float = 0.2) -> None:
        super().__init__()
        self.stem = nn.Sequential(convolution(channels, widths[0], 15, 2), nn.BatchNorm2d(widths[0]), nn.ReLU())
        pairs = list(zip((widths[0], *widths[:-1]), widths, strict=True))
        self.blocks = nn.Sequential(*(Residual(i, o, kernel, 1 if k == 0 else 2, dropout) for k, (i, o) in enumerate(pairs)))
        self.shortening = 2 ** len(pairs)
        self.memory = Memory(widths[-1], hidden, dropout)
        self.attention = nn.Sequential(nn.Linear(2 * hidden, hidden), nn.Tanh(), nn.Linear(hidden, labels))
        self.head = nn.Sequential(nn.Dropout(2 * dropout), nn.Linear(4 * hidden, labels))
        self.labels, self.channels = labels, channels

    def features(self, x: Tensor) -> Tensor:
        """(B, C, T) -> (B, widths[-1], 1, T / shortening) feature map."""
        x = x[:, :, None].contiguous(memory_format=torch.channels_last)
        return cast(Tensor, self.blocks(self.stem(x)))

    def read(self, maps: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor]:
        """A feature map to (B, labels) logits and (B, T', labels) attention; each label attends to moments of its own."""
        steps = self.memory(maps)
        with torch.autocast(steps.device.type, enabled=False):
            score = self.attention(steps)
            if valid is not None:
                kept = F.max_pool1d(valid[:, None].float(), self.shortening, ceil_mode=True)[:, 0, : score.shape[1]] > 0
                score = score.masked_fill(~kept[..., None], -1e4)
                steps = steps * kept[..., None]
            weight = score.softmax(dim=1)
            seen = torch.einsum("btk,btd->bkd", weight, steps)
            most = steps.amax(dim=1, keepdim=True).expand(-1, self.labels, -1)
            both = torch.cat([seen, most], dim=2)  # (B, K, 4 * hidden)
            dropped, last = self.head[0](both), cast(nn.Linear, self.head[1])
            logits = (dropped * last.weight).sum(dim=2) + last.bias
        return logits, weight

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """(B, C, T), (B, T) -> (B, labels) logits."""
        return self.read(self.features(x), valid)[0]


class Segmenter(nn.Module):
    """What stands at each sample: a U-net (Ronneberger 2015; Moskalenko 2019 for ECGs) whose deepest level is recurrent.

    It works at half the rate of its input, where most of its time would go, and answers at the full one, between samples linearly.
    """

    def __init__(self, channels: int, outputs: int, widths: Sequence[int], kernel: int, hidden: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.stem = nn.Sequential(convolution(channels, widths[0], 15, 2), nn.BatchNorm2d(widths[0]), nn.ReLU())
        pairs = list(pairwise(widths))
        self.down = nn.ModuleList(Residual(i, o, kernel, 2, dropout) for i, o in pairs)
        self.memory = Memory(widths[-1], hidden, dropout)
        self.back = nn.Linear(2 * hidden, widths[-1])
        self.up = nn.ModuleList(Residual(o + i, i, kernel, 1, dropout) for i, o in reversed(pairs))
        self.last = nn.Conv2d(widths[0], outputs, (1, 9), padding=(0, 4))
        self.multiple = 2 ** (len(pairs) + 1)  # of samples, that an input's length must be

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T) -> (B, outputs, T); T a multiple of `multiple`."""
        length = x.shape[2]
        x = self.stem(x[:, :, None].contiguous(memory_format=torch.channels_last))
        kept = []
        for block in self.down:
            kept.append(x)
            x = block(x)
        steps = self.back(self.memory(x)).transpose(1, 2)[:, :, None]
        x = x + steps.to(x.dtype)
        for block, around in zip(self.up, reversed(kept), strict=True):
            wide = F.interpolate(x, scale_factor=(1.0, 2.0), mode="nearest")
            x = block(torch.cat([wide, around], dim=1))
        half = self.last(x)[:, :, 0].float()
        # sample 2k of the input is sample k here: align the first samples, and let the last one stand for what follows it
        grown = F.interpolate(torch.cat([half, half[..., -1:]], dim=2), size=length + 1, mode="linear", align_corners=True)
        return grown[..., :length]


class Informed(nn.Module):
    """A classifier that is told, beside the leads, where a segmenter sees P, QRS and T: intervals need not be learned from few labels.

    Takes (B, C, T) at twice the rate that its classifier works at. The segmenter is asked of the leads `asked`, each with the
    `context` of all leads, and its shares of P, QRS and T are averaged over them. It is trained elsewhere and not changed here.
    """

    def __init__(self, front: Segmenter, base: SequenceClassifier, asked: Sequence[int], context: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.front, self.base, self.asked, self.context = front, base, tuple(asked), context
        self.labels, self.channels, self.shortening = base.labels, base.channels - TOLD, 2 * base.shortening

    def told(self, x: Tensor) -> Tensor:
        """(B, C, T) -> (B, TOLD, T) shares of P, QRS and T."""
        around = self.context(x)
        padded = F.pad(torch.cat([x[:, list(self.asked)], around], dim=1), (0, -x.shape[2] % self.front.multiple))
        leads = padded[:, : len(self.asked), None]
        beside = padded[:, None, len(self.asked) :].expand(-1, len(self.asked), -1, -1)
        out = self.front(torch.cat([leads, beside], dim=2).flatten(0, 1)).unflatten(0, (len(x), len(self.asked)))
        shares: Tensor = out[:, :, :4].softmax(dim=2)[:, :, 1:4].mean(dim=1)
        return shares[:, :, : x.shape[2]]

    def features(self, x: Tensor, told: Tensor | None = None) -> Tensor:
        """(B, C, T) -> the classifier's feature map; `told` where the same segmenter has been asked already."""
        return self.base.features(halved(torch.cat([x, self.told(x) if told is None else told], dim=1)))

    def read(self, maps: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor]:
        """As the classifier's, with `valid` at this network's rate."""
        return self.base.read(maps, None if valid is None else halved(valid[:, None].float())[:, 0] > 0)

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """(B, C, T), (B, T) -> (B, labels) logits."""
        return self.read(self.features(x), valid)[0]


def halved(x: Tensor) -> Tensor:
    """(B, C, T) -> (B, C, ceil(T / 2)): the mean of neighbours."""
    return F.avg_pool1d(x, 2, ceil_mode=True)
