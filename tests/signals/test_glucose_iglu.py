"""Equal to iglu-python on the same traces, or different for a reason that is tested here too (docs/glucose.md).

glucose_iglu.json holds what iglu-python said of the generated traces: `python benchmarks/glucose_measures.py --fixture`.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from medcore.signals import glucose
from medcore.signals import glucose_indices as index
from medcore.signals.glucose_episodes import KINDS, counted_as_iglu
from medcore.signals.glucose_time import day_numbers
from tests.signals.glucose_traces import CASES, case

SAID = json.loads((Path(__file__).parent / "glucose_iglu.json").read_text(encoding="utf-8"))["values"]
SAME = ("mean", "sd", "cv", "gmi", "ea1c", "tir", "titr", "tbr2", "tbr", "tar", "tar2", "gri", "j_index", "lbgi", "hbgi")


@pytest.mark.parametrize("name", CASES)
def test_equal(name):
    made, said = case(name), SAID[name]
    found = {row.name: row.value for row in glucose.measurements(made)}
    for measure in SAME:
        assert found[measure] == pytest.approx(said[measure], rel=1e-5, abs=1e-5), measure
    assert found["mage"] == pytest.approx(said["mage"], rel=5e-4)
    assert found["modd"] == pytest.approx(said["modd"], rel=5e-4)  # iglu leaves out the first midnight
    if made.interval_min != 9:
        assert found["conga"] == pytest.approx(said["conga"], rel=5e-4)
    assert found["active"] == pytest.approx(said["active"], abs=0.2)  # iglu takes seconds of jitter for missing readings
    assert index.adrr(made.glucose.astype(np.float64), day_numbers(made), least=1) == pytest.approx(
        said["adrr"], rel=1e-4
    )  # 22.77, not 10 x 1.509^2
    for kind in KINDS:
        assert counted_as_iglu(made, kind) == said[kind]


def test_a_day_of_one_reading_is_no_day_of_the_adrr():
    """A reading seconds before midnight is a day for iglu, and pulls the mean down."""
    made = case("ragged 7 15")
    assert (np.bincount(day_numbers(made) - day_numbers(made).min()) < 3).any()
    found = {row.name: row.value for row in glucose.measurements(made)}
    assert found["adrr"] > SAID["ragged 7 15"]["adrr"] * 1.05


def test_iglu_takes_a_day_of_nine_minutes_for_25_hours():
    """It rounds 60 / 9 readings an hour to 7, so that 24 h become 24 x 7 x 9 min."""
    made = case("worn 8 9")
    assert index.conga(made, 24 * 7 * 9 / 60) == pytest.approx(SAID["worn 8 9"]["conga"], rel=5e-4)
    assert abs(index.conga(made) - SAID["worn 8 9"]["conga"]) > 1


def test_a_reading_of_seventy_is_not_below_seventy():
    """Between lower neighbours a straight line at a grid a second off makes it 69.9: iglu joins episodes that we keep apart."""
    made = case("ragged 7 15")
    found = sum(event.kind == "low" for event in glucose.episodes(made))
    assert found > SAID["ragged 7 15"]["low"]
    rounded = case("low 11 15")  # no jitter: the same
    assert sum(event.kind == "low" for event in glucose.episodes(rounded)) == SAID["low 11 15"]["low"]
