"""The nouns of Medcore: immutable, keyword-only, NumPy the only import.

Arrays are copied on the way in and made read-only, so that a value seen twice is the same value.
A missing fact is None and is shown as unknown; nothing is guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]


def _frozen(array: Array) -> Array:
    """A read-only view of `array`, copied only if somebody else could still write to it."""
    if array.flags.writeable:
        array = array.copy() if not array.flags.owndata else array
        array.flags.writeable = False
    return array


class Status(StrEnum):
    """Where a probability stands against its operating point."""

    PRESENT = "present"
    ABSENT = "absent"
    INDETERMINATE = "indeterminate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A linear grey-scale window (DICOM VOI): `center` and `width` in the unit of the series."""

    center: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """Who the study is of, as the header says, control characters removed. None is unknown."""

    name: str | None = None
    patient_id: str | None = None
    birth_date: str | None = None  # ISO 8601
    sex: str | None = None  # DICOM CS: M, F, O
    age_years: float | None = None  # on the day of the study


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file as it was uploaded. `name` is for display only and never a path."""

    name: str
    sha256: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Images that belong together, sorted by position.

    `array` is (C, N, H, W): C is 1 (grey) or 3 (RGB, uint8), N slices or frames. Grey values are
    modality values (rescale slope and intercept applied), larger is brighter (MONOCHROME1 inverted).
    `affine` maps (column, row, slice) indices to LPS millimetres.
    """

    array: Array
    unit: str  # "HU", "grey" or "RGB"
    modality: str | None  # DICOM CS; None for a picture file that does not say
    series_uid: str | None = None
    description: str | None = None
    body_part: str | None = None
    view_position: str | None = None
    pixel_spacing_mm: tuple[float, float] | None = None  # between rows, between columns
    slice_spacing_mm: float | None = None
    affine: Array | None = None
    window: Window | None = None
    is_volume: bool = False  # slices of one body, not frames in time
    inverted: bool = False  # the file was MONOCHROME1
    lossy: bool = False
    source_sha256: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.array.ndim != 4 or self.array.shape[0] not in (1, 3):
            raise ValueError(f"a series is (C, N, H, W) with C 1 or 3, not {self.array.shape}")
        object.__setattr__(self, "array", _frozen(self.array))
        if self.affine is not None:
            object.__setattr__(self, "affine", _frozen(self.affine))


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """An ECG as it was recorded: `signal` (L, N) float32 in `unit`, NaN where nothing was recorded.

    Leads of the standard twelve are called I, II, III, aVR, aVL, aVF, V1..V6 whatever the file calls them; others keep their name.
    """

    signal: Array
    unit: str  # "mV"; "NU" where the file was normalised and its numbers are no voltages
    sampling_rate_hz: float
    leads: tuple[str, ...]
    modality: str | None = "ECG"  # DICOM CS; another code (EEG, HD, PPG) where the file says so, and no ECG task reads it
    file_format: str = ""  # as a person calls it: WFDB, DICOM, SCP-ECG, ...
    started_at: str | None = None  # ISO 8601, local time of the recorder
    device: str | None = None
    filters: str | None = None  # as the header states them, for the line under the strip
    lead_names: tuple[str, ...] = ()  # as the file spells them; empty where it spells them as `leads`
    source_sha256: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.signal.ndim != 2 or self.signal.shape[0] != len(self.leads) or not self.sampling_rate_hz > 0:
            raise ValueError("a recording is (leads, samples) at a rate above 0 Hz")
        object.__setattr__(self, "signal", _frozen(self.signal))

    @property
    def seconds(self) -> float:
        """How long it is."""
        return float(self.signal.shape[1] / self.sampling_rate_hz)


