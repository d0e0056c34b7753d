"""What a task's kind says of one subject."""

from __future__ import annotations

from dataclasses import dataclass

from medcore.types import Attribution, Finding, Gate, GlucoseReading, Holter, Marks, Measurement


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What the network says; `findings` are there even where the gate refuses, for whom it concerns to withhold."""

    gate: Gate
    decision: str | None
    status: str
    findings: tuple[Finding, ...] = ()
    probabilities: tuple[tuple[str, float], ...] = ()
    attributions: tuple[Attribution, ...] = ()
    marks: Marks | None = None
    holter: Holter | None = None
    glucose: GlucoseReading | None = None
    measurements: tuple[Measurement, ...] = ()  # beside those that every ECG gets
