"""Figures of a forecast, each with its 95 % interval over subjects and the better of two trivial forecasts beside it.

Everything is first summed within each subject, so that a bootstrap replicate only weighs subjects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medcore import metrics
from medcore.signals.glucose_grid import clarke, parkes

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
GRID = 400  # bins of a probability, for the area under its ROC curve
BINS = metrics.BINS


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Forecasts of one horizon and what came, (N,) each; `quantiles` (N, 5); `low` 1, 0, or NaN where too few readings tell."""

    subject: Ints
    now: Floats
    line: Floats
    quantiles: Floats
    p_low: Floats
    observed: Floats
    low: Floats


def joined(parts: Sequence[Said]) -> Said:
    """All of them, one after the other."""
    names = ("subject", "now", "line", "quantiles", "p_low", "observed", "low")
    return Said(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def measured(said: Mapping[int, Said], groups: Sequence[str] | None = None) -> dict[str, dict[str, float | None]]:
    """Figures by name, of all horizons (minutes): value, low, high and, where there is one, baseline.

    Args:
        groups: of each subject's number, which are drawn together for intervals; None: each subject is one.
    """
    out: dict[str, dict[str, float | None]] = {}
    for horizon, one in said.items():
        sums = _sums(one)
        values = _figures(sums, np.ones(len(sums["n"])))
        numbers = np.unique(one.subject)
        own = [str(number) if groups is None else groups[number] for number in numbers.tolist()]
        intervals = metrics.bootstrap(lambda weights, sums=sums: _figures(sums, weights), own)  # type: ignore[misc]
        trivial = {"rmse": min(values["persistence_rmse"], values["line_rmse"]), "auroc_low": 0.5, "coverage": None, "skill": 0.0}
        for name, value in values.items():
            low, high = intervals[name]
            figure = {"value": _round(value), "low": _round(low), "high": _round(high)}
            out[f"{name}_{horizon}"] = figure | ({"baseline": _round(trivial[name])} if trivial.get(name) is not None else {})
    return out


def _round(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else round(float(value), 4)


def _sums(said: Said) -> dict[str, Floats]:
    """What each figure needs of each subject: (S,) or (S, bins)."""
    _, subject = np.unique(said.subject, return_inverse=True)
    count = int(subject.max()) + 1 if len(subject) else 0
    q, y = said.quantiles, said.observed

    def total(values: NDArray[Any]) -> Floats:
        return np.bincount(subject, values.astype(np.float64), count).astype(np.float64)

    told = ~np.isnan(said.low)
    low, p = np.where(told, said.low, 0.0), said.p_low
    sums = {
        "n": total(np.ones(len(y))),
        "square": total((q[:, 2] - y) ** 2),
        "absolute": total(np.abs(q[:, 2] - y)),
        "persistence": total((said.now - y) ** 2),
        "line": total((said.line - y) ** 2),
        "inside": total((y >= q[:, 0]) & (y <= q[:, 4])),
        "half": total((y >= q[:, 1]) & (y <= q[:, 3])),
        "width": total(q[:, 4] - q[:, 0]),
        "clarke": total(clarke(y, q[:, 2]) <= 1),
        "parkes": total(parkes(y, q[:, 2]) <= 1),
        "told": total(told),
        "brier": total(np.where(told, (p - low) ** 2, 0.0)),
    }
    for name, chosen in (("came", told & (low == 1)), ("stayed", told & (low == 0))):
        sums[name] = _histogram(subject[chosen], p[chosen], count, GRID)
    sums["bin_n"] = _histogram(subject[told], p[told], count, BINS)
    sums["bin_p"] = _histogram(subject[told], p[told], count, BINS, p[told])
    sums["bin_low"] = _histogram(subject[told], p[told], count, BINS, low[told])
    return sums


def _histogram(subject: Ints, p: Floats, count: int, bins: int, weight: Floats | None = None) -> Floats:
    place = subject * bins + np.minimum((p * bins).astype(np.int64), bins - 1)
    return np.bincount(place, weight, count * bins).astype(np.float64).reshape(count, bins)


def _figures(sums: Mapping[str, Floats], weights: Floats) -> dict[str, float]:
    all_of = {name: weights @ values for name, values in sums.items()}
    n, told = float(all_of["n"]), float(all_of["told"])
    with np.errstate(divide="ignore", invalid="ignore"):
        rmse = {
            name: float(np.sqrt(all_of[key] / n))
            for name, key in (("rmse", "square"), ("persistence_rmse", "persistence"), ("line_rmse", "line"))
        }
        observed, confidence = all_of["bin_low"] / all_of["bin_n"], all_of["bin_p"] / all_of["bin_n"]
        off = np.nan_to_num(np.abs(observed - confidence) * all_of["bin_n"]).sum()
        came, stayed = all_of["came"], all_of["stayed"]
        below = np.cumsum(stayed) - stayed
        return {
            **rmse,
            "skill": _skill(rmse["rmse"], min(rmse["persistence_rmse"], rmse["line_rmse"])),
            "mae": float(all_of["absolute"] / n),
            "coverage": float(all_of["inside"] / n),
            "coverage_half": float(all_of["half"] / n),
            "width": float(all_of["width"] / n),
            "clarke_ab": float(all_of["clarke"] / n),
            "parkes_ab": float(all_of["parkes"] / n),
            "auroc_low": float((came * (below + stayed / 2)).sum() / (came.sum() * stayed.sum())),
            "brier_low": float(all_of["brier"] / told),
            "ece_low": float(off / told),
        }


def _skill(error: float, trivial: float) -> float:
    """The share by which `error` lies below `trivial`; NaN where that is none, as of a series that never moves."""
    return 1 - error / trivial if trivial > 0 else float("nan")


def by_subject(said: Mapping[int, Said]) -> dict[str, float | None]:
    """The median over subjects of each one's own error, as benchmarks over wearers report it; never to be mixed with the pooled one."""
    out: dict[str, float | None] = {}
    for horizon, one in said.items():
        sums = _sums(one)
        with np.errstate(divide="ignore", invalid="ignore"):
            out[f"rmse_{horizon}"] = _round(float(np.median(np.sqrt(sums["square"] / sums["n"]))))
            out[f"mae_{horizon}"] = _round(float(np.median(sums["absolute"] / sums["n"])))
    return out


def compared(with_it: Sequence[Said], without: Sequence[Said]) -> dict[str, float | None]:
    """By what share the pooled error rises without something: value and 95 % interval over subjects, each weighed alike in both."""
    one, other = (_sums(joined(parts)) for parts in (with_it, without))

    def rise(weights: Floats) -> dict[str, float]:
        errors = [float(np.sqrt(weights @ sums["square"] / (weights @ sums["n"]))) for sums in (one, other)]
        return {"rise": errors[1] / errors[0] - 1}

    low, high = metrics.bootstrap(rise, [str(k) for k in range(len(one["n"]))])["rise"]
    return {"value": _round(rise(np.ones(len(one["n"])))["rise"]), "low": _round(low), "high": _round(high)}
