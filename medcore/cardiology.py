"""What is said of every ECG, whichever network reads it: quality first, then alarms, waves, intervals and rules.

Networks stand to the side: the delineator's waves are asked for through a function, so that an ECG whose delineator is
unavailable still gets its quality and its alarm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from medcore.signals import ecg_alarm, ecg_quality, ecg_reversal, ecg_rules, hrv
from medcore.signals.ecg_measure import measurements
from medcore.types import EcgReading, Gate, LeadQuality, Marks, Measurement, Patient, Recording

_IN = Gate(code="in", reason="")
_REASONS = {
    "not_ecg": "This does not look like an ECG.",
    "unreadable": "No lead of this ECG is clear enough to be read.",
}
_LETHAL = {
    "asystole": "No heartbeat is seen on a line that looks connected: review now; no reading is given.",
    "ventricular": "This may be ventricular tachycardia or fibrillation: review now; no reading is given.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is known before any network is asked."""

    quality: tuple[LeadQuality, ...]
    analysable: float
    alarm: str | None
    gate: Gate


def look(recording: Recording) -> Look:
    """Quality of each lead, whether the ECG shows what cannot wait, and whether it may be read at all."""
    leads, analysable = ecg_quality.quality(recording)
    alarm = ecg_alarm.alarm(recording)
    code = ecg_quality.gate(leads)
    if alarm in _LETHAL:
        gate = Gate(code=alarm, reason=_LETHAL[alarm])
    else:
        gate = _IN if code is None else Gate(code=code, reason=_REASONS[code])
    return Look(quality=leads, analysable=analysable, alarm=alarm, gate=gate)


def reading(
    recording: Recording, patient: Patient, seen: Look, waves: Callable[[], Marks | None]
) -> tuple[EcgReading, tuple[Measurement, ...]]:
    """Waves and what follows from them; intervals are withheld where they would mean nothing, and the reading says why.

    Args:
        waves: the delineator's marks with the fused ones; None where it is unavailable. Asked only if the ECG may be read.
    """
    withheld = seen.alarm or (None if seen.gate.passed else seen.gate.code)
    marks = waves() if seen.gate.passed else None
    measured = () if marks is None or withheld else (*measurements(marks, recording, patient), *hrv.measurements(marks, recording))
    return EcgReading(
        quality=seen.quality,
        analysable=seen.analysable,
        marks=marks,
        statements=() if marks is None or withheld else ecg_rules.statements(marks, recording, patient),
        lead_reversal=ecg_reversal.lead_reversal(recording) if seen.gate.passed else None,
        withheld=withheld,
    ), measured
