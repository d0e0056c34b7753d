"""A table of readings to traces, one a subject: what `evaluate` and `train` read. NumPy only.

Rows of one subject at one time are one reading: the first. Whatever is no time or no value in range is left out and counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from medcore.read.glucose import interval
from medcore.types import EVENTS, Trace

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LEAST, MOST = 10.0, 1000.0  # mg/dL: beyond, a number is no glucose
UNITS = {"carbs": "g", "bolus": "U", "basal": "U", "basal_rate": "U/h"}
LARGEST = {"carbs": 1000.0, "bolus": 200.0, "basal": 500.0, "basal_rate": 50.0}  # more is a slip of the pen, and left out


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One subject's trace, and the row of the table that each reading came from."""

    subject: str
    trace: Trace
    rows: Ints


def of_table(rows: Sequence[Mapping[str, str]], events: Sequence[Mapping[str, str]]) -> list[Read]:
    """Every subject's trace, in the order in which subjects first appear; one without a single readable row is left out."""
    own: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        own.setdefault(row["subject"], []).append(number)
    theirs: dict[str, list[Mapping[str, str]]] = {}
    for event in events:
        theirs.setdefault(event["subject"], []).append(event)
    found = []
    for subject, numbers in own.items():
        index = np.array(numbers, np.int64)
        seconds = instants([rows[number]["time"] for number in numbers])
        values = numbers_of([rows[number]["glucose_mg_dl"] for number in numbers])
        fine = np.flatnonzero(np.isfinite(seconds) & (values >= LEAST) & (values <= MOST))
        if len(fine):
            _, first = np.unique(seconds[fine], return_index=True)  # of one time the first row
            kept = fine[first]
            found.append(Read(subject=subject, trace=trace(seconds[kept], values[kept], theirs.get(subject, ())), rows=index[kept]))
    return found


def trace(seconds: Floats, glucose: Floats, events: Sequence[Mapping[str, str]] = ()) -> Trace:
    """A trace of readings in order of time; `events` are rows with time, kind, value and unit, and others than EVENTS are left out."""
    when = instants([event["time"] for event in events])
    value = numbers_of([event["value"] for event in events])
    kind = [event["kind"] for event in events]
    fine = [
        k for k in range(len(kind))
        if UNITS.get(kind[k]) == events[k]["unit"] and np.isfinite(when[k]) and 0 <= value[k] <= LARGEST[kind[k]]  # NaN is neither
    ]  # fmt: skip
    order = np.array(sorted(fine, key=lambda k: when[k]), np.int64)
    minutes = (seconds - seconds[0]) / 60.0
    return Trace(
        minutes=minutes,
        clock_s=seconds,
        glucose=glucose.astype(np.float32),
        beyond=np.zeros(len(glucose), np.int16),
        event_minutes=(when[order] - seconds[0]) / 60.0,
        event_kind=np.array([EVENTS.index(kind[k]) for k in order], np.uint8),
        event_value=value[order].astype(np.float32),
        interval_min=interval(minutes),
        unit="mg/dL",
    )


def instants(texts: Sequence[str]) -> Floats:
    """ISO 8601 times as seconds of the wearer's own clock, whatever offset from UTC they state; NaN where a text is none."""
    if all(len(text) == 19 and text[4] == "-" and text[16] == ":" for text in texts):  # to the second and nothing more: all at once
        try:
            return np.array(texts, "datetime64[s]").astype(np.float64)
        except ValueError:
            pass  # one of them is no time: each by itself
    return np.array([_instant(text) for text in texts])


def _instant(text: str) -> float:
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError:
        return float("nan")
    return (read.replace(tzinfo=None) - datetime(1970, 1, 1)).total_seconds()


def numbers_of(texts: Sequence[str]) -> Floats:
    """Numbers; NaN where a text is none."""
    try:
        return np.array(texts, np.float64)
    except ValueError:
        return np.array([_number(text) for text in texts])


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
