"""What every task must keep, whichever it is: a new folder is tested without editing this file."""

import json
from dataclasses import replace

import numpy as np
import pytest
import safetensors.torch

from medcore import pipeline, registry
from medcore.errors import ModelUnavailable
from medcore.explain import METHODS, SIGNAL_METHODS
from medcore.settings import PROJECT
from medcore.tasks import delineator, forecaster
from medcore.tasks.windows import Windows
from tests.pages import ecg_nouns
from tests.tasks.films import ct_slice, film, series, study

TASKS = list(registry.cards())


def of_kind(*kinds):
    return [task for task, card in registry.cards().items() if card.kind in kinds]


CLASSIFIERS = of_kind("image_classifier")
ECG_CLASSIFIERS = of_kind("ecg_classifier")
ECG = of_kind("ecg_classifier", "ecg_delineator", "ecg_beats")
DECIDE = of_kind("image_classifier", "ecg_classifier")
NEEDED_FIGURES = {
    "image_classifier": {"auroc", "balanced_accuracy", "ece"},
    "ecg_classifier": {"auroc", "f1", "ece"},
    "ecg_delineator": {f"{name}_{wave}" for name in ("sensitivity", "ppv") for wave in ("P", "QRS", "T")},
    "ecg_beats": {"sensitivity", "ppv"},
    "forecaster": {f"{name}_{horizon}" for name in ("rmse", "skill", "coverage", "auroc_low", "ece_low") for horizon in (30, 60)},
}


def fitting(card):
    """A made-up series that the card's header rules let in."""
    return series(ct_slice(), "CT", "HU") if "CT" in card.modality else series(film(), card.modality[0])


def traced(card):
    """A made-up recording that the card's header rules let in: as long as the shortest it reads and a little longer."""
    seconds = max(10.0, card.seconds[0] + 10)
    return ecg_nouns.recording(seconds=seconds, leads=card.leads or ("II",))


@pytest.mark.parametrize("task", TASKS)
def test_card_states_its_limits(task):
    card = registry.card(task)
    for text in (card.intended_use, card.not_for, card.population, card.data, card.licence, card.preprocessing, card.known_failures):
        assert len(text) > 30
    assert card.title
    assert card.title_zh
    assert all(label.citation and label.code and label.title_zh for label in card.labels)
    assert any(label.is_finding for label in card.labels) == (card.kind != "ecg_delineator")  # which measures, and finds nothing


@pytest.mark.parametrize("task", TASKS)
def test_weights_are_those_of_the_card_and_small_enough(task):
    assert len(registry.checked_weights(task)) < 25e6


@pytest.mark.parametrize("task", TASKS)
def test_figures_equal_the_committed_results(task):
    card, measured = registry.card(task), registry.results(task)
    assert measured["weights_sha256"] == card.weights_sha256
    assert {figure.name for figure in card.figures} >= NEEDED_FIGURES[card.kind]
    for figure in card.figures:
        stands = measured["figures"][figure.name]
        assert (figure.value, figure.low, figure.high) == (stands["value"], stands["low"], stands["high"])
        assert (
            figure.low <= figure.value <= figure.high or figure.name == "ece"
        )  # a bootstrap biases an error that is never negative upward


@pytest.mark.parametrize("task", DECIDE)
def test_operating_points_equal_the_committed_results(task):
    card, measured = registry.card(task), registry.results(task)
    assert card.temperature == measured["temperature"]
    assert card.gate_limit == measured["gate"]["limit"]
    for label in card.labels:
        assert label.threshold == measured["thresholds"][label.name]
        assert label.margin == measured["margins"][label.name]
    assert [point.threshold for point in card.operating_points] == [point["threshold"] for point in measured["operating_points"]]


