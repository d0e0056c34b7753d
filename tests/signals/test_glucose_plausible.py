"""The gate: traces that a sensor could have made pass, whatever their length; series of something else do not."""

import numpy as np
import pytest

from medcore.signals import glucose
from tests.signals.glucose_traces import FOREIGN, LOOKALIKE, foreign, ragged, trace, worn

CODE = {
    "constant": {"constant"},
    "nearly constant": {"constant"},
    "temperature in F": {"constant"},
    "oxygen saturation": {"constant"},
    "ramp": {"constant", "not_glucose"},
    "shuffled": {"shuffled"},
    "noise": {"shuffled"},
    "sawtooth": {"not_glucose", "shuffled"},
    "uniform": {"shuffled"},
    "heart rate": {"shuffled"},
}


@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.parametrize(("days", "interval"), [(14, 5.0), (1, 5.0), (3, 15.0), (7, 9.0)])
def test_foreign_series_are_refused(kind, days, interval):
    for seed in range(4):
        assert glucose.plausible(trace(foreign(kind, seed, days, interval), interval=interval)) in CODE.get(kind, {"not_glucose"})


@pytest.mark.parametrize(("days", "interval"), [(14, 5.0), (1, 5.0), (0.2, 5.0), (3, 15.0), (1, 15.0), (2, 1.0)])
def test_worn_traces_pass(days, interval):
    for seed in range(6):
        assert glucose.plausible(trace(worn(seed, days, interval), interval=interval)) is None


@pytest.mark.parametrize("kind", LOOKALIKE)
def test_what_looks_like_glucose_gives_itself_away_over_days(kind):
    """A random walk and averaged heart rates have no momentum; a day of them is too short to say so."""
    for seed in range(4):
        assert glucose.plausible(trace(foreign(kind, seed, 14, 5.0))) == "not_glucose"
        assert glucose.plausible(trace(foreign(kind, seed, 1, 5.0))) is None


def test_quiet_noise_is_shuffled_too():
    """Steps of less than 12 mg/dL, each undoing the one before."""
    values = np.random.default_rng(1).normal(75, 7, 1152).round()
    assert glucose.plausible(trace(values)) == "shuffled"


def test_gaps_do_not_matter():
    assert [glucose.plausible(ragged(seed)) for seed in range(5)] == [None] * 5


@pytest.mark.parametrize("values", [[120], [40], [120, 120], [60, 250, 61], [100] * 20])
def test_short_is_not_refused(values):
    assert glucose.plausible(trace(values)) is None


@pytest.mark.parametrize("values", [[5], [1200, 1210], [-3, -3, -3], [5.5, 6.1, 7.2]])
def test_but_values_that_cannot_be_are(values):
    assert glucose.plausible(trace(values)) == "not_glucose"


def test_hours_at_the_sensors_limit_are_possible():
    values = worn(1, days=1)
    values[100:170] = 40
    assert glucose.plausible(trace(values)) is None
    assert glucose.plausible(trace(np.full(60, 40.0))) is None
    assert glucose.plausible(trace(np.full(288, 40.0))) == "constant"


def test_one_slip_does_not_refuse_a_trace():
    values = worn(1, days=1)
    values[50] = 1.8
    assert glucose.plausible(trace(values)) is None
