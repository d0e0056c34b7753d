"""How far a delineation is from a cardiologist's: found, invented, and how far off the bounds are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medcore.types import WAVES

WITHIN_S = 0.150  # a wave is found if its peak lies this near (ANSI/AAMI EC57)
POINTS = ("onset", "peak", "offset")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What one lead of one subject adds, for one wave. `errors` (found, 3) in ms, NaN where either side has no such mark."""

    found: int
    missed: int
    invented: int
    errors: NDArray[np.float64]


def tally(truth: NDArray[np.float64], said: NDArray[np.float64], rate_hz: float, span: tuple[float, float]) -> Tally:
    """Match (n, 3) and (m, 3) rows of onset, peak and offset in samples, one to one, nearest first, between the samples of `span`."""
    within = WITHIN_S * rate_hz
    apart = np.abs(truth[:, None, 1] - said[None, :, 1])
    pairs = sorted((apart[i, j], i, j) for i, j in zip(*np.nonzero(apart <= within), strict=True))
    left, right, errors = set(range(len(truth))), set(range(len(said))), []
    for _, i, j in pairs:
        if i in left and j in right:
            left.discard(i)
            right.discard(j)
            errors.append((said[j] - truth[i]) / rate_hz * 1000)
    matched = len(errors)
    invented = sum(1 for j in right if span[0] <= said[j, 1] <= span[1])
    return Tally(found=matched, missed=len(left), invented=invented, errors=np.array(errors).reshape(-1, 3))


def figures(tallies: Mapping[str, Sequence[Tally]], weights: NDArray[np.float64] | None = None) -> dict[str, float]:
    """Sensitivity, PPV, and mean and SD of each bound's error in ms, for each wave; `weights` (N,) of the tallies."""
    out: dict[str, float] = {}
    for wave in WAVES:
        own = tallies[wave]
        w = np.ones(len(own)) if weights is None else weights
        found, missed, invented = (float(w @ np.array([getattr(t, name) for t in own])) for name in ("found", "missed", "invented"))
        out[f"sensitivity_{wave}"] = found / (found + missed) if found + missed else float("nan")
        out[f"ppv_{wave}"] = found / (found + invented) if found + invented else float("nan")
        errors = np.concatenate([t.errors for t in own])
        each = np.repeat(w, [len(t.errors) for t in own])
        for k, point in enumerate(POINTS):
            known = ~np.isnan(errors[:, k])
            total = each[known].sum()
            mean = float(each[known] @ errors[known, k] / total) if total else float("nan")
            out[f"mean_ms_{wave}_{point}"] = mean
            out[f"sd_ms_{wave}_{point}"] = float(np.sqrt(each[known] @ (errors[known, k] - mean) ** 2 / total)) if total else float("nan")
    return out
