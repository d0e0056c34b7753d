"""The header of a WFDB record, untrusted text (header(5) of the WFDB Applications Guide, physionet.org/physiotools/wag/header-5.htm)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime

from medcore.errors import Inconsistent, NotAnImage, TooLarge, Unsupported
from medcore.types import Patient

HEADER_BYTES = 256 * 1024
SIGNALS = 256
FORMATS = frozenset((8, 16, 24, 32, 61, 80, 160, 212, 310, 311, 508, 516, 524))
DEFAULT_GAIN = 200.0  # units per mV that the standard takes for an uncalibrated signal
_MOST_PER_FRAME = 4096
_OLDEST = 130

_RECORD = re.compile(
    r"(?P<name>[\w.\-]{1,80})(?:/(?P<segments>\d{1,7}))?\s+(?P<signals>\d{1,5})"
    r"(?:\s+(?P<rate>[\d.]+(?:[eE][+-]?\d+)?)(?:/[^\s(]+(?:\([^)\s]*\))?)?(?:\s+(?P<frames>\d{1,12})(?:\s+(?P<time>[\d:.]+)(?:\s+(?P<date>[\d/]+))?)?)?)?\s*",
    re.ASCII,
)
_SIGNAL = re.compile(
    r"(?P<file>\S{1,100})\s+(?P<format>\d{1,3})(?:x(?P<per_frame>\d{1,5}))?(?::(?P<skew>\d{1,9}))?(?:\+(?P<offset>\d{1,12}))?"
    r"(?:\s+(?P<gain>[-+]?[\d.]+(?:[eE][+-]?\d+)?)(?:\((?P<baseline>-?\d{1,10})\))?(?:/(?P<unit>\S{1,20}))?"
    r"(?:\s+(?P<bits>\d{1,3})(?:\s+(?P<zero>-?\d{1,10})(?:\s+(?P<initial>-?\d{1,10})(?:\s+(?P<checksum>-?\d{1,10})"
    r"(?:\s+(?P<block>\d{1,10})(?:\s+(?P<label>.*))?)?)?)?)?)?)?\s*",
    re.ASCII,
)
_AGE = re.compile(r"<?age>?\s*[:=]\s*(\d{1,3})(?!\d)", re.ASCII | re.IGNORECASE)
_SEX = re.compile(r"<?(?:sex|gender)>?\s*[:=]\s*(m|f|male|female)(?![a-z])", re.ASCII | re.IGNORECASE)
_MIT = re.compile(r"\s*(-?\d{1,3})\s+([MF?])\s+\d", re.ASCII)  # "84 F 1525 167 x1": the first comment of MIT-BIH headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One signal as its line gives it. Physical value = (stored - baseline) / gain in `unit`; gain None: never calibrated."""

    file: str
    format: int
    per_frame: int
    skew: int
    offset: int
    gain: float | None
    baseline: int
    unit: str
    initial: int
    checksum: int | None
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WfdbHeader:
    """A record's header. `frames` None: as long as its files. Of the comments only age and sex are taken, never a diagnosis."""

    name: str
    rate: float | None
    frames: int | None
    started_at: str | None
    date: str | None
    signals: tuple[Signal, ...]
    patient: Patient

    @property
    def files(self) -> tuple[str, ...]:
        """The signal files it names, each once, in order."""
        return tuple(dict.fromkeys(signal.file for signal in self.signals))


def is_wfdb_header(data: bytes) -> bool:
    """Whether the text's first lines are a record line and, where it has signals, a signal line."""
    if len(data) > HEADER_BYTES or b"\0" in data:
        return False
    lines = _lines(data)
    found = _RECORD.fullmatch(lines[0]) if lines else None
    if found is None:
        return False
    if found["segments"] is not None or int(found["signals"]) == 0:
        return found["rate"] is not None or found["segments"] is not None
    second = _SIGNAL.fullmatch(lines[1]) if len(lines) > 1 else None
    return second is not None and int(second["format"]) in FORMATS and re.search("[A-Za-z]", second["file"]) is not None


