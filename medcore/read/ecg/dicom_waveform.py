"""A DICOM waveform object to a `Tracing` (PS3.3 A.34 for the objects, C.10.9 for the waveform, CID 3001 for the leads)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from medcore.errors import BadGeometry, Inconsistent, SamplingRateUnknown, Truncated, Unsupported
from medcore.read.ecg.assemble import filters
from medcore.read.ecg.channels import Channel, joined, must_fit
from medcore.read.ecg.leads import STANDARD, standard
from medcore.read.header import Header
from medcore.read.tracing import Tracing
from medcore.read.who import facts

WAVEFORM = "1.2.840.10008.5.1.4.1.1.9."
_ECG = ("1.1", "1.2", "1.3", "1.4")  # 12-lead, general, ambulatory, general with 32 bits
_MODALITIES = {"2": "HD", "3": "EPS", "4": "AU", "5": "HD", "6": "RESP", "7.1": "EEG", "7.2": "EMG", "7.3": "EOG", "7.4": "EEG", "8": "POS"}
_DTYPES = {("SB", 8): "i1", ("UB", 8): "u1", ("SS", 16): "i2", ("US", 16): "u2", ("SL", 32): "i4", ("UL", 32): "u4"}
_CODE = re.compile(r"(?:5\.6\.3-9-|2:)(\d{1,3})")  # SCPECG and MDC give the twelve the same numbers
_NUMBERS = dict(zip((1, 2, 61, 62, 63, 64, 3, 4, 5, 6, 7, 8), STANDARD, strict=True))
_AVERAGE = ("MEDIAN", "AVERAGE", "REPRESENTATIVE", "TEMPLATE", "BEAT")
_GROUPS = 64
_CHANNELS = 512
_PARTS = "The file holds its leads in parts of different times; where a lead was not recorded, nothing is shown."
_FASTER = "Parts of this file have another sampling rate and were left out."
_DERIVED = "The signal was derived from another one before it was stored."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """One multiplex group: channels that were sampled together."""

    start_s: float
    rate: float
    samples: int
    channels: tuple[Channel, ...]


def is_waveform(sop_class: str) -> bool:
    """Whether the object is of one of the waveform classes."""
    return sop_class.startswith(WAVEFORM)


def parse_waveform(header: Header, sop_class: str, notes: list[str]) -> Tracing:
    """The recording in a waveform object; averaged beats beside it are not taken for one.

    Raises:
        InputRejected: any of its kinds; no waveform, a wrong count, 0 Hz, over the limits, cut short.
    """
    items = header.items("WaveformSequence")
    if not items:
        raise Inconsistent("This DICOM waveform object holds no waveform.")
    if len(items) > _GROUPS:
        raise BadGeometry("This DICOM waveform object holds more groups of signals than any recorder stores.")
    groups = [_group(item, header.order) for item in _recorded(items, notes)]
    who = facts(header, notes)
    kept = ("patient", "study_uid", "series_uid", "study_date", "study_description")
    joint = joined(_timed(groups, notes), notes, modality=_modality(header, sop_class))
    return Tracing(
        **joint, **{name: who[name] for name in kept},  # type: ignore[literal-required]
        file_format="DICOM", started_at=_start(header), device=_device(header), filters=_filters(items),
        warnings=tuple(dict.fromkeys([*notes, *header.warnings])),
    )  # fmt: skip


def _modality(header: Header, sop_class: str) -> str | None:
    """None for the ECG objects, whose channels say what each is."""
    kind = sop_class.removeprefix(WAVEFORM)
    if kind.startswith(_ECG):
        return None
    return _MODALITIES.get(kind[:3]) or _MODALITIES.get(kind[:1]) or header.code("Modality") or "OT"


def _recorded(items: list[Header], notes: list[str]) -> list[Header]:
    """The groups that are a recording (Waveform Originality, C.10.9.1.2)."""
    real = [item for item in items if not any(word in (item.text("MultiplexGroupLabel") or "").upper() for word in _AVERAGE)]
    original = [item for item in real if item.code("WaveformOriginality") != "DERIVED"]
    if not real:
        raise Unsupported("This DICOM ECG holds averaged beats only and no recording of its rhythm.")
    if not original:
        notes.append(_DERIVED)
    return original or real


def _group(item: Header, order: str) -> _Group:
    count, samples = item.integer("NumberOfWaveformChannels") or 0, item.integer("NumberOfWaveformSamples") or 0
    rate = item.number("SamplingFrequency")
    if rate is None:
        raise SamplingRateUnknown("This DICOM waveform does not state its sampling rate, which is needed to time it.")
    definitions = item.items("ChannelDefinitionSequence")
    if not 0 < count <= _CHANNELS or samples < 0:
        raise BadGeometry("The number of leads or samples in this DICOM waveform cannot be.")
    if count != len(definitions):
        raise Inconsistent("The number of leads in this DICOM waveform is not the number that it describes.")
    must_fit(1, samples, rate)
    stored = _samples(item, order, count, samples)
    padding = _padding(item, stored.dtype)
    channels = tuple(_channel(each, stored[:, number], rate, padding) for number, each in enumerate(definitions))
    return _Group(start_s=(item.number("MultiplexGroupTimeOffset") or 0.0) / 1000, rate=rate, samples=samples, channels=channels)


def _samples(item: Header, order: str, count: int, samples: int) -> NDArray[np.generic]:
    """(samples, channels) as stored, a view on the file."""
    kind = (item.code("WaveformSampleInterpretation") or "", item.integer("WaveformBitsAllocated") or 0)
    if kind not in _DTYPES:
        raise Unsupported("The samples of this DICOM waveform are encoded in a way that is not read here.")
    data = item.raw("WaveformData")
    dtype = np.dtype(order + _DTYPES[kind])
    if len(data) < count * samples * dtype.itemsize:
        raise Truncated("The file ends before its signal does; it may have been cut short while copying.")
    return np.frombuffer(data, dtype, count * samples).reshape(samples, count)


def _padding(item: Header, dtype: np.dtype[np.generic]) -> int | None:
    raw = item.raw("WaveformPaddingValue")
    return int(np.frombuffer(raw, dtype, 1)[0]) if len(raw) >= dtype.itemsize else None


def _channel(item: Header, stored: NDArray[np.generic], rate: float, padding: int | None) -> Channel:
    """C.10.9.1.4: value = stored * sensitivity * correction + baseline, all in the sensitivity's unit; no sensitivity is no voltage."""
    sensitivity = item.number("ChannelSensitivity")
    correction = item.number("ChannelSensitivityCorrectionFactor")
    scale = (1.0 if sensitivity is None else sensitivity) * (1.0 if correction is None else correction)
    unit = "" if sensitivity is None else item.first("ChannelSensitivityUnitsSequence").text("CodeValue") or ""
    if not scale:
        raise Inconsistent("The gain that this recording states cannot be true.")
    return Channel(
        label=_lead(item),
        unit=unit,
        sampling_rate_hz=rate,
        stored=stored,
        scale=scale,
        offset=-(item.number("ChannelBaseline") or 0.0) / scale,
        invalid=padding,
    )


