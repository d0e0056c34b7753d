"""Measurements against numbers worked by hand, and fusion against leads that disagree."""

import math
import tomllib

import numpy as np
import pytest

from medcore.signals import ecg_measure
from medcore.signals.ecg_fuse import fuse
from medcore.signals.ecg_intervals import intervals
from medcore.signals.ecg_measure import measurements, qt_corrected
from medcore.types import FUSED, Marks, Patient, Recording
from tests.signals.marked import beats, marks
from tests.signals.synth import LEADS, ecg, twelve

RATE = 500.0


def recording(signal: np.ndarray | None = None, leads: tuple[str, ...] = ("II",), unit: str = "mV", seconds: float = 10) -> Recording:
    signal = np.zeros((len(leads), round(seconds * RATE)), np.float32) if signal is None else signal
    return Recording(signal=signal, unit=unit, sampling_rate_hz=RATE, leads=leads)


def named(found) -> dict[str, float]:
    return {row.name: row.value for row in found}


def test_a_regular_ecg_by_hand():
    times = np.arange(0.5, 9.9, 0.75)
    out = named(measurements(marks(beats(times, pr=0.16, qrs=0.09, qt=0.38), RATE), recording(), Patient()))
    assert out["heart_rate"] == out["heart_rate_min"] == out["heart_rate_max"] == 80
    assert (out["rr_mean"], out["rr_sd"]) == (750, 0)
    assert (out["p_duration"], out["pr_interval"], out["qrs_duration"], out["qt_interval"]) == (100, 160, 90, 380)
    assert out["qtc_bazett"] == pytest.approx(380 / math.sqrt(0.75), abs=0.06)
    assert out["qtc_fridericia"] == pytest.approx(380 / 0.75 ** (1 / 3), abs=0.06)
    assert out["qtc_framingham"] == pytest.approx(380 + 154 * 0.25, abs=0.06)
    assert out["qtc_hodges"] == pytest.approx(380 + 1.75 * 20, abs=0.06)
    assert "qrs_axis" not in out  # one lead has no axis


def test_corrections_agree_at_sixty():
    assert set(qt_corrected(400, 1000).values()) == {400}


def test_ectopic_beats_count_for_the_rate_and_for_nothing_else():
    times = np.arange(0.5, 9.5, 1.0)
    times[4] -= 0.4
    rows = beats(times, kinds=[0, 0, 0, 0, 1, 0, 0, 0, 0])
    rows = [(lead, wave, on, peak, off + 0.1 * (kind == 1), kind) for lead, wave, on, peak, off, kind in rows]
    out = named(measurements(marks(rows, RATE), recording(), Patient()))
    assert out["qrs_duration"] == 90
    assert out["heart_rate"] == 60
    assert out["heart_rate_max"] == 60  # the early beat and the pause are not normal to normal
    assert out["rr_sd"] == 0


def test_no_p_wave_no_pr():
    times = np.arange(0.5, 9.5, 0.8)
    found = intervals(marks(beats(times, pr=None), RATE), RATE)
    assert found.p_share == 0
    out = named(measurements(marks(beats(times, pr=None), RATE), recording(), Patient()))
    assert "pr_interval" not in out and "p_duration" not in out and out["qt_interval"] == 380


def test_a_p_wave_of_the_beat_before_is_not_this_beats():
    rows = [*beats(np.array([1.0]), pr=0.16), *beats(np.array([2.0]), pr=None)]
    assert intervals(marks(rows, RATE), RATE).p.tolist()[1] == -1
    far = [*beats(np.array([1.0]), pr=0.6)]
    assert np.isnan(intervals(marks(far, RATE), RATE).pr_ms[0])


def test_unknown_bounds_stay_unknown():
    rows = [(FUSED, "QRS", -1, 1.0, 1.05, 0), (FUSED, "QRS", 1.96, 2.0, -1, 0), (FUSED, "T", 2.2, 2.3, 2.4, -1)]
    found = intervals(marks(rows, RATE), RATE)
    assert np.isnan(found.qrs_ms).all()
    assert found.qt_ms[1] == pytest.approx(440)
    assert measurements(marks([], RATE), recording(), Patient()) == ()


@pytest.mark.parametrize("angle", [-60, 0, 45, 90, 120, 180])
def test_the_axis_is_the_angle_put_in(angle):
    times = np.arange(0.6, 9.5, 0.8)
    vector = ecg(times, 10, RATE, noise=0)
    x, y = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    limb = np.stack([vector * x, vector * (x / 2 + y * math.sqrt(3) / 2), vector * y * math.sqrt(3) / 2]).astype(np.float32)
    rows = marks(beats(times, pr=0.18, qrs=0.12), RATE)
    out = named(measurements(rows, recording(limb, ("I", "II", "aVF")), Patient()))
    assert (out["qrs_axis"] - angle + 180) % 360 - 180 == pytest.approx(0, abs=2)
    assert (out["p_axis"] - angle + 180) % 360 - 180 == pytest.approx(0, abs=2)
    derived = named(measurements(rows, recording(limb[:2], ("I", "II")), Patient()))
    assert derived["qrs_axis"] == pytest.approx(out["qrs_axis"], abs=0.2)


