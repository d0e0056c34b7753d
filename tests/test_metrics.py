"""Figures against values worked by hand, and properties that hold for any scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medcore import metrics


def test_auroc_counts_ties_half():
    # pairs (positive, negative): .9>.5, .9>.1, .5=.5, .5>.1 -> 3.5 of 4
    assert metrics.auroc(np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, True, False, False])) == 0.875


def test_auroc_weights_are_copies_of_rows():
    scores, positive = np.array([0.2, 0.7, 0.4, 0.9]), np.array([True, False, True, True])
    weights = np.array([1.0, 2.0, 0.0, 3.0])
    rows = np.repeat(np.arange(4), weights.astype(int))
    assert metrics.auroc(scores, positive, weights) == pytest.approx(metrics.auroc(scores[rows], positive[rows]))


def test_auroc_of_one_class_is_not_a_number():
    assert np.isnan(metrics.auroc(np.array([0.2, 0.7]), np.array([True, True])))


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=4, max_size=40))
def test_auroc_turns_with_the_scores(rows):
    scores, positive = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    if positive.all() or not positive.any():
        return
    assert metrics.auroc(scores, positive) == pytest.approx(1 - metrics.auroc(-scores, positive))


def test_roc_runs_from_corner_to_corner():
    fpr, tpr = metrics.roc(np.array([0.9, 0.8, 0.3, 0.1]), np.array([True, False, True, False]))
    assert (fpr, tpr) == ([0, 0, 0.5, 0.5, 1], [0, 0.5, 0.5, 1, 1])


def test_ece_of_overconfidence():
    # two rows at 0.9, one right: |0.9 - 0.5| = 0.4; two at 0.6, both right: |0.6 - 1| = 0.4
    p = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
    assert metrics.ece(p, np.array([0, 1, 0, 0])) == pytest.approx(0.4)


def test_figures_by_hand():
    p = np.array([[0.8, 0.2], [0.4, 0.6], [0.3, 0.7], [0.1, 0.9]])
    out = metrics.figures(p, np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), ["no", "yes"])
    assert out["accuracy"] == 0.75
    assert out["balanced_accuracy"] == 0.75
    assert out["sensitivity_yes"] == 1.0
    assert out["specificity_yes"] == 0.5
    assert out["f1_yes"] == pytest.approx(0.8)
    assert out["auroc"] == 1.0
    assert out["brier"] == pytest.approx(2 * (0.04 + 0.36 + 0.09 + 0.01) / 4)


def test_macro_leaves_out_absent_classes():
    p = np.full((3, 3), 1 / 3)
    out = metrics.figures(p, np.array([0, 1, 1]), np.array([0, 1, 1]), ["a", "b", "c"])
    assert out["sensitivity"] == 1.0
    assert np.isnan(out["sensitivity_c"])


def test_bootstrap_draws_whole_groups():
    seen = []
    metrics.bootstrap(lambda w: seen.append(w) or {"n": float(w.sum())}, ["a", "a", "b"], replicates=20)
    assert all(weights[0] == weights[1] for weights in seen)
    assert len({weights[2] for weights in seen}) > 1
