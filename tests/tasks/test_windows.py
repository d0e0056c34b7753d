from dataclasses import replace

import numpy as np
import pytest

from medcore.tasks.windows import CENTRE, CHANGE, UNIT, ahead, lows, seen_through, usual_step, windows
from tests.tasks import glucose_made as made

MEAL = ((600.0, "carbs", 50.0), (605.0, "bolus", 5.0), (900.0, "basal", 20.0), (1000.0, "basal_rate", 1.2))


def same(one, other):
    for name in ("near", "far", "now"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=0, atol=1e-5)


def test_the_usual_step_is_that_of_the_readings_so_far():
    minutes = np.concatenate([5.0 * np.arange(20), 95 + 15.0 * np.arange(1, 60)])
    step = usual_step(minutes)
    assert step[0] == 5
    assert (step[:39] == 5).all()
    assert step[-1] == 15
    assert usual_step(np.array([0.0, 9.0, 18.0])).tolist() == [5, 9, 9]


@pytest.mark.parametrize("interval", [5.0, 9.0, 15.0])
@pytest.mark.parametrize("count", [1, 2, 13, 150, 299])
def test_nothing_later_is_seen(interval, count):
    whole = made.trace(300, interval, events=MEAL, gaps=((100, 130),))
    count = min(count, len(whole.minutes))
    same(windows(whole, np.array([count - 1])), windows(made.cut(whole, count), np.array([count - 1])))


def test_the_grid_ends_at_the_moment_and_holds_what_was_read():
    one = made.trace(200)
    seen = windows(one, np.array([150]))
    near = seen.near[0]
    np.testing.assert_allclose(near[0] * UNIT + CENTRE, one.glucose[103:151], rtol=1e-5)
    np.testing.assert_allclose(near[1] * CHANGE, one.glucose[103:151] - one.glucose[150], atol=1e-3)
    assert near[2].all()
    assert near[3].all()
    assert near[7].sum() == 0  # no meals are known


def test_a_slow_sensor_is_known_between_its_readings_and_fresh_at_them():
    near = windows(made.trace(200, 15.0), np.array([150])).near[0]
    assert near[2].all()
    assert near[3].sum() == 16


def test_a_gap_is_not_known():
    near = windows(made.trace(200, gaps=((120, 140),)), np.array([129])).near[0]  # the 150th reading before the loss
    assert 0 < (near[2] == 0).sum() <= 20
    assert near[2, -9:].all()


def test_before_the_first_reading_nothing_is_known():
    near = windows(made.trace(200), np.array([5])).near[0]
    assert near[2].sum() == 6
    assert (near[0][:42] == near[0][42]).all()


def test_meals_and_insulin_stand_in_the_five_minutes_that_they_came_in():
    one = made.trace(300, events=MEAL)
    near = windows(one, np.array([140])).near[0]  # minute 700
    grid = 700 - 5.0 * np.arange(47, -1, -1)
    assert grid[near[4] > 0].tolist() == [600.0]
    assert grid[near[5] > 0].tolist() == [605.0]
    assert (near[7] == 1).all()
    later = windows(one, np.array([220])).near[0]  # minute 1100
    assert later[6].max() == pytest.approx(0.1 / 0.3 / 10)  # 1.2 U/h is 0.1 U in five minutes; the long-acting dose is left out


def test_the_usual_step_and_spread_of_the_last_day():
    one = made.trace(600)
    now = windows(one, np.array([500])).now[0]
    last = one.glucose[500 - 288 : 501].astype(np.float64)
    assert now[3] * UNIT + CENTRE == pytest.approx(last.mean(), rel=1e-4)
    assert now[4] * UNIT == pytest.approx(last.std(), rel=1e-3)
    assert now[5] * 5 == pytest.approx(np.abs(np.diff(last)).mean(), rel=1e-3)
    assert now[6] == 1


def test_what_came_is_a_reading_near_the_horizon_and_never_the_moment_itself():
    one = made.trace(100, 15.0)
    origins = np.arange(100)
    assert ahead(one, origins, 30.0, 7.5).tolist() == [*range(2, 100), -1, -1]
    assert ahead(one, origins, 5.0, 7.5).tolist() == [-1] * 100
    assert ahead(made.trace(100), origins, 30.0, 2.5)[:94].tolist() == list(range(6, 100))


def test_an_early_reading_counts_only_once_no_nearer_one_may_follow():
    minutes = np.array([0.0, 28.0, 31.0])
    one = replace(made.trace(3), minutes=minutes, clock_s=60 * minutes)
    observed, known = seen_through(one, np.array([0]), 30.0)
    assert observed[0] == one.glucose[2]
    assert known[0] == 31
    alone = replace(made.trace(2), minutes=minutes[:2], clock_s=60 * minutes[:2])
    observed, known = seen_through(alone, np.array([0]), 30.0)
    assert (observed[0], known[0]) == (alone.glucose[1], 32)
    nothing = replace(made.trace(2), minutes=np.array([0.0, 60.0]), clock_s=np.array([0.0, 3600.0]))
    observed, known = seen_through(nothing, np.array([0]), 30.0)
    assert np.isnan(observed[0])
    assert known[0] == 32.5


def test_a_low_is_told_only_where_enough_readings_came():
    one = made.trace(100)
    level = one.glucose.copy()
    level[50] = 65
    low = lows(one.__class__(**{name: getattr(one, name) for name in one.__slots__} | {"glucose": level}), np.arange(100), 30.0)
    assert np.flatnonzero(low == 1).tolist() == list(range(44, 50))
    assert np.isnan(low[97:]).all()
    assert low[50] == 0
