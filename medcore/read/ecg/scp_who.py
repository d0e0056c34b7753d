"""Section 1 of SCP-ECG (EN 1064, 5.4): patient, time, device and filters, as tagged fields."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from medcore.read.ecg.assemble import age, filters, person
from medcore.read.ecg.moments import day, moment, years
from medcore.read.text import clean
from medcore.types import Patient

_END = 255
_SEX = {1: "M", 2: "F"}
_AGES = {1: "YEARS", 2: "MONTHS", 3: "WEEKS", 4: "DAYS", 5: "HOURS"}
_CODECS = {
    0x03: "iso8859_2", 0x0B: "iso8859_4", 0x13: "iso8859_5", 0x1B: "iso8859_6", 0x23: "iso8859_7", 0x2B: "iso8859_8", 0x33: "iso8859_11",
    0x3B: "iso8859_15", 0x07: "utf-16-le", 0x0F: "shift_jis", 0x17: "euc_jp", 0x1F: "euc_jp", 0x27: "gb2312", 0x2F: "cp949", 0x37: "utf-8",
}  # fmt: skip # language support codes, 5.4.3.1 tag 14
_MAKERS = (
    "", "Burdick", "Cambridge", "Compumed", "Datamed", "Fukuda", "Hewlett-Packard", "Marquette", "Mortara", "Nihon Kohden", "Okin",
    "Quinton", "Siemens", "Spacelabs", "Telemed", "Hellige", "ESAOTE", "Schiller", "Picker-Schwarzer", "et medical devices", "Zwönitz",
)  # fmt: skip
_DEVICE = 14
_DEVICE_BYTES = 36


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What section 1 brings to a `Tracing`."""

    patient: Patient = field(default_factory=Patient)
    study_date: str | None = None
    started_at: str | None = None
    device: str | None = None
    filters: str | None = None


def facts(section: memoryview, notes: list[str]) -> Facts:
    """All of them; a field that is malformed is unknown."""
    tags = _tags(section, notes)
    codec = _codec(tags.get(_DEVICE, b""))
    family, given, identity = (_text(tags.get(tag, b""), codec) for tag in (0, 1, 2))
    born, studied = _day(tags.get(5, b"")), _day(tags.get(25, b""))
    clock = tags.get(26, b"")
    sex = tags.get(8, b"")
    return Facts(
        patient=Patient(
            name=person(family, given), patient_id=identity, birth_date=born, sex=_SEX.get(sex[0]) if sex else None,
            age_years=age(_age(tags.get(4, b"")), born, studied),
        ),
        study_date=studied,
        started_at=moment(studied, clock[0], clock[1], clock[2]) if len(clock) >= 3 else None,
        device=_device(tags.get(_DEVICE, b""), codec),
        filters=_filters(tags),
    )  # fmt: skip


def _tags(section: memoryview, notes: list[str]) -> dict[int, bytes]:
    """The first value of each tag, up to the end mark or to where a length leaves the section."""
    out: dict[int, bytes] = {}
    at = 0
    while at + 3 <= len(section) and section[at] != _END:
        tag, (length,) = section[at], struct.unpack_from("<H", section, at + 1)
        at += 3
        if at + length > len(section):
            notes.append("The header's facts on patient and device are damaged; those after the damage are unknown.")
            break
        out.setdefault(tag, bytes(section[at : at + length]))
        at += length
    return out


def _codec(device: bytes) -> str:
    return _CODECS.get(device[16], "latin-1") if len(device) > 16 else "latin-1"


def _text(value: bytes, codec: str) -> str | None:
    text = value.decode(codec, errors="replace")
    return clean(text.split("\0")[0])


def _day(value: bytes) -> str | None:
    return day(int.from_bytes(value[:2], "little"), value[2], value[3]) if len(value) >= 4 else None


def _age(value: bytes) -> float | None:
    number = int.from_bytes(value[:2], "little")
    return years(float(number), _AGES.get(value[2], "")) if len(value) >= 3 and number else None


def _device(value: bytes, codec: str) -> str | None:
    if len(value) < _DEVICE_BYTES:
        return None
    strings = value[_DEVICE_BYTES:].split(b"\0")
    maker = _text(strings[4], codec) if len(strings) > 4 else None
    maker = maker or (_MAKERS[value[7]] if value[7] < len(_MAKERS) else "")
    return clean(f"{maker} {_text(value[8:14], codec) or ''}")


def _filters(tags: dict[int, bytes]) -> str | None:
    high = int.from_bytes(tags.get(27, b"")[:2], "little") / 100  # stored in hundredths of a hertz
    low = int.from_bytes(tags.get(28, b"")[:2], "little")
    bits = tags.get(29, b"\0")[:1] or b"\0"
    notch = 60.0 if bits[0] & 1 else 50.0 if bits[0] & 2 else None
    return filters(high or None, float(low) or None, notch)
