"""Sections 4 to 6 of SCP-ECG: differences summed, decimated stretches interpolated, reference beats put back (EN 1064, annex C)."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medcore.errors import BadGeometry, Inconsistent, TooLarge, Truncated, Unsupported
from medcore.read.ecg.assemble import DAMAGED, LEADS, TRUNCATED, require
from medcore.read.ecg.huffman import Decoder, tables

_SAMPLES = 4_000_000  # of all leads of a resting ECG; a code of one bit a sample would let a small file claim more
_FACTORS = range(2, 9)
_QRS = struct.Struct("<HIII")
_ZONE = struct.Struct("<II")
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Lead:
    """One lead of section 3: its first and last sample, numbered from 1, its code, and whether reference beats were taken out."""

    start: int
    end: int
    code: int
    subtracted: bool

    @property
    def count(self) -> int:
        """How many samples it holds."""
        return self.end - self.start + 1


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Decoded leads in steps of `nanovolts` (0: no unit is stated), `interval_us` between samples."""

    leads: list[Values]
    nanovolts: int
    interval_us: int


@dataclass(frozen=True, slots=True)
class _Beats:
    """Section 4: the beat's length, its fiducial point, where type 0 beats were taken out (start, fiducial, end), and protected zones."""

    length_ms: int
    fiducial: int
    places: list[tuple[int, int, int]]
    zones: list[tuple[int, int]]


def rhythm(sections: dict[int, memoryview], leads: list[Lead], notes: list[str]) -> Rhythm:
    """Section 6 as it was before it was compressed.

    Raises:
        InputRejected: as `parse_scp`.
    """
    nanovolts, interval, _, bimodal = _head(sections[6])
    decoder = Decoder(tables(sections[2])) if 2 in sections else None
    for lead in leads:
        require(1, lead.count, 1e6 / interval)
    if len(leads) > LEADS or sum(lead.count for lead in leads) > _SAMPLES:
        raise TooLarge("The SCP-ECG file claims to hold more than a resting ECG.")
    subtracted = leads[0].subtracted
    beats = _beats(sections[4]) if 4 in sections and (subtracted or bimodal) else None
    factor = _factor(sections, interval) if bimodal or subtracted else 1
    if factor > 1:
        return _restored(sections, leads, beats, decoder, factor, notes)
    values = _decoded(sections[6], [lead.count for lead in leads], decoder)
    whole = Rhythm(values, nanovolts, interval)
    return _with_beats(whole, sections, leads, beats, decoder) if subtracted else whole


def _head(section: memoryview) -> tuple[int, int, int, bool]:
    """nV a step, us a sample, how often differences were taken, whether the rate was lowered between the QRS complexes."""
    if len(section) < 6:
        raise Truncated(TRUNCATED)
    nanovolts, interval, differences, bimodal = struct.unpack_from("<HHBB", section)
    if interval == 0:
        raise BadGeometry("The SCP-ECG file does not say how often the ECG was sampled.")
    return nanovolts, interval, differences, bool(bimodal)


def _decoded(section: memoryview, counts: list[int], decoder: Decoder | None) -> list[Values]:
    """The integers of section 5 or 6, lead after lead."""
    differences = _head(section)[2]
    start = 6 + 2 * len(counts)
    if differences > 2 or len(section) < start:
        raise Inconsistent(DAMAGED)
    sizes = struct.unpack_from(f"<{len(counts)}H", section, 6)
    if start + sum(sizes) > len(section):
        raise Truncated(TRUNCATED)
    leads = []
    for size, count in zip(sizes, counts, strict=True):
        part = section[start : start + size]
        start += size
        if decoder is None and 2 * count > size:
            raise Truncated(TRUNCATED)
        plain = decoder.decode(part, count) if decoder else np.frombuffer(part, "<i2", count).astype(np.int64)
        leads.append(_summed(plain, differences).astype(np.float64))
    return leads


def _summed(values: NDArray[np.int64], differences: int) -> NDArray[np.int64]:
    """Amplitudes of first or second differences; the first one or two values are amplitudes. Encoders reckon in 16 bits."""
    if differences == 1:
        values = np.cumsum(values)
    elif differences == 2 and values.size > 2:
        slopes = np.concatenate(([0, values[1] - values[0]], values[2:]))
        values = values[0] + np.cumsum(np.cumsum(slopes))
    return (values + 0x8000 & 0xFFFF) - 0x8000


