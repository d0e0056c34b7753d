"""The kind `ecg_beats`: each beat of a recording of minutes to days, and for long ones the day in summary.

It measures; there is nothing to decide on. Atrial fibrillation is asked of the rhythm task's first network, window by window, where the
beats are irregular at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medcore import registry
from medcore.errors import InputRejected, ModelUnavailable
from medcore.signals import ecg_quality, holter
from medcore.tables import Table
from medcore.tasks import beat_finding, ecg_classifier, records
from medcore.tasks.beat_finding import Found
from medcore.tasks.beats import Model, Task
from medcore.tasks.examination import Examination
from medcore.types import BEATS, FUSED, WAVES, Gate, Marks, ModelCard, Recording, Study

Progress = Callable[[float], None]
Bools = NDArray[np.bool_]
SILENCED_BY: tuple[str, ...] = ()  # a day with an alarm in it is read all the more
middle, places = records.middle, records.places
NEEDED = ("record",)
COLUMNS = ("record", "wave", "onset", "peak", "offset", "beat")
RHYTHM, AF = "ecg_rhythm", "atrial_fibrillation"
_BEATS_SHARE = 0.6  # of the time that reading a day takes
_STEADY = 0.03  # median change from RR to RR over the median RR: below it no ventricle follows fibrillating atria
_READABLE = 0.5  # share of a window's seconds, and beats in it, that a rhythm needs
_FEWEST = 8


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
    """Beats and the summary; there is nothing to explain, since each beat stands on the trace itself."""
    del card, index, methods, label
    leads, readable = ecg_quality.readable_seconds(recording)
    found, marks = beats(task, model, recording, [lead.analysable for lead in leads], lambda share: progress(_BEATS_SHARE * share))
    seconds = found.peak / recording.sampling_rate_hz
    day = holter.Day(
        beats=seconds,
        kinds=marks.beat,
        readable=readable,
        af=fibrillation(recording, seconds, readable, lambda share: progress(_BEATS_SHARE + (1 - _BEATS_SHARE) * share)),
        seconds=recording.seconds,
    )
    progress(1.0)
    return Examination(
        gate=Gate(code="in", reason=""),
        decision=None,
        status="ok",
        marks=marks,
        holter=holter.summary(day),
        measurements=holter.measurements(day),
    )


def beats(task: Task, model: Model, recording: Recording, usable: Sequence[float], tell: Progress) -> tuple[Found, Marks]:
    """The beats that the leads together show, and as marks of the recording.

    Args:
        usable: how much of each lead can be read, 0..1.
    """
    found = beat_finding.find(task, model, recording, beat_finding.leads_of(recording, usable), tell)
    kind, _ = beat_finding.kinds(model, found)
    last = recording.signal.shape[1] - 1
    onset, peak, offset = (_samples(bound, last) for bound in (found.onset, found.peak, found.offset))
    return found, Marks(
        lead=np.full(len(peak), FUSED, np.int16),
        wave=np.full(len(peak), WAVES.index("QRS"), np.uint8),
        onset=onset,
        peak=peak,
        offset=offset,
        beat=kind,
    )


def _samples(bounds: NDArray[np.float64], last: int) -> NDArray[np.int32]:
    """The nearest samples of the recording, -1 where a bound is not seen."""
    return np.where(np.isnan(bounds), -1, np.clip(np.rint(np.nan_to_num(bounds)), 0, last)).astype(np.int32)


def fibrillation(recording: Recording, beats_s: NDArray[np.float64], readable: Bools, tell: Progress) -> NDArray[np.float64]:
    """(W,) whether each window of holter.AF_WINDOW_S is atrial fibrillation: 1, 0, NaN where it or the rhythm task cannot be read."""
    size = holter.AF_WINDOW_S
    out = np.full(max(int(recording.seconds // size), 1), np.nan)
    rhythm = _rhythm()
    if rhythm is None:
        return out
    asked = []
    for window in range(len(out)):
        own = beats_s[np.searchsorted(beats_s, window * size) : np.searchsorted(beats_s, (window + 1) * size)]
        if readable[int(window * size) : int((window + 1) * size)].mean() >= _READABLE and len(own) >= _FEWEST:
            rr = np.diff(own)
            out[window] = 0.0
            if float(np.median(np.abs(np.diff(rr)))) > _STEADY * float(np.median(rr)):
                asked.append(window)
    for first in range(0, len(asked), ecg_classifier.TOGETHER):
        tell(first / len(asked))
        some = asked[first : first + ecg_classifier.TOGETHER]
        out[some] = _asked(*rhythm, recording, some)
    tell(1.0)
    return out


def _asked(task: Any, model: ecg_classifier.Model, card: ModelCard, recording: Recording, windows: Sequence[int]) -> NDArray[np.float64]:
    """(n,) 1 where the rhythm task's first network says atrial fibrillation at its operating point, else 0."""
    rate, size = recording.sampling_rate_hz, holter.AF_WINDOW_S
    lead = task.seen(recording)[0]
    pieces = []
    for window in windows:
        first, stop = round(window * size * rate), round((window + 1) * size * rate)
        part = replace(recording, signal=recording.signal[lead : lead + 1, first:stop], leads=(recording.leads[lead],), lead_names=())
        pieces.append(task.prepare(part))
    with model.lock:
        logits, _ = ecg_classifier.forward(model.nets[:1], pieces)
    shares = ecg_classifier.calibrated(model.calibrations, logits)[0]
    ratio = shares / np.array([label.threshold for label in card.labels])
    named = [label.name for label in card.labels].index(AF)
    return np.where(ratio.argmax(axis=1) == named, 1.0, 0.0)


