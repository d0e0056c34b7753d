"""HL7 annotated ECG (aECG): ANSI/HL7 V3 ECG, R1-2004 (PORT_MT020001), with the implementation guide for the FDA of 21 March 2005.

A sequence set holds one time base (GLIST: head and increment) and a list of digits a lead (SLIST: origin + scale * digit).
Read is the rhythm series; representative beats are derived from it and are no recording.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medcore.errors import BadGeometry, Inconsistent
from medcore.read.ecg.assemble import DAMAGED, RATE_LIMIT_HZ, Signal, age, distinct, filters, finite, millivolts, person, require, twelve
from medcore.read.ecg.markup import Node, digits, number, parsed, root_name
from medcore.read.ecg.moments import hl7
from medcore.read.text import clean
from medcore.read.tracing import Tracing
from medcore.types import Patient

_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "\u00b5s": 1e-6, "\u03bcs": 1e-6}
_SUBJECT = "componentOf/timepointEvent/componentOf/subjectAssignment/subject/trialSubject"
_FILTER = "MDC_ECG_CTL_VBL_ATTR_FILTER_"
_SAME_STEP = 1e-6
_FAR = 1e12  # samples; refused as too long


@dataclass(slots=True)
class _Part:
    """One sequence set: its leads begin `start_s` after an origin that all sets of the file share, None where it is not said."""

    step_s: float
    start_s: float | None
    start_text: str
    leads: list[tuple[str, NDArray[np.float64]]]
    unit: str


def is_aecg(data: memoryview) -> bool:
    """Whether the first element is that of an annotated ECG."""
    return root_name(data) == "AnnotatedECG"


@np.errstate(over="ignore", invalid="ignore")  # `finite` judges what comes of it
def parse_aecg(data: memoryview) -> Tracing:
    """Read the rhythm series; sets of leads that were recorded one after the other are put where their times say.

    Raises:
        InputRejected: no rhythm, no time base, a scale or a sample that is no number, or over the limits.
    """
    notes: list[str] = []
    root = parsed(data)
    series = _rhythm(root, notes)
    parts = _placed([_part(each) for each in series.all("component/sequenceSet")], notes)
    signal, leads = twelve(*_joined(parts))
    studied, started = _when(root, series, parts[0])
    return Tracing(
        signal=signal, unit=parts[0].unit, sampling_rate_hz=1 / parts[0].step_s, leads=leads, file_format="HL7 aECG",
        patient=_patient(root, studied), study_date=studied, started_at=started, device=_device(series), filters=_filters(series),
        warnings=tuple(notes),
    )  # fmt: skip


def _rhythm(root: Node, notes: list[str]) -> Node:
    series = [each for each in root.all("component/series") if each.attribute("code", "code").upper() != "REPRESENTATIVE_BEAT"]
    if not series:
        raise BadGeometry("The annotated ECG holds no rhythm series.")
    if len(series) > 1:
        notes.append(f"The file holds {len(series)} recordings; the first one is read.")
    return series[0]


def _part(sequences: Node) -> _Part:
    part = _Part(0.0, None, "", [], "")
    for sequence in sequences.all("component/sequence"):
        code, value = sequence.attribute("code", "code"), sequence.one("value")
        if value is None:
            continue
        if code.upper().startswith("TIME_"):
            _time(part, value)
        elif "_ECG_LEAD_" in code.upper():
            samples, unit = _samples(value)
            if part.unit not in ("", unit):
                raise Inconsistent(DAMAGED)
            part.leads.append((code.upper().rpartition("_LEAD_")[2], samples))
            part.unit = unit
    if part.leads and part.step_s <= 0:
        raise BadGeometry("The annotated ECG does not say how often it was sampled.")
    return part


def _time(part: _Part, value: Node) -> None:
    step = number(value.attribute("increment", "value"))
    unit = _SECONDS.get(value.attribute("increment", "unit"))
    if step is None or unit is None or step * unit < 1 / RATE_LIMIT_HZ:
        raise BadGeometry("The annotated ECG does not say how often it was sampled.")
    part.step_s = step * unit
    part.start_text = value.attribute("head", "value")
    head_unit = _SECONDS.get(value.attribute("head", "unit"))
    if head_unit is not None:  # GLIST_PQ: seconds since an origin of its own
        head = number(part.start_text)
        part.start_s = None if head is None else head * head_unit
    elif hl7(part.start_text)[1]:
        part.start_s = _seconds_of_day(part.start_text)


def _seconds_of_day(stamp: str) -> float:
    """Of YYYYMMDDHHMMSS.ffff; enough to place leads of one recording beside each other."""
    fraction = number("0." + stamp[15:].split("+")[0].split("-")[0]) if stamp[14:15] == "." else 0.0
    return int(stamp[8:10]) * 3600 + int(stamp[10:12]) * 60 + (int(stamp[12:14]) if stamp[12:14].isdecimal() else 0) + (fraction or 0.0)


def _samples(value: Node) -> tuple[NDArray[np.float64], str]:
    """One lead in mV, or in the file's numbers ("NU") where no unit of voltage is given."""
    scale = number(value.attribute("scale", "value") or "1")
    origin = number(value.attribute("origin", "value") or "0")
    if scale is None or origin is None or scale == 0:
        raise Inconsistent("The annotated ECG's scale is not a number.")
    unit = millivolts(value.attribute("scale", "unit"))
    zero = millivolts(value.attribute("origin", "unit")) or unit
    numbers = digits(value.text("digits"))
    if unit is None or zero is None:
        return numbers * scale + origin, "NU"
    return numbers * (scale * unit) + origin * zero, "mV"


