"""The one way: read -> check -> predict -> explain -> Report.

What a header can tell is checked without torch, so that a page may ask; networks are loaded when first needed
and kept for the life of the process. A subject is what a task reads: a series of images, a recording, or a sensor's trace.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

import medcore
from medcore import registry
from medcore.checks import Subject, check, fits, subjects
from medcore.errors import AmbiguousTask, InputRejected, ModelUnavailable, TaskNotFound
from medcore.tables import Table
from medcore.types import EcgReading, Gate, GlucoseReading, Marks, Measurement, ModelCard, Provenance, Recording, Report, Study, Trace

if TYPE_CHECKING:
    from medcore.cardiology import Look

__all__ = ["candidates", "check", "choose", "diagnose", "evaluate", "header_gate", "loaded"]

Progress = Callable[[float], None]
MOST = 10.0  # times a task's longest recording: beyond it nobody may ask for a reading all the same, since it would not fit in memory
DELINEATOR = "ecg_delineation"  # the task whose waves every ECG's intervals are measured on


def candidates(study: Study) -> tuple[str, ...]:
    """The tasks that fit the study, by header alone; none leaves the choice to a person.

    Of tasks that need certain leads, those that need the most: a task made for twelve leads reads twelve leads.
    Where only the body part, or a recording's length, speaks against a task that reads the modality, it is named, so that its gate can
    say why not.
    """
    cards = {task: card for task, card in registry.cards().items() if card.alone}
    fitting = tuple(task for task, card in cards.items() if any(fits(subject, card) for subject in subjects(study, card)))
    if fitting:
        most = max(len(cards[task].leads) for task in fitting)
        return tuple(task for task in fitting if len(cards[task].leads) == most)
    near = tuple(task for task, card in cards.items() if any(_speaks_of(subject, card) for subject in subjects(study, card)))
    return near if len(near) == 1 else _by_length(study, cards)


def _by_length(study: Study, cards: dict[str, ModelCard]) -> tuple[str, ...]:
    """The task of those that a recording's length alone speaks against whose limits it misses by least, so that its gate can say so."""
    missed = {
        task: min(abs(subject.seconds - limit) for limit in card.seconds)
        for task, card in cards.items()
        for subject in study.recordings
        if card.seconds is not None and check(subject, card, study.patient).code == "length"
    }
    return tuple(sorted(missed, key=lambda task: (-len(cards[task].leads), missed[task]))[:1])


def _speaks_of(subject: Subject, card: ModelCard) -> bool:
    return subject.modality in card.modality


def choose(study: Study) -> str:
    """The one task that reads this study: by header, and where several fit by their networks' own gates.

    Where no gate lets it in, the task it comes nearest to is named, so that its refusal can be shown.

    Raises:
        TaskNotFound: no task reads this modality and body part.
        AmbiguousTask: two gates let it in; the message names the tasks.
    """
    return _chosen(study)[0]


def _chosen(study: Study) -> tuple[str, Report | None]:
    """The task that `choose` names, with its reading where that had to be made to know."""
    fitting = candidates(study)
    if not fitting:
        found = sorted({subject.modality or "unknown" for subject in _all(study)})
        raise TaskNotFound(f"No task reads this kind of study ({', '.join(found)}).")
    if len(fitting) == 1:
        return fitting[0], None
    reports = _readings(fitting, study)
    inside = [task for task, report in reports.items() if report.gate.passed]
    if len(inside) > 1:
        raise AmbiguousTask(f"More than one task reads this study: {', '.join(inside)}; name the one you want.")
    task = inside[0] if inside else min(reports, key=lambda task: _excess(reports[task].gate))
    return task, reports[task]


def _readings(tasks: Sequence[str], study: Study) -> dict[str, Report]:
    """Each task's reading; a task whose weights are unavailable is left out, unless all are."""
    reports = {}
    for task in tasks:
        try:
            reports[task] = diagnose(task, study)
        except ModelUnavailable:
            if task == tasks[-1] and not reports:
                raise
    return reports


def _excess(gate: Gate) -> float:
    return gate.distance / gate.limit if gate.distance is not None and gate.limit else float("inf")


@dataclass(frozen=True, slots=True)
class _Loaded:
    module: ModuleType
    kind: ModuleType
    model: Any


@cache
def loaded(task: str) -> _Loaded:
    """The task's network, loaded once a process from weights that match its card.

    Raises:
        ModelUnavailable: the weights are missing, altered or of another shape.
    """
    module = registry.task_module(task)
    return _Loaded(module, registry.kind_module(task), module.load(registry.checked_weights(task)))


