"""ECG files for the tests of the reader, written from the specifications so that they may be wrong in any way."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping, Sequence

import numpy as np
import soundfile
from numpy.typing import NDArray

from tests.read.build import EXPLICIT, data_set, header, meta

TWELVE = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
ECG12 = "1.2.840.10008.5.1.4.1.1.9.1.1"
WFDB_FORMATS = (8, 16, 24, 32, 61, 80, 160, 212, 310, 311, 508, 516, 524)
_BITS = {8: 7, 16: 16, 24: 24, 32: 32, 61: 16, 80: 8, 160: 16, 212: 12, 310: 10, 311: 10, 508: 8, 516: 16, 524: 24}
_FLAC = {508: "PCM_S8", 516: "PCM_16", 524: "PCM_24"}
Ints = NDArray[np.int64]


def heart(seconds: float = 4.0, hz: float = 250.0, leads: int = 2, bpm: float = 72.0) -> NDArray[np.float64]:
    """(leads, samples) mV: bumps where P, R and T would be; enough for a reader, which asks no physiology."""
    t = np.arange(round(seconds * hz)) / hz % (60 / bpm)
    beat = sum(high * np.exp(-(((t - at) / wide) ** 2)) for high, at, wide in ((0.12, 0.1, 0.025), (1.1, 0.27, 0.012), (0.3, 0.5, 0.05)))
    return np.stack([beat * (1 - 0.13 * lead) + 0.01 * lead for lead in range(leads)])


def stored(fmt: int, seconds: float = 4.0, leads: int = 2) -> Ints:
    """(samples, leads) whole numbers that fit a WFDB format."""
    high = min(2 ** (_BITS[fmt] - 1) - 2, 100_000) if fmt != 8 else 300
    signal = heart(seconds, leads=leads)
    return np.rint(signal.T / np.abs(signal).max() * high * 0.9).astype(np.int64)


def wfdb_bytes(fmt: int, values: Ints, initial: Sequence[int] | None = None) -> bytes:
    """The signal file of (samples, leads) in one of the formats of signal(5)."""
    flat = values.reshape(-1)
    if fmt in _FLAC:
        out = io.BytesIO()
        kept = values.astype(np.int32) << 8 * {508: 1, 516: 0, 524: 1}[fmt]
        soundfile.write(out, kept if fmt == 524 else kept.astype(np.int16), 250, format="FLAC", subtype=_FLAC[fmt])
        return out.getvalue()
    if fmt == 8:
        first = values[:1] if initial is None else np.array([initial])
        return np.diff(values, axis=0, prepend=first).astype("i1").tobytes()
    if fmt in (16, 61, 32):
        return flat.astype({16: "<i2", 61: ">i2", 32: "<i4"}[fmt]).tobytes()
    if fmt == 24:
        return flat.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    if fmt in (80, 160):
        return (flat + (128 if fmt == 80 else 32768)).astype("u1" if fmt == 80 else "<u2").tobytes()
    return _packed(fmt, flat)


def _packed(fmt: int, flat: Ints) -> bytes:
    size = 2 if fmt == 212 else 3
    rows = np.concatenate([flat, np.zeros(-len(flat) % size, np.int64)]).reshape(-1, size)
    out = bytearray()
    for row in rows.tolist():
        if fmt == 212:
            one, two = (value & 0xFFF for value in row)
            out += bytes([one & 0xFF, one >> 8 | two >> 8 << 4, two & 0xFF])
        elif fmt == 311:
            one, two, three = (value & 0x3FF for value in row)
            out += struct.pack("<I", one | two << 10 | three << 20)
        else:
            one, two, three = (value & 0x3FF for value in row)
            out += struct.pack("<HH", one << 1 | (three & 0x1F) << 11, two << 1 | three >> 5 << 11)
    return bytes(out)


def checksum(values: Ints) -> int:
    """The 16-bit signed sum that a header states."""
    return int((int(values.sum()) + 32768) % 65536) - 32768


def wfdb(
    fmt: int = 16, values: Ints | None = None, *, name: str = "r1", hz: str = "250", gain: str = "1000(0)/mV",
    leads: Sequence[str] = ("I", "II"), comments: str = "", frames: str | None = None, spec: str = "",
) -> list[tuple[str, bytes]]:  # fmt: skip
    """A record of one signal file: its header and that file. `spec` stands after the format (`+24`, `x2`, `:3`)."""
    values = stored(fmt, leads=len(leads)) if values is None else values
    lines = [f"{name} {len(leads)} {hz} {len(values) if frames is None else frames}".rstrip()]
    for number, lead in enumerate(leads):
        first = int(values[0, number])
        lines.append(f"{name}.dat {fmt}{spec} {gain} 16 0 {first} {checksum(values[:, number])} 0 {lead}")
    return [(f"{name}.hea", "\n".join([*lines, comments, ""]).encode()), (f"{name}.dat", wfdb_bytes(fmt, values))]


def channel(lead: str = "I", **changes: object) -> dict[str, object]:
    """A channel definition of a DICOM waveform, 1.25 uV a step, named by its words."""
    fields: dict[str, object] = {
        "ChannelSourceSequence": [{"CodeValue": "x", "CodingSchemeDesignator": "99X", "CodeMeaning": f"Lead {lead}"}],
        "ChannelSensitivity": "1.25",
        "ChannelSensitivityUnitsSequence": [{"CodeValue": "uV", "CodingSchemeDesignator": "UCUM", "CodeMeaning": "microvolt"}],
        "ChannelSensitivityCorrectionFactor": "1", "ChannelBaseline": "0", "WaveformBitsStored": 16, "FilterLowFrequency": "0.05",
        "FilterHighFrequency": "150", "NotchFilterFrequency": "50",
    }  # fmt: skip
    return {**fields, **changes}


def group(values: Ints, leads: Sequence[str] = ("I", "II"), **changes: object) -> dict[str, object]:
    """A multiplex group of (samples, leads)."""
    fields: dict[str, object] = {
        "WaveformOriginality": "ORIGINAL", "NumberOfWaveformChannels": len(leads), "NumberOfWaveformSamples": len(values),
        "SamplingFrequency": "250", "MultiplexGroupLabel": "RHYTHM", "WaveformBitsAllocated": 16, "WaveformSampleInterpretation": "SS",
        "ChannelDefinitionSequence": [channel(lead) for lead in leads], "WaveformData": values.astype("<i2").tobytes(),
    }  # fmt: skip
    return {**fields, **changes}


def waveform(*groups: Mapping[str, object], sop_class: str = ECG12, **changes: object) -> bytes:
    """A DICOM waveform object."""
    none = dict.fromkeys(("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "SamplesPerPixel", "PixelRepresentation"))
    fields = header(**none, PhotometricInterpretation=None, PixelSpacing=None, Modality="ECG", SOPClassUID=sop_class, StudyTime="101112",
                    WaveformSequence=[dict(each) for each in groups], **changes)  # fmt: skip
    return bytes(128) + b"DICM" + meta(EXPLICIT, sop_class) + data_set(fields)


def edf(
    signals: Sequence[tuple[str, str, NDArray[np.int64]]], *, seconds: float = 1.0, bdf: bool = False, reserved: str = "",
    patient: str = "X X X X", recording: str = "Startdate 02-MAR-2002 X X X", records: str | None = None, low: str = "-3276.8",
    high: str = "3276.7", span: tuple[str, str] = ("-32768", "32767"),
) -> bytes:  # fmt: skip
    """An EDF or BDF file of (label, unit, (records, samples of each)); 0.1 of the unit a step."""

    def column(texts: Sequence[str], width: int) -> bytes:
        return b"".join(text.encode("latin-1").ljust(width)[:width] for text in texts)

    count, blocks = len(signals), len(signals[0][2])
    head = b"\xffBIOSEMI" if bdf else b"0".ljust(8)
    texts = [patient, recording, "02.03.02", "10.11.12", str(256 * (count + 1)), reserved, str(blocks) if records is None else records]
    for text, width in zip([*texts, f"{seconds:g}", str(count)], (80, 80, 8, 8, 8, 44, 8, 8, 4), strict=True):
        head += column([text], width)
    for values, width in (
        ([label for label, _, _ in signals], 16), ([""] * count, 80), ([unit for _, unit, _ in signals], 8),
        ([low] * count, 8), ([high] * count, 8),
        ([span[0]] * count, 8), ([span[1]] * count, 8), (["HP:0.1Hz LP:75Hz"] * count, 80),
        ([str(values.shape[1]) for _, _, values in signals], 8), ([""] * count, 32),
    ):  # fmt: skip
        head += column(values, width)
    rows = np.concatenate([values for _, _, values in signals], axis=1)
    if bdf:
        return head + rows.astype("<i4").reshape(-1).view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    return head + rows.astype("<i2").tobytes()


def annotations(onsets: Sequence[float], width: int = 16) -> tuple[str, str, NDArray[np.int64]]:
    """The signal of EDF+ that says when each record begins."""
    rows = [f"+{onset:.10g}\x14\x14\0".encode().ljust(2 * width, b"\0") for onset in onsets]
    return "EDF Annotations", "", np.frombuffer(b"".join(rows), "<i2").reshape(len(rows), width).astype(np.int64)


def mat4(name: str, values: NDArray[np.generic], order: str = "<") -> bytes:
    """A matrix of a MAT file of level 4."""
    code = {"f8": 0, "f4": 10, "i4": 20, "i2": 30, "u2": 40, "u1": 50}[values.dtype.str[1:]]
    head = struct.pack(order + "5i", code + (1000 if order == ">" else 0), *values.shape, 0, len(name) + 1)
    return head + name.encode() + b"\0" + values.astype(values.dtype.newbyteorder(order)).tobytes("F")


def mat5(variables: Mapping[str, NDArray[np.generic]], *, compressed: bool = False) -> bytes:
    """A MAT file of level 5."""
    codes = {"i2": (3, 10), "i4": (5, 12), "f4": (7, 7), "f8": (9, 6)}

    def item(kind: int, body: bytes) -> bytes:
        return struct.pack("<2I", kind, len(body)) + body + bytes(-len(body) % 8)

    out = b"MATLAB 5.0 MAT-file, by a test".ljust(124) + struct.pack("<H", 0x0100) + b"IM"
    for name, values in variables.items():
        kind, own = codes[values.dtype.str[1:]]
        short = struct.pack("<2H", 1, len(name)) + name.encode().ljust(4, b"\0") if len(name) <= 4 else item(1, name.encode())
        body = item(6, struct.pack("<2I", own, 0)) + item(5, struct.pack("<2i", *values.shape)) + short + item(kind, values.tobytes("F"))
        matrix = item(14, body)
        packed = zlib.compress(matrix)
        out += struct.pack("<2I", 15, len(packed)) + packed if compressed else matrix
    return out


def table(signal: NDArray[np.float64], head: str = "", *, times: Sequence[str] | None = None, mark: str = ",", digits: int = 4) -> bytes:
    """Lines of numbers, one sample each, after `head`."""
    rows = [[f"{value:.{digits}f}" for value in sample] for sample in signal.T]
    if times is not None:
        rows = [[time, *row] for time, row in zip(times, rows, strict=True)]
    return (head + "".join(mark.join(row) + "\n" for row in rows)).encode()
