"""Alarms ring for what they are for, and for nothing that looks like it."""

import time

import numpy as np
import pytest

from medcore.signals.ecg_alarm import alarm
from medcore.signals.ecg_pacing import paced
from medcore.types import Recording
from tests.signals.marked import beats, marks
from tests.signals.synth import LEADS, ecg, fibrillation, foreign, r_times, tachycardia, twelve


def recording(signal: np.ndarray, rate: float = 500, unit: str = "mV") -> Recording:
    signal = np.atleast_2d(np.asarray(signal, np.float32))
    leads = LEADS if len(signal) == 12 else tuple(f"L{n}" for n in range(len(signal)))
    return Recording(signal=signal, unit=unit, sampling_rate_hz=rate, leads=leads)


def test_fibrillation_rings_in_nine_of_ten():
    found = [alarm(recording(fibrillation(10, rate, seed), rate)) for seed in range(20) for rate in (250, 500)]
    assert set(found) <= {"ventricular", None}
    assert found.count("ventricular") >= 36


@pytest.mark.parametrize("bpm", [150, 180, 250])
@pytest.mark.parametrize("seed", range(3))
def test_wide_tachycardia_rings(bpm, seed):
    assert alarm(recording(tachycardia(10, 250, seed, bpm), 250)) == "ventricular"


def test_ten_seconds_of_fibrillation_in_five_minutes_ring():
    x = ecg(r_times(70, 300), 300, 250)
    assert alarm(recording(x, 250)) is None
    x[200 * 250 : 212 * 250] = fibrillation(12, 250, 1)
    assert alarm(recording(x, 250)) == "ventricular"


@pytest.mark.parametrize("bpm", [35, 75, 150, 220])
@pytest.mark.parametrize("wide", [1.0, 2.2])
def test_other_rhythms_do_not_ring(bpm, wide):
    for seed in range(3):
        x = ecg(r_times(bpm, 12, jitter=0.2, seed=seed), 12, 500, wide=wide, p=False)
        assert alarm(recording(x)) is None
        assert alarm(recording(twelve(x))) is None


@pytest.mark.parametrize("kind", ["white", "walk", "sine", "eeg", "ppg"])
def test_what_is_no_ecg_does_not_ring(kind):
    assert [alarm(recording(foreign(kind, 20, 500, seed), unit="NU")) for seed in range(5)] == [None] * 5


def test_five_seconds_without_a_beat_are_asystole_and_three_are_not():
    times = r_times(75, 20)
    for pause, expected in ((5.5, "asystole"), (3.0, None)):
        kept = times[(times < 8) | (times > 8 + pause)]
        assert alarm(recording(ecg(kept, 20, 360), 360)) == expected


def test_only_noise_of_the_amplifier_is_asystole():
    quiet = 0.003 * np.random.default_rng(0).normal(size=(2, 5000)) + 0.02 * np.sin(np.arange(5000) / 800)
    assert alarm(recording(quiet)) == "asystole"
    assert alarm(recording(quiet, unit="NU")) is None  # numbers that are no voltages


def test_a_pulled_electrode_is_no_asystole():
    assert alarm(recording(np.zeros((1, 5000)))) is None
    x = ecg(r_times(75, 20), 20, 360)
    for value in (0.0, np.nan):
        gone = x.copy()
        gone[8 * 360 : 14 * 360] = value
        assert alarm(recording(gone, 360)) is None


def test_missing_and_tiny_recordings():
    assert alarm(recording(np.full((2, 5000), np.nan))) is None
    assert alarm(recording(np.zeros((1, 100)))) is None


def spiked(x: np.ndarray, times: np.ndarray, rate: float, height: float, before: float = 0.06) -> np.ndarray:
    out = x.copy()
    at = np.rint((times - before) * rate).astype(int)
    out[..., at] += height
    out[..., at + 1] -= 0.3 * height
    return out


@pytest.mark.parametrize("rate", [500, 1000])
def test_spikes_before_wide_beats_are_pacing(rate):
    times = r_times(70, 10, jitter=0.002)
    x = twelve(ecg(times, 10, rate, wide=2.0, p=False))
    assert alarm(recording(x, rate)) is None
    assert alarm(recording(spiked(x, times, rate, 2.0), rate)) == "paced"
    assert paced(spiked(x, times[:2], rate, 2.0), rate) is False  # two artefacts
    assert paced(spiked(x, times, rate, 2.0)[:, ::4], rate / 4) is None  # a rate that shows no spikes


def test_labelled_runs_ring_when_they_are_long_fast_and_wide():
    quiet = recording(ecg(r_times(70, 20), 20, 500))
    for gap, count, qrs, expected in ((0.4, 8, 0.15, "ventricular"), (0.4, 4, 0.15, None), (0.7, 8, 0.15, None), (0.4, 8, 0.09, None)):
        times = np.r_[np.arange(0.5, 4, 0.8), 5 + gap * np.arange(count), np.arange(13, 19, 0.8)]
        kinds = [int(5 <= time < 12.9) for time in times]
        rows = beats(times, pr=None, qrs=qrs, qt=0.3, kinds=kinds)
        assert alarm(quiet, marks(rows, 500)) == expected


def test_twelve_leads_take_milliseconds():
    x = recording(twelve(ecg(r_times(70, 10), 10, 500)))
    alarm(x)
    start = time.process_time()
    alarm(x)
    assert time.process_time() - start < 0.3
