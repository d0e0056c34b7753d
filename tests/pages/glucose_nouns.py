"""A synthetic sensor's trace of known course, with forecasts and reports about it. No patient among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import numpy as np

from medcore.types import (
    EVENTS,
    Attribution,
    Finding,
    Forecast,
    Gate,
    GlucoseReading,
    Label,
    ModelCard,
    OperatingPoint,
    Patient,
    Provenance,
    Report,
    Response,
    Source,
    Study,
    Trace,
)  # fmt: skip
from tests.pages import ecg_nouns

START = datetime(2024, 3, 4)  # a Monday
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
HORIZONS = tuple(5.0 * k for k in range(1, 25))
_MEALS = ((7.5, 45.0, 95.0), (12.5, 60.0, 80.0), (19.0, 70.0, 110.0))  # hour, grams, rise in mg/dL


def trace(
    days: float = 14, interval: float = 5.0, *, seed: int = 0, nights: Sequence[int] = (2, 5, 8, 11), events: bool = True, **more: Any
) -> Trace:
    """A wearer with three meals a day, low around 03:00 on `nights`; a gap of six hours on the second day where there is one."""
    rng = np.random.default_rng(seed)
    minutes = np.arange(max(1, round(days * 1440 / interval))) * interval
    level = (
        112 + 9 * np.sin(2 * np.pi * minutes / 1440 + 1) + 6 * np.convolve(rng.standard_normal(len(minutes) + 4), np.ones(5) / 5, "valid")
    )
    taken: list[tuple[float, str, float]] = []
    for day in range(int(np.ceil(days))):
        for hour, grams, rise in _MEALS:
            at = day * 1440 + hour * 60 + float(rng.integers(-25, 25))
            since = np.maximum(minutes - at, 0) / 60
            level += rise * rng.uniform(0.6, 1.2) * since * np.exp(1 - since / 0.9) / 0.9
            taken += [(at, "carbs", grams), (at - 5, "bolus", round(grams / 10, 1))]
        if day in nights:
            level -= 70 * np.exp(-(((minutes - day * 1440 - 180) / 45) ** 2) / 2)
    kept = ~((minutes > 1440 + 600) & (minutes < 1440 + 960))
    held = [one for one in taken if events and 0 <= one[0] <= minutes[-1]]
    clock = (START - datetime(1970, 1, 1)).total_seconds() + minutes * 60
    return Trace(
        minutes=minutes[kept], clock_s=clock[kept], glucose=np.clip(np.round(level), 40, 400).astype(np.float32)[kept],
        beyond=np.zeros(int(kept.sum()), np.int16),
        event_minutes=np.array([one[0] for one in held], np.float64), event_kind=np.array([EVENTS.index(one[1]) for one in held], np.uint8),
        event_value=np.array([one[2] for one in held], np.float32), interval_min=interval, unit=more.pop("unit", "mg/dL"),
        file_format="Dexcom Clarity", date_order="ymd", device="Synthetic sensor", **more,
    )  # fmt: skip


def study(*traces: Trace, name: str = "SYNTHETIC^GLUCOSE", patient_id: str = "SYN-G1", **more: Any) -> Study:
    """A study of traces, its source a few bytes of its own."""
    data = sha256(b"".join(one.glucose.tobytes() for one in traces) + repr((name, patient_id)).encode()).digest()
    source = Source(name="clarity.csv", sha256=sha256(data).hexdigest(), data=data)
    held = tuple(replace(one, source_sha256=(source.sha256,)) for one in traces)
    patient = Patient(name=name, patient_id=patient_id, sex="F", age_years=34.0)
    return Study(study_uid=None, patient=patient, series=(), traces=held, sources=(source,), study_date="2024-03-17", **more)


def _label(name: str, threshold: float) -> Label:
    minutes = name.removeprefix("low_")
    return Label(
        name=name,
        title=f"Glucose below 70 mg/dL (3.9 mmol/L) within {minutes} minutes",
        title_zh=f"血糖低于 70 mg/dL（3.9 mmol/L），{minutes} 分钟内",
        code="SCT 302866003",
        is_finding=True,
        threshold=threshold,
        operating_point="one_a_day",
        margin=0.02,
        citation="Battelino 2019",
    )


LABELS = (_label("low_30", 0.30), _label("low_60", 0.35))
POINTS = tuple(
    OperatingPoint(name=name, label=label, threshold=threshold, sensitivity=sensitivity, specificity=0.98)
    for label, shift in (("low_30", 0.0), ("low_60", 0.05))
    for name, threshold, sensitivity in (
        ("half_a_day", 0.5 + shift, 0.55),
        ("one_a_day", 0.3 + shift, 0.7),
        ("two_a_day", 0.15 + shift, 0.85),
    )
)


def card() -> ModelCard:
    """A complete card with invented figures."""
    made = ecg_nouns.card("glucose_forecast", LABELS)
    return replace(
        made,
        title="Glucose in the next two hours",
        title_zh="未来两小时血糖预测",
        kind="forecaster",
        modality=("CGM",),
        leads=(),
        seconds=None,
        operating_points=POINTS,
        exclusive=False,
        also=(),
    )


def forecast(one: Trace, every: int = 1) -> Forecast:
    """A forecast that sees the future and blurs it: bands widen with the horizon, lows are foreseen by their nearness."""
    minutes, level = one.minutes.astype(np.float64), one.glucose.astype(np.float64)
    origins = np.arange(0, len(minutes), every)
    ahead = np.array(HORIZONS)
    coming = np.interp(minutes[origins][:, None] + ahead, minutes, level)  # (O, H)
    middle = level[origins][:, None] + 0.7 * (coming - level[origins][:, None])
    spread = np.array([-1.64, -0.67, 0.0, 0.67, 1.64]) * (4 + 22 * np.sqrt(ahead / 120))[:, None]
    lowest = np.stack([coming[:, ahead <= within].min(axis=1) for within in (30, 60)], axis=1)
    p_low = 1 / (1 + np.exp((lowest - 74) / 5))
    return Forecast(
        origins=origins.astype(np.int32), quantiles=(middle[:, :, None] + spread[None]).astype(np.float32), p_low=p_low.astype(np.float32),
        horizons_min=HORIZONS, levels=LEVELS,
    )  # fmt: skip


def influence(index: int, method: str = "integrated_gradients") -> Attribution:
    """Four hours in five-minute steps: the nearer, the more."""
    values = np.stack([np.linspace(0, 1, 48) ** 3, np.zeros(48), np.exp(-(((np.arange(48) - 30) / 4) ** 2))]).astype(np.float32)
    return Attribution(method=method, label="low_60", baseline="four hours at this level", values=values, index=index)


def report(one: Trace, *, now: int | None = None, **more: Any) -> Report:
    """A reading of a trace whose now is the last reading, unless said otherwise."""
    now = len(one.minutes) - 1 if now is None else now
    seen = forecast(one)
    p = seen.p_low[now]
    findings = tuple(
        Finding(label=label, probability=float(value), low=max(0.0, float(value) - 0.05), high=min(1.0, float(value) + 0.05))
        for label, value in zip(LABELS, p, strict=True)
    )
    raised = [each.label.name for each in findings if each.probability >= each.label.threshold]
    moved = [("carbs", grams, grams * 1.1) for grams in (15.0, 30.0, 60.0)] + [("bolus", units, -18.0 * units) for units in (1.0, 2.0, 4.0)]
    rise = np.linspace(0, 1, len(HORIZONS))[:, None]
    answers = tuple(
        Response(kind=kind, value=value, quantiles=(seen.quantiles[now] + by * rise).astype(np.float32)) for kind, value, by in moved
    )
    facts: dict[str, Any] = {
        "task": "glucose_forecast", "status": "ok", "decision": raised[0] if raised else None, "findings": findings,
        "probabilities": tuple((label.name, float(value)) for label, value in zip(LABELS, p, strict=True)),
        "gate": Gate(code="in", reason=""), "glucose": GlucoseReading(forecast=seen, responses=answers), "slice_index": now,
        "provenance": Provenance(
            input_sha256="cd" * 32, task="glucose_forecast", model_version="1.0.0", weights_sha256="ab" * 32, code_version="0.1.0",
            created_at=datetime(2024, 3, 18, 12, tzinfo=UTC),
        ),
    }  # fmt: skip
    return Report(**facts | more)
