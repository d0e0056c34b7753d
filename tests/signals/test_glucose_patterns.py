"""Patterns are counted: the window, the days, and nothing where nothing repeats."""

from datetime import timedelta

import numpy as np
import pytest

from medcore.signals import glucose
from medcore.signals.glucose_week import fisher
from tests.signals.glucose_traces import MONDAY, day, trace


def flat(days=14, level=110.0):
    return np.full(days * 288, level)


def put(values, number, start_hour, end_hour, level):
    first = number * 288 + round(start_hour * 12)
    values[first : number * 288 + round(end_hour * 12)] = level


def of_kind(made, kind):
    return [pattern for pattern in glucose.patterns(made) if pattern.kind == kind]


def test_low_between_two_and_four_on_six_of_fourteen_nights():
    values = flat()
    evidence = (0, 2, 5, 6, 9, 13)
    for number in evidence:
        put(values, number, 2.2, 3.7, 62)
    (pattern,) = of_kind(trace(values), "low")
    assert (pattern.start_hour, pattern.end_hour, pattern.nights_or_days, pattern.of) == (2, 4, 6, 14)
    assert pattern.days == tuple(day(number) for number in evidence) and pattern.night


def test_around_midnight_is_one_window_of_the_day_it_begins_on():
    values = flat()
    for number in (1, 3, 4, 8):
        put(values, number, 23.2, 24.8, 60)
    (pattern,) = of_kind(trace(values), "low")
    assert (pattern.start_hour, pattern.end_hour) == (23, 25)
    assert pattern.days == (day(1), day(3), day(4), day(8)) and pattern.night


def test_two_days_are_no_pattern():
    values = flat()
    for number in (1, 7):
        put(values, number, 2, 4, 60)
    assert glucose.patterns(trace(values)) == ()


def test_lows_at_other_hours_each_day_are_no_pattern():
    values = flat()
    for number in range(10):
        put(values, number, 2 * number + 1, 2 * number + 1.5, 60)
    assert of_kind(trace(values), "low") == []


def test_high_all_day_is_one_window():
    (pattern,) = of_kind(trace(flat(5, 210.0)), "high")
    assert (pattern.start_hour, pattern.end_hour, pattern.nights_or_days, pattern.of) == (0, 24, 5, 5)


def test_very_low_stands_before_low():
    values = flat()
    for number in range(4):
        put(values, number, 15, 16, 50)
    assert [pattern.kind for pattern in glucose.patterns(trace(values))][:2] == ["very_low", "low"]


def test_a_day_without_readings_does_not_count():
    values = flat()
    for number in range(4):
        put(values, number, 2, 4, 60)
    minutes = np.arange(len(values)) * 5.0
    keep = minutes < 9 * 1440
    keep &= ~((minutes >= 8 * 1440) & (minutes < 8 * 1440 + 300))
    (pattern,) = of_kind(trace(values[keep], minutes[keep]), "low")
    assert pattern.of == 8


def test_variable_where_days_part():
    values = flat()
    for number in range(14):
        put(values, number, 17, 20, 60 + 15 * number)
    found = of_kind(trace(values), "variable")
    assert [(pattern.start_hour, pattern.end_hour) for pattern in found] == [(17, 20)] and found[0].nights_or_days >= 7


def test_fasting_high_leaves_out_mornings_with_carbohydrates():
    values = flat()
    for number in range(14):
        put(values, number, 4, 8, 150)
    events = [(number * 1440 + 330.0, "carbs", 40.0) for number in (0, 1)]
    (pattern,) = of_kind(trace(values, events=events), "fasting_high")
    assert (pattern.nights_or_days, pattern.of) == (12, 12) and day(0) not in pattern.days


def test_after_meal_high_counts_meals():
    values = flat()
    events = []
    for number in range(10):
        events.append((number * 1440 + 12 * 60.0, "carbs", 60.0))
        events.append((number * 1440 + 12 * 60.0 + 20, "carbs", 15.0))  # of the same meal
        if number % 3:
            put(values, number, 12.5, 14, 230)
    (pattern,) = of_kind(trace(values, events=events), "after_meal_high")
    assert (pattern.start_hour, pattern.end_hour, pattern.nights_or_days, pattern.of) == (10, 16, 6, 10)


def test_no_carbohydrates_no_word_about_meals():
    values = flat()
    for number in range(10):
        put(values, number, 12.5, 14, 230)
    assert of_kind(trace(values), "after_meal_high") == []


def test_weekends():
    values = flat(28)
    for number in range(28):
        if number % 7 >= 5:
            put(values, number, 10, 20, 220)
    (pattern,) = of_kind(trace(values), "weekend_high")
    assert (pattern.nights_or_days, pattern.of, pattern.other) == (8, 8, (0, 20)) and pattern.p < 1e-5
    assert all(date.weekday() >= 5 for date in pattern.days)
    shifted = trace(values, start=MONDAY + timedelta(days=3))
    assert of_kind(shifted, "weekend_high") == []


@pytest.mark.parametrize(
    ("table", "p"),
    [((3, 1, 1, 3), 0.485714), ((8, 2, 1, 5), 0.034965), ((0, 0, 3, 4), 1.0), ((10, 0, 0, 10), 1.0825e-05)],  # R's fisher.test
)
def test_fisher(table, p):
    assert fisher(*table) == pytest.approx(p, rel=1e-4)


def test_one_reading_has_no_pattern():
    assert glucose.patterns(trace([50.0])) == ()
