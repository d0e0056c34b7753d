"""The kind `ecg_classifier`: one recording in, calibrated findings out.

Its labels exclude each other (rhythm) or stand each for itself (twelve leads), as the card's `exclusive` says: that decides how a
decision is taken, which columns are written and what is measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medcore.errors import InputRejected
from medcore.explain import unit
from medcore.tables import Table
from medcore.tasks import classifier, ecg_classifier, records
from medcore.tasks.ecg_classifier import Model, Prediction, Task
from medcore.tasks.examination import Examination
from medcore.tasks.kinds import figures
from medcore.types import Attribution, Finding, Gate, ModelCard, Recording, Study

Floats = NDArray[np.float64]
Progress = Callable[[float], None]
SILENCED_BY = ("paced", "ventricular", "asystole")  # alarms: none of this was in the training data
middle, places = records.middle, records.places
NEEDED = ("record",)  # of a manifest; labels may be missing, then there are predictions and no figures
BINS = 1200  # of an attribution over time: more than a strip has pixels


def examine(
    task: Task,
    model: Model,
    card: ModelCard,
    recording: Recording,
    index: int,
    methods: Sequence[str],
    label: str | None,
    progress: Progress,
) -> Examination:
    """Read the recording and explain it by `methods`, for class `label` (None: the class decided on)."""
    del index
    signal = task.prepare(recording)
    said = task.predict(model, [signal])
    names = [one.name for one in card.labels]
    decided, present = decide(card, model, said.probabilities)
    target = int(decided[0]) if label is None else names.index(label)
    attributions = []
    for done, method in enumerate(methods):
        progress(done / len(methods))
        attributions.append(_attribution(task, model, signal, recording, names[target], target, method))
    found = findings(card, said, 0)
    return Examination(
        gate=classifier.distance_gate(card, float(said.distance[0]), what="recording"),
        decision=names[int(decided[0])] if present[0].any() else None,
        status=classifier.status(found),
        findings=found,
        probabilities=tuple((name, float(p)) for name, p in zip(names, said.probabilities[0], strict=True)),
        attributions=tuple(attributions),
    )


def decide(card: ModelCard, model: Model, probabilities: Floats) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """(B, K) probabilities -> (B,) the class that exceeds its operating point by the largest factor, (B, K) which do exceed it."""
    ratio = probabilities / np.array([label.threshold for label in card.labels])
    chosen = ratio.argmax(axis=1)
    present = np.arange(len(card.labels)) == chosen[:, None] if model.exclusive else ratio >= 1
    return chosen, present


def findings(card: ModelCard, said: Prediction, row: int) -> tuple[Finding, ...]:
    """The findings of signal number `row`: every class that is one, present or not."""
    return classifier.findings(card, said, row)


def _attribution(
    task: Task, model: Model, signal: NDArray[np.float32], recording: Recording, name: str, target: int, method: str
) -> Attribution:
    beats = ecg_classifier.beats_of(signal, task.RATE_HZ)
    influence = task.attribute(model, signal, target, method, beats)
    return Attribution(
        method=method,
        label=name,
        baseline=influence.baseline,
        values=_spread(task, unit(_binned(influence.values)), recording),
        gap=influence.gap,
    )


def _binned(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(C, N) -> (C, at most BINS): the sum over stretches of equal length."""
    count = min(BINS, values.shape[1])
    edges = np.linspace(0, values.shape[1], count + 1).astype(int)[:-1]
    return np.add.reduceat(values, edges, axis=1)


def _spread(task: Task, values: NDArray[np.float32], recording: Recording) -> NDArray[np.float32]:
    """(C, bins) of the leads that the network saw -> (L, bins) of all leads of the recording, zero where it did not look."""
    out = np.zeros((len(recording.leads), values.shape[1]), np.float32)
    for row, lead in zip(values, task.seen(recording), strict=True):
        out[lead] = row
    return out


def columns(card: ModelCard) -> tuple[str, ...]:
    """The columns of OUT.csv."""
    names = [label.name for label in card.labels]
    shares = tuple(f"p_{name}" for name in names)
    if card.exclusive:
        return ("record", "label", *shares, "decision", "status", "gate")
    return ("record", *shares, *(f"d_{name}" for name in names), "status", "gate")


