"""Shape features against beats whose difference from the usual one is known."""

import numpy as np
import pytest

from medcore.signals.beat_shape import rr_features, shape_features
from tests.tasks.long_ecg import long_ecg

RATE = 125.0


def features(signal, times):
    peaks = np.rint(times * RATE).astype(int)
    return shape_features(signal, peaks, rr_features(peaks)[:, 0], RATE)


def test_rr_ratios_by_hand():
    peaks = np.cumsum(np.r_[0, [100] * 30, 60, 140, [100] * 30])
    early, late = rr_features(peaks).T
    assert early[10] == late[10] == 1
    assert (early[31], late[31]) == (pytest.approx(0.6), pytest.approx(1.4))
    assert early[32] == pytest.approx(1.4)
    assert early[0] == 1
    assert late[-1] == 1


@pytest.mark.parametrize("count", [0, 1, 2])
def test_hardly_a_beat_has_no_ratio(count):
    assert rr_features(np.arange(count) * 100).tolist() == [[1, 1]] * count


def test_usual_beats_are_like_the_dominant_one_and_broad_ones_are_not():
    signal, times, ventricular = long_ecg(300, RATE, every=15)
    alike, unlike, taller, broader = features(signal, times).T
    assert alike[~ventricular].min() > 0.95
    assert alike[ventricular].max() < 0.9
    assert unlike[ventricular].min() > unlike[~ventricular].max()
    assert np.median(taller[ventricular]) > 0.1
    assert broader[ventricular].min() > 0.5 > np.abs(broader[~ventricular]).max()


@pytest.mark.parametrize("gain", [-3.0, 0.2])
def test_neither_gain_nor_polarity_matters(gain):
    signal, times, _ = long_ecg(120, RATE, every=15)
    np.testing.assert_allclose(features(gain * signal, times), features(signal, times), atol=2e-3)


def test_even_where_every_second_beat_is_ventricular_they_are_not_the_usual_ones():
    signal, times, ventricular = long_ecg(240, RATE, every=2)
    alike = features(signal, times)[:, 0]
    assert np.median(alike[~ventricular]) > 0.95
    assert np.median(alike[ventricular]) < 0.9


def test_of_a_beat_that_the_end_cuts_nothing_is_said():
    signal, times, _ = long_ecg(60, RATE)
    cut = signal[int(times[0] * RATE) - 3 :]
    moved = np.rint(times * RATE).astype(int) - int(times[0] * RATE) + 3
    assert shape_features(cut, moved, np.ones(len(moved), np.float32), RATE)[0].tolist() == [1, 0, 0, 0]
    assert shape_features(signal, np.empty(0, int), np.empty(0, np.float32), RATE).shape == (0, 4)
