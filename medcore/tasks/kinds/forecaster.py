"""The kind `forecaster`: a sensor's trace in; quantiles of the next two hours, the probability of a low, and what the model looked at."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medcore.checks import Subject
from medcore.explain import unit
from medcore.tables import Table
from medcore.tasks import classifier, forecaster, traces
from medcore.tasks.examination import Examination
from medcore.tasks.forecaster import LEVELS, Foreseen, Model, Task
from medcore.tasks.kinds import forecast_figures
from medcore.tasks.windows import ahead, windows
from medcore.types import EVENTS, Attribution, Finding, Forecast, Gate, GlucoseReading, ModelCard, Patient, Response, Study, Trace

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Progress = Callable[[float], None]
SILENCED_BY = ()
NEEDED = ("subject", "time", "glucose_mg_dl")
BESIDE = {"events": ("subject", "time", "kind", "value", "unit")}
COLUMNS = ("subject", "time", "horizon_min", "q05", "q25", "q50", "q75", "q95", "p_low", "observed", "gate")
HORIZONS = (30, 60)  # minutes, of OUT.csv and of the warnings
BACK = 28 * 1440.0  # minutes before "now" that are foreseen again: what is learned of the wearer comes from the last two weeks
SHOWN = 14 * 1440.0  # of these, what a reader may go back through
MOST = 6000  # moments in a report
QUESTIONS = (("carbs", 15.0), ("carbs", 30.0), ("carbs", 60.0), ("bolus", 1.0), ("bolus", 2.0), ("bolus", 4.0))


def middle(subject: Subject) -> int:
    """The reading that is taken as now: the last."""
    return places(subject) - 1


def places(subject: Subject) -> int:
    """How many readings could be taken as now; what is no trace has one place, and the gate says why it is not read."""
    return len(subject.minutes) if isinstance(subject, Trace) else 1


def columns(card: ModelCard) -> tuple[str, ...]:
    """The columns of OUT.csv."""
    del card
    return COLUMNS


def examine(
    task: Task, model: Model, card: ModelCard, trace: Trace, index: int, methods: Sequence[str], label: str | None, progress: Progress
) -> Examination:
    """What is foreseen at reading number `index` and at those of the four weeks before it; explained by `methods`, for `label`."""
    del task
    first = int(np.searchsorted(trace.minutes, trace.minutes[index] - BACK))
    origins = np.arange(first, index + 1)
    said = forecaster.foresee(model, trace, origins, progress)
    names = [one.name for one in card.labels]
    target = 1 if label is None else names.index(label)
    found = findings(card, said, len(origins) - 1)
    raised = [one.label.name for one in found if one.probability >= one.label.threshold]
    return Examination(
        gate=Gate(code="in", reason=""),
        decision=raised[0] if raised else None,
        status=classifier.status(found),
        findings=found,
        probabilities=tuple((name, float(p)) for name, p in zip(names, said.p_low[-1], strict=True)),
        attributions=tuple(_attribution(model, trace, index, names[target], target, method) for method in methods),
        glucose=GlucoseReading(forecast=_forecast(model, trace, origins, said), responses=responses(model, trace, index, said)),
    )


def findings(card: ModelCard, said: Foreseen, row: int) -> tuple[Finding, ...]:
    """A low within 30 and within 60 minutes of moment number `row`."""
    return tuple(
        Finding(label=label, probability=float(said.p_low[row, k]), low=float(said.low[row, k]), high=float(said.high[row, k]))
        for k, label in enumerate(card.labels)
    )


def _forecast(model: Model, trace: Trace, origins: Ints, said: Foreseen) -> Forecast:
    recent = np.flatnonzero(trace.minutes[origins] >= trace.minutes[origins[-1]] - SHOWN)
    every = -(-len(recent) // MOST)
    kept = recent[::-1][::every][::-1]  # the last moment among them
    return Forecast(
        origins=origins[kept].astype(np.int32),
        quantiles=said.quantiles[kept].astype(np.float32),
        p_low=said.p_low[kept].astype(np.float32),
        horizons_min=model.horizons,
        levels=LEVELS,
    )


def responses(model: Model, trace: Trace, index: int, said: Foreseen) -> tuple[Response, ...]:
    """What the networks would foresee had carbohydrate or insulin come now: the plain forecast, moved by what that changes in them."""
    at = np.array([index])
    now = trace.glucose[at].astype(np.float64)
    plain = forecaster.predict(model, windows(_with(trace, index, "carbs", 0.0), at), now).quantiles[0]
    out = []
    for kind, value in QUESTIONS:
        moved = forecaster.predict(model, windows(_with(trace, index, kind, value), at), now).quantiles[0]
        out.append(Response(kind=kind, value=value, quantiles=np.sort(said.quantiles[-1] + moved - plain, axis=1).astype(np.float32)))
    return tuple(out)


def _with(trace: Trace, index: int, kind: str, value: float) -> Trace:
    """`trace` with one event more, at reading number `index`; what came later is not there."""
    at = float(trace.minutes[index])
    before = trace.event_minutes <= at
    return replace(
        trace,
        event_minutes=np.append(trace.event_minutes[before], at),
        event_kind=np.append(trace.event_kind[before], EVENTS.index(kind)).astype(np.uint8),
        event_value=np.append(trace.event_value[before], value).astype(np.float32),
    )


def _attribution(model: Model, trace: Trace, index: int, name: str, target: int, method: str) -> Attribution:
    """Influence over the last four hours, (3, bins): of glucose, of insulin, of carbohydrate, on the middle of the forecast."""
    influence = forecaster.attribute(model, windows(trace, np.array([index])), HORIZONS[target], method)
    return Attribution(
        method=method, label=name, baseline=influence.baseline, values=unit(influence.values), index=index, gap=influence.gap
    )


def evaluate(
    task: Task, model: Model, card: ModelCard, check: Callable[[Study], tuple[Trace, Gate]], table: Table, progress: Progress
) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """Every moment of the manifest that a reading follows at a horizon: the rows of OUT.csv, and what OUT.json holds."""
    del task
    started = time.monotonic()
    read = traces.of_table(table.rows, table.beside.get("events", ()))
    total = sum(len(one.rows) for one in read)
    found: list[tuple[int, int, dict[str, str]]] = []
    said: dict[int, list[forecast_figures.Said]] = {horizon: [] for horizon in HORIZONS}
    refused = done = 0
    for number, one in enumerate(read):
        study = Study(study_uid=None, patient=Patient(), series=(), sources=(), traces=(one.trace,))
        gate = check(study)[1]
        refused += not gate.passed
        origins = np.arange(len(one.rows))
        foreseen = forecaster.foresee(model, one.trace, origins, _part(progress, done / total, len(origins) / total), HORIZONS)
        for place, horizon in enumerate(HORIZONS):
            came = ahead(one.trace, origins, horizon, one.trace.interval_min / 2)
            rows = np.flatnonzero(came >= 0)
            found += _rows(table, one, rows, came[rows], horizon, place, foreseen, gate)
            said[horizon].append(_said(model, number, one.trace, rows, came[rows], place, foreseen))
        done += len(origins)
    found.sort(key=lambda row: row[:2])
    speed = {"readings_per_second": round(total / (time.monotonic() - started), 1)}
    return [row for _, _, row in found], _summary(card, table, read, said, refused) | speed


def _part(progress: Progress, start: float, size: float) -> Progress:
    """Progress of one subject as that of all."""
    return lambda share: progress(start + share * size)


def _rows(
    table: Table, one: traces.Read, rows: Ints, came: Ints, horizon: int, place: int, foreseen: Foreseen, gate: Gate
) -> list[tuple[int, int, dict[str, str]]]:
    said = "in" if gate.passed else gate.reason
    names = ("q05", "q25", "q50", "q75", "q95")
    out = []
    for row, later in zip(rows.tolist(), came.tolist(), strict=True):
        origin = int(one.rows[row])
        cells = {name: f"{value:.2f}" for name, value in zip(names, foreseen.quantiles[row, place], strict=True)}
        line = {"subject": one.subject, "time": table.rows[origin]["time"], "horizon_min": str(horizon)} | cells
        line |= {"p_low": f"{foreseen.p_low[row, place]:.6f}", "observed": f"{one.trace.glucose[later]:g}", "gate": said}
        out.append((origin, horizon, line))
    return out


def _said(model: Model, number: int, trace: Trace, rows: Ints, came: Ints, place: int, foreseen: Foreseen) -> forecast_figures.Said:
    now = trace.glucose[rows].astype(np.float64)
    horizon = model.horizons.index(float(HORIZONS[place]))
    return forecast_figures.Said(
        subject=np.full(len(rows), number), now=now, line=now + foreseen.lines[rows, horizon],
        quantiles=foreseen.quantiles[rows, place], p_low=foreseen.p_low[rows, place], observed=trace.glucose[came].astype(np.float64),
        low=forecaster.lows(trace, rows, float(HORIZONS[place])).astype(np.float64),
    )  # fmt: skip


def _groups(table: Table, read: Sequence[traces.Read]) -> list[str]:
    """The group of each subject, which intervals are drawn over: that of its first reading."""
    own = table.groups()
    return [own[int(one.rows[0])] if table.group else one.subject for one in read]


def _summary(
    card: ModelCard, table: Table, read: Sequence[traces.Read], said: Mapping[int, list[forecast_figures.Said]], refused: int
) -> dict[str, Any]:
    joined = {horizon: forecast_figures.joined(parts) for horizon, parts in said.items() if sum(len(part.now) for part in parts)}
    used = sum(len(one.rows) for one in read)
    summary = {
        "task": card.task,
        "model_version": card.version,
        "weights_sha256": card.weights_sha256,
        "rows": len(table.rows),
        "unreadable": len(table.rows) - used,
        "group": table.group or "subject",
        "groups": len(set(_groups(table, read))),
        "events": sum(len(one.trace.event_minutes) for one in read),
        "events_left_out": len(table.beside.get("events", ())) - sum(len(one.trace.event_minutes) for one in read),
        "share_refused": round(refused / max(len(read), 1), 4),
        "n": len(joined[HORIZONS[0]].now) if HORIZONS[0] in joined else 0,
    }
    if not joined:
        return summary | {"note": "No reading follows another at a horizon, so there are no figures."}
    figures = forecast_figures.measured(joined, _groups(table, read))
    return summary | {"figures": figures, "median_over_subjects": forecast_figures.by_subject(joined)}
