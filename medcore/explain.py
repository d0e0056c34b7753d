"""Captum: which pixels of an image, or which moments of a signal, moved one label's logit. The only importer of captum.

An attribution shows influence, not location. Every method takes the same arguments and gives the same thing, so that
a page can show them side by side and a test can ask the same of each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from captum.attr import FeatureAblation, IntegratedGradients, LayerAttribution, LayerGradCam, Occlusion
from numpy.typing import NDArray
from torch import Tensor, nn

Floats = NDArray[np.float32]

STEPS = 64  # of the path integral: the completeness gap stays below a tenth of a logit here (tests/tasks)
PATCH = 32  # pixels: one occluded square, about a lung segment at the working size
STRIDE = 16
SPAN = 3  # points of a forecast's past that are occluded together: a quarter of an hour


@dataclass(frozen=True, slots=True, kw_only=True)
class Influence:
    """`values` (H, W) >= 0 on the network's input; `gap` is the completeness gap in logits, where one is promised."""

    values: Floats
    baseline: str
    gap: float | None = None


def gradcam(net: nn.Module, layer: nn.Module, x: Tensor, target: int) -> Influence:
    """Grad-CAM of `layer`, upsampled (Selvaraju 2017, arXiv 1610.02391). Positive evidence only; no completeness."""
    map_ = LayerGradCam(net, layer).attribute(x, target=target, relu_attributions=True)
    values = LayerAttribution.interpolate(map_, x.shape[-2:], interpolate_mode="bilinear")
    return Influence(values=_plain(values), baseline="none")


def integrated_gradients(net: nn.Module, layer: nn.Module, x: Tensor, target: int) -> Influence:
    """Integrated gradients from mid grey (Sundararajan 2017, arXiv 1703.01365); the sum of its signed values is complete."""
    del layer
    baseline = torch.zeros_like(x)
    signed, delta = IntegratedGradients(net).attribute(  # type: ignore[has-type]
        x, baseline, target=target, n_steps=STEPS, internal_batch_size=16, return_convergence_delta=True
    )
    return Influence(values=_plain(signed.abs()), baseline="mid grey", gap=abs(float(delta)))


def occlusion(net: nn.Module, layer: nn.Module, x: Tensor, target: int) -> Influence:
    """The fall of the logit when a square is set to mid grey (Zeiler & Fergus 2014, arXiv 1311.2901)."""
    del layer
    window, stride = (x.shape[1], PATCH, PATCH), (x.shape[1], STRIDE, STRIDE)
    with torch.no_grad():
        fall = Occlusion(net).attribute(x, window, stride, baselines=0, target=target, perturbations_per_eval=16)
    return Influence(values=_plain(fall.clamp(min=0)), baseline="mid grey")


METHODS: dict[str, Callable[[nn.Module, nn.Module, Tensor, int], Influence]] = {
    "gradcam": gradcam,
    "integrated_gradients": integrated_gradients,
    "occlusion": occlusion,
}


def _plain(values: Tensor) -> Floats:
    """(1, C, H, W) -> (H, W) float32."""
    return values.detach().sum(dim=1)[0].float().cpu().numpy()


def unit(values: Floats) -> Floats:
    """`values` with their 99th percentile at 1, clipped to 0..1; all zero stays all zero."""
    top = float(np.percentile(values, 99))
    scaled: Floats = np.clip(values / top, 0, 1).astype(np.float32) if top > 0 else np.zeros_like(values)
    return scaled


@torch.no_grad()
def deletion_insertion(net: nn.Module, x: Tensor, target: int, order: NDArray[np.int64], steps: int = 16) -> tuple[float, float]:
    """Areas under the curves of the target's probability while pixels are taken away and brought in (Petsiuk 2018, arXiv 1806.07421).

    Args:
        x: (1, C, H, W).
        order: (H * W,) pixel numbers, most influential first.

    Returns:
        Deletion (small is good) and insertion (large is good), each in 0..1. Missing pixels are mid grey.
    """
    pixels = x.shape[-2] * x.shape[-1]
    rank = torch.empty(pixels, dtype=torch.long)
    rank[torch.from_numpy(order.copy())] = torch.arange(pixels)
    share = (rank.float() / pixels).view(1, 1, *x.shape[-2:]).to(x.device)
    cuts = torch.linspace(0, 1, steps + 1, device=x.device).view(-1, 1, 1, 1)
    batch = torch.cat([torch.where(share < cuts, 0.0, x), torch.where(share < cuts, x, 0.0)])
    probability = torch.cat([net(part) for part in batch.split(17)]).float().softmax(dim=1)[:, target]
    deleted, inserted = probability.view(2, -1)
    return float(torch.trapezoid(deleted) / steps), float(torch.trapezoid(inserted) / steps)


def similarity(one: Floats, other: Floats) -> float:
    """Spearman rank correlation of two maps; near 0 is what a sane method gives when the weights are randomised.

    Source: Adebayo 2018, arXiv 1810.03292.
    """
    if min(float(one.std()), float(other.std())) == 0:
        return 0.0
    first, second = (np.argsort(np.argsort(values, axis=None)).astype(np.float64) for values in (one, other))
    return float(np.corrcoef(first, second)[0, 1])


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalInfluence:
    """`values` (C, N) >= 0 on the network's input; `gap` is the completeness gap in logits, where one is promised."""

    values: Floats
    baseline: str
    gap: float | None = None


