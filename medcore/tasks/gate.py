"""How far an image lies from the training images, in the encoder's own eyes.

Mahalanobis distance (Lee 2018, arXiv 1807.03888) of the pooled maps of four stages of the encoder: the early ones
know texture and contrast, the late ones anatomy. The limit is the 99th percentile of patients kept out of training.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

SHRINK = 0.05  # of the covariance towards its diagonal: more features than patients allow is common in small sets


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbourhood:
    """Mean (D,) and whitening (D, D) of the training descriptors."""

    mean: Tensor
    whitening: Tensor

    def distance(self, descriptors: Tensor) -> Tensor:
        """(B, D) -> (B,) root mean squared standard deviations away; about 1 inside."""
        centred = (descriptors - self.mean) @ self.whitening
        return centred.square().mean(dim=1).sqrt()


def describe(maps: list[Tensor]) -> Tensor:
    """Stage maps [(B, C, h, w)] -> (B, sum of C) descriptors: the mean of each channel, on a root scale that tames outliers."""
    pooled = torch.cat([part.float().mean(dim=(2, 3)) for part in maps], dim=1)
    return pooled.sign() * pooled.abs().sqrt()


def learn(descriptors: Tensor) -> Neighbourhood:
    """Fit to (N, D) descriptors of training images."""
    mean = descriptors.mean(dim=0)
    covariance = torch.cov(descriptors.T.double())
    diagonal = torch.diag(covariance.diagonal().clamp(min=1e-8))
    shrunk = (1 - SHRINK) * covariance + SHRINK * diagonal
    values, vectors = torch.linalg.eigh(shrunk)
    return Neighbourhood(mean=mean, whitening=(vectors / values.sqrt()).float())
