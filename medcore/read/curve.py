"""What one file of glucose brought: the value that crosses from the sandboxed parser to its parent."""

from __future__ import annotations

from dataclasses import dataclass

from medcore.types import Array, Patient, Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Doses:
    """What was eaten and injected, in a file of its own: parallel arrays (E,) in order of time.

    `clock_s` float64 is the wearer's clock as in `Trace`; `utc_s` float64 the instant, NaN where the file states none; `kind` uint8
    numbers EVENTS; `value` float32.
    """

    clock_s: Array
    utc_s: Array
    kind: Array
    value: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A sensor's trace with the facts by which it is put into a study, or doses that belong to a trace in another file.

    `start_utc_s`: the instant of the trace's first reading, None where the file states only a clock.
    """

    file_format: str
    patient: Patient
    trace: Trace | None = None
    doses: Doses | None = None
    start_utc_s: float | None = None
    study_uid: str | None = None
    series_uid: str | None = None
    study_date: str | None = None  # the last day of the trace
    study_description: str | None = None
    noted: bool = False  # a note beside the file said what it does not
