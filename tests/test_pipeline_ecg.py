"""From a recording to a report: which task is named where only the length speaks against all, and what a companion costs."""

from types import SimpleNamespace

import numpy as np
import pytest

from medcore import cardiology, pipeline
from medcore.tasks.examination import Examination
from medcore.types import Gate, Patient, Recording, Study
from tests.signals import synth
from tests.signals.marked import beats, marks

IN = Gate(code="in", reason="")


def recorded(leads: tuple[str, ...], seconds: float, rate: float) -> Study:
    noise = np.random.default_rng(0).normal(size=(len(leads), round(seconds * rate))).astype(np.float32)
    return held(noise, leads, rate)


def held(signal: np.ndarray, leads: tuple[str, ...], rate: float) -> Study:
    recording = Recording(signal=signal, unit="mV", sampling_rate_hz=rate, leads=leads)
    return Study(study_uid=None, patient=Patient(), series=(), sources=(), recordings=(recording,))


@pytest.mark.parametrize(
    ("leads", "seconds", "rate", "task"),
    [
        (synth.LEADS, 1, 250.0, "ecg_12lead"),
        (("II",), 3, 250.0, "ecg_rhythm"),
        (("II", "V1"), 73 * 3600, 1.0, "ecg_beats"),
    ],
)
def test_where_only_the_length_speaks_against_all_tasks_one_says_so(leads, seconds, rate, task):
    study = recorded(leads, seconds, rate)
    assert pipeline.candidates(study) == (task,)
    assert pipeline.header_gate(pipeline.registry.card(task))(study)[1].code == "length"


def test_a_companion_shares_the_waves_of_the_reading_it_belongs_to(monkeypatch):
    asked = []

    def examine(module, model, card, recording, index, methods, label, progress):
        asked.append(card.task)
        return Examination(gate=IN, decision=None, status="ok")

    def delineate(module, model, recording):
        asked.append("waves")

    kind = SimpleNamespace(middle=lambda subject: 0, places=lambda subject: 1, examine=examine, delineate=delineate)
    monkeypatch.setattr(pipeline, "loaded", lambda task: SimpleNamespace(module=None, model=None, kind=kind))
    signal = synth.twelve(synth.ecg(synth.r_times(70, 10), 10, 250.0))
    report = pipeline.diagnose(None, held(signal, synth.LEADS, 250.0))
    assert (report.task, [one.task for one in report.also]) == ("ecg_12lead", ["ecg_rhythm"])
    assert report.also[0].gate.passed
    assert report.also[0].ecg is None
    assert asked == ["ecg_12lead", "waves", "ecg_rhythm"]


@pytest.mark.parametrize(("leads", "label"), [(synth.LEADS, "AFIB"), (synth.LEADS[:2], "atrial_fibrillation")])
def test_rules_have_the_labels_of_the_network_they_stand_beside(leads, label):
    times = synth.r_times(70, 10)
    study = held(synth.twelve(synth.ecg(times, 10, 250.0))[: len(leads)], leads, 250.0)
    (recording,) = study.recordings
    told = cardiology.reading(recording, Patient(), cardiology.look(recording), lambda: marks(beats(times), 250.0))
    assert label in [one.label for one in told.ecg.statements]


@pytest.mark.parametrize(
    ("silent", "code", "companion"), [((), "in", "in"), (("V1",), "lead_quality", "in"), (("II", "III"), "lead_quality", "lead_quality")]
)
@pytest.mark.parametrize("nothing", [np.nan, 0.0])
def test_a_lead_that_was_not_recorded_is_not_read_as_a_flat_line(monkeypatch, silent, code, companion, nothing):
    kind = SimpleNamespace(middle=lambda subject: 0, places=lambda subject: 1, delineate=lambda *rest: None)
    kind.examine = lambda *rest: Examination(gate=IN, decision=None, status="ok")
    monkeypatch.setattr(pipeline, "loaded", lambda task: SimpleNamespace(module=None, model=None, kind=kind))
    signal = synth.twelve(synth.ecg(synth.r_times(70, 10), 10, 250.0))
    signal[[synth.LEADS.index(lead) for lead in silent]] = nothing
    study = held(signal, synth.LEADS, 250.0)
    report = pipeline.diagnose(None, study)
    assert (report.gate.code, report.status) == (code, "refused" if silent else "ok")
    assert [one.gate.code for one in report.also] == [companion]
    assert pipeline.header_gate(pipeline.registry.card("ecg_12lead"))(study)[1].code == code
