"""A WFDB record to a `Tracing`: signal(5) of the WFDB Applications Guide, physionet.org/physiotools/wag/signal-5.htm.

The formats are decoded here with NumPy. PyPI's `wfdb` reads paths and URLs, which the sandboxed child must not, and brings pandas, requests
and SciPy into it; it is what the decoders are compared with. FLAC (508, 516, 524) is `soundfile`'s, out of memory.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from medcore.errors import Inconsistent, SamplingRateUnknown, Truncated, Unsupported
from medcore.read.ecg.channels import Channel, joined, must_fit
from medcore.read.ecg.leads import standard
from medcore.read.ecg.note import Note
from medcore.read.ecg.wfdb_header import DEFAULT_GAIN, Signal, WfdbHeader, parse_wfdb_header
from medcore.read.tracing import Tracing

FLAC = {508: 8, 516: 16, 524: 24}  # bits
_NO_RATE = "This WFDB header does not state its sampling rate; please state it."
_SHORT = "A signal file of this WFDB record ends before its samples do; it may have been cut short while copying."
_SUM = "The checksum of lead {lead} is not the one in the header: its samples may have been changed."
_INVALID = {80: -128, 508: -128, 310: -512, 311: -512, 212: -2048, 24: -(1 << 23), 524: -(1 << 23), 32: -(1 << 31), 8: None}  # else -32768
_BYTES = {8: (1, 1), 80: (1, 1), 16: (2, 1), 61: (2, 1), 160: (2, 1), 24: (3, 1), 32: (4, 1), 212: (3, 2), 310: (4, 3), 311: (4, 3)}
_PLAIN = {16: "<i2", 61: ">i2", 32: "<i4", 8: "i1"}


def parse_wfdb(header: memoryview, files: Mapping[str, memoryview], note: Note | None = None) -> Tracing:
    """The record of this header; `files` holds the signal files by the names that it states.

    Raises:
        SamplingRateUnknown: neither the header nor a note states the rate.
        InputRejected: any of its kinds, as header and files are.
    """
    head = parse_wfdb_header(bytes(header))
    noted = head.rate is None and note is not None
    rate = note.sampling_rate_hz if note is not None and noted else head.rate
    if rate is None:
        raise SamplingRateUnknown(_NO_RATE)
    notes: list[str] = []
    channels = [channel for name in head.files for channel in _file(head, name, files[name], rate, notes)]
    order = {id(signal): number for number, signal in enumerate(head.signals)}
    channels.sort(key=lambda pair: order[id(pair[0])])
    return Tracing(
        file_format="WFDB", patient=head.patient, started_at=head.started_at, study_date=head.date, noted=noted,
        **joined([channel for _, channel in channels], notes), warnings=tuple(dict.fromkeys(notes)),
    )  # fmt: skip


def _file(head: WfdbHeader, name: str, data: memoryview, rate: float, notes: list[str]) -> list[tuple[Signal, Channel]]:
    """The channels of one signal file."""
    signals = [signal for signal in head.signals if signal.file == name]
    first = signals[0]
    if any((signal.format, signal.offset) != (first.format, first.offset) for signal in signals):
        raise Inconsistent("This WFDB header describes one signal file in two formats.")
    width = sum(signal.per_frame for signal in signals)
    frames = _frames(head, first, len(data), width)
    if frames is not None:
        must_fit(width, frames, rate)
    stored = _flac(data, first, signals, frames, rate) if first.format in FLAC else _stored(data, first, width, frames or 0)
    found, start = [], 0
    for signal in signals:
        samples = stored[:, start : start + signal.per_frame]
        start += signal.per_frame
        if first.format == 8:
            samples = (np.cumsum(samples, dtype=np.int32) + np.int32(signal.initial)).reshape(samples.shape)
        _check(signal, samples, notes)
        found.append((signal, _channel(signal, samples, rate)))
    return found


def _frames(head: WfdbHeader, first: Signal, size: int, width: int) -> int | None:
    """How many frames to read: what the header says, else what the file holds; None for FLAC, which says it itself."""
    if first.format in FLAC:
        return head.frames
    room, samples = _BYTES[first.format]
    held = max(size - first.offset, 0) * samples // room // width
    if head.frames is None:
        return held
    if held < head.frames:
        raise Truncated(_SHORT)
    return head.frames


def _stored(data: memoryview, first: Signal, width: int, frames: int) -> NDArray[Any]:
    """(frames, width) stored values of an uncompressed file."""
    count = frames * width
    room, samples = _BYTES[first.format]
    raw = data[first.offset : first.offset + -(-count * room // samples)]
    return _DECODERS.get(first.format, _plain)(raw, count, first.format).reshape(frames, width)


def _plain(raw: memoryview, count: int, fmt: int) -> NDArray[Any]:
    return np.frombuffer(raw, _PLAIN[fmt], count)


def _offset_binary(raw: memoryview, count: int, fmt: int) -> NDArray[Any]:
    if fmt == 80:
        return np.frombuffer(raw, np.uint8, count).astype(np.int16) - np.int16(128)
    return (np.frombuffer(raw, "<u2", count).astype(np.int32) - 32768).astype(np.int16)


def _three_bytes(raw: memoryview, count: int, fmt: int) -> NDArray[Any]:
    parts = np.frombuffer(raw, np.uint8, 3 * count).reshape(count, 3)
    out = np.zeros((count, 4), np.uint8)
    out[:, 1:] = parts
    return out.view("<i4")[:, 0] >> 8


def _words(raw: memoryview, size: int) -> NDArray[np.uint8]:
    """The bytes in rows of `size`, the last one filled up with zeros."""
    parts = np.frombuffer(raw, np.uint8)
    return np.concatenate([parts, np.zeros(-len(parts) % size, np.uint8)]).reshape(-1, size)


def _twelve_bits(raw: memoryview, count: int, fmt: int) -> NDArray[Any]:
    """212: two samples in three bytes, the middle one shared by their high bits."""
    parts = _words(raw, 3)
    out = np.empty((len(parts), 2), np.int16)
    middle = parts[:, 1].astype(np.int16)
    out[:, 0] = parts[:, 0] | (middle & 0x0F) << 8
    out[:, 1] = parts[:, 2] | (middle & 0xF0) << 4
    return (out << 4 >> 4).reshape(-1)[:count]


def _ten_bits(raw: memoryview, count: int, fmt: int) -> NDArray[Any]:
    """310 and 311: three samples in four bytes."""
    parts = _words(raw, 4)
    out = np.empty((len(parts), 3), np.int16)
    if fmt == 311:
        word = parts.view("<u4")[:, 0]
        for number in range(3):
            out[:, number] = word >> 10 * number & 0x3FF
    else:
        low, high = (parts.view("<u2")[:, number] for number in range(2))
        out[:, 0], out[:, 1] = low >> 1 & 0x3FF, high >> 1 & 0x3FF
        out[:, 2] = low >> 11 | high >> 11 << 5
    return (out << 6 >> 6).reshape(-1)[:count]


_DECODERS = {80: _offset_binary, 160: _offset_binary, 24: _three_bytes, 212: _twelve_bits, 310: _ten_bits, 311: _ten_bits}


def _flac(data: memoryview, first: Signal, signals: list[Signal], frames: int | None, rate: float) -> NDArray[Any]:
    """(frames, channels) of a FLAC file: its own header bounds it before a sample is decoded."""
    if first.offset or any(signal.per_frame != 1 for signal in signals):
        raise Unsupported("This WFDB record is compressed in a way that is not read here.")
    bits = FLAC[first.format]
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            if file.format != "FLAC" or file.channels != len(signals):
                raise Inconsistent("A signal file of this WFDB record is not what its header says.")
            if frames is not None and file.frames < frames:
                raise Truncated(_SHORT)
            wanted = file.frames if frames is None else frames
            must_fit(len(signals), wanted, rate)
            stored: NDArray[Any] = file.read(wanted, dtype="int32" if bits == 24 else "int16", always_2d=True)
    except soundfile.SoundFileError:
        raise Inconsistent("A signal file of this WFDB record is damaged and cannot be decompressed.") from None
    if len(stored) < wanted:
        raise Truncated(_SHORT)
    return stored if bits == 16 else stored >> 8


def _check(signal: Signal, samples: NDArray[Any], notes: list[str]) -> None:
    """The 16-bit sum over all samples; writers that do not compute it put zero."""
    if signal.checksum and (int(samples.sum(dtype=np.int64)) - signal.checksum) % 65536:
        notes.append(_SUM.format(lead=standard(signal.label)))


def _channel(signal: Signal, samples: NDArray[Any], rate: float) -> Channel:
    """Skewed signals are put back in time; the end that they then lack is missing."""
    invalid = _INVALID.get(signal.format, -32768)
    if signal.skew:
        moved = np.full(samples.size, np.nan, np.float32)
        kept = samples.reshape(-1)[min(signal.skew * signal.per_frame, samples.size) :]
        moved[: len(kept)] = np.where(kept == invalid, np.nan, kept) if invalid is not None else kept
        samples, invalid = moved, None
    return Channel(
        label=signal.label,
        unit=signal.unit if signal.gain is not None else "NU",
        sampling_rate_hz=rate * signal.per_frame,
        stored=samples,
        scale=1 / (signal.gain or DEFAULT_GAIN),
        offset=signal.baseline,
        invalid=invalid,
    )