def diagnose(
    task: str | None,
    study: Study,
    *,
    methods: Sequence[str] = (),
    label: str | None = None,
    series_index: int | None = None,
    slice_index: int | None = None,
    override: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Read `study` by `task`, or where that is None by the one that `choose` names.

    Args:
        methods: names of attribution methods; none by default.
        label: the class to explain; None takes the one decided on.
        series_index, slice_index: what to read; None takes the first series (or recording) that fits and its middle slice.
        override: show findings although the gate refuses; the report says so.
        progress: called with 0..1; may raise Cancelled.

    Raises:
        TaskNotFound, AmbiguousTask, ModelUnavailable, InputRejected, Cancelled.
    """
    if task is None:
        task, made = _chosen(study)
        if made is not None and not methods and not override and series_index is None and slice_index is None:
            return made
    card, tell = registry.card(task), progress or (lambda share: None)
    tell(0.0)
    number = _first(study, card) if series_index is None else series_index
    readable = _readable(study, card)
    if not 0 <= number < len(readable):
        raise InputRejected("The study has no such series.")
    subject = readable[number]
    gate = check(subject, card, study.patient)
    tools = loaded(task)
    index = tools.kind.middle(subject) if slice_index is None else slice_index
    if not 0 <= index < tools.kind.places(subject):
        raise InputRejected("The series has no such slice.")
    work = _Work(card, tools, study, subject, number, index, methods, label, tell)
    if isinstance(subject, Recording):
        return _of_recording(work, subject, gate, override)
    if isinstance(subject, Trace):
        return _of_trace(work, subject, gate, override)
    return _of_series(work, gate, override)


@dataclass(frozen=True, slots=True)
class _Work:
    """One subject before one task."""

    card: ModelCard
    tools: _Loaded
    study: Study
    subject: Subject
    number: int
    index: int
    methods: Sequence[str]
    label: str | None
    tell: Progress

    def examined(self) -> Any:
        """What the task's kind says."""
        tools = self.tools
        seen = tools.kind.examine(tools.module, tools.model, self.card, self.subject, self.index, self.methods, self.label, self.tell)
        self.tell(1.0)
        return seen


def _of_series(work: _Work, gate: Gate, override: bool) -> Report:
    if not gate.passed and gate.code != "age" and not override:
        return _report(work, gate)
    seen = work.examined()
    gate = gate if not gate.passed else seen.gate
    return _report(work, gate, seen if gate.passed or override else None)


def _of_trace(work: _Work, trace: Trace, gate: Gate, override: bool) -> Report:
    """Measurements of the last two weeks, whatever the forecast's gate says; a forecast where the series is one that a sensor may write."""
    if not gate.passed and gate.code == "modality":
        return _report(work, gate)
    from medcore import diabetology

    gate = gate if not gate.passed else diabetology.look(trace)
    seen = work.examined() if gate.passed or override else None
    report = _report(work, gate, seen, measured=diabetology.measurements(trace))
    return replace(report, glucose=seen.glucose if seen is not None else GlucoseReading())


def _of_recording(work: _Work, recording: Recording, gate: Gate, override: bool) -> Report:
    """Quality and alarm before any network; the waves' measurements beside whatever the task finds, even where its gate refuses."""
    from medcore import cardiology  # scipy, which a page that only asks for a header need not load

    too_long = work.card.seconds is not None and recording.seconds > MOST * work.card.seconds[1]
    if not gate.passed and (gate.code in ("modality", "leads") or too_long):  # nothing that a person could ask to see all the same
        return _report(work, gate)
    before = cardiology.look(recording)
    gate = gate if not gate.passed else _heard(work.card, recording, before)
    seen = work.examined() if gate.passed or override else None
    if seen is not None and gate.passed:
        gate = seen.gate

    def waves() -> Marks | None:
        return seen.marks if seen is not None and seen.marks is not None else _delineated(recording)

    read = cardiology.reading(recording, work.study.patient, before, waves)
    if gate.passed and read.alarm is not None and read.alarm in work.tools.kind.SILENCED_BY:
        gate = cardiology.silence(read.alarm)  # one that only the waves show
    ecg = read.ecg if seen is None or seen.holter is None else replace(read.ecg, holter=seen.holter)
    measured = read.measurements if seen is None else (*read.measurements, *seen.measurements)
    report = _report(work, gate, seen if gate.passed or override else None, ecg, measured)
    return replace(report, alarm=read.alarm, also=_also(work, gate, before))


def _delineated(recording: Recording) -> Marks | None:
    """The delineator's marks; None where its weights are unavailable, or the recording is too long to be marked wave by wave."""
    card = registry.cards().get(DELINEATOR)
    if card is None or not fits(recording, card):
        return None
    try:
        tools = loaded(DELINEATOR)
    except ModelUnavailable:
        return None
    marks: Marks = tools.kind.delineate(tools.module, tools.model, recording)
    return marks


def _heard(card: ModelCard, recording: Recording, before: Look) -> Gate:
    """What the look says, and where that lets the recording in, whether the leads that the task's network sees hold a signal.

    One that none was recorded on would be read as a flat line, and what it alone shows be called absent.
    """
    from medcore import cardiology

    if before.alarm is not None and before.alarm in registry.kind_module(card.task).SILENCED_BY:
        return cardiology.silence(before.alarm)
    sees = getattr(registry.task_module(card.task), "seen", None)
    if not before.gate.passed or sees is None:
        return before.gate
    own = [before.quality[number] for number in sees(recording)]
    silent = any(lead.analysable == 0 and {"missing", "flat"} & set(lead.problems) for lead in own)
    if not silent and 2 * sum(lead.usable for lead in own) >= len(own):
        return before.gate
    return Gate(code="lead_quality", reason="A lead that the model needs holds no signal, or most of its leads cannot be read.")


def _also(work: _Work, gate: Gate, before: Look) -> tuple[Report, ...]:
    """The readings by the tasks that the card names beside its own, where the recording may be read at all."""
    if not gate.passed and gate.code not in ("out_of_distribution", "lead_quality"):
        return ()
    reports = []
    for task in work.card.also:
        try:
            reports.append(_companion(task, work, before))
        except ModelUnavailable:
            continue  # the page shows which tasks spoke; one that is missing takes nothing from the others
    return tuple(reports)


def _companion(task: str, work: _Work, before: Look) -> Report:
    """The reading by another task of a recording whose quality, alarm and waves are known already."""
    card, tools, recording = registry.card(task), loaded(task), work.study.recordings[work.number]
    own = _Work(card, tools, work.study, recording, work.number, tools.kind.middle(recording), (), None, lambda share: None)
    gate = check(recording, card, work.study.patient)
    gate = gate if not gate.passed else _heard(card, recording, before)
    if not gate.passed:
        return _report(own, gate)
    seen = own.examined()
    return _report(own, seen.gate, seen if seen.gate.passed else None)


def _all(study: Study) -> tuple[Subject, ...]:
    """All that may be read of the study, by one task or another."""
    return (*study.series, *study.recordings, *study.traces)


def _readable(study: Study, card: ModelCard) -> tuple[Subject, ...]:
    """The study's subjects of the task's own kind; those of the other kinds where it has none, so that the gate can say why not."""
    return subjects(study, card) or _all(study)


def _first(study: Study, card: ModelCard) -> int:
    """The first subject that fits the card by header; the first of all where none does."""
    readable = _readable(study, card)
    if not readable:
        raise InputRejected("The study holds nothing that can be read.")
    return next((number for number, subject in enumerate(readable) if fits(subject, card)), 0)


def _report(work: _Work, gate: Gate, seen: Any = None, ecg: EcgReading | None = None, measured: tuple[Measurement, ...] = ()) -> Report:
    return Report(
        task=work.card.task,
        status="refused" if seen is None else seen.status,
        decision=None if seen is None else seen.decision,
        findings=() if seen is None else seen.findings,
        probabilities=() if seen is None else seen.probabilities,
        attributions=() if seen is None else seen.attributions,
        measurements=measured,
        ecg=ecg,
        gate=gate,
        series_index=work.number,
        slice_index=work.index,
        overridden=seen is not None and not gate.passed,
        provenance=Provenance(
            input_sha256=_digest(work.study),
            task=work.card.task,
            model_version=work.card.version,
            weights_sha256=work.card.weights_sha256,
            code_version=medcore.__version__,
            created_at=datetime.now(UTC),
        ),
    )


def _digest(study: Study) -> str:
    """One SHA-256 for the files of a study, whatever their order."""
    return hashlib.sha256("".join(sorted(source.sha256 for source in study.sources)).encode()).hexdigest()


def evaluate(task: str, table: Table, progress: Progress) -> tuple[tuple[str, ...], list[dict[str, str]], dict[str, Any]]:
    """Measure `task` on a labelled table: columns and rows of OUT.csv, and what OUT.json holds.

    Raises:
        TaskNotFound, ModelUnavailable; whatever `progress` raises.
    """
    card, tools = registry.card(task), loaded(task)
    rows, summary = tools.kind.evaluate(tools.module, tools.model, card, header_gate(card), table, progress)
    return tools.kind.columns(card), rows, summary


def header_gate(card: ModelCard) -> Callable[[Study], tuple[Subject, Gate]]:
    """Of a study, the subject that `diagnose` would read, and what speaks against it before a network is asked."""

    def gate(study: Study) -> tuple[Subject, Gate]:
        subject = _readable(study, card)[_first(study, card)]
        found = check(subject, card, study.patient)
        if found.passed and isinstance(subject, Recording):
            from medcore import cardiology

            found = _heard(card, subject, cardiology.look(subject))
        if found.passed and isinstance(subject, Trace):
            from medcore import diabetology

            found = diabetology.look(subject)
        return subject, found

    return gate