EVENTS = ("carbs", "bolus", "basal", "basal_rate")  # in g, U, U and U/h
CGM = "CGM"  # no DICOM modality; a sensor's export states none


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What a glucose sensor recorded: parallel arrays (N,) in order of time, with what was eaten and injected beside them.

    `minutes` float64, elapsed since the first reading, strictly increasing: what episodes and forecasts go by. `clock_s` float64, the
    wearer's clock as seconds since its own 1970-01-01T00:00: what days and times of day go by; the two part where the clock was changed.
    `glucose` float32, mg/dL. `beyond` int16: -1 the sensor said LOW, 1 it said HIGH (then `glucose` is its limit), 0 a reading.
    `event_minutes` float64, `event_kind` uint8 (numbers EVENTS), `event_value` float32, all (E,) in order of time; minutes may be below 0.
    """

    minutes: NDArray[np.float64]
    clock_s: NDArray[np.float64]
    glucose: NDArray[np.float32]
    beyond: NDArray[np.int16]
    event_minutes: NDArray[np.float64]
    event_kind: NDArray[np.uint8]
    event_value: NDArray[np.float32]
    interval_min: float  # of the sensor, usual distance of two readings
    unit: str  # "mg/dL" or "mmol/L", as the file gave it; `glucose` is mg/dL always
    modality: str | None = CGM
    file_format: str = ""  # as a person calls it: Dexcom Clarity, LibreView, ...
    date_order: str = ""  # how dates were read: ymd, dmy, mdy; empty where the file leaves no choice
    time_zone: str | None = None  # as the file states it
    device: str | None = None
    source_sha256: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.minutes) == len(self.clock_s) == len(self.glucose) == len(self.beyond) > 0 or not self.interval_min > 0:
            raise ValueError("a trace is parallel arrays of at least one reading at an interval above 0 minutes")
        if (np.diff(self.minutes) <= 0).any():
            raise ValueError("the minutes of a trace increase strictly")
        for name in ("minutes", "clock_s", "glucose", "beyond", "event_minutes", "event_kind", "event_value"):
            object.__setattr__(self, name, _frozen(getattr(self, name)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What one examination of one patient brought, with the bytes it came from."""

    study_uid: str | None
    patient: Patient
    series: tuple[Series, ...]
    sources: tuple[Source, ...]
    recordings: tuple[Recording, ...] = ()
    traces: tuple[Trace, ...] = ()
    study_date: str | None = None  # ISO 8601
    description: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One class of a task. `threshold` is on the calibrated probability, `margin` half its indeterminate band."""

    name: str
    title: str
    title_zh: str
    code: str  # "SCT 233604007"; the scheme stands first
    is_finding: bool  # False for the class that says nothing was found
    threshold: float
    operating_point: str  # the name of the operating point that gave the threshold
    margin: float
    citation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A calibrated probability with its 95 % interval; what it means follows from the label."""

    label: Label
    probability: float
    low: float
    high: float

    @property
    def status(self) -> Status:
        """Present, absent, or too near the operating point to say."""
        if abs(self.probability - self.label.threshold) < self.label.margin:
            return Status.INDETERMINATE
        return Status.PRESENT if self.probability >= self.label.threshold else Status.ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A number by formula. `reference` is the normal range in `unit`, where one is cited."""

    name: str
    value: float
    unit: str
    reference: tuple[float, float] | None = None
    citation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Influence on one label's logit, not location.

    `values` (h, w) covers the whole of slice `index` of the series, at a resolution of its own, scaled to 0..1 by its 99th percentile;
    `gap` is the completeness gap |sum(values) - (f(x) - f(baseline))| where the method promises completeness.
    """

    method: str
    label: str
    baseline: str
    values: Array
    index: int = 0
    gap: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", _frozen(self.values))


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadQuality:
    """How far one lead can be read. `problems` are codes: flat, saturated, mains, noise, baseline, missing, not_ecg."""

    lead: str
    usable: bool
    analysable: float  # share of its seconds, 0..1
    problems: tuple[str, ...] = ()


