import numpy as np
import pytest

from medcore.metrics import auroc
from medcore.tasks.warning import evidence, fit
from medcore.tasks.windows import windows
from tests.tasks import glucose_made as made


def drawn(count=4000, seed=0):
    """Moments with made-up evidence, in which a low depends on the first and the third kind of it."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 2, 5))
    x[:, :, 4] = 1.0
    now = rng.uniform(40, 200, count)
    chance = 1 / (1 + np.exp(-(1.5 * x[:, :, 0] - x[:, :, 2] - 1 + 3 * (now < 70)[:, None])))
    low = (rng.random((count, 2)) < chance).astype(float)
    low[::7, 0] = np.nan
    return x, low, now, chance


def test_odds_are_those_of_what_came():
    x, low, now, chance = drawn()
    said = 1 / (1 + np.exp(-fit(x, low, now).log_odds(x, now)))
    assert np.abs(said - chance).mean() < 0.03
    for k in range(2):
        known = ~np.isnan(low[:, k])
        assert said[known, k].mean() == pytest.approx(low[known, k].mean(), abs=0.005)
        assert auroc(said[known, k], low[known, k] == 1) > 0.8


def test_evidence_rises_with_the_distance_to_the_threshold():
    trace = made.trace(200)
    origins = np.arange(100, 200)
    now = trace.glucose[origins].astype(np.float64)
    quantiles = now[:, None, None] + np.zeros((100, 24, 1)) + np.array([-30.0, -10.0, 0.0, 10.0, 30.0])
    found = evidence(now, quantiles, np.zeros((100, 2)), np.zeros((100, 24)), windows(trace, origins))
    assert found.shape[:2] == (100, 2)
    assert np.isfinite(found).all()
    expected = np.clip((now - 70) / (30 / 1.645), -6, 8)
    np.testing.assert_allclose(found[:, 0, 1], expected, rtol=1e-6)
    steep = (now - trace.glucose[origins - 2]) / 10
    np.testing.assert_allclose(found[:, 1, 10], steep, atol=1e-3)
