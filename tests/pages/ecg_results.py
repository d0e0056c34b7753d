"""Results files of the ECG tasks with invented figures, in the very form that trainings write; and cards that go with them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from medcore import registry
from medcore.tasks.kinds import figures
from medcore.training.install import SHOWN
from medcore.types import WAVES, Figure, ModelCard, OperatingPoint

FOREIGN = ("white noise", "random walks", "sines", "pulse waves", "EEG-like rhythms", "mains on a bare electrode")


def made(task: str, seed: int = 0) -> dict[str, Any]:
    """Invented results of one of the four ECG tasks."""
    card = registry.card(task)
    if card.kind == "ecg_delineator":
        return _waves()
    return _beats() if card.kind == "ecg_beats" else _classifier(task, seed)


def carded(task: str) -> ModelCard:
    """The task's card as if the invented results had been installed."""
    results, card = made(task), registry.card(task)
    shown = results.get("shown") or [name for name in SHOWN if name in results["figures"]]
    points = tuple(OperatingPoint(**point) for point in results.get("operating_points", ()))
    return replace(card, figures=tuple(Figure(name=name, **results["figures"][name]) for name in shown), operating_points=points)


@cache
def _classifier(task: str, seed: int) -> dict[str, Any]:
    card = registry.card(task)
    names = [label.name for label in card.labels]
    kept = _measured(card, names, 120, seed + 1)
    values = {"deletion": 0.31, "insertion": 0.72, "random_deletion": 0.52, "random_insertion": 0.5, "randomisation_similarity": 0.07}
    result = {
        "n": 900, "groups": 900, "folds": 5, "f1_counted": 0.8571, "counted": names[:3], **_measured(card, names, 900, seed),
        "kept_out": {"n": 120, "groups": 120, "figures": kept["figures"]},
        "thresholds": dict.fromkeys(names, 0.4), "margins": dict.fromkeys(names, 0.05), "temperature": 1.0,
        "operating_points": [
            {"name": label.operating_point, "label": label.name, "threshold": 0.4, "sensitivity": 0.9, "specificity": 0.95}
            for label in card.labels if label.is_finding
        ],
        "gate": {
            "limit": 9.5, "inside": [3.0, 4.0, 5.0], "outside": {name: [20.0, 30.0] for name in FOREIGN}, "refused_inside": 0.0083,
            "refused_outside": dict.fromkeys(FOREIGN, 1.0),
        },
        "saliency": {method: {"n": 60, **values} for method in ("integrated_gradients", "beat_occlusion")},
        "task": task, "command": f"python -m medcore train {task} --data {task} --seed 0", "weights_sha256": card.weights_sha256,
    }  # fmt: skip
    if card.exclusive:
        lead = {"value": 0.9812, "low": 0.97, "high": 0.99}
        result["transfer"] = {
            "set": "ecg_12lead", "label": names[1], "n": 1800, "positives": 90, "auroc_lead_I": lead,
            "auroc_lead_II": lead | {"value": 0.9655},
        }  # fmt: skip
    return result


def _measured(card: ModelCard, names: list[str], count: int, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    groups = [str(k) for k in range(count)]
    if card.exclusive:
        truth = rng.choice(len(names), count, p=np.array([0.55, 0.15, 0.25, 0.05]))
        odds = np.eye(len(names))[truth] * 2.5 + rng.normal(size=(count, len(names)))
        shares = np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True)
        return figures.measured(shares, truth, shares.argmax(axis=1), names, groups)
    there = (rng.random((count, len(names))) < 0.08).astype(np.float64)
    shares = 1 / (1 + np.exp(-(4 * there - 2.5 + rng.normal(size=there.shape))))
    return figures.separate(shares, there, shares > 0.5, names, groups)


def _figure(value: float, spread: float) -> dict[str, float | None]:
    return {"value": value, "low": round(value - spread, 4), "high": round(value + spread, 4), "baseline": None}


def _waves() -> dict[str, Any]:
    table = {}
    for number, wave in enumerate(WAVES):
        table |= {f"sensitivity_{wave}": _figure(0.981 + number / 1000, 0.01), f"ppv_{wave}": _figure(0.98, 0.01)}
        for mark in ("onset", "peak", "offset"):
            table |= {f"mean_ms_{wave}_{mark}": _figure(-2.5, 1.0), f"sd_ms_{wave}_{mark}": _figure(12.25 + 5 * number, 2.0)}
    shown = [name for name in table if not name.startswith("mean_ms") and not name.endswith("peak")]
    command = "python -m medcore train ecg_delineation --data ecg_delineation --seed 0"
    return {"n": 72, "leads": 864, "folds": 3, "figures": table, "task": "ecg_delineation", "shown": shown, "command": command}


def _beats() -> dict[str, Any]:
    names = ("sensitivity", "ppv", "sensitivity_one_lead", "ppv_one_lead", "sensitivity_V", "ppv_V")
    kinds = [[1500, 3, 0], [4, 60, 0], [0, 1, 400]]
    record = {"QRS": [2180, 2, 3], "QRS_one_lead": [4350, 14, 12], "V": [60, 4, 4], "kinds": kinds}
    return {
        "n": 2, "figures": {name: _figure(0.99, 0.005) for name in names}, "records": {"r1": record, "r2": record}, "shown": list(names),
        "leads_unseen": {"leads": 288, "sensitivity_QRS": 0.9991, "ppv_QRS": 0.9987}, "task": "ecg_beats",
        "command": "python -m medcore train ecg_beats --data ecg_beats --seed 0",
    }  # fmt: skip
