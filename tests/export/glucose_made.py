"""A made glucose trace with known lows and highs, and reports on it, for the tests of the exports."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from medcore.types import (
    EVENTS,
    Finding,
    Forecast,
    Gate,
    GlucoseReading,
    Label,
    Patient,
    Provenance,
    Report,
    Study,
    Trace,
)

FIRST, LAST = date(2024, 3, 1), date(2024, 3, 14)
NOW = datetime(2024, 3, 15, 9, 30, tzinfo=UTC)
STEP = 5.0
DAY = 288


def clock_of(day: date) -> float:
    """Seconds of the wearer's clock at midnight of `day`."""
    return (day - date(1970, 1, 1)).days * 86400.0


def trace(days: int = 14, *, seed: int = 7, gaps: bool = True, **changes: Any) -> Trace:
    """`days` of 5-minute readings from 2024-03-01: calm, with lows at 02:00-03:00 of every other night and highs after lunch."""
    dice = np.random.default_rng(seed)
    count = days * DAY
    minutes = np.arange(count) * STEP
    hour = (minutes / 60.0) % 24
    day = (minutes // 1440).astype(int)
    level = 125 + 25 * np.sin((hour - 9) / 24 * 4 * np.pi) + np.repeat(dice.normal(0, 9, days), DAY)
    level += 95 * np.exp(-(((hour - 14) / 1.6) ** 2)) * (0.6 + 0.7 * dice.random(days))[day]
    level -= 85 * np.exp(-(((hour - 2.5) / 0.7) ** 2)) * (day % 2 == 0)
    level = np.clip(level + dice.normal(0, 3, count), 40, 400)
    keep = np.ones(count, bool)
    if gaps and days > 5:
        keep[3 * DAY + 100 : 3 * DAY + 190] = False
    minutes, level, kept = minutes[keep], level[keep], int(keep.sum())
    made: dict[str, Any] = {
        "minutes": minutes, "clock_s": clock_of(FIRST) + minutes * 60, "glucose": np.round(level).astype(np.float32),
        "beyond": np.where(level <= 40, -1, 0).astype(np.int16),
        "event_minutes": np.array([450.0, 455.0, 780.0]), "event_kind": np.array([0, 1, 0], np.uint8),
        "event_value": np.array([45.0, 4.5, 60.0], np.float32), "interval_min": STEP, "unit": "mg/dL", "file_format": "Dexcom Clarity",
        "device": "Dexcom G6", "date_order": "ymd", "source_sha256": ("ab" * 32,),
    }  # fmt: skip
    assert kept == len(level) and EVENTS[0] == "carbs"
    return Trace(**{**made, **changes})


def study(one: Trace | None = None, **patient: Any) -> Study:
    """A study of one trace; the person is made up."""
    person = {"name": "DOE^JANE", "patient_id": "SYN-G1", "birth_date": "1980-05-04", "sex": "F", "age_years": 43.8, **patient}
    return Study(study_uid=None, patient=Patient(**person), series=(), sources=(), traces=(one if one is not None else trace(),))


def finding(name: str, probability: float, threshold: float) -> Finding:
    """A probability of a low reading."""
    label = Label(
        name=name, title=f"Low within {name[-2:]} min", title_zh=f"{name[-2:]} 分钟内低值", code="SCT 302866003", is_finding=True,
        threshold=threshold, operating_point="one_a_day", margin=0.0, citation="made",
    )  # fmt: skip
    return Finding(label=label, probability=probability, low=probability * 0.8, high=min(1.0, probability * 1.2))


def forecast(one: Trace) -> Forecast:
    """Rises an hour before each low night's low, and once in vain on the second evening."""
    hour = (one.clock_s % 86400) / 3600
    origins = np.flatnonzero(one.minutes >= 0).astype(np.int32)
    chance = np.where((hour > 1.2) & (hour < 1.6), 0.7, 0.02)
    chance = np.where((one.minutes > 1440 + 1200) & (one.minutes < 1440 + 1215), 0.6, chance)
    p_low = np.stack([chance * 0.8, chance], axis=1).astype(np.float32)
    quantiles = np.zeros((len(origins), 2, 5), np.float32) + one.glucose[:, None, None]
    return Forecast(origins=origins, quantiles=quantiles, p_low=p_low, horizons_min=(30.0, 60.0), levels=(0.05, 0.25, 0.5, 0.75, 0.95))


def report(one: Trace, **changes: Any) -> Report:
    """A reading by the forecast task, "now" at the last reading."""
    made: dict[str, Any] = {
        "task": "glucose_forecast", "status": "ok", "decision": None,
        "findings": (finding("low_30", 0.12, 0.3), finding("low_60", 0.41, 0.35)), "gate": Gate(code="in", reason=""),
        "provenance": Provenance(
            input_sha256="ef" * 32, task="glucose_forecast", model_version="0.1.0", weights_sha256="cd" * 32, code_version="0.1.0",
            created_at=NOW,
        ),
        "slice_index": len(one.glucose) - 1, "glucose": GlucoseReading(forecast=forecast(one)),
    }  # fmt: skip
    return Report(**{**made, **changes})
