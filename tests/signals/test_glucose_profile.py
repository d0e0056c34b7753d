"""The ambulatory glucose profile: percentiles by hand, smoothing, too few days."""

import numpy as np

from medcore.signals import glucose
from tests.signals.glucose_traces import trace, worn


def test_percentiles_of_known_days():
    """Each of 21 days at one level, 100 to 120: every bin has those percentiles, and smoothing leaves them."""
    made = trace(np.repeat(np.arange(100, 121), 288))
    found = glucose.profile(made)
    assert found.values.shape == (5, 96) and found.levels == (5, 25, 50, 75, 95)
    assert np.allclose(found.values.T, [101, 105, 110, 115, 119])
    assert (found.counts == 63).all() and (found.days == 21).all()
    assert found.minutes[0] == 7.5 and found.minutes[-1] == 1432.5


def test_smoothing_is_1_2_3_2_1_around_midnight():
    values = np.full(288, 100.0)
    values[:3] = 190  # the first quarter of an hour
    found = glucose.profile(trace(np.tile(values, 6)))
    assert np.allclose(found.values[2, [94, 95, 0, 1, 2, 3]], [110, 120, 130, 120, 110, 100])


def test_a_bin_without_enough_days_is_unknown_and_lends_no_weight():
    made = trace(np.tile(np.full(288, 100.0), 4))
    found = glucose.profile(made)
    assert np.isnan(found.values[[0, 4]]).all() and (found.values[1:4] == 100).all()
    keep = np.ones(4 * 288, np.bool_)
    keep[np.arange(4 * 288) % 288 < 12] = False  # nothing before 01:00
    part = glucose.profile(trace(np.full(keep.sum(), 100.0), np.flatnonzero(keep) * 5.0))
    assert (part.counts[:4] == 3).all() or np.isnan(part.values[2, :4]).sum() >= 3


def test_unlike_the_raw_percentiles_only_by_smoothing():
    made = trace(worn(4, days=14))
    found = glucose.profile(made)
    bins = np.arange(len(made.glucose)) % 288 // 3
    raw = np.array([np.percentile(made.glucose[bins == number], [5, 25, 50, 75, 95]) for number in range(96)]).T
    kernel = np.array([1, 2, 3, 2, 1]) / 9
    smooth = sum(weight * np.roll(raw, shift, axis=1) for weight, shift in zip(kernel, range(-2, 3), strict=True))
    assert np.allclose(found.values, smooth)
