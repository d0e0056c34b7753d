"""Episodes after Danne 2017: begin and end by 15 minutes, gaps, intervals."""

import numpy as np
import pytest

from medcore.signals import glucose
from medcore.signals.glucose_episodes import KINDS, counted_as_iglu, stretches
from tests.signals.glucose_traces import trace, worn


def found(values, kind="low", minutes=None, interval=5.0):
    made = trace(values, minutes, interval=interval)
    return [(event.start_s / 60, event.end_s / 60, event.value) for event in glucose.episodes(made) if event.kind == kind]


def test_three_readings_of_five_minutes_are_an_episode_and_two_are_none():
    assert found([100] * 6 + [65, 60, 66] + [100] * 6) == [(30, 45, 60)]
    assert found([100] * 6 + [65, 60] + [100] * 6) == []


def test_a_short_recovery_does_not_end_it_and_a_long_one_does():
    assert found([65] * 3 + [75] * 2 + [65] + [80] * 6) == [(0, 30, 65)]
    assert found([65] * 3 + [75] * 3 + [65] * 3) == [(0, 15, 65), (30, 45, 65)]


def test_a_recovery_that_is_cut_off_is_not_part_of_it():
    assert found([100, 65, 65, 65, 75]) == [(5, 20, 65)]


def test_a_gap_above_half_an_hour_ends_what_is_known():
    assert found([65] * 3 + [65] * 3, minutes=[0, 5, 10, 40, 45, 50]) == [(0, 55, 65)]
    assert found([65] * 3 + [65] * 3, minutes=[0, 5, 10, 41, 46, 51]) == [(0, 15, 65), (41, 56, 65)]
    assert found([65, 65], minutes=[0, 41]) == []


@pytest.mark.parametrize(("interval", "least"), [(1.0, 15), (5.0, 3), (9.0, 2), (15.0, 1)])
def test_any_interval(interval, least):
    assert len(found([100] * 20 + [60] * least + [100] * 20, interval=interval)) == 1
    assert found([100] * 20 + [60] * (least - 1) + [100] * 20, interval=interval) == []


def test_jitter_of_seconds_makes_no_difference():
    minutes = np.arange(12) * 4.983
    assert len(found([100] * 4 + [60] * 3 + [100] * 5, minutes=minutes)) == 1


def test_a_scan_that_is_low_for_a_minute_is_none():
    assert found([100, 100, 60, 100, 100], minutes=[0, 15, 20, 21, 30], interval=15.0) == []


def test_very_low_lies_within_low_and_high_has_its_peak():
    made = trace([100] * 3 + [65] * 3 + [50] * 3 + [65] * 3 + [100] * 3 + [260] * 4 + [100] * 4)
    kinds = [(event.kind, event.value) for event in glucose.episodes(made)]
    assert kinds == [("low", 50), ("very_low", 50), ("high", 260), ("very_high", 260)]


def test_edges_are_no_episode():
    assert glucose.episodes(trace([70] * 6 + [180] * 6)) == ()


def test_prolonged():
    long, short = glucose.episodes(trace([60] * 24)), glucose.episodes(trace([60] * 23))
    assert glucose.prolonged(long[0]) and not glucose.prolonged(short[0])


def test_a_day_of_three_lows_a_week_of_twenty_one():
    day = np.full(288, 110.0)
    day[20:26] = day[100:106] = day[200:206] = 62
    found = {m.name: m.value for m in glucose.measurements(trace(np.tile(day, 2)))}
    assert found["episodes_low"] == 21 and found["episodes_very_low"] == 0


def test_without_gaps_the_count_is_that_of_iglu():
    counts = 0
    for seed in range(6):
        for interval in (5.0, 15.0):
            made = trace(worn(seed, interval=interval, mean=130, spread=60), interval=interval)
            for kind in KINDS:
                assert len(stretches(made, kind)) == counted_as_iglu(made, kind)
                counts += len(stretches(made, kind))
    assert counts > 100
