import numpy as np
import pytest

from medcore.read.glucose import interval
from medcore.tasks.traces import instants, of_table

ROWS = [
    {"subject": "b", "time": "2024-01-01 00:10:00", "glucose_mg_dl": "120"},
    {"subject": "a", "time": "2024-01-01T00:00:00", "glucose_mg_dl": "100"},
    {"subject": "b", "time": "2024-01-01 00:05:00", "glucose_mg_dl": "110"},
    {"subject": "b", "time": "2024-01-01 00:05:00", "glucose_mg_dl": "190"},
    {"subject": "b", "time": "yesterday", "glucose_mg_dl": "115"},
    {"subject": "b", "time": "2024-01-01 00:15:00", "glucose_mg_dl": "nan"},
    {"subject": "b", "time": "2024-01-01 00:20:00", "glucose_mg_dl": "1e308"},
    {"subject": "b", "time": "2024-01-01 00:25:00", "glucose_mg_dl": "-5"},
    {"subject": "c", "time": "never", "glucose_mg_dl": "100"},
]
EVENTS = [
    {"subject": "b", "time": "2024-01-01 00:07:00", "kind": "bolus", "value": "2.5", "unit": "U"},
    {"subject": "b", "time": "2024-01-01 00:01:00", "kind": "carbs", "value": "30", "unit": "g"},
    {"subject": "b", "time": "2024-01-01 00:02:00", "kind": "carbs", "value": "30", "unit": "oz"},
    {"subject": "b", "time": "2024-01-01 00:03:00", "kind": "steps", "value": "30", "unit": "1"},
    {"subject": "z", "time": "2024-01-01 00:03:00", "kind": "carbs", "value": "30", "unit": "g"},
]


def test_subjects_in_order_with_their_rows_and_the_first_of_one_time():
    b, a = of_table(ROWS, EVENTS)
    assert (b.subject, a.subject) == ("b", "a")
    assert b.rows.tolist() == [2, 0]
    assert b.trace.glucose.tolist() == [110, 120]
    assert b.trace.minutes.tolist() == [0, 5]
    assert len(a.trace.minutes) == 1


def test_events_in_order_and_in_known_units_only():
    trace = of_table(ROWS, EVENTS)[0].trace
    assert trace.event_minutes.tolist() == [-4, 2]
    assert trace.event_value.tolist() == [30, 2.5]


@pytest.mark.parametrize(("step", "wanted"), [(5, 5), (4, 5), (6, 5), (14, 15), (16, 15), (9, 9), (1, 1), (10, 10)])
def test_the_usual_step(step, wanted):
    minutes = np.cumsum(np.r_[0, np.full(50, float(step)), 300.0, 1.0])
    assert interval(minutes) == wanted


def test_times_with_and_without_an_offset_are_the_wearers_clock():
    one, two, three = instants(["2024-01-01 10:00:00", "2024-01-01T10:00:00+02:00", "noon"])
    assert one == two
    assert np.isnan(three)
    assert instants(["2024-01-01 10:00:00", "2024-99-01 10:00:00"])[0] == one
