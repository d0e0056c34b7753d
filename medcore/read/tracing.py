"""What one ECG file brought: the value that crosses from the sandboxed parser to its parent."""

from __future__ import annotations

from dataclasses import dataclass

from medcore.types import Array, Patient


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracing:
    """The signal of one file, (L, N) float32 as in `Recording`, and the facts by which it is put into a study."""

    signal: Array
    unit: str  # "mV" or "NU"
    sampling_rate_hz: float
    leads: tuple[str, ...]
    file_format: str
    patient: Patient
    modality: str | None = "ECG"
    study_uid: str | None = None
    series_uid: str | None = None
    study_date: str | None = None
    study_description: str | None = None
    started_at: str | None = None
    device: str | None = None
    filters: str | None = None
    noted: bool = False  # a note beside the file said the rate or the unit
    lead_names: tuple[str, ...] = ()  # as the file spells them
    warnings: tuple[str, ...] = ()
