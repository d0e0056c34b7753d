"""The benchmark that judges warnings by true glucose: its counting, worked by hand."""

import numpy as np
import pytest

from benchmarks import glucose_warning_safety as safety


def wearer(shown: dict[int, float], true: dict[int, float], hours: int = 4) -> safety.Wearer:
    """100 mg/dL every 5 minutes, but for `shown` and `true` at their minutes."""
    minutes = np.arange(0, 60.0 * hours, 5)
    return safety.Wearer(
        subject="one",
        minutes=minutes,
        glucose=np.array([shown.get(int(minute), 100.0) for minute in minutes]),
        times=tuple(f"2030-01-07T{int(minute) // 60:02d}:{int(minute) % 60:02d}:00" for minute in minutes),
        true_minutes=minutes,
        true=np.array([true.get(int(minute), 100.0) for minute in minutes]),
        scenario=("plain",) * len(minutes),
    )


LOW = dict.fromkeys(range(120, 140, 5), 60.0)


def score(one: safety.Wearer, *minutes: int) -> np.ndarray:
    return np.isin(one.minutes, minutes).astype(float)


def test_a_true_low_lasts_a_quarter_of_an_hour_and_follows_half_an_hour_without() -> None:
    assert [int(wearer({}, LOW).true_minutes[k]) for k in safety.true_lows(wearer({}, LOW))] == [120]
    assert safety.true_lows(wearer({}, {120: 60.0, 125: 60.0})) == []  # ten minutes
    assert safety.true_lows(wearer({}, LOW | dict.fromkeys(range(155, 200, 5), 60.0))) == [24]  # the same low, after twenty minutes
    assert safety.true_lows(wearer({}, LOW | dict.fromkeys(range(170, 200, 5), 60.0))) == [24, 34]


@pytest.mark.parametrize(
    ("warned", "shown", "fate", "lead", "false"),
    [
        ((90,), {}, "foreseen", (30.0,), 0),
        ((55,), {}, "missed", (), 1),  # longer ago than an hour: false
        ((), {115: 68.0}, "shown", (), 0),
        ((115,), {115: 68.0}, "shown", (), 0),  # a warning while the sensor reads low is none
        ((120,), {}, "missed", (), 0),  # too late, but true
        ((90, 100), {}, "foreseen", (30.0,), 0),  # one stands: no second is raised
        ((180,), {}, "missed", (), 1),
    ],
)
def test_warnings_are_judged_by_plasma(
    warned: tuple[int, ...], shown: dict[int, float], fate: str, lead: tuple[float, ...], false: int
) -> None:
    one = wearer(shown, LOW)
    found = safety.counted(one, score(one, *warned), 0.5, 60.0)
    assert (found.fates, found.lead_min, found.false) == ((("plain", fate),), lead, false)
    assert found.days == pytest.approx(235 / 1440)


def test_thresholds_are_set_to_as_many_false_warnings() -> None:
    one = wearer({}, LOW, hours=24)
    scores = np.linspace(0, 1, len(one.minutes))  # every later moment scores higher, and only the low is right
    at = safety.equal([one], [scores], 60.0, 3.0)
    assert safety.counted(one, scores, at, 60.0).false <= 3 < safety.counted(one, scores, at - 0.1, 60.0).false


def test_a_line_fitted_to_others_foresees_what_goes_straight_on() -> None:
    minutes = np.arange(0, 600.0, 5)
    people = [
        safety.Wearer(
            subject=str(slope), minutes=minutes, glucose=150 + slope * minutes, times=(), true_minutes=minutes, true=minutes, scenario=()
        )
        for slope in (-0.1, 0.05, 0.1, 0.2)
    ]
    for one, said in zip(people, safety.by_own_line(people, 30.0), strict=True):
        np.testing.assert_allclose(-said[12:-6], one.glucose[18:], atol=1e-6)
