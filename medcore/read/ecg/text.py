"""An ECG as a table of numbers in a text file to a `Tracing`: CSV, TSV or columns, with or without names, times and units.

No standard describes these files; everything is taken by evidence, and what is not stated is asked for, not guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medcore.errors import Inconsistent, SamplingRateUnknown, TooLarge
from medcore.read.ecg.channels import Channel, joined, voltage
from medcore.read.ecg.leads import kind
from medcore.read.ecg.note import Note
from medcore.read.ecg.table import Layout, clock_seconds, decoded, layout, rows, split
from medcore.read.limits import DECODED_BYTES, ECG_TEXT_BYTES
from medcore.read.tracing import Tracing
from medcore.types import Patient

SHORTEST = 100  # rows; a shorter table is no recording
_SLOWEST_HZ, _FASTEST_HZ = 40.0, 20_000.0  # a time column whose unit is not stated may be in s, ms or us: only one falls in here
_CLOCK_ROWS = 10_000
_EVEN = 1.5  # steps that a time may be away from where an even clock has it
_ROUNDING = 1e-3  # of the rate: times are printed with few digits
_NO_RATE = "This table of numbers may be an ECG, but does not state its sampling rate; please state it."
_UNEVEN = "The times in this table are not evenly spaced, so no sampling rate follows from them."
_RATE = re.compile(r"(?:sampl\w*[ _]*(?:rate|freq\w*)?|\bfs|sfreq|freq\w*)[^\d\-+]{0,20}?(\d+(?:\.\d+)?)\s*(k?)(?:hz|hertz)?", re.I)
_UNIT_LINE = re.compile(r"unit\w*\W{1,4}([µμ]V|[munMUN]?V)\b")
_LEAD_LINE = re.compile(r"lead\W{1,4}(.{1,20})", re.I)
_TIME = re.compile(r"(?:elapsed[ _]*)?(?:time(?: and date)?|seconds?|secs?|millis\w*|timestamp|t|s|ms|us|[hm]+:\S*)|elapsed", re.I)
_COUNT = re.compile(r"(?:sample|index|idx|row|n|no|nr|frame)s?(?:[ _]*(?:#|no|nr|number|index|id))?\.?|#|", re.I)
_PLAIN = re.compile(r"(?:signal|value|amplitude|voltage|channel|chan|ch|lead|data|raw|filtered|wave\w*|[µμmun]?v|y)[ _\-]*\d{0,2}", re.I)
_IN_BRACKETS = re.compile(r"\s*[(\[/]\s*([^)\]/]{1,12})\s*[)\]]?\s*$|[ _]([µμmun]V|ms|us|s|sec|seconds)$")
_STEPS = {"s": 1.0, "sec": 1.0, "seconds": 1.0, "second": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}


@dataclass(frozen=True, slots=True)
class _Column:
    """A column's name and unit, as its header gives them; empty where it does not."""

    name: str
    unit: str


def parse_text(data: memoryview, note: Note | None = None) -> Tracing | None:
    """The ECG in a table; None where the text is no table of numbers or its columns are of something else.

    Raises:
        SamplingRateUnknown: it may be an ECG, but neither it nor `note` says how many samples a second has.
        InputRejected: any of its kinds.
    """
    if len(data) > ECG_TEXT_BYTES:
        return None
    text = decoded(data)
    shape = layout(text) if text is not None else None
    if text is None or shape is None:
        return None
    columns = _columns(shape)
    if columns is None or text.count(b"\n", shape.start) < SHORTEST - 1:
        return None
    try:
        table = rows(text, shape, DECODED_BYTES)
    except MemoryError:
        raise TooLarge("This table of numbers is larger than the reader takes.") from None
    rate, columns, table = _timed(text, shape, columns, table)
    if (np.diff(table, axis=0) > 0).all():
        return None  # a list of numbers in order, as of record names
    stated = _stated(shape) if rate is None else rate
    if stated is None and note is None:
        raise SamplingRateUnknown(_NO_RATE)
    return _tracing(shape, columns, table, stated, note)


def _tracing(shape: Layout, columns: list[_Column], table: NDArray[np.float64], rate: float | None, note: Note | None) -> Tracing:
    """The columns that are no time as leads; the note is asked only where the file is silent."""
    common = _common_unit(shape)
    silent = not common and not any(voltage(column.unit) for column in columns)
    said = note.unit if note is not None and silent and note.unit is not None else ""
    lead = next((found[1] for line in shape.preamble if (found := _LEAD_LINE.match(line))), "") if len(columns) == 1 else ""
    hertz = rate if rate is not None else note.sampling_rate_hz if note is not None else 0.0
    channels = [
        Channel(
            label=lead.strip(" ,;:") or column.name or f"lead {number}", unit=column.unit or common or said or "NU", sampling_rate_hz=hertz,
            stored=table[:, number - 1],
        )
        for number, column in enumerate(columns, 1)
    ]  # fmt: skip
    notes: list[str] = []
    return Tracing(
        **joined(channels, notes), file_format="CSV", patient=Patient(), noted=bool(said) or rate is None, warnings=tuple(notes),
    )  # fmt: skip


