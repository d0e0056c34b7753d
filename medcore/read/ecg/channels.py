"""Signals of one file made one tracing: the ECG among them, in millivolts, at one rate, within the limits (row 51 of bad inputs)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from medcore.errors import Inconsistent, NotAnImage, TooLarge
from medcore.read.ecg.leads import kind, standard
from medcore.read.limits import DECODED_BYTES
from medcore.types import Array

HOURS = 72
LEADS = 32
FASTEST_HZ = 100_000.0
_MILLIVOLTS = {"V": 1e3, "MV": 1.0, "UV": 1e-3, "NV": 1e-6, "VOLT": 1e3, "VOLTS": 1e3, "MILLIVOLT": 1.0, "MICROVOLT": 1e-3}
_NO_VOLTAGE = "NU"
_UNITLESS = {"", "NU", "N/U", "UNITLESS", "NORMALIZED", "NORMALISED", "ADU", "ADC", "AU", "A.U.", "DIGITAL", "1", "N/A", "NA", "NONE"}
_BLOCK = 1 << 20
_RATES = "The ECG signals of this file have different sampling rates; those at {rate:g} Hz are read."
_OTHERS = "Signals of this file that are no ECG were left out."
_UNITS = "Some ECG signals of this file have no unit of voltage and were left out."


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One signal as stored: value = (stored - offset) * scale in `unit` as the file names it; `invalid` stands for a missing sample."""

    label: str
    unit: str
    sampling_rate_hz: float
    stored: NDArray[Any]  # (N,), integers or floats, often a view on the file
    scale: float = 1.0
    offset: float = 0.0
    invalid: int | None = None


class Joined(TypedDict):
    """The fields of `Tracing` that come from its signals."""

    signal: Array
    unit: str
    sampling_rate_hz: float
    leads: tuple[str, ...]
    modality: str


def joined(channels: Sequence[Channel], notes: list[str], *, modality: str | None = None) -> Joined:
    """The tracing of these channels; `modality` where the file itself says what they all are.

    Raises:
        Inconsistent: no samples, a rate that is none, a scale that is none.
        TooLarge: over 72 h, 32 leads or the memory of the reader.
        NotAnImage: no signal at all.
    """
    for channel in channels:
        _must_be_possible(channel)
    picked, code = (list(channels), modality) if modality is not None else _ecg(channels, notes)
    picked, unit = _one_unit(_one_rate(picked, notes), notes)
    if len(picked) > LEADS:
        raise TooLarge(f"This recording has more than {LEADS} leads.")
    samples = min(len(channel.stored) for channel in picked)
    must_fit(len(picked), samples, picked[0].sampling_rate_hz)
    signal = np.empty((len(picked), samples), np.float32)
    for row, channel in zip(signal, picked, strict=True):
        _fill(row, channel, _MILLIVOLTS[_unit(channel)] if unit == "mV" else 1.0)
    return Joined(signal=signal, unit=unit, sampling_rate_hz=picked[0].sampling_rate_hz, leads=names(picked), modality=code)


def must_fit(leads: int, samples: float, sampling_rate_hz: float) -> None:
    """Refuse what is empty, not timed, over 72 h or over the reader's memory, before it is allocated.

    Raises:
        Inconsistent, TooLarge: as it is.
    """
    if not (math.isfinite(sampling_rate_hz) and 0 < sampling_rate_hz <= FASTEST_HZ):
        raise Inconsistent("The sampling rate that this recording states cannot be true, so nothing in it can be timed.")
    if leads < 1 or samples < 1:
        raise Inconsistent("This recording holds no samples.")
    if samples / sampling_rate_hz > HOURS * 3600:
        raise TooLarge(f"This recording is longer than {HOURS} hours.")
    if leads * samples * 4 > DECODED_BYTES:
        raise TooLarge("This recording needs more memory than the reader may use; export fewer leads or a shorter stretch.")


def names(channels: Sequence[Channel]) -> tuple[str, ...]:
    """Their leads, told apart where the file calls two the same."""
    seen: Counter[str] = Counter()
    out = []
    for channel in channels:
        lead = standard(channel.label)
        seen[lead] += 1
        out.append(lead if seen[lead] == 1 else f"{lead} ({seen[lead]})")
    return tuple(out)


def voltage(unit: str) -> bool:
    """Whether the unit is one of voltage."""
    return _plain(unit) in _MILLIVOLTS


def unitless(unit: str) -> bool:
    """Whether the file says that its numbers have no unit, or says nothing."""
    return _plain(unit) in _UNITLESS


def _plain(unit: str) -> str:
    return unit.strip(" \0[]()").replace("µ", "u").replace("μ", "u").upper()


def _unit(channel: Channel) -> str:
    return _plain(channel.unit)


def _must_be_possible(channel: Channel) -> None:
    if not math.isfinite(channel.scale) or channel.scale == 0 or not math.isfinite(channel.offset):
        raise Inconsistent("The gain that this recording states cannot be true.")


def _ecg(channels: Sequence[Channel], notes: list[str]) -> tuple[list[Channel], str]:
    """The channels that are an ECG; where none is, those of what the file mostly holds, with its modality."""
    kinds = [kind(channel.label) for channel in channels]
    possible = [voltage(channel.unit) or unitless(channel.unit) for channel in channels]
    sure = [channel for channel, found, fits in zip(channels, kinds, possible, strict=True) if found == "ECG" and fits]
    open_ = [channel for channel, found, fits in zip(channels, kinds, possible, strict=True) if found is None and fits]
    picked = sure or open_
    if picked:
        if len(picked) + kinds.count("") < len(channels):
            notes.append(_OTHERS)
        return picked, "ECG"
    others = Counter(found or "OT" for found in kinds if found != "")
    if not others:
        raise NotAnImage("This file holds marks, but no signal.")
    code = others.most_common(1)[0][0]
    return [channel for channel, found in zip(channels, kinds, strict=True) if (found or "OT") == code], code


def _one_rate(channels: list[Channel], notes: list[str]) -> list[Channel]:
    """Those at the rate that most have; nothing is resampled on the way in."""
    rates = Counter(channel.sampling_rate_hz for channel in channels)
    rate = rates.most_common(1)[0][0]
    if len(rates) > 1:
        notes.append(_RATES.format(rate=rate))
    return [channel for channel in channels if channel.sampling_rate_hz == rate]


def _one_unit(channels: list[Channel], notes: list[str]) -> tuple[list[Channel], str]:
    """Millivolts where any channel is a voltage; else numbers that are none."""
    volts = [channel for channel in channels if voltage(channel.unit)]
    if volts and len(volts) < len(channels):
        notes.append(_UNITS)
    return (volts, "mV") if volts else (channels, _NO_VOLTAGE)


def _fill(row: NDArray[np.float32], channel: Channel, factor: float) -> None:
    """The physical values of one channel, in blocks so that no second copy of a long one is made."""
    for start in range(0, len(row), _BLOCK):
        stored = channel.stored[start : min(start + _BLOCK, len(row))]
        block = row[start : start + len(stored)]
        with np.errstate(over="ignore", invalid="ignore"):  # what no float32 can hold becomes infinite, and then missing
            block[:] = stored if channel.offset == 0 else stored - np.float64(channel.offset)
            block *= np.float32(channel.scale * factor)
        if channel.invalid is not None:
            block[stored == channel.invalid] = np.nan
    if channel.stored.dtype.kind == "f" or not math.isfinite(channel.scale * factor * 2.0**32):
        row[~np.isfinite(row)] = np.nan
