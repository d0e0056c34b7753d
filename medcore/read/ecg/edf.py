"""EDF, EDF+, BDF and BDF+ to a `Tracing`: Kemp 1992, doi 10.1016/0013-4694(92)90009-7; Kemp 2003, doi 10.1016/S1388-2457(03)00123-8.

The whole format is a page long, and PyPI's readers open paths and copy every signal as float64; so it is written here.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medcore.errors import Inconsistent, NotAnImage, TooLarge, Truncated
from medcore.read.ecg.channels import Channel, joined, must_fit
from medcore.read.ecg.leads import kind
from medcore.read.text import clean
from medcore.read.tracing import Tracing
from medcore.read.who import age
from medcore.types import Patient

_BDF = b"\xffBIOSEMI"
_EDF = b"0       "
_SIGNALS = 512
_WIDTHS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)  # of the fields that each signal has
_PIVOT = 85  # two-digit years from here on are of the last century
_ONSET = re.compile(rb"([+-]\d{1,12}(?:\.\d{1,9})?)(?:\x15[\d.]*)?\x14", re.ASCII)
_GAPS = "The recording was interrupted; where nothing was recorded, nothing is shown."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signal:
    """One signal's part of the header."""

    label: str
    unit: str
    scale: float
    offset: float
    filters: str
    count: int  # samples in each record


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edf:
    """The header. `seconds` is the time that one record covers."""

    patient: str
    recording: str
    plus: bool
    interrupted: bool
    begun: datetime | None
    records: int
    seconds: float
    signals: tuple[_Signal, ...]
    size: int
    width: int  # bytes of a sample


def is_edf(data: memoryview) -> bool:
    """Whether the version field and the length of the header are those of EDF or BDF."""
    if len(data) < 256 or bytes(data[:8]) not in (_EDF, _BDF):
        return False
    size, count = (bytes(data[start:end]).strip() for start, end in ((184, 192), (252, 256)))
    return size.isdigit() and count.isdigit() and int(size) == 256 * (int(count) + 1)


def parse_edf(data: memoryview) -> Tracing:
    """The ECG in an EDF or BDF file; where it holds none, what else it holds, with that as its modality.

    Raises:
        InputRejected: any of its kinds; a field that is no number, a count that cannot be, cut short, over the limits.
    """
    head = _header(data)
    notes: list[str] = []
    stored = _stored(data, head)
    begins = _begins(data, head, notes)
    channels, start = [], 0
    for signal in head.signals:
        if signal.count and kind(signal.label) != "":
            channels.append(_channel(signal, stored[:, start : start + signal.count], head.seconds, begins))
        start += signal.count
    if not channels:
        raise NotAnImage("This EDF file holds marks, but no signal.")
    joint = joined(channels, notes)
    filters = next((signal.filters for signal in head.signals if kind(signal.label) == "ECG" and signal.filters), None)
    return Tracing(
        **joint, file_format="BDF" if head.width == 3 else "EDF", patient=_patient(head), filters=filters and clean(filters),
        study_date=head.begun.date().isoformat() if head.begun else None, started_at=head.begun.isoformat() if head.begun else None,
        device=_device(head), warnings=tuple(dict.fromkeys(notes)),
    )  # fmt: skip


def _header(data: memoryview) -> _Edf:
    def field(start: int, length: int) -> str:
        return bytes(data[start : start + length]).decode("latin-1").strip(" \0")

    size, count = int(_number(field(184, 8))), int(_number(field(252, 4)))
    if not 0 < count <= _SIGNALS:
        raise TooLarge(f"The EDF file has no signal, or more than {_SIGNALS}.")
    if len(data) < size:
        raise Truncated("The EDF file ends before its header does.")
    reserved, width = field(192, 44), 3 if bytes(data[:8]) == _BDF else 2
    columns, start = [], 256
    for each in _WIDTHS:
        columns.append([field(start + number * each, each) for number in range(count)])
        start += count * each
    signals = tuple(_signal(*(column[number] for column in columns)) for number in range(count))
    plus = reserved[:4] in ("EDF+", "BDF+")
    return _Edf(
        patient=field(8, 80), recording=field(88, 80), plus=plus, interrupted=plus and reserved[4:5] == "D",
        begun=_begun(field(168, 8), field(176, 8), field(88, 80)), records=int(_number(field(236, 8))), seconds=_number(field(244, 8)),
        signals=signals, size=size, width=width,
    )  # fmt: skip


def _signal(*fields: str) -> _Signal:
    """Physical values lie between `low` and `high` as stored ones between theirs; a signal where they do not has no gain."""
    label, _, unit, *stated, filters, count, _ = fields
    bounds = [_number(each) for each in stated]
    span = bounds[3] - bounds[2]
    scale = (bounds[1] - bounds[0]) / span if span else 0.0
    offset = bounds[2] - bounds[0] / scale if scale else 0.0
    return _Signal(label=label, unit=unit, scale=scale, offset=offset, filters=filters, count=_count(count))