def test_a_normalised_recording_has_intervals_and_no_axis():
    times = np.arange(0.6, 9.5, 0.8)
    x = twelve(ecg(times, 10, RATE))
    out = named(measurements(marks(beats(times), RATE), recording(x, LEADS, "NU"), Patient()))
    assert out["qrs_duration"] == 90
    assert not any(name.endswith("axis") for name in out)


@pytest.mark.parametrize(
    ("patient", "name", "expected"),
    [
        (Patient(sex="M", age_years=50), "qtc_bazett", (390, 450)),
        (Patient(sex="F", age_years=50), "qtc_fridericia", (390, 460)),
        (Patient(age_years=50), "qtc_bazett", None),
        (Patient(sex="M", age_years=8), "qtc_bazett", None),
        (Patient(age_years=3), "qrs_duration", (0, 90)),
        (Patient(age_years=10), "qrs_duration", (0, 100)),
        (Patient(age_years=60), "pr_interval", (120, 200)),
        (Patient(age_years=10), "heart_rate", None),
    ],
)
def test_ranges_are_of_the_patients_age_and_sex(patient, name, expected):
    found = measurements(marks(beats(np.arange(0.5, 9.9, 0.75)), RATE), recording(), patient)
    row = next(row for row in found if row.name == name)
    assert row.reference == expected
    assert (row.citation is None) == (expected is None)


def test_an_unknown_age_is_said():
    found = measurements(marks(beats(np.arange(0.5, 9.9, 0.75)), RATE), recording(), Patient())
    assert all("age being unknown" in row.citation for row in found if row.reference)


def test_every_range_says_where_it_is_from():
    rows = tomllib.loads(ecg_measure._RANGES.read_text(encoding="utf-8"))["range"]
    assert all(row["citation"] and row["population"] and row["low"] < row["high"] and row["unit"] for row in rows)


def spread(onsets: list[float], offsets: list[float]) -> Marks:
    return marks([(lead, "QRS", on, 1.0, off, 0) for lead, (on, off) in enumerate(zip(onsets, offsets, strict=True))], RATE)


def test_fusion_takes_the_earliest_onset_that_others_agree_on():
    onsets = [0.950, 0.952, 0.954, 0.956, 0.958, 0.960, 0.88, 0.961]  # lead 6 is an outlier
    offsets = [1.040, 1.042, 1.044, 1.046, 1.046, 1.030, 1.045, 1.120]  # lead 7 is one
    out = fuse(spread(onsets, offsets), RATE)
    assert (out.onset.tolist(), out.offset.tolist()) == ([475], [523])
    assert out.lead.tolist() == [FUSED] and out.peak.tolist() == [500]


def test_fusion_of_one_lead_is_that_lead():
    out = fuse(marks(beats(np.array([1.0, 2.0]), lead=3), RATE), RATE)
    assert out.wave.tolist() == [0, 1, 2, 0, 1, 2]
    assert (out.lead == FUSED).all() and out.onset.tolist() == marks(beats(np.array([1.0, 2.0])), RATE).onset.tolist()


def test_a_wave_of_one_lead_in_twelve_is_none():
    rows = [row for lead in range(12) for row in beats(np.array([1.0, 2.0]), lead=lead)]
    out = fuse(marks([*rows, (5, "QRS", 1.45, 1.5, 1.55, 1)], RATE), RATE)
    assert (out.wave == 1).sum() == 2


def test_unknown_bounds_do_not_vote_and_even_votes_are_unknown():
    rows = [(0, "QRS", -1, 1.0, 1.05, 0), (1, "QRS", 0.95, 1.0, -1, 1)]
    out = fuse(marks(rows, RATE), RATE)
    assert (out.onset.tolist(), out.offset.tolist(), out.beat.tolist()) == ([475], [525], [2])
    nothing = fuse(marks([(0, "T", -1, 1.0, -1, -1), (1, "T", -1, 1.0, -1, -1)], RATE), RATE)
    assert (nothing.onset.tolist(), nothing.offset.tolist(), nothing.beat.tolist()) == ([-1], [-1], [-1])


def test_a_long_qt_is_told():
    times = np.arange(0.5, 19.0, 1.3)
    out = named(measurements(marks(beats(times, qt=0.72), RATE), recording(seconds=20), Patient()))
    assert out["qt_interval"] == 720
    assert out["qtc_bazett"] == pytest.approx(720 / math.sqrt(1.3), abs=0.06)