@cache
def _rhythm() -> tuple[Any, ecg_classifier.Model, ModelCard] | None:
    """The rhythm task, or None where its weights are unavailable: then the burden of atrial fibrillation is not known."""
    card = registry.cards().get(RHYTHM)
    if card is None:
        return None
    try:
        weights = registry.checked_weights(RHYTHM)
    except ModelUnavailable:
        return None
    task = registry.task_module(RHYTHM)
    return task, task.load(weights), card


def columns(card: ModelCard) -> tuple[str, ...]:
    """The columns of OUT.csv."""
    del card
    return COLUMNS


def evaluate(
    task: Task, model: Model, card: ModelCard, check: Callable[[Study], tuple[Recording, Gate]], table: Table, progress: Progress
) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """A row a beat of each record, and what OUT.json holds; a record that cannot be read is one row without a beat."""
    started, hours = time.monotonic(), 0.0
    out: list[dict[str, str]] = []
    count = np.zeros(len(BEATS), int)
    unreadable, refused, rows = 0, 0, len(table.rows)
    for first, batch in records.opened([row["record"] for row in table.rows], table.fetch, check):
        for place, answer in enumerate(batch, first):
            record = table.rows[place]["record"]
            if isinstance(answer, InputRejected):
                out.append(dict.fromkeys(COLUMNS, "") | {"record": record})
                unreadable += 1
                continue
            recording, gate = answer
            few = len(recording.leads) <= beat_finding.MOST_LEADS
            usable = [1.0] * len(recording.leads) if few else [lead.analysable for lead in ecg_quality.quality(recording)[0]]

            def within(share: float, place: int = place) -> None:
                progress((place + share) / rows)

            marks = beats(task, model, recording, usable, within)[1]
            out += lines(record, marks)
            count += np.bincount(marks.beat, minlength=len(BEATS))
            hours += recording.seconds / 3600
            refused += not gate.passed
    read = rows - unreadable
    return out, {
        "task": card.task,
        "model_version": card.version,
        "weights_sha256": card.weights_sha256,
        "n": read,
        "unreadable": unreadable,
        "group": table.group or "none: intervals are over rows",
        "share_refused": round(refused / max(read, 1), 4),
        "beats": dict(zip(BEATS, count.tolist(), strict=True)),
        "hours": round(hours, 4),
        "hours_per_second": round(hours / (time.monotonic() - started), 3),
    }


def lines(record: str, marks: Marks) -> Iterator[dict[str, str]]:
    """A row a beat, in order of time."""
    for beat, *bounds in zip(marks.beat, marks.onset, marks.peak, marks.offset, strict=True):
        onset, peak, offset = ("" if bound < 0 else str(int(bound)) for bound in bounds)
        yield {"record": record, "wave": "QRS", "onset": onset, "peak": peak, "offset": offset, "beat": BEATS[beat]}
