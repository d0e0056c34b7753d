"""Resampling and zero-phase filters against tones whose answer is known."""

import time

import numpy as np
import pytest

from medcore.signals import filters


def tone(hz: float, rate: float, seconds: float) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(round(rate * seconds)) / rate)[None].astype(np.float32)


@pytest.mark.parametrize("rates", [(360, 250), (500, 250), (1000, 100), (128, 250), (257, 300), (333.333, 250), (250, 1000), (200, 200)])
def test_a_tone_is_the_same_tone_at_another_rate(rates):
    before, after = rates
    out = filters.resample(tone(5, before, 12), before, after)
    assert out.dtype == np.float32
    assert out.shape[1] == pytest.approx(12 * after, abs=2)
    inside = slice(int(after), int(11 * after))
    assert np.abs(out - tone(5, after, 12.1)[:, : out.shape[1]])[0, inside].max() < 0.01


def test_what_the_new_rate_cannot_hold_is_gone():
    out = filters.resample(tone(100, 500, 10), 500, 125)
    assert np.abs(out[:, 50:-50]).max() < 0.01


def test_blocks_have_no_seam():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, 2_300_001)).astype(np.float32)
    out = filters.resample(x, 360, 250)
    assert out.shape[1] == -(-2_300_001 * 25 // 36)
    around = 2**20 // 36 * 36
    piece = filters.resample(x[:, around - 36_000 : around + 36_000], 360, 250)
    middle = around // 36 * 25
    assert np.abs(out[0, middle - 500 : middle + 500] - piece[0, 25_000 - 500 : 25_000 + 500]).max() < 1e-5


def test_an_offset_has_no_edge():
    assert np.allclose(filters.resample(np.full((1, 1000), 7.0, np.float32), 360, 250), 7, atol=1e-3)


def test_gaps_stay_gaps_and_spoil_nothing_else():
    x = tone(5, 360, 10)
    x[0, 720:1080] = np.nan
    out = filters.resample(x, 360, 250)
    assert np.isnan(out[0, 502:748]).all()
    assert np.isfinite(out[0, :498]).all() and np.isfinite(out[0, 752:]).all()
    band = filters.bandpass(x, 360, 0.5, 40)
    assert np.array_equal(np.isnan(band), np.isnan(x))


def test_bandpass_keeps_and_drops_without_shift():
    x = tone(10, 500, 20) + tone(0.1, 500, 20) * 3 + tone(100, 500, 20)
    out = filters.bandpass(x, 500, 0.5, 40)
    assert np.abs(out - tone(10, 500, 20))[0, 1000:-1000].max() < 0.1


def test_long_filtering_in_blocks_is_the_filtering_in_one_piece(monkeypatch):
    x = np.random.default_rng(1).normal(size=(2, 60_000)).astype(np.float32)
    whole = filters.bandpass(x, 100, 0.5, 20)
    monkeypatch.setattr(filters, "_BLOCK_S", 60.0)
    assert np.abs(filters.bandpass(x, 100, 0.5, 20) - whole).max() < 1e-3


def test_baseline_is_the_wander():
    wander = tone(0.15, 250, 60)
    found = filters.baseline(wander + tone(8, 250, 60), 250)
    assert np.abs(found - wander)[0, 500:-500].max() < 0.05


def test_all_missing_is_all_missing():
    out = filters.resample(np.full((1, 400), np.nan, np.float32), 200, 250)
    assert out.shape == (1, 500) and np.isnan(out).all()


def test_impossible_rates():
    with pytest.raises(ValueError, match="above 0"):
        filters.resample(np.zeros((1, 10)), 0, 250)


def test_a_day_takes_seconds():
    x = np.zeros((1, 360 * 86_400), np.float32)
    start = time.perf_counter()
    filters.resample(x, 360, 250)
    assert time.perf_counter() - start < 10  # about 0.6 s on an idle core
