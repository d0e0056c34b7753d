"""Days whose events are known because they were made: each is found, measured and ranked, and nothing else is."""

import numpy as np
import pytest

from medcore.signals import holter
from medcore.signals.holter import AF_WINDOW_S, Day
from medcore.types import BEATS

N, V = BEATS.index("N"), BEATS.index("V")


def day(beats, *, kinds=None, seconds=None, lost=(), af=None):
    beats = np.asarray(beats, float)
    seconds = seconds or float(np.ceil(beats[-1] + 1))
    readable = np.ones(int(np.ceil(seconds)), bool)
    for first, stop in lost:
        readable[first:stop] = False
    windows = np.zeros(int(seconds // AF_WINDOW_S)) if af is None else np.asarray(af, float)
    return Day(beats=beats, kinds=np.zeros(len(beats), np.int8) if kinds is None else kinds, readable=readable, af=windows, seconds=seconds)


def at_rate(bpm, seconds, start=0.5):
    return start + np.arange(0, seconds - 1, 60 / bpm)


def found(one, kind):
    return [event for event in holter.events(one) if event.kind == kind]


def value(one, name):
    return {each.name: each.value for each in holter.measurements(one)}[name]


def test_a_steady_hour_has_its_rate_and_no_event():
    one = day(at_rate(60, 3600), seconds=3600.0)
    said = holter.summary(one)
    assert len(said.rate_mean) == 60
    np.testing.assert_allclose(said.rate_mean, 60, rtol=1e-6)
    np.testing.assert_allclose(said.rate_min, said.rate_max, rtol=1e-6)
    assert said.events == ()
    assert said.analysable.min() == 1
    assert said.ectopic.sum() == 0
    assert value(one, "pauses") == 0
    assert value(one, "longest_rr") == 1.0


@pytest.mark.parametrize(("gap", "expected"), [(2.98, 0), (3.0, 1), (4.4, 1)])
def test_a_pause_counts_from_three_seconds(gap, expected):
    first = at_rate(75, 120)
    one = day(np.r_[first, first[-1] + gap + at_rate(75, 120, start=0)])
    pauses = found(one, "pause")
    assert len(pauses) == expected == value(one, "pauses")
    assert all(event.value == pytest.approx(gap, abs=0.01) for event in pauses)
    assert value(one, "longest_rr") == pytest.approx(gap, abs=1e-3)


def test_what_hides_behind_noise_is_no_pause_and_no_rate():
    first = at_rate(75, 120)
    beats = np.r_[first, at_rate(75, 120, start=200)]
    one = day(beats, lost=[(120, 199)])
    assert found(one, "pause") == []
    assert value(one, "pauses") == 0
    (event,) = found(one, "unreadable")
    assert (event.start_s, event.end_s, event.value) == (120, 199, 79)
    said = holter.summary(one)
    assert np.isnan(said.rate_mean[2])
    assert said.analysable[2] == 0
    assert said.rate_mean[0] == pytest.approx(75, abs=1)


def test_fibrillation_is_burden_share_and_episodes():
    af = np.zeros(40)
    af[4:10] = 1
    af[20] = np.nan
    one = day(at_rate(80, 1200), seconds=1200.0, af=af)
    assert value(one, "af_burden") == pytest.approx(100 * 6 / 39, abs=0.01)
    (event,) = found(one, "af")
    assert (event.start_s, event.end_s, event.value, event.unit) == (120, 300, 180, "s")
    share = holter.summary(one).af_share
    assert share[2:5].tolist() == [1, 1, 1]
    assert share[10] == 0


def test_where_nobody_knows_the_rhythm_no_burden_is_stated():
    one = day(at_rate(80, 600), seconds=600.0, af=np.full(20, np.nan))
    assert "af_burden" not in {each.name for each in holter.measurements(one)}
    assert np.isnan(holter.summary(one).af_share).all()


@pytest.mark.parametrize(("bpm", "kind"), [(150, "tachycardia"), (33, "bradycardia")])
def test_fast_and_slow_stretches(bpm, kind):
    beats = np.r_[at_rate(70, 300), at_rate(bpm, 60, start=300), at_rate(70, 300, start=361)]
    (event,) = found(day(beats), kind)
    assert event.value == pytest.approx(bpm, abs=1)
    assert 290 < event.start_s < 320
    assert 340 < event.end_s < 375
    assert event.unit == "bpm"


def test_a_short_rush_is_left_to_the_trend():
    beats = np.r_[at_rate(70, 300), at_rate(150, 6, start=300), at_rate(70, 300, start=306)]
    assert found(day(beats), "tachycardia") == []


def test_ventricular_runs_need_three_beats_and_ectopy_six_a_minute():
    beats = at_rate(60, 600)
    kinds = np.zeros(len(beats), np.int8)
    kinds[[30, 31]] = V  # a couplet
    kinds[100:104] = V
    kinds[300:360:8] = V  # eight in a minute
    one = day(beats, kinds=kinds, seconds=600.0)
    (run,) = found(one, "ventricular_run")
    assert (run.value, run.start_s, run.end_s) == (4, beats[100], beats[103])
    (ectopy,) = found(one, "ectopy")
    assert (ectopy.start_s, ectopy.end_s, ectopy.value) == (300, 360, 8)
    assert value(one, "ventricular_per_hour") == pytest.approx(14 * 6, abs=0.01)
    assert value(one, "ventricular_runs") == 1
    assert holter.summary(one).ectopic.sum() == 14


def test_the_worst_come_first_and_no_more_than_a_page():
    parts, start = [], 0.0
    for gap in np.linspace(3.1, 5, 20):
        parts.append(at_rate(75, 20, start=start))
        start = parts[-1][-1] + gap
    beats = np.concatenate(parts)
    kinds = np.zeros(len(beats), np.int8)
    kinds[5:8] = V
    events = holter.events(day(beats, kinds=kinds))
    assert events[0].kind == "ventricular_run"
    pauses = [event.value for event in events if event.kind == "pause"]
    assert len(pauses) == 12
    assert pauses == sorted(pauses, reverse=True)
    assert pauses[0] == 4.9  # the last gap of all has no beat behind it


@pytest.mark.parametrize("count", [0, 1, 2])
def test_hardly_a_beat(count):
    one = day(np.arange(count) + 1.0, seconds=120.0)
    said = holter.summary(one)
    assert len(said.rate_mean) == 2
    assert np.isnan(said.rate_mean[1])
    assert all(np.isfinite(each.value) for each in holter.measurements(one))
