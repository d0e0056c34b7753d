"""The synthetic ECGs among the demo cases: each comes in with one click, and what Medcore says of it is what is known to be true."""

from __future__ import annotations

import tomllib
from functools import cache

import numpy as np
import pytest

from medcore import cardiology, pipeline
from medcore.read import read_all
from medcore.settings import PROJECT
from medcore.types import Recording, Report, Study
from medcore.ui import demo
from tests.pages.conftest import World, opened
from tests.pages.test_pages import sound

FOLDER = PROJECT / "assets" / "demo"
TRUTH = tomllib.loads((FOLDER / "truth.toml").read_text("utf-8"))
CASES = {case.name: case for case in demo.cases()}
TWELVE = ("ecg_normal", "ecg_bradycardia", "ecg_tachycardia", "ecg_avblock", "ecg_lbbb")
RULES = {
    "ecg_bradycardia": {"SBRAD"},
    "ecg_tachycardia": {"STACH"},
    "ecg_avblock": {"1AVB"},
    "ecg_lbbb": {"CLBBB"},
    "ecg_af": {"atrial_fibrillation", "tachycardia"},  # one lead has the rules of a rhythm
}


@cache
def study(name: str) -> Study:
    taken = read_all(demo.upload(CASES[name]))
    assert taken.refused == () and len(taken.studies) == 1
    return taken.studies[0]


def recording(name: str) -> Recording:
    (one,) = study(name).recordings
    return one


@cache
def waves(name: str) -> Report:
    return pipeline.diagnose("ecg_delineation", study(name))


@cache
def hour() -> Report:
    return pipeline.diagnose(None, study("ecg_holter"))


def measured(report: Report) -> dict[str, float]:
    return {each.name: each.value for each in report.measurements}


def test_every_case_of_known_truth_is_listed_and_says_that_it_is_synthetic() -> None:
    assert set(TRUTH) == {name for name, case in CASES.items() if case.package is None}
    held = {f"demo/{path.name}" for path in FOLDER.iterdir()} - {"demo/truth.toml"}
    assert held == {name for case in CASES.values() if case.package is None for name in (case.file, *case.also)}
    for name in TRUTH:
        notes = b"".join(data for file, data in demo.upload(CASES[name]) if not file.endswith(".dat"))
        assert b"SYNTHETIC" in notes[:2000], name


def test_they_are_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 4_000_000


def test_the_page_of_demo_cases_states_their_truth() -> None:
    lines = (PROJECT / "docs" / "demo.md").read_text("utf-8").splitlines()
    for name, facts in TRUTH.items():
        stem = CASES[name].file.removeprefix("demo/").removesuffix(".dat")
        (row,) = [line for line in lines if line.startswith("|") and f"`{stem}`" in line]
        for key, unit in (("heart_rate", "bpm"), ("pr_interval", "ms"), ("qrs_duration", "ms")):
            assert key not in facts or f"{facts[key]} {unit}" in row, (name, key)


def test_each_comes_in_with_one_click_on_the_ecg_page(world: World) -> None:
    app = opened("ecg")
    for name in TRUTH:
        app.button(key=f"demo-button-{name}").click().run()
        sound(app)
    rows = world.store.studies()
    assert len(rows) == len(TRUTH) and all(row.demo and row.images == 0 for row in rows)


@pytest.mark.parametrize("name", [*TWELVE, "ecg_af"])
def test_heart_rate_intervals_and_rules_are_the_true_ones(name: str) -> None:
    report, facts = waves(name), TRUTH[name]
    found = measured(report)
    assert report.alarm is None and report.gate.passed and report.ecg is not None
    assert found["heart_rate"] == pytest.approx(facts["heart_rate"], abs=2)
    for interval in ("pr_interval", "qrs_duration"):
        assert interval not in facts or found[interval] == pytest.approx(facts[interval], abs=20)
    assert {each.label for each in report.ecg.statements if each.holds} == RULES.get(name, set())
    assert report.ecg.lead_reversal is None


def test_fibrillation_has_no_pr() -> None:
    assert "pr_interval" not in measured(waves("ecg_af"))


@pytest.mark.parametrize("name", ["ecg_vt", "ecg_eeg"])
def test_what_may_not_be_read_is_refused_for_the_true_reason(name: str) -> None:
    report = waves(name)
    assert report.gate.code == TRUTH[name]["gate"] and report.alarm == TRUTH[name].get("alarm")
    assert (report.status, report.decision, report.findings, report.measurements) == ("refused", None, (), ())
    assert report.ecg is not None and report.ecg.withheld == report.gate.code


@pytest.mark.parametrize("name", TRUTH)
def test_every_lead_of_what_may_be_read_is_clear(name: str) -> None:
    seen = cardiology.look(recording(name))
    if "gate" not in TRUTH[name]:
        assert seen.gate.passed and seen.analysable > 0.95 and all(lead.usable for lead in seen.quality)


def test_the_hour_is_true_minute_by_minute() -> None:
    facts, report = TRUTH["ecg_holter"], hour()
    assert report.alarm is None and report.ecg is not None and report.ecg.holter is not None and report.ecg.marks is not None
    holter = report.ecg.holter
    np.testing.assert_allclose(holter.rate_mean, facts["rate"], atol=2)
    np.testing.assert_array_equal(holter.ectopic, facts["ventricular"])
    assert abs(int((report.ecg.marks.wave == 1).sum()) - facts["beats"]) <= 4
    found = sorted((event.start_s, event.value) for event in holter.events if event.kind == "pause")
    np.testing.assert_allclose(found, facts["pauses"], atol=0.1)
    assert {event.start_s // 60 for event in holter.events if event.kind == "ectopy"} == {17, 55}
    assert not any(event.kind in ("ventricular_run", "unreadable", "bradycardia") for event in holter.events)
