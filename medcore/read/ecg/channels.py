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
from medcore.read.ecg.assemble import distinct, millivolts, require
from medcore.read.ecg.leads import NAME_LIMIT, kind, standard
from medcore.read.limits import DECODED_BYTES
from medcore.read.text import clean
from medcore.types import Array

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
    stored: NDArray[Any]  # (N,), or (blocks, samples of each) as it lies in the file; integers or floats, often a view on the file
    scale: float = 1.0
    offset: float = 0.0
    invalid: int | None = None


class Joined(TypedDict):
    """The fields of `Tracing` that come from its signals."""

    signal: Array
    unit: str
    sampling_rate_hz: float
    leads: tuple[str, ...]
    lead_names: tuple[str, ...]
    modality: str


def joined(channels: Sequence[Channel], notes: list[str], *, modality: str | None = None) -> Joined:
    """The tracing of these channels; `modality` where the file itself says what they all are.

    Raises:
        BadGeometry: no samples, or a rate that is none. Inconsistent: a gain that is none.
        TooLarge: over 72 h, 32 leads or the memory of the reader.
        NotAnImage: no signal at all.
    """
    picked, code = (list(channels), modality) if modality is not None else _ecg(channels, notes)
    picked, unit = _one_unit(_one_rate(picked, notes), notes)
    rate, samples = picked[0].sampling_rate_hz, min(channel.stored.size for channel in picked)
    require(len(picked), samples, rate)
    signal = np.empty((len(picked), samples), np.float32)
    for row, channel in zip(signal, picked, strict=True):
        _must_be_possible(channel)
        factor = millivolts(_bare(channel.unit))
        _fill(row, channel, 1.0 if factor is None else factor)  # numbers that are no voltages stay as they are
    leads = distinct([standard(channel.label) for channel in picked])
    names = tuple(clean(channel.label, NAME_LIMIT) or leads[k] for k, channel in enumerate(picked))
    return Joined(signal=signal, unit=unit, sampling_rate_hz=rate, leads=leads, lead_names=names, modality=code)


def must_fit(signals: int, samples: int, sampling_rate_hz: float) -> None:
    """Refuse signals, of which an ECG may be some, that are empty, not timed, over 72 h or over the memory, before they are decoded.

    Raises:
        BadGeometry, TooLarge: as they are.
    """
    require(1, samples, sampling_rate_hz)
    if signals * samples * 4 > DECODED_BYTES:
        raise TooLarge("This recording needs more memory than the reader may use; export fewer signals or a shorter stretch.")


def voltage(unit: str) -> bool:
    """Whether the unit is one of voltage."""
    return millivolts(_bare(unit)) is not None


def unitless(unit: str) -> bool:
    """Whether the file says that its numbers have no unit, or says nothing."""
    return _bare(unit).upper() in _UNITLESS


def _bare(unit: str) -> str:
    return unit.strip(" \0[]()")


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
    stored = channel.stored if channel.stored.ndim == 2 else channel.stored[:, None]
    width = stored.shape[1]
    rows, step = len(row) // width, max(_BLOCK // width, 1)
    whole = row[: rows * width].reshape(rows, width)
    for start in range(0, rows, step):
        part = stored[start : min(start + step, rows)]
        block = whole[start : start + len(part)]
        with np.errstate(over="ignore", invalid="ignore"):  # what no float32 can hold becomes infinite, and then missing
            block[:] = part if channel.offset == 0 else part - np.float64(channel.offset)
            block *= np.float32(channel.scale * factor)
        if channel.invalid is not None:
            block[part == channel.invalid] = np.nan
        block[~np.isfinite(block)] = np.nan
    row[rows * width :] = np.nan
