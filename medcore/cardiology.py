"""What is said of every ECG, whichever network reads it: quality first, then alarms, waves, intervals and rules.

Networks stand to the side: the delineator's waves are asked for through a function, so that an ECG whose delineator is
unavailable still gets its quality and its alarm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from medcore.read.ecg.leads import STANDARD
from medcore.signals import ecg_alarm, ecg_quality, ecg_reversal, ecg_rules, hrv
from medcore.signals.ecg_measure import measurements
from medcore.types import EcgReading, Gate, LeadQuality, Marks, Measurement, Patient, Recording, Statement

_IN = Gate(code="in", reason="")
_REASONS = {
    "not_ecg": "This does not look like an ECG.",
    "unreadable": "No lead of this ECG is clear enough to be read.",
}
_ALARMS = {
    "paced": "Pacing spikes are seen, and the model was not trained on paced hearts: no reading is given.",
    "asystole": "No heartbeat is seen on a line that looks connected: review now; no reading is given.",
    "ventricular": "This may be ventricular tachycardia or fibrillation: review now; no reading is given.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is known before any network is asked. `gate` is that of quality; what an alarm forbids depends on who reads."""

    quality: tuple[LeadQuality, ...]
    analysable: float
    alarm: str | None
    gate: Gate


def look(recording: Recording) -> Look:
    """Quality of each lead, whether the ECG shows what cannot wait, and whether it may be read at all."""
    leads, analysable = ecg_quality.quality(recording)
    alarm = ecg_alarm.alarm(recording)
    code = ecg_quality.gate(leads)
    gate = _IN if code is None else Gate(code=code, reason=_REASONS[code])
    return Look(quality=leads, analysable=analysable, alarm=alarm, gate=gate)


def silence(alarm: str) -> Gate:
    """The refusal of a reader who may not speak of what raised `alarm`."""
    return Gate(code=alarm, reason=_ALARMS[alarm])


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """Waves and what follows from them. `alarm` may be one that only the waves show."""

    ecg: EcgReading
    measurements: tuple[Measurement, ...]
    alarm: str | None


def reading(recording: Recording, patient: Patient, seen: Look, waves: Callable[[], Marks | None]) -> Read:
    """Waves, intervals and rules; intervals are withheld where they would mean nothing, and the reading says why.

    Args:
        waves: the delineator's marks with the fused ones; None where it is unavailable. Asked only if the ECG may be read.
    """
    marks = waves() if seen.gate.passed else None
    alarm = seen.alarm or (ecg_alarm.alarm(recording, marks) if marks is not None else None)
    withheld = alarm or (None if seen.gate.passed else seen.gate.code)
    told = marks is not None and withheld is None
    ecg = EcgReading(
        quality=seen.quality,
        analysable=seen.analysable,
        marks=marks,
        statements=_rules(recording)(marks, recording, patient) if marks is not None and told else (),
        lead_reversal=ecg_reversal.lead_reversal(recording) if seen.gate.passed else None,
        withheld=withheld,
    )
    measured = (*measurements(marks, recording, patient), *hrv.measurements(marks, recording)) if marks is not None and told else ()
    return Read(ecg=ecg, measurements=measured, alarm=alarm)


def _rules(recording: Recording) -> Callable[[Marks, Recording, Patient], tuple[Statement, ...]]:
    """Those of the twelve leads, or those of a rhythm: each stands beside the network that has its labels."""
    return ecg_rules.statements if set(STANDARD) <= set(recording.leads) else ecg_rules.rhythm_statements