def _number(text: str) -> float:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        raise Inconsistent("A field of the EDF file's header is not a number.") from None
    if not math.isfinite(value):
        raise Inconsistent("A field of the EDF file's header is not a finite number.")
    return value


def _count(text: str) -> int:
    count = _number(text)
    if count != int(count) or not 0 <= count < 2**31:
        raise Inconsistent("The EDF file's number of samples cannot be.")
    return int(count)


def _stored(data: memoryview, head: _Edf) -> NDArray[Any]:
    """(records, samples of all signals) as stored; a view on the file where samples have 16 bits."""
    total = sum(signal.count for signal in head.signals)
    room = total * head.width
    held = (len(data) - head.size) // room if room else 0
    records = held if head.records == -1 else head.records
    if records < 1 or not head.seconds > 0:
        raise NotAnImage("This EDF file holds no signal.")
    if held < records:
        raise Truncated("The EDF file ends before its signals do; it may have been cut short while copying.")
    longest = max(signal.count for signal in head.signals)
    must_fit(1, records * longest, longest / head.seconds)
    raw = data[head.size : head.size + records * room]
    if head.width == 2:
        return np.frombuffer(raw, "<i2").reshape(records, total)
    must_fit(1, records * total, total / head.seconds)
    out = np.zeros((records * total, 4), np.uint8)
    out[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
    return (out.view("<i4")[:, 0] >> 8).reshape(records, total)


def _begins(data: memoryview, head: _Edf, notes: list[str]) -> NDArray[np.float64] | None:
    """When each record of an interrupted recording begins, in seconds; None where one follows on the other."""
    if not head.interrupted:
        return None
    start = 0
    for signal in head.signals:
        if kind(signal.label) == "":
            break
        start += signal.count
    else:
        raise Inconsistent("This EDF file says that it was interrupted, but not when.")
    room = sum(each.count for each in head.signals) * head.width
    records = (len(data) - head.size) // room if head.records == -1 else head.records
    times: NDArray[np.float64] = np.empty(records)
    for number in range(records):
        at = head.size + number * room + start * head.width
        found = _ONSET.match(bytes(data[at : at + 64]))
        if found is None:
            raise Inconsistent("This EDF file says that it was interrupted, but not when.")
        times[number] = float(found[1])
    if (np.diff(times) < head.seconds * 0.99).any():
        raise Inconsistent("The records of this EDF file overlap in time.")
    if times[-1] - times[0] <= head.seconds * (records - 1) * 1.0001:
        return None
    notes.append(_GAPS)
    return np.asarray(times - times[0])


def _channel(signal: _Signal, stored: NDArray[Any], seconds: float, begins: NDArray[np.float64] | None) -> Channel:
    rate = signal.count / seconds
    if begins is not None and kind(signal.label) in ("ECG", None):
        places = np.rint(begins * rate).astype(np.int64)
        total = int(places[-1]) + signal.count
        must_fit(1, total, rate)
        spread = np.full(total, np.nan, np.float32)
        for place, record in zip(places, stored, strict=True):
            spread[place : place + signal.count] = record
        stored = spread
    return Channel(
        label=signal.label, unit=signal.unit, sampling_rate_hz=rate, stored=stored, scale=signal.scale, offset=signal.offset,
    )  # fmt: skip


def _begun(date: str, time: str, recording: str) -> datetime | None:
    """dd.mm.yy and hh.mm.ss; EDF+ states the whole year in the recording's field."""
    stated = re.match(r"Startdate (\d\d-[A-Za-z]{3}-\d{4})", recording)
    try:
        clock = datetime.strptime(time, "%H.%M.%S").time()
        if stated is not None:
            return datetime.combine(datetime.strptime(stated[1].title(), "%d-%b-%Y"), clock)
        day, month, year = (int(part) for part in date.split("."))
        return datetime.combine(datetime(year + (1900 if year >= _PIVOT else 2000), month, day), clock)
    except ValueError:
        return None


def _patient(head: _Edf) -> Patient:
    """EDF+ gives code, sex, birth date and name, X for what is not known; plain EDF one line that identifies the patient."""
    if not head.plus:
        known = set(head.patient.upper().split()) - {"X"}  # some writers put the X of EDF+ for what is not known
        return Patient(patient_id=clean(head.patient) if known else None)
    parts = [*head.patient.split(" "), "X", "X", "X", "X"][:4]
    code, sex, born, name = (None if part in ("X", "") else part for part in parts)
    try:
        birth = datetime.strptime(born.title(), "%d-%b-%Y").date().isoformat() if born else None
    except ValueError:
        birth = None
    return Patient(
        patient_id=clean((code or "").replace("_", " ")), sex=sex if sex in ("M", "F") else None, birth_date=birth,
        name=clean((name or "").replace("_", " ")), age_years=age(None, birth, head.begun.date().isoformat() if head.begun else None),
    )  # fmt: skip


def _device(head: _Edf) -> str | None:
    """The equipment's code, the last of the four parts of an EDF+ recording field."""
    parts = head.recording.split(" ")
    return clean(parts[4].replace("_", " ")) if head.plus and len(parts) > 4 and parts[4] not in ("X", "") else None
