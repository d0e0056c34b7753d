"""Figures of a classifier on labelled rows, each with a 95 % bootstrap interval over groups.

All figures are computed with row weights, so that a bootstrap replicate is a vector of group counts and no
row is ever copied. NumPy only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
BINS = 15  # of the expected calibration error (Guo 2017, arXiv 1706.04599)


def auroc(scores: Floats, positive: NDArray[np.bool_], weights: Floats | None = None) -> float:
    """Area under the ROC curve, ties counted half (Mann-Whitney); NaN where one class is missing.

    Args:
        scores: (N,), larger speaks for `positive`.
        weights: (N,) row weights; None weighs rows alike.
    """
    if not len(scores):
        return float("nan")
    w = np.ones(len(scores)) if weights is None else weights
    _, place = np.unique(scores, return_inverse=True)
    pos = np.bincount(place, w * positive)
    neg = np.bincount(place, w * ~positive)
    total = pos.sum() * neg.sum()
    if total == 0:
        return float("nan")
    below = np.cumsum(neg) - neg
    return float((pos * (below + neg / 2)).sum() / total)


def roc(scores: Floats, positive: NDArray[np.bool_], points: int = 200) -> tuple[list[float], list[float]]:
    """False and true positive rates from (0, 0) to (1, 1), thinned to at most `points`."""
    order = np.argsort(-scores, kind="stable")
    hits = positive[order]
    last = np.flatnonzero(np.r_[np.diff(scores[order]) != 0, True])
    tpr = np.r_[0, np.cumsum(hits)[last] / max(int(hits.sum()), 1)]
    fpr = np.r_[0, np.cumsum(~hits)[last] / max(int((~hits).sum()), 1)]
    keep = np.unique(np.linspace(0, len(tpr) - 1, points).astype(int))
    return [round(float(v), 5) for v in fpr[keep]], [round(float(v), 5) for v in tpr[keep]]


def calibration_bins(probabilities: Floats, targets: Ints, weights: Floats | None = None) -> tuple[Floats, Floats, Floats]:
    """Weight, mean top probability and observed accuracy in each of the equal-width bins."""
    w = np.ones(len(targets)) if weights is None else weights
    top = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == targets
    bins = np.minimum((top * BINS).astype(int), BINS - 1)
    n: Floats = np.bincount(bins, w, BINS).astype(float)
    safe = np.where(n > 0, n, 1)
    return n, np.bincount(bins, w * top, BINS) / safe, np.bincount(bins, w * right, BINS) / safe


def ece(probabilities: Floats, targets: Ints, weights: Floats | None = None) -> float:
    """Expected calibration error of the top probability over 15 equal-width bins."""
    n, confidence, observed = calibration_bins(probabilities, targets, weights)
    return float((n * np.abs(confidence - observed)).sum() / n.sum())


def figures(
    probabilities: Floats, targets: Ints, decisions: Ints, classes: Sequence[str], weights: Floats | None = None
) -> dict[str, float]:
    """Every figure of the evaluation contract, macro one-versus-rest over the classes present, and per class.

    Args:
        probabilities: (N, K) calibrated, rows sum to 1.
        targets, decisions: (N,) class numbers; a decision may differ from the largest probability.
    """
    w = np.ones(len(targets)) if weights is None else weights
    truth = np.arange(len(classes)) == targets[:, None]
    said = np.arange(len(classes)) == decisions[:, None]
    true_positive, positive = w @ (truth & said), w @ truth
    false_positive = w @ (~truth & said)
    negative = w.sum() - positive
    with np.errstate(divide="ignore", invalid="ignore"):
        each = {
            "auroc": np.array([auroc(probabilities[:, k], truth[:, k], w) for k in range(len(classes))]),
            "sensitivity": true_positive / positive,
            "specificity": 1 - false_positive / negative,
            "f1": 2 * true_positive / (positive + true_positive + false_positive),
        }
    present = positive > 0
    out = {name: _mean(values[present]) for name, values in each.items()}
    out["accuracy"] = float(true_positive.sum() / w.sum())
    out["balanced_accuracy"] = out["sensitivity"]
    out["ece"] = ece(probabilities, targets, w)
    out["brier"] = float(w @ ((probabilities - truth) ** 2).sum(axis=1) / w.sum())
    for k, label in enumerate(classes):
        out |= {f"{name}_{label}": float(values[k]) for name, values in each.items()}
    return out


def label_figures(
    probabilities: Floats, targets: Floats, present: NDArray[np.bool_], labels: Sequence[str], weights: Floats | None = None
) -> dict[str, float]:
    """The same figures of labels that do not exclude each other: each against its own absence, and their mean over labels.

    Args:
        probabilities: (N, K), each calibrated by itself.
        targets: (N, K) 0 or 1, NaN where unknown. present: (N, K) decisions.
    """
    w = np.ones(len(targets)) if weights is None else weights
    each = [_label(probabilities[:, k], targets[:, k], present[:, k], w) for k in range(len(labels))]
    out = {name: _mean(np.array([one[name] for one in each])) for name in each[0]}
    for label, one in zip(labels, each, strict=True):
        out |= {f"{name}_{label}": value for name, value in one.items()}
    return out


def _label(probability: Floats, target: Floats, present: NDArray[np.bool_], weights: Floats) -> dict[str, float]:
    known = ~np.isnan(target)
    p, truth, said, w = probability[known], target[known] == 1, present[known], weights[known]
    hit, positive, negative, total = float(w @ (truth & said)), float(w @ truth), float(w @ ~truth), float(w.sum())
    wrong = float(w @ (~truth & said))
    sensitivity = hit / positive if positive else float("nan")
    specificity = 1 - wrong / negative if negative else float("nan")
    return {
        "auroc": auroc(p, truth, w),
        "sensitivity": sensitivity,
        "specificity": specificity,
        "balanced_accuracy": (sensitivity + specificity) / 2,
        "accuracy": (hit + negative - wrong) / total if total else float("nan"),
        "f1": 2 * hit / (positive + hit + wrong) if positive + hit + wrong else float("nan"),
        "ece": ece(np.stack([1 - p, p], axis=1), truth.astype(np.int64), w) if total else float("nan"),
        "brier": 2 * float(w @ (p - truth) ** 2) / total if total else float("nan"),
    }


def _mean(values: Floats) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else float("nan")


def bootstrap(
    figure: Callable[[Floats], dict[str, float]], groups: Sequence[str], *, replicates: int = 1000, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """The 95 % percentile interval of each figure over groups drawn with replacement (Efron 1979).

    Args:
        figure: from row weights (N,) to figures; NaN where a replicate cannot give one.
        groups: (N,) rows of one group are drawn together.
    """
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    count = int(group.max()) + 1
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(replicates):
        drawn = np.bincount(rng.integers(count, size=count), minlength=count)
        rows.append(figure(drawn[group].astype(float)))
    return {name: _interval(np.array([row[name] for row in rows])) for name in rows[0]}


def _interval(values: Floats) -> tuple[float, float]:
    defined = values[~np.isnan(values)]
    if defined.size == 0:
        return float("nan"), float("nan")
    low, high = np.percentile(defined, (2.5, 97.5))
    return float(low), float(high)
