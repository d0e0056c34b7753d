"""What OUT.json holds: figures with intervals and the trivial baseline, curves, tables. Shared by the kinds that classify."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medcore import metrics
from medcore.tables import Table
from medcore.types import ModelCard

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def counted(card: ModelCard, table: Table, out: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """How many rows there were, how many could not be read, were refused or are indeterminate, and in which groups."""
    readable = [row for row in out if row["status"] != "error"]
    return {
        "task": card.task,
        "model_version": card.version,
        "weights_sha256": card.weights_sha256,
        "rows": len(out),
        "unreadable": len(out) - len(readable),
        "group": table.group or "none: intervals are over rows",
        "groups": len(set(table.groups())) if table.group else None,
        "share_refused": round(sum(row["gate"] != "in" for row in readable) / max(len(readable), 1), 4),
        "share_indeterminate": round(sum(row["status"] == "indeterminate" for row in readable) / max(len(readable), 1), 4),
    }


def exclusive(
    card: ModelCard, table: Table, out: Sequence[Mapping[str, str]], probabilities: Floats, decisions: NDArray[np.int64]
) -> dict[str, Any]:
    """The summary of a task whose classes exclude each other; rows without a known label are left out of the figures."""
    names = [label.name for label in card.labels]
    labelled = np.array([row["label"] in names for row in out]) & (decisions >= 0)
    summary = counted(card, table, out) | {"n": int(labelled.sum())}
    if not labelled.any():
        return summary | {"note": "No row has a label that the task knows, so there are no figures."}
    targets = np.array([names.index(row["label"]) if row["label"] in names else -1 for row in out])[labelled]
    return summary | measured(probabilities[labelled], targets, decisions[labelled], names, np.array(table.groups())[labelled].tolist())


def measured(
    probabilities: NDArray[np.float64], targets: NDArray[np.int64], decisions: NDArray[np.int64], names: list[str], groups: Sequence[str]
) -> dict[str, Any]:
    """Figures with intervals, the trivial baseline (always the commonest class), curves and tables for the page."""
    figures = metrics.figures(probabilities, targets, decisions, names)
    intervals = metrics.bootstrap(lambda weights: metrics.figures(probabilities, targets, decisions, names, weights), groups)
    share = np.bincount(targets, minlength=len(names)) / len(targets)
    trivial = metrics.figures(np.tile(share, (len(targets), 1)), targets, np.full(len(targets), share.argmax()), names)
    n, confidence, observed = metrics.calibration_bins(probabilities, targets)
    matrix = np.zeros((len(names), len(names)), int)
    np.add.at(matrix, (targets, decisions), 1)
    out = _table(figures, intervals, trivial)
    curves = {name: metrics.roc(probabilities[:, k], targets == k) for k, name in enumerate(names)}
    return {
        "figures": out,
        **{name: figure["value"] for name, figure in out.items()},
        "roc": {name: {"fpr": fpr, "tpr": tpr} for name, (fpr, tpr) in curves.items()},
        "reliability": [
            {
                "low": k / metrics.BINS,
                "high": (k + 1) / metrics.BINS,
                "n": int(n[k]),
                "confidence": _round(confidence[k]),
                "observed": _round(observed[k]),
            }
            for k in range(metrics.BINS)
            if n[k] > 0
        ],
        "confusion": {"labels": names, "matrix": matrix.tolist()},
    }


def _round(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)


def separate(probabilities: Floats, targets: Floats, present: Bools, names: Sequence[str], groups: Sequence[str]) -> dict[str, Any]:
    """Figures of labels that exclude nothing: each label against its absence, and their mean.

    Args:
        targets: (N, K) 0 or 1, NaN where a row has no such label.
        present: (N, K) the decisions.
    """

    def all_of(weights: Floats | None = None) -> dict[str, float]:
        return metrics.label_figures(probabilities, targets, present, names, weights)

    values, intervals = all_of(), metrics.bootstrap(all_of, groups)
    known = np.maximum((~np.isnan(targets)).sum(axis=0), 1)  # of a label that nobody knows there is no figure anyway
    share = np.broadcast_to(np.nansum(targets, axis=0) / known, targets.shape)
    trivial = metrics.label_figures(share, targets, np.zeros_like(present), names)
    out = _table(values, intervals, trivial)
    curves = {}
    for k, name in enumerate(names):
        known = ~np.isnan(targets[:, k])
        if not known.any():
            continue
        fpr, tpr = metrics.roc(probabilities[known, k], targets[known, k] == 1)
        curves[name] = {"fpr": fpr, "tpr": tpr}
    return {
        "figures": out,
        **{name: figure["value"] for name, figure in out.items()},
        "roc": curves,
        "positives": {name: int(np.nansum(targets[:, k])) for k, name in enumerate(names)},
    }


def _table(
    values: dict[str, float], intervals: dict[str, tuple[float, float]], trivial: dict[str, float]
) -> dict[str, dict[str, float | None]]:
    return {
        name: {
            "value": _round(value),
            "low": _round(intervals[name][0]),
            "high": _round(intervals[name][1]),
            "baseline": _round(trivial[name]),
        }
        for name, value in values.items()
    }
