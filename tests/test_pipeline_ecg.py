"""An ECG's way through the pipeline: quality and alarms first, waves and rules beside the networks."""

from dataclasses import replace

import numpy as np
import pytest

import medcore
import medcore.errors
from medcore import cardiology, pipeline
from medcore.signals import ecg_alarm
from tests.pages import ecg_nouns

TWELVE = "ecg_12lead"


def read(task=TWELVE, override=False, **changes):
    return pipeline.diagnose(task, ecg_nouns.study(replace(ecg_nouns.recording(), **changes)), override=override)


def test_a_reading_holds_quality_waves_intervals_rules_and_its_companion():
    report = read()
    assert report.gate.passed
    assert report.ecg.analysable == 1
    assert len(report.ecg.quality) == 12
    assert {"heart_rate", "pr_interval", "qrs_duration", "qtc_fridericia"} <= {one.name for one in report.measurements}
    assert {one.label for one in report.ecg.statements} == {label.name for label in medcore.cards()[TWELVE].labels}
    (companion,) = report.also
    assert companion.task == "ecg_rhythm"
    assert companion.provenance.weights_sha256 != report.provenance.weights_sha256


@pytest.mark.parametrize("alarm", ["paced", "ventricular", "asystole"])
def test_an_alarm_silences_networks_and_intervals_unless_a_person_asks(monkeypatch, alarm):
    monkeypatch.setattr(ecg_alarm, "alarm", lambda recording, marks=None: alarm)
    report = read()
    assert (report.alarm, report.gate.code, report.status) == (alarm, alarm, "refused")
    assert report.findings == report.measurements == report.also == ()
    assert report.ecg.withheld == alarm
    asked = read(override=True)
    assert asked.overridden
    assert asked.findings
    assert asked.measurements == ()  # intervals of such a rhythm mean nothing, whoever asks


def test_an_alarm_that_only_the_waves_show_silences_too(monkeypatch):
    monkeypatch.setattr(ecg_alarm, "alarm", lambda recording, marks=None: None if marks is None else "ventricular")
    report = read()
    assert (report.alarm, report.gate.code, report.findings) == ("ventricular", "ventricular", ())


def test_an_unavailable_delineator_takes_only_the_intervals(monkeypatch):
    plain = pipeline.loaded

    def without(task):
        if task == pipeline.DELINEATOR:
            raise medcore.errors.ModelUnavailable("gone")
        return plain(task)

    monkeypatch.setattr(pipeline, "loaded", without)
    report = read()
    assert report.findings
    assert report.ecg.marks is None
    assert report.measurements == ()


def test_voltages_of_a_normalised_record_are_withheld_and_its_times_are_not():
    normal, bare = read(), read(unit="NU")
    assert {one.name for one in bare.measurements} <= {one.name for one in normal.measurements}
    assert "pr_interval" in {one.name for one in bare.measurements}
    assert not any(one.unit in ("mV", "uV") for one in bare.measurements)


def test_a_day_given_to_a_task_of_seconds_is_refused_whoever_asks():
    day = ecg_nouns.study(replace(ecg_nouns.recording(), signal=np.zeros((12, 600_000), np.float32), sampling_rate_hz=100.0))
    report = pipeline.diagnose(TWELVE, day, override=True)
    assert (report.gate.code, report.findings, report.ecg) == ("length", (), None)


def test_a_look_needs_no_network():
    seen = cardiology.look(ecg_nouns.recording())
    assert seen.gate.passed
    assert seen.alarm is None