WAVES = ("P", "QRS", "T")
FUSED = -1  # the lead number of marks that all leads agree on


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Waves of a recording: parallel arrays (M,) in order of lead and time, samples of the recording's own rate, -1 unknown.

    `lead` numbers the recording's leads, FUSED (-1) for marks over all leads; `wave` numbers WAVES; `beat` numbers BEATS on QRS, and is
    -1 elsewhere.
    """

    lead: Array  # int16
    wave: Array  # uint8
    onset: Array  # int32
    peak: Array
    offset: Array
    beat: Array  # int8

    def __post_init__(self) -> None:
        for name in ("lead", "wave", "onset", "peak", "offset", "beat"):
            object.__setattr__(self, name, _frozen(getattr(self, name)))


BEATS = ("N", "V", "?")  # normal or supraventricular, ventricular, paced/fusion/unknown (AAMI EC57's N and S, V, F and Q)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a rule on measurements says of a label, beside the network: `holds` None where it cannot be told. `because` is numbers only."""

    label: str
    holds: bool | None
    because: str
    citation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A stretch of a long recording worth a look.

    `kind` is a code: pause, af, tachycardia, bradycardia, ventricular_run, ectopy, unreadable.
    """

    kind: str
    start_s: float
    end_s: float
    value: float
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Holter:
    """A long recording in summary.

    Arrays (minutes,): heart rate in bpm (NaN where unreadable), share in atrial fibrillation 0..1, ectopic beats, analysable share.
    """

    rate_mean: Array
    rate_min: Array
    rate_max: Array
    af_share: Array
    ectopic: Array
    analysable: Array
    events: tuple[Event, ...]

    def __post_init__(self) -> None:
        for name in ("rate_mean", "rate_min", "rate_max", "af_share", "ectopic", "analysable"):
            object.__setattr__(self, name, _frozen(getattr(self, name)))


@dataclass(frozen=True, slots=True, kw_only=True)
class EcgReading:
    """What is said of an ECG beside its findings: quality first, then waves, rules, and for long recordings the summary."""

    quality: tuple[LeadQuality, ...]
    analysable: float  # share of the recording that can be read in at least one lead, 0..1
    marks: Marks | None = None
    statements: tuple[Statement, ...] = ()
    lead_reversal: str | None = None  # a code: arms, none where nothing speaks for it
    withheld: str | None = None  # why intervals are not given: paced, ventricular, asystole, unreadable, normalised
    holter: Holter | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Glucose ahead, as it was foreseen at each of (O,) moments from the readings up to it.

    `origins` (O,) int32 numbers readings of the trace; `quantiles` (O, H, Q) float32 mg/dL at `horizons_min` and `levels`;
    `p_low` (O, 2) float32: probability of a reading below 70 mg/dL within 30 and within 60 minutes.
    """

    origins: Array
    quantiles: Array
    p_low: Array
    horizons_min: tuple[float, ...]
    levels: tuple[float, ...]

    def __post_init__(self) -> None:
        for name in ("origins", "quantiles", "p_low"):
            object.__setattr__(self, name, _frozen(getattr(self, name)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What the network would foresee had `value` of `kind` (one of EVENTS) come now: the model's response, never advice."""

    kind: str
    value: float
    quantiles: Array  # (H, Q) mg/dL, as a Forecast's

    def __post_init__(self) -> None:
        object.__setattr__(self, "quantiles", _frozen(self.quantiles))


@dataclass(frozen=True, slots=True, kw_only=True)
class GlucoseReading:
    """What is said of a sensor's trace beside its measurements; `forecast` None where none may be given."""

    forecast: Forecast | None = None
    responses: tuple[Response, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Whether the task may speak of this input. `code` names the reason in the text files; "in" means it may."""

    code: str
    reason: str  # one sentence, empty when inside
    distance: float | None = None  # to the training images, in the unit of `limit`
    limit: float | None = None

    @property
    def passed(self) -> bool:
        """True when no reason speaks against the reading."""
        return self.code == "in"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What made a report: enough to make it again."""

    input_sha256: str
    task: str
    model_version: str
    weights_sha256: str
    code_version: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The reading of one study by one task. `status` is ok, indeterminate or refused."""

    task: str
    status: str
    decision: str | None  # a class, chosen at the operating points; None where nothing may be said
    findings: tuple[Finding, ...]
    gate: Gate
    provenance: Provenance
    probabilities: tuple[tuple[str, float], ...] = ()  # every class, in the card's order
    measurements: tuple[Measurement, ...] = ()
    attributions: tuple[Attribution, ...] = ()
    series_index: int = 0
    slice_index: int = 0
    overridden: bool = False  # the gate refused and a named person asked to see the reading
    alarm: str | None = None  # a code (asystole, ventricular, paced) that puts the study on top of the worklist: review now
    ecg: EcgReading | None = None
    glucose: GlucoseReading | None = None
    also: tuple[Report, ...] = ()  # readings of the same study by other tasks that belong to this one


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """A threshold on one label's probability, chosen on validation patients, with what it gave there."""

    name: str
    label: str
    threshold: float
    sensitivity: float
    specificity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A measured number with its 95 % interval and the trivial baseline beside it."""

    name: str
    value: float
    low: float
    high: float
    baseline: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What a clinician must know before trusting a task; read from its card.toml."""

    task: str
    title: str
    title_zh: str
    kind: str
    version: str
    modality: tuple[str, ...]  # DICOM CS codes it reads
    body_part: tuple[str, ...]
    intended_use: str
    not_for: str
    population: str
    age_years: tuple[float, float] | None
    data: str
    licence: str
    preprocessing: str
    known_failures: str
    experimental: bool
    labels: tuple[Label, ...]
    operating_points: tuple[OperatingPoint, ...]
    figures: tuple[Figure, ...]
    temperature: float
    gate_limit: float
    weights_sha256: str
    results: str  # the committed JSON that holds the figures
    exclusive: bool = True  # one label rules out the others
    leads: tuple[str, ...] = ()  # of an ECG, that must all be there
    seconds: tuple[float, float] | None = None  # least and most of a recording
    alone: bool = True  # False: it serves other tasks, and is not chosen for a study by itself
    also: tuple[str, ...] = ()  # tasks whose reading of the same study belongs to this one's report