def _columns(shape: Layout) -> list[_Column] | None:
    """Names and units out of the lines before the rows; None where a column is named as something that no ECG has."""
    width = shape.columns
    named = [fields for line in shape.preamble[-2:] if len(fields := split(line, shape.delimiter)) == width]
    if not named or (width == 1 and not _names_a_signal(named[-1][0])):
        return [_Column("", "")] * width
    units = named[-1] if len(named) == 2 and all(_is_unit(field) for field in named[-1]) else None
    names = named[-2] if units is not None else named[-1]
    columns = [_column(name, units[number] if units is not None else "") for number, name in enumerate(names)]
    return columns if all(_fits(column, first=number == 0) for number, column in enumerate(columns)) and _any_signal(columns) else None


def _column(name: str, unit: str) -> _Column:
    found = _IN_BRACKETS.search(name)
    if found is None or found.start() == 0:
        return _Column(name, unit or (name if voltage(name) or name in _STEPS else ""))
    return _Column(name[: found.start()].strip(), unit or (found[1] or found[2]).strip())


def _is_unit(field: str) -> bool:
    return (
        not field
        or voltage(field)
        or field.lower() in _STEPS
        or field.upper() in ("NU", "ADU")
        or re.match(r"[hm]{1,2}:", field.lower()) is not None
    )


def _names_a_signal(name: str) -> bool:
    bare = _column(name, "").name
    return kind(bare) is not None or _PLAIN.fullmatch(bare) is not None


def _fits(column: _Column, *, first: bool) -> bool:
    """Whether a recording may have such a column."""
    return _names_a_signal(column.name) or _TIME.fullmatch(column.name) is not None or (first and _COUNT.fullmatch(column.name) is not None)


def _any_signal(columns: list[_Column]) -> bool:
    return any(_names_a_signal(column.name) for column in columns)


def _timed(
    text: bytes, shape: Layout, columns: list[_Column], table: NDArray[np.float64]
) -> tuple[float | None, list[_Column], NDArray[np.float64]]:
    """The rate by the column of times, and columns and table without it."""
    if shape.clock:
        times = clock_seconds(text, shape, _CLOCK_ROWS)
        return _rate(np.unwrap(times, period=86400.0), "s"), columns[1:], table
    first = columns[0]
    times = table[:, 0]
    if len(columns) < 2 or not np.isfinite(times).all():
        return None, columns, table
    named = bool(first.name) and not _names_a_signal(first.name)
    steps = np.diff(times[:SHORTEST])
    if not named and not (steps[0] > 0 and np.allclose(steps, steps[0], rtol=0.5, atol=0)):
        return None, columns, table
    counted = bool((steps == 1).all()) and _TIME.fullmatch(first.name) is None
    rate = None if counted or (first.name and _COUNT.fullmatch(first.name)) else _rate(times, first.unit)
    return rate, columns[1:], table[:, 1:]


def _rate(times: NDArray[np.float64], unit: str) -> float | None:
    """Samples a second of evenly spaced times; None where their unit is neither stated nor the only one that gives a rate of an ECG.

    Raises:
        Inconsistent: they are not evenly spaced.
    """
    count = len(times)
    step = float(times[-1] - times[0]) / (count - 1) if count > 1 else 0.0
    if not step > 0 or float(np.abs(times - times[0] - step * np.arange(count)).max()) > _EVEN * step:
        raise Inconsistent(_UNEVEN)
    known = _STEPS.get(unit.lower().strip())
    factors = (1.0, 1e-3, 1e-6) if known is None else (known,)
    rates = [1 / (step * factor) for factor in factors]
    found = [rate for rate in rates if known is not None or _SLOWEST_HZ <= rate <= _FASTEST_HZ]
    if not found:
        return None
    whole = round(found[0])
    return float(whole) if abs(found[0] - whole) <= _ROUNDING * found[0] else found[0]


def _stated(shape: Layout) -> float | None:
    """The rate that a line before the rows states in words."""
    for line in shape.preamble:
        found = _RATE.search(line)
        if found is not None and float(found[1]) > 0:
            return float(found[1]) * (1000 if found[2] else 1)
    return None


def _common_unit(shape: Layout) -> str:
    """The unit that a line before the rows states for all columns."""
    return next((found[1] for line in shape.preamble if (found := _UNIT_LINE.search(line.replace("Unit", "unit")))), "")