def _placed(parts: list[_Part], notes: list[str]) -> list[_Part]:
    """The sets that can stand on one time line, the first one in any case."""
    parts = [part for part in parts if part.leads]
    if not parts:
        raise BadGeometry("The annotated ECG's rhythm series holds no lead.")
    first = parts[0]
    same = [
        part
        for part in parts
        if part is first
        or (None not in (part.start_s, first.start_s) and part.unit == first.unit and abs(part.step_s / first.step_s - 1) < _SAME_STEP)
    ]
    if len(same) < len(parts):
        notes.append("Parts of the recording state no common time and are left out.")
    return same


def _joined(parts: list[_Part]) -> tuple[Signal, tuple[str, ...]]:
    """(leads, samples), NaN where a lead was not recorded."""
    step = parts[0].step_s
    zero = min(part.start_s or 0.0 for part in parts)
    rows: dict[tuple[str, int], int] = {}  # a name may come twice in one set, and again in the next
    pieces: list[tuple[int, int, NDArray[np.float64]]] = []
    for part in parts:
        at = round(min(((part.start_s or 0.0) - zero) / step, _FAR))
        seen: dict[str, int] = {}
        for name, samples in part.leads:
            seen[name] = seen.get(name, 0) + 1
            pieces.append((rows.setdefault((name, seen[name]), len(rows)), at, samples))
    length = max(at + samples.size for _, at, samples in pieces)
    require(len(rows), length, 1 / step)
    signal = np.full((len(rows), length), np.nan, np.float32)
    for row, at, samples in pieces:
        signal[row, at : at + samples.size] = samples
    return finite(signal), distinct([name for name, _ in rows])


def _when(root: Node, series: Node, part: _Part) -> tuple[str | None, str | None]:
    """Day and moment at which it starts: of the series, else of the document, else of the time base."""
    stamps = [node.attribute(f"effectiveTime/{edge}", "value") for node in (series, root) for edge in ("low", "center")]
    stamps += [node.attribute("effectiveTime", "value") for node in (series, root)] + [part.start_text]
    read = [hl7(stamp) for stamp in stamps if stamp]
    return next((on for on, _ in read if on), None), next((at for _, at in read if at), None)


def _patient(root: Node, studied: str | None) -> Patient:
    subject = root.one(_SUBJECT)
    if subject is None:
        return Patient()
    base = "subjectDemographicPerson"
    born = hl7(subject.attribute(f"{base}/birthTime", "value"))[0]
    sex = subject.attribute(f"{base}/administrativeGenderCode", "code").upper()
    name = person(subject.text(f"{base}/name/family"), subject.text(f"{base}/name/given"))
    return Patient(
        name=name or clean(subject.text(f"{base}/name")),
        patient_id=clean(subject.attribute("id", "extension")),
        birth_date=born,
        sex={"M": "M", "F": "F", "UN": "O"}.get(sex),
        age_years=age(None, born, studied),
    )


def _device(series: Node) -> str | None:
    made = series.text("author/seriesAuthor/manufacturerOrganization/name")
    model = series.text("author/seriesAuthor/manufacturedSeriesDevice/manufacturerModelName")
    return clean(model if made and model.startswith(made) else f"{made} {model}")


def _filters(series: Node) -> str | None:
    found: dict[str, float] = {}
    for variable in series.all("controlVariable/controlVariable"):
        kind = variable.attribute("code", "code").upper()
        for inner in variable.all("component/controlVariable"):
            frequency = number(inner.attribute("value", "value"))
            if kind.startswith(_FILTER) and frequency and inner.attribute("value", "unit") in ("Hz", ""):
                found[kind.removeprefix(_FILTER)] = frequency
    return filters(found.get("HIGH_PASS"), found.get("LOW_PASS"), found.get("NOTCH"))
