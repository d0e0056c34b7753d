"""Variability against neurokit2's answers, against waves of known height, and where nothing may be said."""

import json
from pathlib import Path

import numpy as np
import pytest

from medcore.signals.hrv import hrv, measurements
from medcore.types import Recording
from tests.signals.marked import beats, marks
from tests.signals.tachogram import peaks

ROWS = json.loads((Path(__file__).parent / "neurokit_hrv.json").read_text(encoding="utf-8"))["rows"]
EXACT = {"hrv_sdnn": 1e-4, "hrv_rmssd": 1e-4, "hrv_sd1": 1e-4, "hrv_sd2": 1e-4}
SPECTRAL = {"hrv_lf": 0.08, "hrv_hf": 0.12, "hrv_lf_hf": 0.12}  # another spline and other windows


def values(times: np.ndarray, normal: np.ndarray | None = None) -> dict[str, float]:
    return {row.name: row.value for row in hrv(times, normal)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"seed {row['seed']}")
def test_neurokit2_says_the_same(row):
    out = values(peaks(row["seed"], row["seconds"]) / 1000)
    for name, tolerance in (EXACT | SPECTRAL).items():
        assert out[name] == pytest.approx(row[name], rel=tolerance), name
    assert out["hrv_pnn50"] == pytest.approx(row["hrv_pnn50"], abs=0.3)  # a step of exactly 50 ms is rounded either way
    assert ("hrv_sdann" in out) == ("hrv_sdann" in row)
    if "hrv_sdann" in row:
        assert out["hrv_sdann"] == pytest.approx(row["hrv_sdann"], rel=0.05)  # other borders of the five minutes


def test_four_intervals_by_hand():
    rr = np.tile([800.0, 860.0, 800.0, 740.0], 30)  # successive steps of 60 ms
    out = values(np.r_[0, np.cumsum(rr)] / 1000)
    assert out["hrv_rmssd"] == pytest.approx(60)
    assert out["hrv_nn_count"] == 120
    assert out["hrv_pnn50"] == pytest.approx(100 * 119 / 120, rel=1e-4)
    assert "hrv_sdnn" not in out and "hrv_lf" not in out  # 96 s


def test_a_wave_of_known_height_is_in_its_band():
    times = [0.0]
    while times[-1] < 400:
        times.append(times[-1] + 0.8 + 0.03 * np.sin(2 * np.pi * 0.25 * times[-1]))
    out = values(np.array(times))
    assert out["hrv_hf"] == pytest.approx(30**2 / 2, rel=0.15)  # a sine's variance in ms2
    assert out["hrv_lf"] < 0.02 * out["hrv_hf"] and out["hrv_hf_nu"] > 95
    assert out["hrv_lf_nu"] + out["hrv_hf_nu"] == pytest.approx(100)


def test_ectopic_beats_are_edited_whether_labelled_or_not():
    clean = peaks(3) / 1000
    truth = values(clean)
    early = clean.copy()
    early[[50, 120, 200]] -= 0.3
    labels = np.ones(len(clean), np.bool_)
    labels[[50, 120, 200]] = False
    for out in (values(early), values(early, labels)):
        assert out["hrv_rmssd"] == pytest.approx(truth["hrv_rmssd"], rel=0.05)
        assert out["hrv_sdnn"] == pytest.approx(truth["hrv_sdnn"], rel=0.05)
        assert out["hrv_nn_count"] == truth["hrv_nn_count"] - 6


def test_fibrillation_has_none():
    times = np.cumsum(np.random.default_rng(0).uniform(0.4, 1.2, 600))
    assert hrv(times) == ()


@pytest.mark.parametrize("seconds", [0, 10, 50])
def test_too_short_has_none(seconds):
    assert hrv(np.arange(0, seconds, 0.8)) == ()


def test_a_long_gap_has_no_spectrum_and_is_no_interval():
    times = peaks(2) / 1000
    out = values(times[(times < 100) | (times > 112)])
    assert "hrv_lf" not in out and out["hrv_sdnn"] == pytest.approx(values(times)["hrv_sdnn"], rel=0.05)


def test_every_figure_names_its_source():
    assert all(row.citation and row.unit for row in hrv(peaks(1) / 1000))


def test_marks_bring_their_beats_and_kinds():
    times = peaks(3)[:100] / 1000 + 1
    kinds = [int(number == 50) for number in range(100)]
    rows = marks(beats(times, qt=0.3, kinds=kinds), 1000)
    record = Recording(signal=np.zeros((1, 90_000), np.float32), unit="mV", sampling_rate_hz=1000, leads=("II",))
    assert measurements(rows, record) == hrv(times, np.arange(100) != 50)