def signal_gradients(net: nn.Module, x: Tensor, target: int, beats: NDArray[np.int64]) -> SignalInfluence:
    """Integrated gradients of (1, C, N) from a flat line (Sundararajan 2017, arXiv 1703.01365); the signed sum is complete."""
    del beats
    signed, delta = IntegratedGradients(net).attribute(  # type: ignore[has-type]
        x, torch.zeros_like(x), target=target, n_steps=STEPS, internal_batch_size=16, return_convergence_delta=True
    )
    return SignalInfluence(values=signed.abs()[0].detach().float().cpu().numpy(), baseline="flat line", gap=abs(float(delta)))


def beat_occlusion(net: nn.Module, x: Tensor, target: int, beats: NDArray[np.int64]) -> SignalInfluence:
    """The fall of the logit when one beat of all leads becomes a flat line (Zeiler & Fergus 2014, arXiv 1311.2901, on beats).

    Args:
        beats: R peaks as samples of `x`; a beat reaches halfway to its neighbours, and without any the whole signal is one.
    """
    part = beat_numbers(x.shape[-1], beats)
    mask = torch.from_numpy(part).to(x.device).view(1, 1, -1).expand_as(x)
    with torch.no_grad():
        fall = FeatureAblation(net).attribute(x, baselines=0, target=target, feature_mask=mask, perturbations_per_eval=8)
    return SignalInfluence(values=fall.clamp(min=0)[0].float().cpu().numpy(), baseline="flat line")


SIGNAL_METHODS: dict[str, Callable[[nn.Module, Tensor, int, NDArray[np.int64]], SignalInfluence]] = {
    "integrated_gradients": signal_gradients,
    "beat_occlusion": beat_occlusion,
}


def path_gradients(net: nn.Module, x: Tensor, baseline: Tensor) -> SignalInfluence:
    """Integrated gradients of (1, C, T) from `baseline` (Sundararajan 2017, arXiv 1703.01365), signed; their sum is complete."""
    signed, delta = IntegratedGradients(net).attribute(  # type: ignore[has-type]
        x, baseline, target=0, n_steps=STEPS, internal_batch_size=STEPS, return_convergence_delta=True
    )
    return SignalInfluence(values=signed[0].detach().float().cpu().numpy(), baseline="", gap=abs(float(delta)))


def span_occlusion(net: nn.Module, x: Tensor, baseline: Tensor) -> SignalInfluence:
    """The change of the answer when a quarter of an hour of one channel becomes `baseline` (Zeiler & Fergus 2014, arXiv 1311.2901)."""
    spans = torch.arange(x.shape[2], device=x.device) // SPAN
    mask = spans[None, None] + (int(spans.max()) + 1) * torch.arange(x.shape[1], device=x.device)[None, :, None]
    with torch.no_grad():
        change = FeatureAblation(net).attribute(x, baselines=baseline, target=0, feature_mask=mask, perturbations_per_eval=16)
    return SignalInfluence(values=change[0].float().cpu().numpy(), baseline="")


SEQUENCE_METHODS: dict[str, Callable[[nn.Module, Tensor, Tensor], SignalInfluence]] = {
    "integrated_gradients": path_gradients,
    "span_occlusion": span_occlusion,
}


def beat_numbers(length: int, beats: NDArray[np.int64]) -> NDArray[np.int64]:
    """(length,) the number of the beat that each sample is nearest to, from 0."""
    borders = (beats[1:] + beats[:-1]) // 2
    return np.searchsorted(borders, np.arange(length), side="right").astype(np.int64)


@torch.no_grad()
def beat_deletion_insertion(
    net: nn.Module, x: Tensor, target: int, beats: NDArray[np.int64], order: NDArray[np.int64]
) -> tuple[float, float]:
    """Areas under the curves of the target's logit, scaled to 0..1 between a flat line and the signal, while beats go and come.

    Args:
        x: (1, C, N). order: beat numbers, most influential first (Petsiuk 2018, arXiv 1806.07421, on beats).

    Returns:
        Deletion (small is good) and insertion (large is good); NaN where signal and flat line say the same.
    """
    part = beat_numbers(x.shape[-1], beats)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    place = torch.from_numpy(rank[part]).to(x.device)
    gone = torch.cat([torch.where(place < count, 0.0, x) for count in range(len(order) + 1)])
    come = torch.cat([torch.where(place < count, x, 0.0) for count in range(len(order) + 1)])
    logit = torch.cat([net(half) for half in torch.cat([gone, come]).split(16)]).float()[:, target].view(2, -1)
    whole, flat = logit[0, 0], logit[0, -1]
    if abs(float(whole - flat)) < 1e-6:
        return float("nan"), float("nan")
    deleted, inserted = (torch.trapezoid((curve - flat) / (whole - flat)) / len(order) for curve in logit)
    return float(deleted), float(inserted)
