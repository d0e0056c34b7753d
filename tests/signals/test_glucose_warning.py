import numpy as np
import pytest

from medcore.signals.glucose_warning import Tally, onsets, tally, warnings


def day():
    """Twelve hours at 120 mg/dL with a low of half an hour that begins with reading 60, minute 300."""
    minutes = 5.0 * np.arange(145)
    glucose = np.full(145, 120.0)
    glucose[60:66] = 60.0
    return minutes, glucose


def test_a_low_begins_once_and_not_after_a_gap():
    minutes, glucose = day()
    glucose[68:70] = 65.0  # ten minutes after: the same low
    assert onsets(minutes, glucose).tolist() == [60]
    glucose[100:102] = 65.0
    assert onsets(minutes, glucose).tolist() == [60, 100]
    later = minutes.copy()
    later[100:] += 120
    assert onsets(later, glucose).tolist() == [60]


def test_a_warning_stands_for_its_horizon_and_is_not_raised_in_a_low():
    minutes, glucose = day()
    p = np.zeros(145)
    p[50:70] = 0.5
    assert warnings(minutes, glucose, p, 0.4, 30.0).tolist() == [50, 56, 66]


def test_foreseen_false_and_lead():
    minutes, glucose = day()
    p = np.zeros(145)
    p[[20, 56]] = 0.5
    found = tally(minutes, glucose, p, 0.4, 60.0)
    assert (found.lows, found.foreseen, found.lead_min, found.warnings, found.false) == (1, 1, (20.0,), 2, 1)
    assert found.false_a_day == pytest.approx(2.0)
    assert found.sensitivity == 1
    assert tally(minutes, glucose, p, 0.4, 15.0).foreseen == 0


def test_a_warning_that_comes_with_the_low_or_after_it_foresaw_nothing():
    minutes, glucose = day()
    p = np.zeros(145)
    p[66:72] = 0.9
    found = tally(minutes, glucose, p, 0.4, 60.0)
    assert (found.foreseen, found.false) == (0, 1)


def test_tallies_add_up():
    one = Tally(lows=2, foreseen=1, lead_min=(10.0,), warnings=3, false=2, days=1.0)
    both = one + one
    assert (both.lows, both.lead_min, both.false_a_day) == (4, (10.0, 10.0), 2.0)
