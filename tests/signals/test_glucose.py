"""Measurements of a glucose trace: values worked by hand, and the choices that docs/glucose.md states."""

from datetime import datetime

import numpy as np
import pytest

from medcore.errors import InputRejected
from medcore.signals import glucose
from medcore.signals import glucose_indices as index
from medcore.signals.glucose_excursions import mage
from medcore.signals.glucose_time import weights
from tests.signals.glucose_traces import MONDAY, day, ragged, trace, worn


def values(made):
    return {measurement.name: measurement.value for measurement in glucose.measurements(made)}


def test_shares_of_ten_readings():
    found = values(trace([53, 54, 69, 70, 140, 141, 180, 181, 250, 251]))
    assert found["tbr2"] == 10 and found["tbr1"] == 20 and found["tbr"] == 30
    assert found["tir"] == 40 and found["titr"] == 20
    assert found["tar1"] == 20 and found["tar2"] == 10 and found["tar"] == 30
    assert found["gri"] == 100 and found["gri_zone"] == 5  # 30 + 48 + 16 + 16, capped


def test_moments_by_hand():
    found = values(trace([100, 110, 120, 130]))
    assert found["mean"] == 115 and found["sd"] == pytest.approx(12.9099, abs=1e-4)
    assert found["cv"] == pytest.approx(11.2260, abs=1e-4)
    assert found["gmi"] == pytest.approx(3.31 + 0.02392 * 115, abs=1e-5)
    assert found["ea1c"] == pytest.approx((115 + 46.7) / 28.7, abs=1e-5)
    assert found["j_index"] == pytest.approx(0.001 * (115 + 12.9099) ** 2, abs=1e-4)


def test_risk_is_nought_near_112_and_counts_one_side_each():
    assert abs(index.risk(np.array([112.5]))[0]) < 0.01
    low, high = index.blood_glucose_indices(np.array([50.0, 250.0]), np.ones(2))
    assert low == pytest.approx(10 * index.risk(np.array([50.0]))[0] ** 2 / 2)
    assert high == pytest.approx(10 * index.risk(np.array([250.0]))[0] ** 2 / 2)


def test_adrr_needs_three_readings_of_a_day():
    both = index.adrr(np.array([50.0, 112.5, 250.0, 400.0]), np.array([0, 0, 0, 1]))
    assert both == index.adrr(np.array([50.0, 112.5, 250.0]), np.array([0, 0, 0]))
    assert np.isnan(index.adrr(np.array([50.0, 250.0]), np.array([0, 0])))


@pytest.mark.parametrize(("value", "zone"), [(0, 1), (20, 1), (20.1, 2), (40, 2), (60, 3), (80, 4), (80.1, 5), (100, 5)])
def test_gri_zones(value, zone):
    assert index.gri_zone(value) == zone


def test_one_reading_gives_what_it_can():
    found = values(trace([65]))
    assert found["mean"] == 65 and found["tbr"] == 100 and found["readings"] == 1
    assert not {"sd", "cv", "j_index", "mage", "modd", "conga", "adrr", "episodes_low"} & set(found)


def test_every_measurement_has_its_source_and_is_finite():
    found = glucose.measurements(ragged(3))
    assert len(found) == 35
    assert all("doi:" in measurement.citation and np.isfinite(measurement.value) for measurement in found)


def test_scans_between_readings_do_not_weigh_twice():
    """A 15-min sensor, scanned each minute while low: still a quarter of the time, not most of the readings."""
    stored = np.arange(0, 240, 15.0)
    scans = np.arange(61, 75, 1.0)
    minutes = np.sort(np.r_[stored, scans])
    low = (minutes >= 60) & (minutes < 90)
    made = trace(np.where(low, 60, 120), minutes, interval=15.0)
    assert weights(made).sum() == pytest.approx(16, abs=0.01)
    assert values(made)["tbr"] == pytest.approx(100 * 2 / 16, abs=3.2)
    assert low.mean() > 0.5


def test_jitter_and_gaps_leave_every_reading_its_weight():
    assert (weights(ragged(1)) == 1).all()


