"""From logits to probabilities that mean what they say, and from probabilities to decisions.

Calibration is softmax(logits / temperature + bias): temperature scaling (Guo 2017, arXiv 1706.04599) with the bias
that balanced training batches make necessary. Its uncertainty is a bootstrap over patients, kept as draws
of (temperature, bias), so that each single probability comes with an interval. NumPy only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medcore.types import OperatingPoint

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
DRAWS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """`scale` (1 + DRAWS,) is 1 / temperature, `bias` (1 + DRAWS, K); row 0 is the fit, the others its bootstrap."""

    scale: Floats
    bias: Floats

    @property
    def temperature(self) -> float:
        """The fitted temperature."""
        return float(1 / self.scale[0])

    def probabilities(self, logits: Floats) -> Floats:
        """(N, K) logits -> (N, K) calibrated probabilities, rows sum to 1."""
        shares: Floats = softmax(logits * self.scale[0] + self.bias[0])
        return shares

    def interval(self, logits: Floats) -> tuple[Floats, Floats]:
        """The 95 % interval of each probability under the calibration's own uncertainty: two (N, K) arrays.

        It says how well the map from score to probability is known, not how a second network would have scored.
        """
        drawn = softmax(logits[:, None, :] * self.scale[None, 1:, None] + self.bias[None, 1:])  # (N, DRAWS, K)
        low, high = np.percentile(drawn, (2.5, 97.5), axis=1)
        fitted = self.probabilities(logits)
        return np.minimum(low, fitted), np.maximum(high, fitted)


def softmax(logits: Floats) -> Floats:
    """Along the last axis, safe from overflow."""
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    out: Floats = e / e.sum(axis=-1, keepdims=True)
    return out


def fit(logits: Floats, targets: Ints, groups: Sequence[str], *, seed: int = 0, draws: int = DRAWS) -> Calibration:
    """Calibrate on (N, K) `logits` of patients that training never saw, and bootstrap over their groups."""
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    count = int(group.max()) + 1
    rng = np.random.default_rng(seed)
    fits = [_newton(logits, targets, np.ones(len(targets)))]
    for _ in range(draws):
        weight = np.bincount(rng.integers(count, size=count), minlength=count)[group].astype(float)
        fits.append(_newton(logits, targets, weight))
    return Calibration(scale=np.array([f[0] for f in fits]), bias=np.array([f[1:] for f in fits]))


def _newton(logits: Floats, targets: Ints, weights: Floats) -> Floats:
    """[1 / temperature, bias (K,)] of least weighted log loss; a weak prior keeps separable data finite."""
    n, k = logits.shape
    prior = np.r_[1.0, np.zeros(k)]
    theta = prior.copy()
    truth = np.eye(k)[targets]
    precision = np.r_[1.0, np.full(k, 1.0)]
    design = np.concatenate([logits[:, :, None], np.broadcast_to(np.eye(k), (n, k, k))], axis=2)  # (N, K, 1 + K)
    for _ in range(50):
        p = softmax(design @ theta)
        gradient = np.einsum("n,nk,nkj->j", weights, p - truth, design) + precision * (theta - prior)
        centred = design - np.einsum("nk,nkj->nj", p, design)[:, None]
        hessian = np.einsum("n,nk,nki,nkj->ij", weights, p, centred, centred, optimize=True) + np.diag(precision)
        step = np.linalg.solve(hessian, gradient)
        theta = theta - step * min(1.0, 1.0 / float(np.abs(step).max() + 1e-12))
        theta[0] = max(theta[0], 0.02)
        if float(np.abs(step).max()) < 1e-6:
            break
    return np.asarray(theta, np.float64)


def operating_points(
    label: str, score: Floats, positive: NDArray[np.bool_], sensitivity: float = 0.95
) -> tuple[OperatingPoint, OperatingPoint]:
    """A balanced threshold and a screening one, on (N,) probabilities of validation patients.

    balanced: the middle, in log odds, of all thresholds whose balanced accuracy is within one standard error
    of the best. A plateau is wide where classes part well, and its middle is what survives a shift.
    screening: the highest threshold that still finds `sensitivity` of the positives, and never above the balanced one.
    """
    cuts = np.unique(score)
    cuts = np.r_[cuts[0], (cuts[1:] + cuts[:-1]) / 2]
    sens = 1 - np.searchsorted(np.sort(score[positive]), cuts) / positive.sum()
    spec = np.searchsorted(np.sort(score[~positive]), cuts) / (~positive).sum()
    balanced = (sens + spec) / 2
    best = float(balanced.max())
    error = np.sqrt(max(best * (1 - best), 1e-4) / min(positive.sum(), (~positive).sum()))
    plateau = np.flatnonzero(balanced >= best - error)
    edges = np.clip(cuts[[plateau[0], plateau[-1]]], 1e-6, 1 - 1e-6)
    middle = 1 / (1 + np.exp(-np.log(edges / (1 - edges)).mean()))
    screening = min(cuts[np.flatnonzero(sens >= sensitivity)[-1]], middle)
    return point("balanced", label, float(middle), score, positive), point("screening", label, float(screening), score, positive)


def point(name: str, label: str, threshold: float, score: Floats, positive: NDArray[np.bool_]) -> OperatingPoint:
    """What `threshold` gives on (N,) probabilities of validation patients."""
    said = score >= threshold
    return OperatingPoint(
        name=name,
        label=label,
        threshold=round(threshold, 4),
        sensitivity=round(float(said[positive].mean()), 4),
        specificity=round(float((~said[~positive]).mean()), 4),
    )