@pytest.mark.parametrize("task", CLASSIFIERS)
def test_golden_answers(task):
    tools = pipeline.loaded(task)
    with np.load(registry.weights_path(task).with_name("golden.npz")) as golden:
        said = tools.module.predict(tools.model, golden["frame"][None])
        np.testing.assert_allclose(said.logits, golden["logits"], rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(said.probabilities, golden["probabilities"], rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(said.distance, golden["distance"], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("task", CLASSIFIERS)
def test_one_logit_a_label_and_probabilities_sum_to_one(task):
    tools, card = pipeline.loaded(task), registry.card(task)
    frame = tools.module.prepare(fitting(card), 0)
    assert frame.pixels.shape == (tools.module.SIZE, tools.module.SIZE)
    assert frame.pixels.dtype == np.uint8
    said = tools.module.predict(tools.model, frame.pixels[None])
    assert said.logits.shape == (1, len(card.labels))
    assert said.probabilities.sum() == pytest.approx(1)
    assert (said.low <= said.probabilities).all()
    assert (said.probabilities <= said.high).all()


@pytest.mark.parametrize("task", CLASSIFIERS)
@pytest.mark.parametrize("method", METHODS)
def test_attribution_covers_the_slice_and_is_complete(task, method):
    tools, card = pipeline.loaded(task), registry.card(task)
    one = fitting(card)
    report = pipeline.diagnose(task, study(one), methods=(method,), override=True)
    (attribution,) = report.attributions
    height, width = one.array.shape[2:]
    assert attribution.values.shape[0] / attribution.values.shape[1] == pytest.approx(height / width, rel=0.02)
    assert attribution.values.min() >= 0
    assert attribution.values.max() <= 1
    if attribution.gap is not None:
        frame = tools.module.prepare(one, 0).pixels
        logits = tools.module.predict(tools.model, np.stack([frame, np.full_like(frame, 127)])).logits
        k = [label.name for label in card.labels].index(attribution.label)
        assert attribution.gap < 0.05 * abs(logits[0, k] - logits[1, k]) + 0.1  # a tenth of a logit moves no probability by 0.03


@pytest.mark.parametrize("task", ECG_CLASSIFIERS)
def test_golden_answers_of_signals(task):
    tools = pipeline.loaded(task)
    with np.load(registry.weights_path(task).with_name("golden.npz")) as golden:
        said = tools.module.predict(tools.model, [golden["signal"]])
        for name in ("logits", "probabilities", "distance"):
            np.testing.assert_allclose(getattr(said, name), golden[name], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("task", of_kind("ecg_delineator"))
def test_golden_scores(task):
    tools = pipeline.loaded(task)
    with np.load(registry.weights_path(task).with_name("golden.npz")) as golden:
        x = delineator.inputs(golden["leads"], tools.module.context)
        np.testing.assert_allclose(delineator.scores(tools.model, x, tools.module.RATE_HZ), golden["scores"], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("task", of_kind("forecaster"))
def test_golden_forecasts(task):
    tools = pipeline.loaded(task)
    with np.load(registry.weights_path(task).with_name("golden.npz")) as golden:
        seen = Windows(near=golden["near"], far=golden["far"], now=golden["now"])
        said = forecaster.predict(tools.model, seen, golden["level"].astype(np.float64))
        np.testing.assert_allclose(said.quantiles, golden["quantiles"], rtol=1e-3, atol=0.05)
        np.testing.assert_allclose(said.p_low, golden["p_low"], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("task", of_kind("forecaster"))
def test_thresholds_of_warnings_equal_the_committed_results(task):
    card, measured = registry.card(task), registry.results(task)
    for label in card.labels:
        assert label.threshold == measured["thresholds"][label.name]
        assert label.margin == measured["margins"][label.name]
    assert [point.threshold for point in card.operating_points] == [point["threshold"] for point in measured["operating_points"]]


@pytest.mark.parametrize("task", ECG_CLASSIFIERS)
def test_one_logit_a_label_whatever_the_length(task):
    tools, card = pipeline.loaded(task), registry.card(task)
    signal = tools.module.prepare(traced(card))
    said = tools.module.predict(tools.model, [signal, signal[:, : signal.shape[1] * 6 // 10]])
    assert said.logits.shape == (2, len(card.labels))
    assert (said.low <= said.probabilities).all()
    assert (said.probabilities <= said.high).all()
    if card.exclusive:
        np.testing.assert_allclose(said.probabilities.sum(axis=1), 1)
    alone = tools.module.predict(tools.model, [signal[:, : signal.shape[1] * 6 // 10]])
    np.testing.assert_allclose(alone.logits[0], said.logits[1], rtol=1e-3, atol=1e-3)  # company in a batch changes nothing


@pytest.mark.parametrize("task", ECG_CLASSIFIERS)
@pytest.mark.parametrize("method", SIGNAL_METHODS)
def test_attribution_covers_the_recording_and_is_complete(task, method):
    tools, card = pipeline.loaded(task), registry.card(task)
    one = traced(card)
    report = pipeline.diagnose(task, ecg_nouns.study(one), methods=(method,), override=True)
    (attribution,) = report.attributions
    assert attribution.values.shape[0] == len(one.leads)
    assert attribution.values.min() >= 0
    assert attribution.values.max() == 1
    if attribution.gap is not None:
        signal = tools.module.prepare(one)
        logits = tools.module.predict(tools.model, [signal, np.zeros_like(signal)]).logits
        k = [label.name for label in card.labels].index(attribution.label)
        assert attribution.gap < 0.05 * abs(logits[0, k] - logits[1, k]) + 0.1


@pytest.mark.parametrize("task", ECG)
def test_an_image_is_no_recording(task):
    report = pipeline.diagnose(task, study(series(film(), None)))
    assert report.gate.code == "modality"
    assert report.findings == ()


@pytest.mark.parametrize("task", ECG)
@pytest.mark.parametrize("modality", ["EEG", "PPG"])
def test_another_signal_is_refused_by_name(task, modality):
    one = replace(traced(registry.card(task)), modality=modality)
    report = pipeline.diagnose(task, ecg_nouns.study(one))
    assert report.gate.code == "modality"
    assert modality in report.gate.reason
    assert (report.findings, report.decision, report.status) == ((), None, "refused")


@pytest.mark.parametrize("task", ECG_CLASSIFIERS)
def test_noise_that_calls_itself_an_ecg_gets_no_label(task):
    one = traced(registry.card(task))
    noise = np.random.default_rng(0).normal(size=one.signal.shape).astype(np.float32)
    report = pipeline.diagnose(task, ecg_nouns.study(replace(one, signal=noise)))
    assert not report.gate.passed
    assert (report.findings, report.decision, report.status, report.measurements) == ((), None, "refused", ())


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("modality", ["MR", "US", "NM"])
def test_another_modality_is_refused_without_a_finding(task, modality):
    report = pipeline.diagnose(task, study(series(film(), modality)))
    assert report.gate.code == "modality"
    assert report.status == "refused"
    assert report.findings == ()
    assert report.decision is None


@pytest.mark.parametrize("task", CLASSIFIERS)
def test_a_gate_lets_its_own_patients_in_and_others_not(task):
    gate = registry.results(task)["gate"]
    assert gate["refused_inside"] <= 0.02
    refused = gate["refused_outside"]
    assert {"noise", "photographs", "screenshots"} <= set(refused)
    assert np.mean(list(refused.values())) >= 0.9


@pytest.mark.parametrize("task", ECG_CLASSIFIERS)
def test_a_gate_of_signals_lets_its_own_patients_in_and_others_not(task):
    gate = registry.results(task)["gate"]
    assert gate["refused_inside"] <= 0.02
    assert min(gate["refused_outside"].values()) >= 0.9


@pytest.mark.parametrize("data", [b"", b"\x80\x04\x95 a pickle", safetensors.torch.save({})], ids=["empty", "pickle", "other tensors"])
def test_a_doctored_weights_file_is_never_used(monkeypatch, tmp_path, data):
    task = TASKS[0]
    path = tmp_path / "weights.safetensors"
    path.write_bytes(data)
    monkeypatch.setattr(registry, "weights_path", lambda name: path)
    with pytest.raises(ModelUnavailable, match="not those that its card names"):
        registry.checked_weights(task)
    with pytest.raises(ModelUnavailable, match="does not hold the network"):
        registry.task_module(task).load(data)  # even if somebody had pinned its hash


def test_missing_weights_make_one_model_unavailable(monkeypatch, tmp_path):
    monkeypatch.setattr(registry, "weights_path", lambda name: tmp_path / "none")
    with pytest.raises(ModelUnavailable, match="missing"):
        registry.checked_weights(TASKS[0])


def test_speed_stands_in_a_committed_file():
    speed = json.loads((PROJECT / "benchmarks" / "results" / "speed.json").read_text())
    assert speed["throughput"]["ratio"] > 0
    assert speed["latency"]["report_ms"] > 0


def test_decisions_follow_the_operating_point():
    from medcore.tasks.classifier import decide

    card = registry.card("chest_xray_pneumonia")
    at = card.labels[1].threshold
    p = np.array([[1 - at - 0.01, at + 0.01], [1 - at + 0.01, at - 0.01]])
    assert decide(card, p).tolist() == [1, 0]
    lower = replace(card, labels=tuple(replace(label, threshold=t) for label, t in zip(card.labels, (0.9, 0.1), strict=True)))
    assert decide(lower, np.array([[0.85, 0.15]])).tolist() == [1]
