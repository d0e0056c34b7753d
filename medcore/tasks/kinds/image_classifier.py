"""The kind `image_classifier`: one slice in, calibrated findings out.

`examine` serves the bedside: it refuses, says why, and explains. `evaluate` serves validation: it measures every
readable row, refused or not, and writes what the gate would have said beside it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medcore.errors import InputRejected, NotAnImage
from medcore.explain import unit
from medcore.read import read_each
from medcore.tables import Table
from medcore.tasks import classifier
from medcore.tasks.classifier import Frame, Model, Prediction, Task
from medcore.tasks.examination import Examination
from medcore.tasks.kinds import figures
from medcore.types import Attribution, Gate, ModelCard, Series, Study

NEEDED = ("path",)  # of a manifest; `label` may be missing, then there are predictions and no figures
CHUNK = 64  # images a batch: one pass
PARCEL = 32 * 2**20  # bytes for one reading child, so that a chunk of large files runs out of neither its time nor our memory

Progress = Callable[[float], None]


def examine(
    task: Task, model: Model, card: ModelCard, series: Series, index: int, methods: Sequence[str], label: str | None, progress: Progress
) -> Examination:
    """Read slice `index` and explain it by `methods`, for class `label` (None: the class decided on)."""
    frame = task.prepare(series, index)
    said = task.predict(model, frame.pixels[None])
    found = classifier.findings(card, said, 0)
    decided = int(classifier.decide(card, said.probabilities)[0])
    names = [label_.name for label_ in card.labels]
    target = decided if label is None else names.index(label)
    attributions = []
    for done, method in enumerate(methods):
        progress(done / len(methods))
        attributions.append(_attribution(task, model, frame, series, index, names[target], target, method))
    return Examination(
        gate=_gate(task, model, card, frame, float(said.distance[0])),
        decision=names[decided],
        status=classifier.status(found),
        findings=found,
        probabilities=tuple((name, float(p)) for name, p in zip(names, said.probabilities[0], strict=True)),
        attributions=tuple(attributions),
    )


def _gate(task: Task, model: Model, card: ModelCard, frame: Frame, distance: float) -> Gate:
    """The network's own gate; only what it would refuse is looked at once more with its grey scale turned."""
    if distance <= card.gate_limit:
        return classifier.distance_gate(card, distance)
    turned = task.predict(model, 255 - frame.pixels[None])
    return classifier.distance_gate(card, distance, float(turned.distance[0]))


def _attribution(task: Task, model: Model, frame: Frame, series: Series, index: int, name: str, target: int, method: str) -> Attribution:
    influence = task.attribute(model, frame.pixels, target, method)
    height, width = series.array.shape[2:]
    values = classifier.full_map(unit(influence.values), frame.box, (height, width))
    return Attribution(method=method, label=name, baseline=influence.baseline, values=values, index=index, gap=influence.gap)


def columns(card: ModelCard) -> tuple[str, ...]:
    """The columns of OUT.csv."""
    return ("path", "label", *(f"p_{label.name}" for label in card.labels), "decision", "status", "gate")


def evaluate(
    task: Task, model: Model, card: ModelCard, check: Callable[[Study], tuple[Series, Gate]], table: Table, progress: Progress
) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """Every row of the manifest measured: the rows of OUT.csv in order, and what OUT.json holds.

    Args:
        check: the series that the bedside would read, and the header's gate, which is reported and refuses nothing here.
    """
    started = time.monotonic()
    out, probabilities, decisions = predict_all(task, model, card, check, table, progress)
    seconds = time.monotonic() - started
    return out, figures.exclusive(card, table, out, probabilities, decisions) | {"images_per_second": round(len(out) / seconds, 2)}


def predict_all(
    task: Task, model: Model, card: ModelCard, check: Callable[[Study], tuple[Series, Gate]], table: Table, progress: Progress
) -> tuple[list[dict[str, str]], NDArray[np.float64], NDArray[np.int64]]:
    """The rows of OUT.csv with their (N, K) probabilities, NaN where unreadable, and (N,) decisions, -1 there."""
    out: list[dict[str, str]] = []
    probabilities = np.full((len(table.rows), len(card.labels)), np.nan)
    decisions = np.full(len(table.rows), -1)
    for first, answers, prediction in _stream(task, model, check, [row["path"] for row in table.rows], table.fetch):
        readable = [place for place, answer in enumerate(answers) if isinstance(answer, Gate)]
        if prediction is not None:
            rows = first + np.array(readable)
            probabilities[rows] = prediction.probabilities
            decisions[rows] = classifier.decide(card, prediction.probabilities)
        lines = iter(range(len(readable)))
        for place, answer in enumerate(answers):
            row = table.rows[first + place]
            base = {"path": row["path"], "label": row.get("label", "")}
            out.append(
                base | (_line(card, prediction, next(lines), answer) if isinstance(answer, Gate) and prediction else _error(card, answer))
            )
        progress(len(out) / len(table.rows))
    return out, probabilities, decisions


