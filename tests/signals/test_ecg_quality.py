"""What can be read is read, what cannot is refused for the right reason, and nothing else passes for an ECG."""

import time
from dataclasses import replace

import numpy as np
import pytest

from medcore.signals import limits
from medcore.signals.ecg_quality import gate, quality, readable_seconds
from medcore.signals.ecg_reversal import lead_reversal
from medcore.signals.qrs import r_peaks
from medcore.types import Recording
from tests.signals.synth import LEADS, ecg, foreign, r_times, twelve


def recording(signal: np.ndarray, rate: float = 500, leads: tuple[str, ...] | None = None, unit: str = "mV") -> Recording:
    signal = np.atleast_2d(np.asarray(signal, np.float32))
    return Recording(signal=signal, unit=unit, sampling_rate_hz=rate, leads=leads or tuple(f"L{n}" for n in range(len(signal))))


@pytest.mark.parametrize("rate", [200, 360, 500, 1000])
@pytest.mark.parametrize("bpm", [35, 75, 180])
def test_a_clean_ecg_is_readable_at_any_rate(rate, bpm):
    leads, share = quality(recording(ecg(r_times(bpm, 10), 10, rate), rate))
    assert gate(leads) is None and share == 1.0
    assert leads[0].problems == ()


@pytest.mark.parametrize(
    "change",
    [{"wide": 2.2}, {"p": False, "noise": 0.05}, {"noise": 0.1}],
    ids=["wide QRS", "no P", "noisy"],
)
def test_unusual_ecgs_are_readable(change):
    times = r_times(90, 30, jitter=0.25, seed=3)
    leads, share = quality(recording(ecg(times, 30, 300, **change), 300))
    assert gate(leads) is None and share > 0.8


def test_amplitude_and_unit_do_not_matter():
    x = ecg(r_times(70, 10), 10, 500)
    shares = [quality(recording(scale * x + offset))[1] for scale, offset in ((1, 0), (0.001, 5), (1000, -300))]
    assert shares == [1.0, 1.0, 1.0]
    assert quality(recording((x - x.mean()) / x.std(), unit="NU"))[1] == 1.0


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", ["white", "walk", "sine", "eeg", "ppg"])
def test_what_is_no_ecg_is_refused(kind, seed):
    leads, share = quality(recording(foreign(kind, 20, 250, seed), 250))
    assert gate(leads) == "not_ecg"
    assert share == 0 and not leads[0].usable and "not_ecg" in leads[0].problems


def test_the_flat_and_the_missing_lead_are_named_and_the_others_read():
    x = twelve(ecg(r_times(70, 10), 10, 500))
    x[2] = 0.7
    x[3] = np.nan
    leads, share = quality(recording(x, leads=LEADS))
    assert leads[2].problems == ("flat",) and not leads[2].usable
    assert leads[3].problems == ("missing",) and leads[3].analysable == 0
    assert share == 1.0 and gate(leads) is None


def test_all_flat_is_unreadable_and_no_foreign_signal():
    leads, share = quality(recording(np.zeros((2, 5000))))
    assert gate(leads) == "unreadable" and share == 0


def test_rails_are_seen():
    x = np.clip(3 * ecg(r_times(70, 10), 10, 500, noise=0), -0.15, 0.2)
    leads, _ = quality(recording(x))
    assert "saturated" in leads[0].problems


@pytest.mark.parametrize("hz", [50, 60])
def test_mains_is_named(hz):
    t = np.arange(5000) / 500
    leads, _ = quality(recording(ecg(r_times(70, 10), 10, 500) + 0.5 * np.sin(2 * np.pi * hz * t)))
    assert "mains" in leads[0].problems


def test_muscle_noise_and_wander_are_named():
    x = ecg(r_times(70, 10), 10, 500)
    t = np.arange(5000) / 500
    assert "noise" in quality(recording(x + 0.4 * np.random.default_rng(0).normal(size=5000)))[0][0].problems
    assert "baseline" in quality(recording(x + 5 * np.sin(2 * np.pi * 0.3 * t)))[0][0].problems


def test_the_share_counts_seconds():
    x = ecg(r_times(70, 100), 100, 250)
    x[: 25 * 250] = np.nan
    leads, share = quality(recording(x, 250))
    assert share == pytest.approx(0.75, abs=0.06)  # the window that the gap ends in may be lost
    assert leads[0].usable and "missing" in leads[0].problems


def test_detected_peaks_are_the_peaks_put_there():
    times = r_times(80, 60, jitter=0.1)
    found = r_peaks(ecg(times, 60, 360), 360)
    assert len(found) == len(times)
    assert np.abs(found / 360 - times).max() < 0.03


def test_swapped_arms_are_found_and_correct_ones_are_not():
    x = twelve(ecg(r_times(70, 10), 10, 500))
    assert lead_reversal(recording(x, leads=LEADS)) is None
    swapped = x[[0, 2, 1, 4, 3, 5, *range(6, 12)]]
    swapped[0] *= -1
    assert lead_reversal(recording(swapped, leads=LEADS)) == "arms"
    dextrocardia = swapped.copy()
    dextrocardia[11] *= -0.3
    assert lead_reversal(recording(dextrocardia, leads=LEADS)) is None
    assert lead_reversal(recording(swapped[:6], leads=LEADS[:6])) is None


@pytest.mark.parametrize("file", ["ecg_quality", "ecg_rules"])
def test_every_limit_says_where_it_is_from(file):
    rows = limits.limits(file)
    assert rows
    assert all(row.citation and row.unit for row in rows.values())


def test_twelve_leads_take_milliseconds():
    x = recording(twelve(ecg(r_times(70, 10), 10, 500)), leads=LEADS)
    quality(x)
    start = time.process_time()
    quality(x)
    assert time.process_time() - start < 0.2  # 0.03 s measured on an idle core


def test_the_same_numbers_at_another_rate_are_judged_anew():
    rate = 250.0
    one = Recording(signal=ecg(r_times(75, 60), 60, rate)[None], unit="mV", sampling_rate_hz=rate, leads=("II",))
    leads, seconds = readable_seconds(one)
    assert readable_seconds(one)[1] is seconds
    other = replace(one, sampling_rate_hz=rate / 2)
    assert len(readable_seconds(other)[1]) == 120
    again = replace(one, signal=one.signal * 0)
    assert not readable_seconds(again)[0][0].usable
    assert leads[0].usable
