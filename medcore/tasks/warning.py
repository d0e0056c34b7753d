"""How near a low is: the networks' own odds, weighed with what their forecasts and the straight line imply. NumPy only.

A network that learns odds from whole days hardly looks at the last few mg/dL above the threshold, where most warnings are decided. A
logistic regression on its odds, on how many deviations of the forecast the threshold lies away, and on the last readings does; one
for moments at which glucose is not low, one for those at which it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medcore.tasks.windows import CENTRE, LOW, UNIT, Windows

Floats = NDArray[np.float64]
WITHIN = (30.0, 60.0)  # minutes
AT = ((1, 2, 3, 5), (2, 5, 8, 11))  # numbers of the horizons (10, 15, 20, 30 and 15, 30, 45, 60 minutes) whose forecasts count for each
PRIOR = 1.0  # of the weights, so that no two that say the same run away


@dataclass(frozen=True, slots=True, kw_only=True)
class Odds:
    """Weights (2, 2, F) on evidence that is centred by `mean` and divided by `scale`: within 30 and 60 minutes, not low now and low now."""

    mean: Floats
    scale: Floats
    weight: Floats

    def log_odds(self, evidence: Floats, now: Floats) -> Floats:
        """(B, 2, F) evidence and glucose (B,) -> (B, 2) log odds of a reading below 70 mg/dL."""
        state = (now < LOW).astype(np.int64)
        out = [
            (((evidence[:, k] - self.mean[k][state]) / self.scale[k][state]) * self.weight[k][state]).sum(axis=1)
            for k in range(len(WITHIN))
        ]
        return np.stack(out, axis=1)


def evidence(now: Floats, quantiles: Floats, logits: Floats, lines: Floats, seen: Windows) -> Floats:
    """(B, 2, F) of glucose `now` (B,), the networks' quantiles (B, H, 5) in mg/dL and logits (B, 2), and the line's changes (B, H)."""
    middle, below = quantiles[:, :, 2], np.maximum(quantiles[:, :, 2] - quantiles[:, :, 0], 2.0) / 1.645
    away = np.clip((middle - LOW) / below, -6, 8)  # in standard deviations, were the forecast normal
    level = seen.near[:, 0].astype(np.float64) * UNIT + CENTRE
    last, before = (now - level[:, -3]) / 10, (level[:, -3] - level[:, -5]) / 10  # mg/dL a minute
    height = np.log(np.maximum(now, 40) / LOW)
    common = [height, np.minimum(height, 0.5), last, before, np.clip(last, -2, 0), np.ones(len(now))]
    out = []
    for k, numbers in enumerate(AT):
        least = away[:, numbers].min(axis=1)
        ahead = [np.clip((now + lines[:, number] - LOW) / 20, -4, 6) for number in (numbers[-1], numbers[-1] // 2)]
        rows = [logits[:, k], *away[:, numbers].T, least, *ahead, *common, np.clip(least, -3, 3) ** 2 / 3]
        out.append(np.stack(rows, axis=1))
    return np.stack(out, axis=1)


def fit(seen: Floats, low: Floats, now: Floats) -> Odds:
    """The odds of (N, 2, F) evidence with `low` (N, 2): 1, 0, NaN unknown."""
    parts: dict[str, list[list[Floats]]] = {"mean": [], "scale": [], "weight": []}
    for k in range(len(WITHIN)):
        fits = []
        for state in (now >= LOW, now < LOW):
            known = state & ~np.isnan(low[:, k])
            fits.append(_logistic(seen[known, k], low[known, k]))
        for name, values in zip(parts, zip(*fits, strict=True), strict=True):
            parts[name].append(list(values))
    return Odds(**{name: np.array(values) for name, values in parts.items()})


def _logistic(x: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean, scale and weights of a logistic regression by Newton's method; a constant column is left as it is."""
    mean, scale = x.mean(axis=0), x.std(axis=0)
    constant = scale < 1e-9
    mean, scale = np.where(constant, 0.0, mean), np.where(constant, 1.0, scale)
    z = (x - mean) / scale
    weight = np.zeros(x.shape[1])
    prior = np.where(constant, 1e-6, PRIOR)
    for _ in range(40):
        p = 1 / (1 + np.exp(-np.clip(z @ weight, -30, 30)))
        gradient = z.T @ (p - y) + prior * weight
        step = np.linalg.solve((z.T * (p * (1 - p))) @ z + np.diag(prior), gradient)
        weight = weight - step
        if float(np.abs(step).max()) < 1e-6:
            break
    return mean, scale, weight