def _line(card: ModelCard, prediction: Prediction, row: int, header: Gate) -> dict[str, str]:
    names = [label.name for label in card.labels]
    gate = header if not header.passed else classifier.distance_gate(card, float(prediction.distance[row]))
    shares = {f"p_{name}": f"{p:.6f}" for name, p in zip(names, prediction.probabilities[row], strict=True)}
    decision = names[int(classifier.decide(card, prediction.probabilities[row : row + 1])[0])]
    status = classifier.status(classifier.findings(card, prediction, row))
    return shares | {"decision": decision, "status": status, "gate": "in" if gate.passed else gate.reason}


def _error(card: ModelCard, reason: Gate | InputRejected) -> dict[str, str]:
    return {f"p_{label.name}": "" for label in card.labels} | {"decision": "", "status": "error", "gate": str(reason)}


Answers = list[Gate | InputRejected]


def _stream(
    task: Task, model: Model, check: Callable[[Study], tuple[Series, Gate]], paths: list[str], fetch: Callable[[str], bytes]
) -> Iterator[tuple[int, Answers, Prediction | None]]:
    """Chunk after chunk: its first row, an answer a row, and one prediction over its readable rows. Reads ahead while the net works."""

    def opened(first: int) -> tuple[Answers, NDArray[np.uint8]]:
        return _open(task, check, paths[first : first + CHUNK], fetch)

    firsts = range(0, len(paths), CHUNK)
    with ThreadPoolExecutor(1, "read-ahead") as ahead:
        waiting = ahead.submit(opened, 0)
        for first in firsts:
            answers, frames = waiting.result()
            if first + CHUNK < len(paths):
                waiting = ahead.submit(opened, first + CHUNK)
            yield first, answers, task.predict(model, frames) if len(frames) else None


def _open(
    task: Task, check: Callable[[Study], tuple[Series, Gate]], paths: list[str], fetch: Callable[[str], bytes]
) -> tuple[Answers, NDArray[np.uint8]]:
    """An answer for each path, and the frames (B, S, S) of those that could be read."""
    answers: Answers = []
    frames = []
    for study in _studies(paths, fetch):
        if isinstance(study, InputRejected):
            answers.append(study)
            continue
        series, gate = check(study)
        answers.append(gate)
        frames.append(task.prepare(series, middle(series)).pixels)
    return answers, np.stack(frames) if frames else np.zeros((0, task.SIZE, task.SIZE), np.uint8)


def _studies(paths: list[str], fetch: Callable[[str], bytes]) -> Iterator[Study | InputRejected]:
    """One answer a path, in order; no more bytes than a parcel, or one file, are held at a time."""
    waiting: list[tuple[str, bytes | InputRejected]] = []
    held = 0
    for path in paths:
        data = _fetched(path, fetch)
        size = len(data) if isinstance(data, bytes) else 0
        if waiting and held + size > PARCEL:
            yield from _read(waiting)
            waiting, held = [], 0
        waiting.append((path, data))
        held += size
    yield from _read(waiting)


def _fetched(path: str, fetch: Callable[[str], bytes]) -> bytes | InputRejected:
    try:
        return fetch(path)
    except (OSError, ValueError):  # ValueError: what no file can be called, such as a name with a NUL
        return NotAnImage("There is no such file.")
    except InputRejected as error:
        return error


def _read(waiting: list[tuple[str, bytes | InputRejected]]) -> Iterator[Study | InputRejected]:
    read = iter(read_each([(path, data) for path, data in waiting if isinstance(data, bytes)]))
    for _, data in waiting:
        yield next(read) if isinstance(data, bytes) else data


def places(series: Series) -> int:
    """How many slices of it may be read."""
    return int(series.array.shape[1])


def middle(series: Series) -> int:
    """The slice that is read where none is named: the middle of a volume, the first picture of anything else."""
    return series.array.shape[1] // 2 if series.is_volume else 0