@pytest.mark.parametrize("interval", [1.0, 5.0, 9.0, 15.0])
def test_same_shares_at_any_interval(interval):
    """Shares of time and mean hardly depend on how often the sensor reads."""
    fine = worn(5, days=7, interval=1.0)
    step = int(interval)
    thin = values(trace(fine[::step], interval=interval))
    full = values(trace(fine, interval=1.0))
    for name in ("tir", "tbr", "tar", "mean", "modd", "active", "tir_night"):
        assert thin[name] == pytest.approx(full[name], abs=1.0)


def test_ten_mmol_per_litre_is_in_range():
    """10.0 mmol/L is 180.16 mg/dL; the consensus writes 3.9-10.0 mmol/L."""
    tenths = np.array([2.9, 3.0, 3.8, 3.9, 7.8, 7.9, 10.0, 10.1, 13.9, 14.0])
    found = values(trace(tenths * 18.016, unit="mmol/L"))
    assert (found["tbr2"], found["tbr"], found["tir"], found["titr"], found["tar"], found["tar2"]) == (10, 30, 40, 20, 30, 10)
    assert values(trace(tenths * 18.016))["tar"] == 40  # a file in mg/dL is taken at its word


def test_mmol_with_all_digits_is_divided_in_mg_dl():
    found = values(trace(np.array([69, 70, 180, 181, 181, 181, 181, 181, 181, 181.0]), unit="mmol/L"))
    assert found["tar"] == 70 and found["tbr"] == 10


def test_night_is_midnight_to_six():
    hourly = np.where(np.arange(24) < 6, 60, 120)
    found = values(trace(np.repeat(hourly, 12)))
    assert found["tbr_night"] == 100 and found["tbr_day"] == 0 and found["tbr"] == 25


def test_active_counts_what_the_sensor_could_have_given():
    assert glucose.active(trace(np.full(10, 100.0))) == 100
    assert glucose.active(trace(np.full(6, 100.0), [0, 5, 10, 35, 40, 45])) == 60


def test_sufficient():
    assert glucose.sufficient(trace(worn(1, days=14))) == ()
    assert glucose.sufficient(trace(worn(1, days=13))) == ("few_days",)
    minutes = np.arange(0, 14 * 1440, 5.0)
    kept = minutes % 60 < 30
    assert glucose.sufficient(trace(worn(1)[kept], minutes[kept])) == ("little_data",)


def test_cut_keeps_both_days_and_their_events():
    events = [(-30, "carbs", 20), (60, "carbs", 30), (1500, "bolus", 4), (3000, "basal", 9), (4400, "carbs", 5)]
    made = trace(worn(2, days=4), events=events)
    part = glucose.cut(made, day(1), day(2))
    assert glucose.days(part) == (day(1), day(2)) and len(part.glucose) == 2 * 288
    assert part.minutes[0] == 0 and part.clock_s[0] == made.clock_s[288]
    assert part.event_minutes.tolist() == [60, 1560] and part.event_value.tolist() == [4, 9]
    assert (part.glucose == made.glucose[288 : 3 * 288]).all()


def test_cut_of_no_day_is_one_sentence():
    with pytest.raises(InputRejected, match="no glucose reading"):
        glucose.cut(trace([100]), day(3), day(4))


def test_recent_is_the_last_days_of_the_calendar():
    made = trace(worn(2, days=20))
    assert glucose.days(glucose.recent(made))[0] == day(6) and len(glucose.days(glucose.recent(made))) == 14
    short = trace(worn(2, days=3))
    assert glucose.recent(short) is short
    late = trace([100, 110], [0, 40 * 1440.0])
    assert len(glucose.recent(late).glucose) == 1


def test_days_follow_the_wearers_clock_over_a_change_of_time():
    """The clock goes back at 03:00: 25 hours of one day, and MODD compares times of day."""
    minutes = np.arange(0, 3 * 1440.0, 5)
    clock = minutes * 60 - 3600 * (minutes >= 1440 + 180) + (MONDAY - datetime(1970, 1, 1)).total_seconds()
    by_clock = 100 + 50 * np.sin(clock / 86400 * 2 * np.pi)
    made = trace(by_clock, minutes, clock_s=clock)
    assert glucose.days(made) == (day(0), day(1), day(2))
    assert index.modd(made) < 0.5 < index.conga(made)


