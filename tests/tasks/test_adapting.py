import numpy as np
import pytest

from medcore.tasks.adapting import Pace, adapted

PACE = Pace()


def series(count=4000, bias=0.0, spread=20.0, seed=0):
    """Readings, forecasts half an hour ahead whose errors are normal, and what came."""
    rng = np.random.default_rng(seed)
    minutes = 5.0 * np.arange(count)
    glucose = 140 + 40 * np.sin(minutes / 200)
    foreseen = glucose + rng.normal(0, 10, count)
    observed = foreseen + bias + rng.normal(0, spread, count)
    ends = np.array([-1.645, -0.674, 0, 0.674, 1.645]) * 20.0
    return minutes, glucose, foreseen[:, None] + ends, observed, minutes + 30.0


@pytest.mark.parametrize("spread", [8.0, 20.0, 45.0])
def test_the_band_comes_to_hold_nine_in_ten_whoever_wears_it(spread):
    minutes, glucose, quantiles, observed, arrived = series(spread=spread)
    said = adapted(minutes, glucose, quantiles, observed, arrived, np.full(len(minutes), 5.0), PACE)
    inside = (observed >= said[:, 0]) & (observed <= said[:, 4])
    assert inside.mean() == pytest.approx(0.9, abs=0.02)
    plain = ((observed >= quantiles[:, 0]) & (observed <= quantiles[:, 4])).mean()
    assert abs(plain - 0.9) > 0.05 or spread == 20.0  # what it mends


def test_a_constant_error_is_unlearned():
    minutes, glucose, quantiles, observed, arrived = series(bias=15.0)
    said = adapted(minutes, glucose, quantiles, observed, arrived, np.full(len(minutes), 5.0), PACE)
    late = slice(2000, None)
    assert abs((observed - said[:, 2])[late].mean()) < 6
    assert (observed - quantiles[:, 2])[late].mean() > 13


def test_only_errors_that_came_to_light_count():
    minutes, glucose, quantiles, observed, arrived = series(600)
    said = adapted(minutes, glucose, quantiles, observed, arrived, np.full(len(minutes), 5.0), PACE)
    for k in (0, 5, 6, 300):
        blind = np.where(arrived <= minutes[k], observed, 1e6)  # whatever comes later may be anything
        np.testing.assert_array_equal(adapted(minutes, glucose, quantiles, blind, arrived, np.full(len(minutes), 5.0), PACE)[k], said[k])
        np.testing.assert_array_equal(
            adapted(minutes[: k + 1], glucose[: k + 1], quantiles[: k + 1], observed[: k + 1], arrived[: k + 1], np.full(k + 1, 5.0), PACE)[
                k
            ],
            said[k],
        )


def test_without_any_error_known_nothing_changes():
    minutes, glucose, quantiles, _, arrived = series(100)
    said = adapted(minutes, glucose, quantiles, np.full(100, np.nan), arrived, np.full(len(minutes), 5.0), PACE)
    np.testing.assert_allclose(said - said[:, 2:3], (quantiles - quantiles[:, 2:3]) * np.exp(PACE.start))
    np.testing.assert_allclose(said[:, 2], quantiles[:, 2])
    assert (np.diff(said, axis=1) >= 0).all()
