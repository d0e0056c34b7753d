"""Each rule where it holds, where it does not, and where it cannot be told."""

import numpy as np
import pytest

from medcore.signals.ecg_rules import RHYTHM, TWELVE, rhythm_statements, statements
from medcore.types import Patient, Recording
from tests.signals.marked import beats, marks
from tests.signals.synth import LEADS, ecg, twelve

RATE = 500.0


def recording(signal: np.ndarray | None = None, leads: tuple[str, ...] = ("II",)) -> Recording:
    signal = np.zeros((len(leads), 5000), np.float32) if signal is None else signal
    return Recording(signal=signal, unit="mV", sampling_rate_hz=RATE, leads=leads)


def said(rows, record: Recording | None = None) -> dict[str, bool | None]:
    return {row.label: row.holds for row in statements(marks(rows, RATE), record or recording(), Patient())}


def bells(times: np.ndarray, parts: list[tuple[float, float, float]]) -> np.ndarray:
    """A lead of bells (centre s, width s, height) about each time."""
    t = np.arange(5000) / RATE
    return sum(h * np.exp(-0.5 * ((t - r - c) / w) ** 2) for r in times for c, w, h in parts).astype(np.float32)


def test_a_normal_ecg_has_nothing():
    times = np.arange(0.5, 9.6, 0.8)
    record = recording(twelve(ecg(times, 10, RATE)), LEADS)
    assert said(beats(times), record) == dict.fromkeys(TWELVE, False)


@pytest.mark.parametrize(("pr", "expected"), [(0.16, False), (0.2, False), (0.22, True), (None, None)])
def test_first_degree_block(pr, expected):
    assert said(beats(np.arange(0.6, 9.6, 0.8), pr=pr))["1AVB"] is expected


@pytest.mark.parametrize(("gap", "pr", "slow", "fast"), [(1.3, 0.16, True, False), (0.8, 0.16, False, False), (0.5, 0.16, False, True),
                                                         (1.3, None, None, False), (0.5, None, False, None)])  # fmt: skip
def test_rates(gap, pr, slow, fast):
    out = said(beats(np.arange(0.6, 9.6, gap), pr=pr, qt=0.3))
    assert (out["SBRAD"], out["STACH"]) == (slow, fast)


def test_fibrillation_is_irregular_and_without_p():
    times = np.cumsum(np.random.default_rng(0).uniform(0.45, 1.0, 12)) + 0.2
    assert said(beats(times, pr=None, qt=0.3))["AFIB"] is True
    assert said(beats(times, qt=0.3))["AFIB"] is False  # irregular with P waves
    assert said(beats(np.arange(0.6, 9.6, 0.8), pr=None))["AFIB"] is False
    assert said(beats(times[:4], pr=None))["AFIB"] is None


def test_ectopic_beats_are_no_fibrillation():
    times = np.arange(0.6, 9.6, 0.8)
    times[3] -= 0.3
    assert said(beats(times, pr=None, qt=0.3))["AFIB"] is False  # one, even where nobody labelled it
    times[8] -= 0.3
    kinds = [int(number in (3, 8)) for number in range(len(times))]
    assert said(beats(times, pr=None, qt=0.3, kinds=kinds))["AFIB"] is not True


def block(kind: str, qrs: float = 0.15) -> tuple[list, Recording]:
    """Twelve leads of a right or left block, the QRS from -0.4 to 0.6 of its length about the time."""
    times = np.arange(0.6, 9.6, 0.8)
    up_late = [(-0.035, 0.012, 0.3), (0.0, 0.012, -0.5), (0.05, 0.02, 1.0)]  # rSR'
    wide_s = [(-0.02, 0.012, 1.0), (0.045, 0.02, -0.5)]  # R and a long S
    down = [(-0.045, 0.008, 0.1), (0.02, 0.03, -1.2)]  # rS
    plateau = [(-0.015, 0.02, 0.7), (0.03, 0.022, 1.0)]  # broad, notched R
    shapes = {"V1": up_late, "I": wide_s, "V6": wide_s} if kind == "right" else {"V1": down, "I": plateau, "V6": plateau}
    x = np.stack([bells(times, shapes.get(lead, plateau)) for lead in LEADS])
    return beats(times, qrs=qrs, qt=0.42), recording(x, LEADS)


def test_right_block():
    out = said(*block("right"))
    assert out["CRBBB"] is True and out["CLBBB"] is False


def test_left_block():
    out = said(*block("left"))
    assert out["CLBBB"] is True and out["CRBBB"] is False


@pytest.mark.parametrize("kind", ["right", "left"])
def test_a_narrow_qrs_is_no_block_and_without_chest_leads_it_is_not_told(kind):
    rows, record = block(kind)
    assert said(beats(np.arange(0.6, 9.6, 0.8), qrs=0.1), record)["CRBBB"] is False
    one = recording(record.signal[1:2], ("II",))
    assert said(rows, one)["CRBBB"] is None and said(rows, one)["CLBBB"] is None


def test_amplitude_does_not_matter():
    rows, record = block("left")
    x = (record.signal - record.signal.mean(axis=1, keepdims=True)) / record.signal.std(axis=1, keepdims=True)
    assert said(rows, recording(x, LEADS))["CLBBB"] is True


def test_rhythm_of_one_lead():
    out = rhythm_statements(marks(beats(np.arange(0.6, 9.6, 1.3), pr=None), RATE), recording(), Patient())
    assert [row.label for row in out] == list(RHYTHM)
    assert [row.holds for row in out] == [False, True, False]
    assert out[1].because == "46 bpm (< 50)"


def test_nothing_is_told_of_nothing():
    out = statements(marks([], RATE), recording(), Patient())
    assert [row.label for row in out] == list(TWELVE)
    assert all(row.holds is None and row.because == "" and row.citation for row in out)


def test_limits_of_adults_are_not_put_to_children():
    rows = marks(beats(np.arange(0.6, 9.6, 0.5), pr=0.22, qt=0.3), RATE)
    child = {row.label: row.holds for row in statements(rows, recording(), Patient(age_years=3))}
    assert child == {**dict.fromkeys(TWELVE), "AFIB": False}
    adult = {row.label: row.holds for row in statements(rows, recording(), Patient(age_years=40))}
    assert adult["1AVB"] is True and adult["STACH"] is True


def test_where_nobody_looked_for_p_no_rule_rests_on_its_absence():
    times = np.cumsum(np.random.default_rng(0).uniform(0.45, 1.0, 12)) + 0.2
    alone = [row for row in beats(times, pr=None) if row[1] == "QRS"]
    assert said(alone)["AFIB"] is None
    slow, fast = ([row for row in beats(np.arange(0.6, 9.6, gap)) if row[1] == "QRS"] for gap in (1.3, 0.5))
    assert (said(slow)["SBRAD"], said(slow)["AFIB"], said(fast)["STACH"]) == (None, False, None)
