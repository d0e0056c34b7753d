"""Calibration recovers what distorted the scores, and operating points are what they are called."""

import numpy as np
import pytest

from medcore import calibrate, metrics


def planted(n=4000, temperature=2.5, bias=0.8, seed=0):
    """Two-class logits that are overconfident by `temperature` and shifted by `bias`, with labels drawn from the truth."""
    rng = np.random.default_rng(seed)
    true_logit = rng.normal(0, 2, n)
    targets = (rng.random(n) < 1 / (1 + np.exp(-true_logit))).astype(int)
    shown = (true_logit - bias) * temperature
    return np.stack([np.zeros(n), shown], axis=1), targets


def test_fit_finds_the_planted_temperature_and_bias():
    logits, targets = planted()
    fitted = calibrate.fit(logits, targets, [str(k) for k in range(len(targets))])
    assert fitted.temperature == pytest.approx(2.5, rel=0.1)
    assert fitted.bias[0, 1] - fitted.bias[0, 0] == pytest.approx(0.8, abs=0.15)
    before = metrics.ece(calibrate.softmax(logits), targets)
    assert metrics.ece(fitted.probabilities(logits), targets) < 0.03 < before


def test_interval_holds_the_probability_and_narrows_with_patients():
    widths = []
    for n in (100, 4000):
        logits, targets = planted(n)
        fitted = calibrate.fit(logits, targets, [str(k) for k in range(n)])
        low, high = fitted.interval(logits[:50])
        p = fitted.probabilities(logits[:50])
        assert (low <= p).all()
        assert (p <= high).all()
        widths.append(float((high - low).mean()))
    assert widths[1] < widths[0] / 2


def test_separable_scores_stay_finite():
    logits = np.array([[0.0, -5.0], [0.0, -4.0], [0.0, 4.0], [0.0, 5.0]])
    fitted = calibrate.fit(logits, np.array([0, 0, 1, 1]), ["a", "b", "c", "d"])
    assert np.isfinite(fitted.scale).all()
    assert np.isfinite(fitted.bias).all()


def test_screening_keeps_its_sensitivity_and_balanced_its_balance():
    rng = np.random.default_rng(1)
    positive = rng.random(3000) < 0.3
    score = 1 / (1 + np.exp(-(rng.normal(0, 1, 3000) + 2 * positive)))
    balanced, screening = calibrate.operating_points("x", score, positive)
    assert screening.sensitivity >= 0.95
    assert screening.threshold < balanced.threshold
    best = max(((score >= t)[positive].mean() + (score < t)[~positive].mean()) / 2 for t in np.linspace(0.01, 0.99, 99))
    assert (balanced.sensitivity + balanced.specificity) / 2 > best - 0.02


def test_balanced_point_is_the_middle_of_a_plateau():
    score = np.r_[np.full(50, 0.1), np.full(50, 0.9)]
    balanced, screening = calibrate.operating_points("x", score, score > 0.5)
    assert balanced.threshold == pytest.approx(0.5, abs=0.15)
    assert screening.threshold <= balanced.threshold
