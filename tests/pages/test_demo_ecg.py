"""The synthetic ECGs among the demo cases: each comes in with one click, and what Medcore says of it is what is known to be true."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from medcore import cardiology, pipeline
from medcore.export.wording import say
from medcore.read import read_all
from medcore.settings import PROJECT
from medcore.store import open_store
from medcore.types import Recording, Report, Study
from medcore.ui import demo, intake
from tests.pages.conftest import READER, World, opened
from tests.pages.test_pages import data, sound

FOLDER = PROJECT / "assets" / "demo"
TRUTH = tomllib.loads((FOLDER / "truth.toml").read_text("utf-8"))
CASES = {case.name: case for case in demo.cases() if case.modality == "ECG"}
FILES = tuple(path for path in FOLDER.iterdir() if not path.name.startswith("glucose_"))
LABELS: dict[str, set[str]] = {
    "ecg_normal": set(), "ecg_bradycardia": {"SBRAD"}, "ecg_tachycardia": {"STACH"}, "ecg_avblock": {"1AVB"}, "ecg_lbbb": {"CLBBB"},
}  # fmt: skip


@cache
def study(name: str) -> Study:
    taken = read_all(demo.upload(CASES[name]))
    assert taken.refused == () and len(taken.studies) == 1
    return taken.studies[0]


def recording(name: str) -> Recording:
    (one,) = study(name).recordings
    return one


@cache
def reading(name: str) -> Report:
    """As the worker reads it: header and gate choose the task."""
    return pipeline.diagnose(None, study(name))


def present(report: Report) -> set[str]:
    return {finding.label.name for finding in report.findings if finding.status == "present"}


def holding(report: Report) -> set[str]:
    """The labels that the rules speak for."""
    assert report.ecg is not None
    return {each.label for each in report.ecg.statements if each.holds}


def measured(report: Report) -> dict[str, float]:
    return {each.name: each.value for each in report.measurements}


def test_every_case_of_known_truth_is_listed_and_says_that_it_is_synthetic() -> None:
    assert set(TRUTH) == {name for name, case in CASES.items() if case.package is None}
    held = {f"demo/{path.name}" for path in FILES} - {"demo/truth.toml"}
    assert held == {name for case in CASES.values() if case.package is None for name in (case.file, *case.also)}
    for name in TRUTH:
        notes = b"".join(data for file, data in demo.upload(CASES[name]) if not file.endswith(".dat"))
        assert b"SYNTHETIC" in notes[:2000], name


def test_they_are_small() -> None:
    assert sum(path.stat().st_size for path in FILES) < 4_000_000


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


@pytest.mark.parametrize("name", [*LABELS, "ecg_hidden", "ecg_af"])
def test_heart_rate_and_intervals_are_the_true_ones(name: str) -> None:
    report, facts = reading(name), TRUTH[name]
    found = measured(report)
    assert report.alarm is None and report.gate.passed and report.ecg is not None and report.ecg.lead_reversal is None
    assert found["heart_rate"] == pytest.approx(facts["heart_rate"], abs=2)
    for interval in {"pr_interval", "qrs_duration"} & (facts.keys() if name != "ecg_hidden" else {"qrs_duration"}):
        assert found[interval] == pytest.approx(facts[interval], abs=20)


@pytest.mark.parametrize("name", LABELS)
def test_network_and_rules_both_find_what_is_true_of_twelve_leads(name: str) -> None:
    report = reading(name)
    assert report.task == "ecg_12lead"
    assert present(report) == LABELS[name] == holding(report)


def test_of_one_case_the_network_is_wrong_and_the_rules_disagree() -> None:
    """P hidden in the T before it: the delineator sees none, and the network takes a regular rhythm for fibrillation."""
    report = reading("ecg_hidden")
    assert present(report) == {"AFIB"} and holding(report) == set() and "pr_interval" not in measured(report)
    assert report.ecg is not None
    rules = {each.label: each.holds for each in report.ecg.statements}
    assert (rules["AFIB"], rules["1AVB"]) == (False, None)


def test_fibrillation_is_found_on_one_lead() -> None:
    report = reading("ecg_af")
    assert report.task == "ecg_rhythm" and report.decision == "atrial_fibrillation"
    assert present(report) == {"atrial_fibrillation"} and holding(report) == {"atrial_fibrillation", "tachycardia"}
    assert "pr_interval" not in measured(report)


@pytest.mark.parametrize("name", [*LABELS, "ecg_hidden"])
def test_the_rhythm_beside_twelve_leads_is_no_fibrillation(name: str) -> None:
    (rhythm,) = reading(name).also
    assert rhythm.task == "ecg_rhythm" and rhythm.decision != "atrial_fibrillation"


@pytest.mark.parametrize("name", ["ecg_vt", "ecg_eeg"])
def test_what_may_not_be_read_is_refused_for_the_true_reason(name: str) -> None:
    report = reading(name)
    assert report.gate.code == TRUTH[name]["gate"] and report.alarm == TRUTH[name].get("alarm")
    assert (report.status, report.decision, report.findings, report.measurements) == ("refused", None, (), ())
    assert report.ecg is not None and report.ecg.withheld == report.gate.code


@pytest.mark.parametrize("name", TRUTH)
def test_every_lead_of_what_may_be_read_is_clear(name: str) -> None:
    seen = cardiology.look(recording(name))
    if "gate" not in TRUTH[name]:
        assert seen.gate.passed and seen.analysable > 0.95 and all(lead.usable for lead in seen.quality)


def test_the_alarm_stands_on_top_of_the_worklist_and_says_review_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDCORE_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("MEDCORE_DATABASE_URL", raising=False)
    store = open_store()
    for name in ("ecg_vt", "ecg_normal", "ecg_bradycardia"):
        outcome = intake.admit(store, demo.upload(CASES[name]), READER, demo=True)
        assert len(outcome.added) == 1 and outcome.unread == () and outcome.refused == ()
        claimed = store.claim("test")
        assert claimed is not None and store.finish(claimed.job_id, "test", reading(name)) is not None
    rows = store.studies()
    assert [row.alarm for row in rows] == ["ventricular", None, None] and rows[1].decision == "SBRAD"
    app = sound(opened("ecg", study=rows[0].study_id))
    assert data(app, "alarm-0")["notice"]["text"] == say("en", "ecg.review_now", reason=say("en", "ecg_alarm.ventricular"))


def test_the_hour_is_true_minute_by_minute() -> None:
    facts, report = TRUTH["ecg_holter"], reading("ecg_holter")
    assert report.alarm is None and report.ecg is not None and report.ecg.holter is not None and report.ecg.marks is not None
    holter = report.ecg.holter
    np.testing.assert_allclose(holter.rate_mean, facts["rate"], atol=2)
    np.testing.assert_array_equal(holter.ectopic, facts["ventricular"])
    assert abs(int((report.ecg.marks.wave == 1).sum()) - facts["beats"]) <= 4
    found = sorted((event.start_s, event.value) for event in holter.events if event.kind == "pause")
    np.testing.assert_allclose(found, facts["pauses"], atol=0.1)
    assert {event.start_s // 60 for event in holter.events if event.kind == "ectopy"} == {17, 55}
    np.testing.assert_allclose(holter.af_share, facts["af"], atol=0)
    assert [(event.start_s, event.end_s) for event in holter.events if event.kind == "af"] == [(1800.0, 2160.0)]
    assert not any(event.kind in ("ventricular_run", "unreadable", "bradycardia") for event in holter.events)
