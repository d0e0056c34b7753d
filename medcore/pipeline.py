"""The one way: read -> check -> predict -> explain -> Report.

What a header can tell is checked here without torch, so that a page may ask; networks are loaded when first needed
and kept for the life of the process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

import medcore
from medcore import registry
from medcore.errors import AmbiguousTask, InputRejected, ModelUnavailable, TaskNotFound
from medcore.tables import Table
from medcore.types import Gate, ModelCard, Patient, Provenance, Report, Series, Study

SMALLEST = 100  # pixels on the short side: below this a film holds less than its network was trained to see
FLATTEST = 4.0  # grey levels of 255, SD: below this there is no picture
COLOUR = 12.0  # mean difference between channels, of 255: a grey picture saved as RGB stays below
_IN = Gate(code="in", reason="")

Progress = Callable[[float], None]


def check(series: Series, card: ModelCard, patient: Patient) -> Gate:
    """What the header and a glance at the pixels say against reading `series` by this card's task; no network is run."""
    for rule in (_modality, _body_part, _size, _colour, _blank):
        reason = rule(series, card)
        if reason is not None:
            return reason
    return _age(patient, card) or _IN


def _refused(code: str, reason: str) -> Gate:
    return Gate(code=code, reason=reason)


def _modality(series: Series, card: ModelCard) -> Gate | None:
    if series.modality is None or series.modality in card.modality:
        return None
    return _refused("modality", f"{card.title} reads {' or '.join(card.modality)} images, and this is {series.modality}.")


def _body_part(series: Series, card: ModelCard) -> Gate | None:
    if not series.body_part or series.body_part.upper() in card.body_part:
        return None
    return _refused("body_part", f"{card.title} reads images of the {card.body_part[0].lower()}, and the header names another body part.")


def _size(series: Series, card: ModelCard) -> Gate | None:
    if min(series.array.shape[2:]) >= SMALLEST:
        return None
    return _refused("too_small", f"The image is smaller than {SMALLEST} pixels, too small to be read.")


def _colour(series: Series, card: ModelCard) -> Gate | None:
    if series.array.shape[0] == 1:
        return None
    sample = series.array[:, 0, ::8, ::8].astype(np.float32)
    if float((sample.max(axis=0) - sample.min(axis=0)).mean()) < COLOUR:
        return None
    return _refused("colour", f"{card.title} reads grey images, and this one is in colour.")


def _blank(series: Series, card: ModelCard) -> Gate | None:
    sample = series.array[:, series.array.shape[1] // 2, ::8, ::8].astype(np.float64)
    spread = float(sample.max() - sample.min())
    if spread > 0 and float(sample.std()) / spread * 255 >= FLATTEST:
        return None
    return _refused("blank", "The image is blank or nearly so.")


def _age(patient: Patient, card: ModelCard) -> Gate | None:
    if card.age_years is None or patient.age_years is None:
        return None
    low, high = card.age_years
    if low <= patient.age_years < high:
        return None
    return _refused(
        "age", f"The model was trained on patients from {low:g} to under {high:g} years of age, and this patient is not one of them."
    )


def candidates(study: Study) -> tuple[str, ...]:
    """The tasks that fit a series of the study, by header alone; none leaves the choice to a person.

    Where only the body part speaks against the one task that reads the modality, it is named, so that its gate can say why not.
    """
    cards = registry.cards()
    fitting = tuple(task for task, card in cards.items() if any(_fits(series, card) for series in study.series))
    if fitting:
        return fitting
    near = tuple(task for task, card in cards.items() if any(series.modality in card.modality for series in study.series))
    return near if len(near) == 1 else ()


def _fits(series: Series, card: ModelCard) -> bool:
    return all(rule(series, card) is None for rule in (_modality, _body_part))


def choose(study: Study) -> str:
    """The one task that reads this study: by header, and where several fit by their networks' own gates.

    Where no gate lets the image in, the task it comes nearest to is named, so that its refusal can be shown.

    Raises:
        TaskNotFound: no task reads this modality and body part.
        AmbiguousTask: two gates let it in; the message names the tasks.
    """
    return _chosen(study)[0]


def _chosen(study: Study) -> tuple[str, Report | None]:
    """The task that `choose` names, with its reading where that had to be made to know."""
    fitting = candidates(study)
    if not fitting:
        found = sorted({series.modality or "unknown" for series in study.series})
        raise TaskNotFound(f"No task reads this kind of image ({', '.join(found)}).")
    if len(fitting) == 1:
        return fitting[0], None
    reports = _readings(fitting, study)
    inside = [task for task, report in reports.items() if report.gate.passed]
    if len(inside) > 1:
        raise AmbiguousTask(f"More than one task reads this image: {', '.join(inside)}; name the one you want.")
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
        series_index, slice_index: what to read; None takes the first series that fits and its middle slice.
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
    number = _series(study, card) if series_index is None else series_index
    if not 0 <= number < len(study.series):
        raise InputRejected("The study has no such series.")
    series = study.series[number]
    gate = check(series, card, study.patient)
    tools = loaded(task)
    index = tools.kind.middle(series) if slice_index is None else slice_index
    if not 0 <= index < series.array.shape[1]:
        raise InputRejected("The series has no such slice.")
    if not gate.passed and gate.code != "age" and not override:
        return _report(card, study, gate, number, index)
    seen = tools.kind.examine(tools.module, tools.model, card, series, index, methods, label, tell)
    gate = gate if not gate.passed else seen.gate
    tell(1.0)
    if not gate.passed and not override:
        return _report(card, study, gate, number, index)
    return _report(card, study, gate, number, index, seen)


def _series(study: Study, card: ModelCard) -> int:
    """The first series that fits the card by header; the first of all where none does, so that the gate can say why not."""
    if not study.series:
        raise InputRejected("The study holds no images.")
    return next((number for number, series in enumerate(study.series) if _fits(series, card)), 0)


def _report(card: ModelCard, study: Study, gate: Gate, series_index: int, slice_index: int, seen: Any = None) -> Report:
    return Report(
        task=card.task,
        status="refused" if seen is None else seen.status,
        decision=None if seen is None else seen.decision,
        findings=() if seen is None else seen.findings,
        probabilities=() if seen is None else seen.probabilities,
        attributions=() if seen is None else seen.attributions,
        gate=gate,
        series_index=series_index,
        slice_index=slice_index,
        overridden=seen is not None and not gate.passed,
        provenance=Provenance(
            input_sha256=_digest(study),
            task=card.task,
            model_version=card.version,
            weights_sha256=card.weights_sha256,
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


def header_gate(card: ModelCard) -> Callable[[Study], tuple[Series, Gate]]:
    """Of a study, the series that `diagnose` would read and what `check` says of it, as an evaluation wants them."""

    def gate(study: Study) -> tuple[Series, Gate]:
        series = study.series[_series(study, card)]
        return series, check(series, card, study.patient)

    return gate