def parse_wfdb_header(data: bytes) -> WfdbHeader:
    """The header.

    Raises:
        Inconsistent, Unsupported, TooLarge, NotAnImage: it contradicts itself, or describes what is not read here.
    """
    lines = _lines(data[: HEADER_BYTES + 1])
    found = _RECORD.fullmatch(lines[0]) if lines and len(data) <= HEADER_BYTES else None
    if found is None:
        raise Inconsistent("The first line of this WFDB header is not that of a record.")
    if found["segments"] is not None:
        raise Unsupported("This WFDB record is made of several segments, which is not read here; upload one segment's record.")
    count = int(found["signals"])
    if count == 0:
        raise NotAnImage("This WFDB header describes a record without signals.")
    if count > SIGNALS:
        raise TooLarge(f"This WFDB header describes more than {SIGNALS} signals.")
    if len(lines) < 1 + count:
        raise Inconsistent("This WFDB header describes fewer signals than its first line says.")
    started, day = _start(found["time"], found["date"])
    return WfdbHeader(
        name=found["name"],
        rate=_rate(found["rate"]),
        frames=int(found["frames"] or 0) or None,
        started_at=started,
        date=day,
        signals=tuple(_signal(line) for line in lines[1 : 1 + count]),
        patient=_patient(data),
    )


def wfdb_files(header: bytes) -> tuple[str, ...]:
    """Names of the signal files that a WFDB header refers to: base names, to be looked for in its own folder.

    Raises:
        InputRejected: it is no header, or one that is not read.
    """
    return parse_wfdb_header(header).files


def _lines(data: bytes) -> list[str]:
    """What is neither a comment nor blank."""
    lines = (line.strip() for line in data.decode("utf-8-sig", "replace").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _rate(stated: str | None) -> float | None:
    """None where it is not stated: the standard's 250 Hz is a guess, and intervals would be measured with it."""
    if stated is None:
        return None
    try:
        return float(stated)
    except ValueError:
        raise Inconsistent("The sampling rate in this WFDB header is not a number.") from None


def _signal(line: str) -> Signal:
    found = _SIGNAL.fullmatch(line)
    if found is None:
        raise Inconsistent("A signal's line in this WFDB header cannot be read.")
    name, fmt, per_frame = found["file"], int(found["format"]), int(found["per_frame"] or 1)
    if "/" in name or "\\" in name or ":" in name or name in (".", "..", "-", "~"):
        raise Inconsistent("This WFDB header names a signal file outside its own folder.")
    if fmt not in FORMATS:
        raise Unsupported(f"The signals of this WFDB record are stored in format {fmt}, which is not read here.")
    if not 1 <= per_frame <= _MOST_PER_FRAME:
        raise Inconsistent("This WFDB header gives an impossible number of samples per frame.")
    zero = int(found["zero"] or 0)
    return Signal(
        file=name,
        format=fmt,
        per_frame=per_frame,
        skew=int(found["skew"] or 0),
        offset=int(found["offset"] or 0),
        gain=_gain(found["gain"]),
        baseline=zero if found["baseline"] is None else int(found["baseline"]),
        unit=found["unit"] or "mV",
        initial=zero if found["initial"] is None else int(found["initial"]),
        checksum=None if found["checksum"] is None else int(found["checksum"]),
        label=(found["label"] or "").strip(),
    )


def _gain(stated: str | None) -> float | None:
    try:
        gain = float(stated or 0)
    except ValueError:
        raise Inconsistent("A gain in this WFDB header is not a number.") from None
    if not math.isfinite(gain):
        raise Inconsistent("A gain in this WFDB header is not a finite number.")
    return gain or None


def _start(time: str | None, date: str | None) -> tuple[str | None, str | None]:
    """Base time (hh:mm:ss) and base date (dd/mm/yyyy), as ISO 8601 where both stand and are real ones."""
    if time is None or date is None:
        return None, None
    for form in ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S.%f"):
        try:
            start = datetime.strptime(f"{date} {time}", form)
        except ValueError:
            continue
        return start.isoformat(timespec="seconds"), start.date().isoformat()
    return None, None


def _patient(data: bytes) -> Patient:
    """Age and sex where a comment states them."""
    comments = [line.strip()[1:] for line in data.decode("utf-8", "replace").splitlines() if line.strip().startswith("#")][:200]
    text = "\n".join(line[:200] for line in comments)
    age, sex = _AGE.search(text), _SEX.search(text)
    mit = _MIT.match(comments[0]) if comments else None
    years = int(age[1]) if age else int(mit[1]) if mit else -1
    letter = sex[1][0].upper() if sex else mit[2] if mit else None
    return Patient(age_years=float(years) if 0 <= years <= _OLDEST else None, sex=letter if letter in ("M", "F") else None)
