"""Splits that keep what belongs together on one side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]


def blocks(labels: Sequence[str], groups: Sequence[str], order: Sequence[float], folds: int) -> Index:
    """The fold of each row: within each label, contiguous runs of groups in the order they were acquired.

    Runs are stricter than random groups: neighbours in a hospital's numbering share a scanner, an operator
    and a season, so a run left out resembles the next hospital more. A group lies in one fold only, that of its first row.
    """
    fold: dict[str, int] = {}
    label_of = np.asarray(labels)
    for label in np.unique(label_of):
        rows = np.flatnonzero(label_of == label)
        rows = rows[np.argsort(np.asarray(order, float)[rows], kind="stable")]
        for place, row in enumerate(rows):
            fold.setdefault(groups[int(row)], place * folds // len(rows))
    return np.array([fold[group] for group in groups], np.int64)


def stratified(labels: Sequence[str], groups: Sequence[str], folds: int, seed: int) -> tuple[NDArray[np.bool_], Index]:
    """(N,) whether a row is kept out of every fold (every tenth group of its label), and (N,) its fold, -1 where kept out.

    For records without an order of acquisition: groups are shuffled and dealt out within the label of their first row.
    """
    rng = np.random.default_rng(seed)
    dealt: dict[str, int] = {}
    label_of = np.asarray(labels)
    for label in np.unique(label_of):
        own = list(dict.fromkeys(groups[int(row)] for row in np.flatnonzero(label_of == label)))
        own = [group for group in own if group not in dealt]
        for place, group in enumerate(rng.permutation(np.array(own, object))):
            dealt[group] = -1 if place % 10 == 9 else (place - place // 10) % folds
    fold = np.array([dealt[group] for group in groups], np.int64)
    return fold < 0, fold