def _beats(section: memoryview) -> _Beats:
    if len(section) < 6:
        raise Truncated(TRUNCATED)
    length_ms, fiducial, count = struct.unpack_from("<HHH", section)
    after = 6 + count * _QRS.size
    if len(section) < after:
        raise Truncated(TRUNCATED)
    found = [_QRS.unpack_from(section, 6 + each * _QRS.size) for each in range(count)]
    there = count if len(section) >= after + count * _ZONE.size else 0
    zones = [_ZONE.unpack_from(section, after + each * _ZONE.size) for each in range(there)]
    return _Beats(length_ms, fiducial, [(start, middle, end) for kind, start, middle, end in found if kind == 0], zones)


def _factor(sections: dict[int, memoryview], interval: int) -> int:
    """By how much section 6 was sampled less often than the reference beat."""
    if 5 not in sections:
        raise Unsupported("The SCP-ECG file was compressed in a way that cannot be undone without its reference beat.")
    factor = interval / _head(sections[5])[1]
    if factor == 1:
        return 1
    if factor not in _FACTORS:
        raise Unsupported("The SCP-ECG file's sampling rates do not fit each other.")
    return int(factor)


def _restored(
    sections: dict[int, memoryview], leads: list[Lead], beats: _Beats | None, decoder: Decoder | None, factor: int, notes: list[str]
) -> Rhythm:
    """Bimodal compression undone: protected zones as they are, every sample between them stands for `factor` of them.

    A stretch whose length is no multiple of `factor` is refused, but for the last one: the standard leaves open where its samples lie.
    """
    nanovolts, interval, _, bimodal = _head(sections[6])
    if not bimodal or beats is None or not beats.zones:
        raise Unsupported("The SCP-ECG file's sampling rates do not fit each other.")
    stretches = [_stretches(lead, beats.zones, factor) for lead in leads]
    stored = [sum(size if full else max(size // factor, 1) for size, full in each) for each in stretches]
    packed = _decoded(sections[6], stored, decoder)
    notes.append("Between the QRS complexes the file stores the ECG at a lower sampling rate; small waves there are smoothed.")
    values = [_spread(lead, each, factor) for lead, each in zip(packed, stretches, strict=True)]
    whole = Rhythm(values, nanovolts, interval // factor)
    return _with_beats(whole, sections, leads, beats, decoder) if leads[0].subtracted else whole


def _stretches(lead: Lead, zones: list[tuple[int, int]], factor: int) -> list[tuple[int, bool]]:
    """Lengths of what lies between and within the protected zones (True), in samples of the full rate."""
    out: list[tuple[int, bool]] = []
    at = lead.start
    for start, end in sorted(zones):
        start, end = max(start, at), min(end, lead.end)
        if end < start:
            continue
        if (start - at) % factor:
            raise Unsupported("The SCP-ECG file's protected zones do not fit its lower sampling rate.")
        out += [(start - at, False)] if start > at else []
        out.append((end - start + 1, True))
        at = end + 1
    return [*out, (lead.end + 1 - at, False)] if at <= lead.end else out


def _spread(packed: Values, stretches: list[tuple[int, bool]], factor: int) -> Values:
    pieces, at = [], 0
    for size, full in stretches:
        count = size if full else max(size // factor, 1)
        part = packed[at : at + count]
        at += count
        pieces.append(part if full else np.interp(np.arange(size), np.arange(count) * factor + (factor - 1) / 2, part))
    return np.concatenate(pieces)


def _with_beats(whole: Rhythm, sections: dict[int, memoryview], leads: list[Lead], beats: _Beats | None, decoder: Decoder | None) -> Rhythm:
    """The reference beat of section 5 added where section 4 says it was taken out."""
    if beats is None or 5 not in sections:
        raise Inconsistent(DAMAGED)
    nanovolts, interval, _, _ = _head(sections[5])
    count = round(beats.length_ms * 1000 / interval)
    if not nanovolts or not whole.nanovolts or not 0 < count * len(leads) <= _SAMPLES:
        raise Inconsistent(DAMAGED)
    shapes = _decoded(sections[5], [count] * len(leads), decoder)
    step = math.gcd(nanovolts, whole.nanovolts)
    out = []
    for lead, rest, shape in zip(leads, whole.leads, shapes, strict=True):
        values, beat = rest * (whole.nanovolts // step), shape * (nanovolts // step)
        for start, middle, end in beats.places:
            zero = middle - beats.fiducial + 1  # the sample, numbered from 1, on which the beat's first one falls
            first, last = max(start, lead.start, zero), min(end, lead.end, zero + count - 1)
            if first <= last:
                values[first - lead.start : last - lead.start + 1] += beat[first - zero : last - zero + 1]
        out.append(values)
    return Rhythm(out, step, whole.interval_us)
