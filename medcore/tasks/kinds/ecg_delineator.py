"""The kind `ecg_delineator`: onset, peak and offset of P, QRS and T in each lead. It measures, so there is nothing to decide on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from medcore.errors import InputRejected
from medcore.signals.ecg_fuse import fuse
from medcore.tables import Table
from medcore.tasks import delineator, records
from medcore.tasks.delineator import Model, Task
from medcore.tasks.examination import Examination
from medcore.types import WAVES, Gate, Marks, ModelCard, Recording, Study

Progress = Callable[[float], None]
SILENCED_BY = ("ventricular", "asystole")  # alarms: there are no waves to mark
middle, places = records.middle, records.places
NEEDED = ("record",)
COLUMNS = ("record", "lead", "wave", "onset", "peak", "offset")


def delineate(task: Task, model: Model, recording: Recording) -> Marks:
    """The waves of each lead, and after them those that the leads together give."""
    marks = per_lead(task, model, recording)
    return joined(marks, fuse(marks, recording.sampling_rate_hz))


def per_lead(task: Task, model: Model, recording: Recording) -> Marks:
    """The waves of each lead, in samples of the recording."""
    leads = task.prepare(recording)
    score = delineator.scores(model, delineator.inputs(leads, task.context), task.RATE_HZ)
    together = score.mean(axis=0) if len(score) > 1 else None
    factor, last = recording.sampling_rate_hz / task.RATE_HZ, recording.signal.shape[1] - 1
    rows = [
        (lead, wave.kind, *(_sample(bound * factor, last) for bound in _centred(model, wave, task.RATE_HZ)))
        for lead, one in enumerate(score)
        for wave in delineator.waves(one, task.RATE_HZ, together)
    ]
    table = np.array(rows, np.int32).reshape(-1, 5)
    beat = np.where(table[:, 1] == WAVES.index("QRS"), 0, -1)
    return Marks(
        lead=table[:, 0].astype(np.int16),
        wave=table[:, 1].astype(np.uint8),
        onset=table[:, 2].copy(),
        peak=table[:, 3].copy(),
        offset=table[:, 4].copy(),
        beat=beat.astype(np.int8),
    )


def _centred(model: Model, wave: delineator.Wave, rate_hz: float) -> tuple[float, float, float]:
    """Onset, peak and offset, the bounds moved by what they are early on the mean."""
    onset, offset = wave.onset + model.early_s[wave.kind, 0] * rate_hz, wave.offset + model.early_s[wave.kind, 1] * rate_hz
    return onset, wave.peak, offset


def _sample(place: float, last: int) -> int:
    """The nearest sample of the recording, -1 where the bound is not seen."""
    return -1 if np.isnan(place) else min(max(round(place), 0), last)


def joined(one: Marks, other: Marks) -> Marks:
    """Both, one after the other."""
    parts = {
        name: np.concatenate([getattr(one, name), getattr(other, name)]) for name in ("lead", "wave", "onset", "peak", "offset", "beat")
    }
    return Marks(**parts)


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
    """The marks; there is nothing to explain, since each mark stands on the trace itself."""
    del card, index, methods, label
    marks = delineate(task, model, recording)
    progress(1.0)
    return Examination(gate=Gate(code="in", reason=""), decision=None, status="ok", marks=marks)


def columns(card: ModelCard) -> tuple[str, ...]:
    """The columns of OUT.csv."""
    del card
    return COLUMNS


def evaluate(
    task: Task, model: Model, card: ModelCard, check: Callable[[Study], tuple[Recording, Gate]], table: Table, progress: Progress
) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """Each wave of each lead of each record, and what OUT.json holds; a record that cannot be read is one row without a wave."""
    started, hours = time.monotonic(), 0.0
    out: list[dict[str, str]] = []
    waves = np.zeros(len(WAVES), int)
    unreadable, refused = 0, 0
    for first, batch in records.opened([row["record"] for row in table.rows], table.fetch, check):
        for place, answer in enumerate(batch):
            record = table.rows[first + place]["record"]
            if isinstance(answer, InputRejected):
                out.append(dict.fromkeys(COLUMNS, "") | {"record": record})
                unreadable += 1
                continue
            recording, gate = answer
            marks = per_lead(task, model, recording)
            out += lines(record, recording, marks)
            waves += np.bincount(marks.wave, minlength=len(WAVES))
            hours += recording.seconds / 3600
            refused += not gate.passed
            progress((first + place + 1) / len(table.rows))
    read = len(table.rows) - unreadable
    return out, {
        "task": card.task,
        "model_version": card.version,
        "weights_sha256": card.weights_sha256,
        "n": read,
        "unreadable": unreadable,
        "group": table.group or "none: intervals are over rows",
        "share_refused": round(refused / max(read, 1), 4),
        "waves": dict(zip(WAVES, waves.tolist(), strict=True)),
        "hours_per_second": round(hours / (time.monotonic() - started), 3),
    }


def lines(record: str, recording: Recording, marks: Marks) -> Iterator[dict[str, str]]:
    """A row a wave, in order of lead and time; a lead is called what the file calls it."""
    names = recording.lead_names or recording.leads
    for lead, wave, *bounds in zip(marks.lead, marks.wave, marks.onset, marks.peak, marks.offset, strict=True):
        onset, peak, offset = ("" if bound < 0 else str(int(bound)) for bound in bounds)
        yield {"record": record, "lead": names[lead], "wave": WAVES[wave], "onset": onset, "peak": peak, "offset": offset}
