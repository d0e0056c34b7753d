"""ISHNE Holter 1.0: F. Badilini, "The ISHNE Holter Standard Output File Format", Ann Noninvasive Electrocardiol 3 (1998) 263-266.

Magic and checksum (10 bytes), a fixed block (512), a block of free text, then 16-bit samples of all leads in turn. Little-endian.
"""

from __future__ import annotations

import binascii
import struct

import numpy as np
from numpy.typing import NDArray

from medcore.errors import BadGeometry, Truncated
from medcore.read.ecg.assemble import TRUNCATED, Signal, age, distinct, person, require, twelve
from medcore.read.ecg.moments import day, moment
from medcore.read.text import clean
from medcore.read.tracing import Tracing
from medcore.types import Patient

_MAGIC = b"ISHNE1.0"
_BLOCKS = 10  # where the blocks under the checksum begin
_HEAD = 522
_LEADS = 12
_FAULT = -32768  # the sample of a lead that was off
_LEAD_CODES = "X Y Z I II III aVR aVL aVF V1 V2 V3 V4 V5 V6 ES AS AI"
_NAMES = dict(enumerate(_LEAD_CODES.split(" "), 2))  # Table 1; 0 and 1 name none
_BLOCK = 1 << 20  # samples a lead at a time


def is_ishne(data: memoryview) -> bool:
    """Whether the file begins as an ISHNE recording; its annotation files begin otherwise."""
    return bytes(data[:8]) == _MAGIC


def parse_ishne(data: memoryview) -> Tracing:
    """Read all leads; a day of three leads at 200 Hz takes well under a second.

    Raises:
        InputRejected: the header is cut short, its counts cannot be, no sample follows, or over the limits.
    """
    if len(data) < _HEAD:
        raise Truncated(TRUNCATED)
    notes: list[str] = []
    count, rate = _number(data, 156), float(_number(data, 272))
    if not 1 <= count <= _LEADS:
        raise BadGeometry("The Holter file's number of leads cannot be.")
    start = _start(data, notes)
    frames = _frames(data, start, count, notes)
    require(count, frames, rate)
    resolution_nv = [_number(data, 206 + 2 * lead) for lead in range(count)]
    known = all(resolution > 0 for resolution in resolution_nv)
    stored = np.frombuffer(data, "<i2", frames * count, start).reshape(frames, count)
    signal, leads = twelve(_scaled(stored, resolution_nv if known else [1_000_000] * count), _leads(data, count))
    recorded = _day(data, 138)
    return Tracing(
        signal=signal, unit="mV" if known else "NU", sampling_rate_hz=rate, leads=leads, file_format="ISHNE Holter",
        patient=_patient(data, recorded), study_date=recorded,
        started_at=moment(recorded, *(_number(data, 150 + 2 * part) for part in range(3))), device=_text(data, 232, 40),
        warnings=tuple(notes),
    )  # fmt: skip


def _number(data: memoryview, at: int) -> int:
    return int(struct.unpack_from("<h", data, at)[0])


def _text(data: memoryview, at: int, size: int) -> str | None:
    return clean(bytes(data[at : at + size]).split(b"\0")[0].decode("latin-1"))


def _day(data: memoryview, at: int) -> str | None:
    number, month, year = (_number(data, at + 2 * part) for part in range(3))
    return day(year, month, number)


def _start(data: memoryview, notes: list[str]) -> int:
    """Where the samples begin: after the block of text, whatever the third pointer says; the checksum covers all before it."""
    variable, _, _, _ = struct.unpack_from("<4i", data, 10)
    start = _HEAD + int(variable)
    if variable < 0 or start > len(data):
        raise Truncated(TRUNCATED)
    stated = int(struct.unpack_from("<H", data, 8)[0])
    found = binascii.crc_hqx(data[_BLOCKS:start], 0xFFFF)
    if stated and stated not in (found, (found & 0xFF) << 8 | found >> 8):  # writers disagree on the order of its bytes
        notes.append("The file's checksum does not match its header; the header may have been damaged.")
    return start


def _frames(data: memoryview, start: int, count: int, notes: list[str]) -> int:
    """Samples a lead that are there. The header's own count is a sample of all leads to some writers and of each to others."""
    there = (len(data) - start) // (2 * count)
    stated = int(struct.unpack_from("<i", data, 14)[0])
    if stated > 0 and there not in (stated, -(-stated // count)):
        if there < stated // count:
            raise Truncated(TRUNCATED)
        notes.append("The header's number of samples is not that of the file; all samples of the file are read.")
    return there


def _scaled(stored: NDArray[np.int16], resolution_nv: list[int]) -> Signal:
    """(frames, leads) integers -> (leads, frames) mV, in blocks, so that no second copy of a day is ever held."""
    frames, count = stored.shape
    signal = np.empty((count, frames), np.float32)
    for at in range(0, frames, _BLOCK):
        block = stored[at : at + _BLOCK]
        for lead, nanovolts in enumerate(resolution_nv):
            row = signal[lead, at : at + len(block)]
            np.multiply(block[:, lead], np.float32(nanovolts / 1e6), out=row)
            row[block[:, lead] == _FAULT] = np.nan
    return signal


def _leads(data: memoryview, count: int) -> tuple[str, ...]:
    codes = [_number(data, 158 + 2 * lead) for lead in range(count)]
    return distinct([_NAMES.get(code, f"Lead {number}") for number, code in enumerate(codes, 1)])


def _patient(data: memoryview, recorded: str | None) -> Patient:
    born = _day(data, 132)
    return Patient(
        name=person(_text(data, 68, 40), _text(data, 28, 40)),
        patient_id=_text(data, 108, 20),
        birth_date=born,
        sex={1: "M", 2: "F"}.get(_number(data, 128)),
        age_years=age(None, born, recorded),
    )
