"""A MATLAB file of a PhysioNet challenge to a `Tracing`: the matrix `val`, leads by samples ("MAT-File Format", MathWorks, levels 4 and 5).

SciPy's reader builds whatever a file describes; only a numeric matrix is wanted here, with its size known before it is allocated.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medcore.errors import Inconsistent, NotAnImage, SamplingRateUnknown, TooLarge, Truncated, Unsupported
from medcore.read.ecg.channels import Channel, joined
from medcore.read.ecg.note import Note
from medcore.read.limits import ARCHIVE_RATIO, DECODED_BYTES, MIB
from medcore.read.tracing import Tracing
from medcore.types import Patient

_MAGIC5 = b"MATLAB 5.0 MAT-file"
_MAGIC7 = b"MATLAB 7.3 MAT-file"
_LEVEL4 = {0: "f8", 1: "f4", 2: "i4", 3: "i2", 4: "u2", 5: "u1"}
_LEVEL5 = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_MATRIX, _COMPRESSED = 14, 15
_NUMERIC = range(6, 16)  # classes mxDOUBLE to mxUINT64
_VARIABLES = 64
_RATES = ("fs", "sfreq", "freq", "frequency", "samplingrate", "samplingfrequency", "samplerate")
_SHORTEST = 100  # samples; a smaller matrix is no recording
_NO_RATE = "This MAT file does not state its sampling rate; please state it, or add the record's header (.hea)."
_CUT = "The MAT file ends before its data does; it may have been cut short while copying."


@dataclass(frozen=True, slots=True)
class _Variable:
    """A two-dimensional numeric matrix, as a view on the file where it is not compressed."""

    name: str
    values: NDArray[Any]  # (rows, columns)


def is_mat(data: memoryview) -> bool:
    """Whether it is a MAT file of level 5 or 7.3, or a numeric matrix with a plain name of level 4."""
    if bytes(data[:19]) in (_MAGIC5, _MAGIC7):
        return True
    if len(data) < 24:
        return False
    order, kind, length = _head4(data, 0)
    if kind not in range(0, 51, 10) or not 2 <= length <= 64 or 20 + length > len(data):
        return False
    rows, columns = struct.unpack_from(order + "2i", data, 4)
    name = bytes(data[20 : 20 + length])
    return rows > 0 and columns > 0 and name.endswith(b"\0") and name[:-1].isascii() and name[:-1].decode("latin-1").isidentifier()


def parse_mat(data: memoryview, note: Note | None = None) -> Tracing:
    """The matrix `val`, or the only matrix that is as long as a recording. Its numbers have no unit unless `note` states one.

    Raises:
        SamplingRateUnknown: neither a variable of the file (fs) nor the note states the rate.
        InputRejected: any of its kinds.
    """
    if bytes(data[:19]) == _MAGIC7:
        raise Unsupported("MATLAB files of version 7.3 are not read; save it with the option -v7 or -v6.")
    found = list(_level5(data) if bytes(data[:19]) == _MAGIC5 else _level4(data))
    values = _signal(found)
    rate = next((float(each.values[0, 0]) for each in found if each.name.lower() in _RATES and each.values.size == 1), None)
    if rate is None and note is None:
        raise SamplingRateUnknown(_NO_RATE)
    noted = note is not None and (rate is None or note.unit is not None)
    rate = note.sampling_rate_hz if rate is None and note is not None else rate
    unit = note.unit if note is not None and note.unit is not None else "NU"
    notes: list[str] = []
    hertz = rate or 0.0
    channels = [Channel(label=f"lead {number}", unit=unit, sampling_rate_hz=hertz, stored=row) for number, row in enumerate(values, 1)]
    return Tracing(**joined(channels, notes), file_format="MAT", patient=Patient(), noted=noted, warnings=tuple(notes))


def _signal(found: list[_Variable]) -> NDArray[Any]:
    """(leads, samples) of the variable that is the recording."""
    long = [each for each in found if max(each.values.shape) >= _SHORTEST]
    named = [each for each in long if each.name == "val"] or long
    if len(named) != 1:
        raise NotAnImage("This MAT file holds no matrix val, nor just one matrix that could be a recording.")
    values = named[0].values
    return values if values.shape[0] <= values.shape[1] else values.T


def _head4(data: memoryview, at: int) -> tuple[str, int, int]:
    """Byte order, type (MOPT without M) and length of the name."""
    kind = struct.unpack_from("<i", data, at)[0]
    if 0 <= kind < 100:
        return "<", kind, struct.unpack_from("<i", data, at + 16)[0]
    kind = struct.unpack_from(">i", data, at)[0]
    return ">", kind - 1000, struct.unpack_from(">i", data, at + 16)[0]


def _level4(data: memoryview) -> Iterator[_Variable]:
    at = 0
    for _ in range(_VARIABLES):
        if at + 20 > len(data):
            return
        order, kind, length = _head4(data, at)
        rows, columns, imaginary = struct.unpack_from(order + "3i", data, at + 4)
        if kind not in range(0, 51, 10) or not 0 < length <= 64 or min(rows, columns) < 0 or imaginary not in (0, 1):
            raise Inconsistent("The MAT file's contents contradict themselves.")
        dtype = np.dtype(order + _LEVEL4[kind // 10])
        start, size = at + 20 + length, rows * columns * dtype.itemsize
        if start + size * (1 + imaginary) > len(data):
            raise Truncated(_CUT)
        name = bytes(data[at + 20 : start]).rstrip(b"\0").decode("latin-1")
        if rows and columns and not imaginary:
            yield _Variable(name, np.frombuffer(data[start : start + size], dtype).reshape(columns, rows).T)
        at = start + size * (1 + imaginary)


def _level5(data: memoryview) -> Iterator[_Variable]:
    order = {b"IM": "<", b"MI": ">"}.get(bytes(data[126:128]))
    if order is None:
        raise Inconsistent("The MAT file does not say in which order its bytes stand.")
    for number, (kind, body) in enumerate(_elements(data[128:], order)):
        if number >= _VARIABLES:
            return
        if kind == _COMPRESSED:
            kind, body = next(_elements(_inflated(body), order), (0, body))
        variable = _matrix(body, order) if kind == _MATRIX else None
        if variable is not None:
            yield variable


def _elements(data: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """Type and body of each element; small ones keep their body in the tag."""
    at = 0
    while at + 8 <= len(data):
        kind, size = struct.unpack_from(order + "2I", data, at)
        if kind >> 16:
            kind, size, start = kind & 0xFFFF, kind >> 16, at + 4
            if size > 4:
                raise Inconsistent("The MAT file's contents contradict themselves.")
            following = at + 8
        else:
            start = at + 8
            following = start + size + (0 if kind == _COMPRESSED else -size % 8)
        if start + size > len(data):
            raise Truncated(_CUT)
        yield kind, data[start : start + size]
        at = following


def _inflated(body: memoryview) -> memoryview:
    limit = min(max(ARCHIVE_RATIO * len(body), MIB), DECODED_BYTES)
    inflate = zlib.decompressobj()
    try:
        plain = inflate.decompress(body, limit)
    except zlib.error:
        raise Truncated("The MAT file is damaged.") from None
    if not inflate.eof:
        raise TooLarge("The MAT file inflates to more than is accepted.") if inflate.unconsumed_tail else Truncated(_CUT)
    return memoryview(plain)


def _matrix(body: memoryview, order: str) -> _Variable | None:
    """A real numeric matrix of two dimensions; None for anything else."""
    parts = []
    for part in _elements(body, order):
        parts.append(part)
        if len(parts) == 4:
            break
    if len(parts) < 4 or len(parts[0][1]) < 8 or len(parts[1][1]) != 8:
        return None
    flags = struct.unpack_from(order + "I", parts[0][1])[0]
    if flags & 0xFF not in _NUMERIC or flags & 0x800 or parts[3][0] not in _LEVEL5:
        return None
    rows, columns = struct.unpack_from(order + "2i", parts[1][1])
    dtype = np.dtype(order + _LEVEL5[parts[3][0]])
    if min(rows, columns) < 1 or rows * columns * dtype.itemsize != len(parts[3][1]):
        return None
    return _Variable(bytes(parts[2][1]).decode("latin-1"), np.frombuffer(parts[3][1], dtype).reshape(columns, rows).T)