def evaluate(
    task: Task, model: Model, card: ModelCard, check: Callable[[Study], tuple[Recording, Gate]], table: Table, progress: Progress
) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """Every row of the manifest measured: the rows of OUT.csv in order, and what OUT.json holds.

    Args:
        check: the recording that the bedside would read, and what speaks against reading it, which is reported and refuses nothing here.
    """
    started = time.monotonic()
    shape = (len(table.rows), len(card.labels))
    probabilities, present, decisions = np.full(shape, np.nan), np.zeros(shape, bool), np.full(len(table.rows), -1)
    out: list[dict[str, str]] = []
    hours = 0.0
    for first, batch in records.opened([row["record"] for row in table.rows], table.fetch, check):
        good = [k for k, answer in enumerate(batch) if not isinstance(answer, InputRejected)]
        recordings = [answer[0] for answer in batch if not isinstance(answer, InputRejected)]
        said = task.predict(model, [task.prepare(recording) for recording in recordings]) if good else None
        if said is not None:
            rows = first + np.array(good)
            probabilities[rows] = said.probabilities
            decisions[rows], present[rows] = decide(card, model, said.probabilities)
        lines = iter(range(len(good)))
        for place, answer in enumerate(batch):
            base = _base(card, table.rows[first + place])
            if isinstance(answer, InputRejected) or said is None:
                out.append(base | _error(card, answer))
            else:
                out.append(base | _line(card, model, said, next(lines), answer[1]))
        hours += sum(recording.seconds for recording in recordings) / 3600
        progress(len(out) / len(table.rows))
    speed = {"hours_per_second": round(hours / (time.monotonic() - started), 3)}
    return out, _summary(card, table, out, probabilities, decisions, present) | speed


def _base(card: ModelCard, row: Mapping[str, str]) -> dict[str, str]:
    return {"record": row["record"]} | ({"label": row.get("label", "")} if card.exclusive else {})


def _line(card: ModelCard, model: Model, said: Prediction, row: int, before: Gate) -> dict[str, str]:
    names = [label.name for label in card.labels]
    gate = classifier.distance_gate(card, float(said.distance[row]), what="recording") if before.passed else before
    decided, present = decide(card, model, said.probabilities[row : row + 1])
    line = {f"p_{name}": f"{p:.6f}" for name, p in zip(names, said.probabilities[row], strict=True)}
    if model.exclusive:
        line["decision"] = names[int(decided[0])]
    else:
        line |= {f"d_{name}": str(int(there)) for name, there in zip(names, present[0], strict=True)}
    return line | {"status": classifier.status(findings(card, said, row)), "gate": "in" if gate.passed else gate.reason}


def _error(card: ModelCard, reason: object) -> dict[str, str]:
    empty = dict.fromkeys(columns(card), "")
    return {name: value for name, value in empty.items() if name not in ("record", "label")} | {"status": "error", "gate": str(reason)}


def _summary(
    card: ModelCard,
    table: Table,
    out: list[dict[str, str]],
    probabilities: Floats,
    decisions: NDArray[np.int64],
    present: NDArray[np.bool_],
) -> dict[str, Any]:
    if card.exclusive:
        return figures.exclusive(card, table, out, probabilities, decisions)
    names = [label.name for label in card.labels]
    targets = np.array([[_known(row.get(name)) for name in names] for row in table.rows])
    readable = decisions >= 0
    targets[~readable] = np.nan
    rows = ~np.isnan(targets).all(axis=1)
    summary = figures.counted(card, table, out) | {"n": int(rows.sum())}
    if not rows.any():
        return summary | {"note": "No row has a label that the task knows, so there are no figures."}
    groups = np.array(table.groups())[rows].tolist()
    return summary | figures.separate(probabilities[rows], targets[rows], present[rows], names, groups)


def _known(cell: str | None) -> float:
    """A manifest's 0 or 1; anything else is not known."""
    return float(cell) if cell in ("0", "1") else float("nan")