def _lead(item: Header) -> str:
    """The lead by its code, else by the words beside it."""
    source = item.first("ChannelSourceSequence")
    found = _CODE.fullmatch(source.text("CodeValue") or "")
    number = int(found[1]) if found else 0
    return _NUMBERS.get(number) or source.text("CodeMeaning") or item.text("ChannelLabel") or source.text("CodeValue") or ""


def _timed(groups: list[_Group], notes: list[str]) -> list[Channel]:
    """The channels of all groups at the rate of the longest, each at its own time; a lead recorded twice is taken where it is longer."""
    if len(groups) == 1:
        return list(groups[0].channels)
    rate = max(groups, key=lambda group: len(group.channels) * group.samples / group.rate).rate
    same = sorted((group for group in groups if group.rate == rate), key=lambda group: -group.samples)
    first = min(group.start_s for group in same)
    total = max(round((group.start_s - first) * rate) + group.samples for group in same)
    must_fit(sum(len(group.channels) for group in same), total, rate)
    if len(same) < len(groups):
        notes.append(_FASTER)
    found: dict[str, Channel] = {}
    for group in same:
        for channel in group.channels:
            found.setdefault(standard(channel.label), _placed(channel, round((group.start_s - first) * rate), total))
    if len(same) > 1:
        notes.append(_PARTS)
    return list(found.values())


def _placed(channel: Channel, start: int, total: int) -> Channel:
    """The channel in a longer time, NaN around it."""
    if len(channel.stored) == total:
        return channel
    out = np.full(total, np.nan, np.float32)
    stored = channel.stored.astype(np.float32)
    if channel.invalid is not None:
        stored[channel.stored == channel.invalid] = np.nan
    out[start : start + len(stored)] = stored
    return replace(channel, stored=out, invalid=None)


def _start(header: Header) -> str | None:
    """When it was recorded, as ISO 8601 to the second; None where a part of it is missing."""
    stated = header.text("AcquisitionDateTime") or (header.text("StudyDate") or "") + (header.text("StudyTime") or "")
    try:
        return datetime.strptime(stated[:14], "%Y%m%d%H%M%S").isoformat()
    except ValueError:
        return None


def _device(header: Header) -> str | None:
    words = [word for word in (header.text("Manufacturer"), header.text("ManufacturerModelName")) if word]
    return " ".join(words) or None


def _filters(items: list[Header]) -> str | None:
    """The pass band and notch of the first channel that states them, in Hz."""
    for channel in (channel for item in items for channel in item.items("ChannelDefinitionSequence")):
        low, high, notch = ((channel.finite(f"{name}Frequency", 1) or (0.0,))[0] for name in ("FilterLow", "FilterHigh", "NotchFilter"))
        words = filters(low, high, notch)
        if words:
            return words
    return None
