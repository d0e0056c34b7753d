"""SCP-ECG: EN 1064:2005+A1 / ISO 11073-91064:2009, versions 1 and 2 and the resting ECG of version 3. Little-endian.

Read are sections 0 (pointers), 1 (who, when, with what), 2 (code tables), 3 (leads), 4 and 5 (beats taken out) and 6 (the rhythm).
"""

from __future__ import annotations

import binascii
import struct

import numpy as np

from medcore.errors import BadGeometry, Inconsistent, Truncated, Unsupported
from medcore.read.ecg.assemble import DAMAGED, TRUNCATED, Signal, distinct, finite, require, twelve
from medcore.read.ecg.scp_rhythm import Lead, Rhythm, rhythm
from medcore.read.ecg.scp_who import Facts, facts
from medcore.read.tracing import Tracing

_PREAMBLE = 6  # checksum, size of the record
_HEADER = 16  # of each section: checksum, number, length, versions, reserved
_POINTER = struct.Struct("<HII")
_KNOWN = 11  # sections above are the maker's, or the long-term ones of version 3
_LONG_TERM = 12
_FIRST = "I II V1 V2 V3 V4 V5 V6 V7 V2R V3R V4R V5R V6R V7R X Y Z CC5 CM5 LA RA LL fI fE fC fA fM fF fH"
_CALIBRATED = 30  # codes 31 to 60 are those of 1 to 30 with the calibration in them
_SECOND = "III aVR aVL aVF -aVR V8 V9 V8R V9R D A J"
_NAMES = dict(enumerate(_FIRST.split(" "), 1)) | dict(enumerate(_SECOND.split(" "), 61))  # lead identification, 5.6.3


def is_scp(data: memoryview) -> bool:
    """Whether section 0 stands where it has to and says what it is."""
    if len(data) < _PREAMBLE + _HEADER + _POINTER.size or struct.unpack_from("<H", data, 8)[0] != 0:
        return False
    size, length = struct.unpack_from("<I", data, 2)[0], struct.unpack_from("<I", data, 10)[0]
    first = _POINTER.unpack_from(data, _PREAMBLE + _HEADER)
    named = bytes(data[16:22]) == b"SCPECG"
    return size >= _PREAMBLE + length and length >= _HEADER and (named or (first[0] == 0 and first[1:] == (length, _PREAMBLE + 1)))


def parse_scp(data: memoryview) -> Tracing:
    """Read the rhythm of section 6, with the reference beats put back and decimated parts interpolated where such were used.

    Raises:
        InputRejected: a length beyond the file, a section that is missing or not what it is called, counts that do not fit,
            codes that no table holds, an encoding that is not read, or over the limits.
    """
    notes: list[str] = []
    sections = _sections(data, notes)
    if 3 not in sections or 6 not in sections:
        if _LONG_TERM in sections:
            raise Unsupported("Long-term recordings of SCP-ECG version 3 are not read.")
        raise BadGeometry("The SCP-ECG file holds no rhythm.")
    leads = _leads(sections[3])
    decoded = rhythm(sections, leads, notes)
    signal, names = twelve(_placed(decoded, leads), distinct([_name(lead.code) for lead in leads]))
    who = facts(sections[1], notes) if 1 in sections else Facts()
    return Tracing(
        signal=signal, unit="mV" if decoded.nanovolts else "NU", sampling_rate_hz=1e6 / decoded.interval_us, leads=names,
        file_format="SCP-ECG", patient=who.patient, study_date=who.study_date, started_at=who.started_at, device=who.device,
        filters=who.filters, warnings=tuple(notes),
    )  # fmt: skip


def _sections(data: memoryview, notes: list[str]) -> dict[int, memoryview]:
    """The content of each section by its number, checked against the file and against its own header."""
    if len(data) < _PREAMBLE + _HEADER:
        raise Truncated(TRUNCATED)
    (size,) = struct.unpack_from("<I", data, 2)
    if size > len(data):
        raise Truncated(TRUNCATED)
    data = data[: max(size, _PREAMBLE + _HEADER)]
    (length,) = struct.unpack_from("<I", data, 10)
    if not _HEADER <= length <= len(data) - _PREAMBLE:
        raise Truncated(TRUNCATED)
    good = _sound(data)
    sections: dict[int, memoryview] = {}
    for at in range(_PREAMBLE + _HEADER, _PREAMBLE + length - _POINTER.size + 1, _POINTER.size):
        number, extent, index = _POINTER.unpack_from(data, at)
        if number == 0 or extent == 0 or (number > _KNOWN and number != _LONG_TERM):
            continue
        start = index - 1
        if start < 0 or extent < _HEADER or start + extent > len(data):
            raise Truncated(TRUNCATED)
        if struct.unpack_from("<H", data, start + 2)[0] != number:
            raise Inconsistent(DAMAGED)
        good = good and _sound(data[start : start + extent])
        sections[number] = data[start + _HEADER : start + extent]
    if not good:
        notes.append("A checksum does not match the file's contents; it may have been damaged.")
    return sections


def _sound(part: memoryview) -> bool:
    """CRC-CCITT of all that follows it (5.2.7)."""
    return binascii.crc_hqx(part[2:], 0xFFFF) == int.from_bytes(part[:2], "little")


def _leads(section: memoryview) -> list[Lead]:
    if len(section) < 2:
        raise Truncated(TRUNCATED)
    count, flags = section[0], section[1]
    if len(section) < 2 + 9 * count:
        raise Truncated(TRUNCATED)
    found = (struct.unpack_from("<IIB", section, 2 + 9 * each) for each in range(count))
    leads = [Lead(start, end, code, bool(flags & 1)) for start, end, code in found]
    if not leads or any(lead.end < lead.start for lead in leads):
        raise BadGeometry("The SCP-ECG file's leads hold no samples.")
    return leads


def _name(code: int) -> str:
    if _CALIBRATED < code <= 2 * _CALIBRATED:
        return f"{_NAMES[code - _CALIBRATED]}-cal"
    return _NAMES.get(code, f"Lead {code}")


def _placed(decoded: Rhythm, leads: list[Lead]) -> Signal:
    """(leads, samples) on one time line, NaN where a lead was not recorded."""
    zero = min(lead.start for lead in leads)
    length = max(lead.start - zero + lead.count for lead in leads)
    require(len(leads), length, 1e6 / decoded.interval_us)
    signal = np.full((len(leads), length), np.nan, np.float32)
    scale = decoded.nanovolts / 1e6 if decoded.nanovolts else 1.0
    for row, (lead, values) in enumerate(zip(leads, decoded.leads, strict=True)):
        signal[row, lead.start - zero : lead.start - zero + lead.count] = values * scale
    return finite(signal)