def test_modd_and_conga_of_days_that_differ_by_ten():
    made = trace(np.r_[np.full(288, 100.0), np.full(288, 110.0), np.full(288, 100.0)])
    assert index.modd(made) == pytest.approx(10)
    assert index.conga(made) == pytest.approx(10, abs=0.02)  # +10 and -10 alike


def test_mage_of_one_clean_wave():
    """100 to 200 and back every 6 hours: each excursion is 100."""
    hours = np.arange(0, 72, 1 / 12)
    assert mage(trace(150 + 50 * np.cos(2 * np.pi * hours / 6))) == pytest.approx(100, abs=2.5)


def test_mage_is_unknown_where_nothing_moves():
    assert np.isnan(mage(trace(np.full(300, 120.0))))
    assert np.isnan(mage(trace([120.0])))


def test_goals_name_their_source_and_pregnancy_has_its_own_range():
    for population in glucose.POPULATIONS:
        assert all("doi:" in goal.citation and 0 < goal.percent <= 100 for goal in glucose.goals(population).goals if goal.certain)
    assert glucose.goals("pregnancy").target == (63, 140)
    with pytest.raises(KeyError):
        glucose.goals("athlete")


def test_judged_by_population():
    made = trace(np.tile(np.r_[np.full(70, 120.0), np.full(28, 200.0), np.full(2, 65.0)], 6))
    adult = {result.name: result for result in glucose.judged(made, "adult")}
    assert adult["tir"].share == 70 and adult["tir"].met is False  # more than 70 is asked for
    assert adult["tbr"].share == 2 and adult["tbr"].met is True
    older = {result.name: result for result in glucose.judged(made, "older")}
    assert older["tir"].met is True and older["tbr"].met is False
    pregnancy = {result.name: result.share for result in glucose.judged(made, "pregnancy")}
    assert pregnancy["tbr"] == 0 and pregnancy["tar"] == 28
    assert {result.met for result in glucose.judged(trace([120.0]), "adult")} == {None}


def test_a_wrong_year_costs_no_memory():
    """One reading of 1970 before a month of 2024, at 1 min: the grid is only drawn where readings are."""
    values = worn(1, days=2, interval=1.0)
    made = trace(np.r_[100, values], np.r_[0, 54 * 365 * 1440 + np.arange(len(values))], interval=1.0)
    alone = trace(values, interval=1.0)
    assert index.modd(made) == pytest.approx(index.modd(alone), abs=0.5)
    assert mage(made) == pytest.approx(mage(alone), abs=0.5)


@pytest.mark.parametrize("seed", range(40))
def test_any_trace_is_measured_without_a_warning(seed):
    """Few readings, gaps, scans, a clock that jumps, values no sensor shows: figures or none, never an error (warnings are errors)."""
    rng = np.random.default_rng(seed)
    n = int(rng.choice([1, 2, 3, 7, 30, 300, 1500]))
    minutes = np.cumsum(
        rng.choice([0.2, 1, 4.98, 5, 5.02, 15, 31, 46, 181, 3000], n, p=[0.02, 0.1, 0.1, 0.5, 0.1, 0.1, 0.03, 0.03, 0.01, 0.01])
    )
    clock = minutes * 60 + 1.7e9 + rng.choice([-3600, 0, 3600]) * (minutes > minutes.mean())
    values = rng.choice([rng.normal(140, 60, n), np.full(n, 40.0), np.zeros(n), rng.normal(90, 2, n).round()])
    events = [(float(rng.uniform(-600, minutes[-1] + 600)), "carbs", 30.0) for _ in range(n // 50)]
    made = trace(values, minutes, interval=float(rng.choice([1, 5, 9, 15])), clock_s=clock, events=sorted(events))
    for measurement in glucose.measurements(made):
        assert np.isfinite(measurement.value)
    assert glucose.profile(made).counts.sum() == n
    assert all(event.end_s > event.start_s for event in glucose.episodes(made))
    assert all(len(pattern.days) <= pattern.nights_or_days <= pattern.of for pattern in glucose.patterns(made))
    assert all(len(glucose.judged(made, population)) >= 5 for population in glucose.POPULATIONS)
    assert glucose.sufficient(made) is not None and glucose.plausible(made) in (None, "constant", "shuffled", "not_glucose")
    assert len(glucose.recent(made, 2).glucose) <= n
