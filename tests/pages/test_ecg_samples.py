"""A recording on its way to the browser: no extreme is lost, gaps stay gaps, and the average beat is the beat."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from medcore.types import Recording
from medcore.ui import ecg_beat, ecg_samples
from medcore.ui.routes import granted_url
from medcore.ui.tokens import TOKENS, Grant
from tests.pages import ecg_nouns
from tests.pages.conftest import READER, World
from tests.pages.test_pixels import get


def decoded(body: bytes, leads: int, level: int) -> np.ndarray:
    """(L, n) samples or (L, n, 2) extremes, as the browser reads them."""
    scale = np.frombuffer(body[: 4 * leads], "<f4")
    data = np.frombuffer(body[4 * leads :], "<i2").reshape(leads, -1)
    values = np.where(data == ecg_samples.GAP, np.nan, data * scale[:, None])
    return values if level == 0 else values.reshape(leads, -1, 2)


def test_samples_survive_the_way_to_the_browser() -> None:
    one = ecg_nouns.recording()
    got = decoded(ecg_samples.part(one, None, 100, 2048, 0), 12, 0)
    np.testing.assert_allclose(got, one.signal[:, 100:2148], atol=float(np.abs(one.signal).max()) / 32767)


@pytest.mark.parametrize("level", range(1, 8))
def test_no_extreme_is_lost_at_any_distance(level: int) -> None:
    one = ecg_nouns.recording(300.0, 250.0, ("I", "II"))
    signal = one.signal.copy()
    signal[0, 12_345], signal[1, 54_321] = 9.0, -7.0
    one = replace(one, signal=signal)
    count = -(-signal.shape[1] // 4**level)
    far = ecg_samples.pyramid(one)
    got = np.concatenate([decoded(ecg_samples.part(one, far, at, 4096, level), 2, level) for at in range(0, count, 4096)], axis=1)
    assert got.shape == (2, count, 2)
    assert got[0, 12_345 // 4**level, 1] == pytest.approx(9.0, abs=1e-3)
    assert got[1, 54_321 // 4**level, 0] == pytest.approx(-7.0, abs=1e-3)
    for number in (0, 1, count - 1):
        part = signal[:, number * 4**level : (number + 1) * 4**level]
        np.testing.assert_allclose(got[:, number, 0], part.min(axis=1), atol=6e-4)
        np.testing.assert_allclose(got[:, number, 1], part.max(axis=1), atol=6e-4)


def test_gaps_stay_gaps_and_part_of_a_stretch_is_not_one() -> None:
    signal = np.ones((1, 256), np.float32)
    signal[0, 64:130] = np.nan
    one = Recording(signal=signal, unit="mV", sampling_rate_hz=100.0, leads=("I",))
    far = ecg_samples.pyramid(one)
    near, away = decoded(ecg_samples.part(one, None, 0, 256, 0), 1, 0), decoded(ecg_samples.part(one, far, 0, 4, 3), 1, 3)
    assert np.isnan(near[0, 64:130]).all() and np.isfinite(near[0, :64]).all()
    assert np.isnan(away[0, :, 0]).tolist() == [False, True, False, False]


@pytest.mark.parametrize(("first", "count", "level"), [(-1, 10, 0), (5000, 10, 0), (0, 0, 0), (0, 5000, 0), (0, 10, -1), (0, 10, 99)])
def test_what_is_not_there_is_not_served(first: int, count: int, level: int) -> None:
    with pytest.raises(IndexError):
        ecg_samples.part(ecg_nouns.recording(), None, first, count, level)


def test_a_day_of_one_lead_is_ready_in_little_room() -> None:
    rate, seconds = 125.0, 6 * 3600
    signal = np.random.default_rng(0).standard_normal((1, round(rate * seconds))).astype(np.float32)
    far = ecg_samples.pyramid(Recording(signal=signal, unit="mV", sampling_rate_hz=rate, leads=("I",)))
    assert sum(level.nbytes for level in far.levels) < signal.nbytes / 20
    assert len(ecg_samples.part(Recording(signal=signal, unit="mV", sampling_rate_hz=rate, leads=("I",)), far, 0, 4096, 5)) < 20_000


def test_resting_level_and_swing() -> None:
    one = ecg_nouns.recording(leads=("I", "II"))
    rest, swing = ecg_samples.levels_of_rest(replace(one, signal=one.signal + np.float32(3.0)))
    np.testing.assert_allclose(rest, 3.0, atol=0.05)
    assert 0.5 < swing < 1.5
    empty = replace(one, signal=np.full_like(one.signal, np.nan))
    assert ecg_samples.levels_of_rest(empty) == ([0.0, 0.0], 0.0)


def test_the_average_beat_is_the_beat() -> None:
    one, peaks = ecg_nouns.recording(20.0), ecg_nouns.beats(20.0)
    found = ecg_beat.average(one, ecg_nouns.marks(peaks, 500.0))
    assert found is not None and found.beats >= 20
    at_r = round(ecg_beat.BEFORE_S * 500)
    lead = one.leads.index("V4")
    assert np.nanargmax(found.signal[lead]) == pytest.approx(at_r, abs=2)
    assert found.signal[lead].max() == pytest.approx(1.4, abs=0.08)
    np.testing.assert_allclose(found.waves, [[-0.21, -0.11], [-0.045, 0.05], [0.15, 0.36]], atol=0.003)
    head = np.frombuffer(found.packed()[:8], "<f4")
    assert head.tolist() == [found.beats, found.signal.shape[1]]


def test_ventricular_beats_are_not_averaged_in_and_no_beat_is_none() -> None:
    one, peaks = ecg_nouns.recording(20.0), ecg_nouns.beats(20.0)
    all_of_them = ecg_beat.average(one, ecg_nouns.marks(peaks, 500.0))
    without = ecg_beat.average(one, ecg_nouns.marks(peaks, 500.0, ventricular=(3, 4, 5)))
    assert all_of_them is not None and without is not None and without.beats == all_of_them.beats - 3
    assert ecg_beat.average(one, ecg_nouns.marks(np.array([]), 500.0)) is None


def granted(kind: str, subject: str) -> str:
    return granted_url(TOKENS.grant(Grant(kind=kind, subject=subject, browser="b", session="x")))


def test_the_routes_serve_signal_marks_and_beat_to_one_browser(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TOKENS, "alive", lambda _session: True)
    one: Any = ecg_nouns.recording()
    study = world.store.save(ecg_nouns.study(one), READER).study_id
    report = world.read(study, ecg_nouns.report())
    url = granted("recording", study)
    near = get(f"{url}?first=0&count=2048&level=0", "b")
    assert near.status == 200 and len(near.body) == 12 * 4 + 12 * 2048 * 2
    assert near.headers["cache-control"] == "no-store, private"
    far = get(f"{url}?first=0&count=4096&level=4", "b")
    assert far.status == 200 and len(far.body) == 12 * 4 + 12 * 20 * 2 * 2
    for bad in ("?first=9999&count=1&level=0", "?first=0&count=0&level=0", "?first=0&count=9999999&level=0", "?first=x&count=1&level=0"):
        assert get(url + bad, "b").status == 404
    assert get(f"{url}?first=0&count=1&level=0", "stranger").status == 404
    marks = get(granted("marks", report), "b")
    reading = ecg_nouns.reading().marks
    assert reading is not None and len(marks.body) == 15 * reading.lead.size
    np.testing.assert_array_equal(np.frombuffer(marks.body[: 4 * reading.lead.size], "<i4"), reading.onset)
    assert get(granted("beat", report), "b").status == 200
    world.store.delete(study, READER)
    assert get(f"{url}?first=0&count=1&level=0", "b").status == 404
