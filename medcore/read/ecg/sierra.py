"""Philips Sierra ECG XML 1.03 to 1.04.02 (PageWriter, HeartStart, TraceMasterVue, IntelliSpace ECG).

Schema as Philips' "Sierra ECG XML Schema" 1.03 and 1.04; the compression as in `xli`. In compressed files III, aVR, aVL and aVF are what is
left of them after their calculation from I and II.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medcore.errors import BadGeometry, Inconsistent, Truncated, Unsupported
from medcore.read.ecg.assemble import DAMAGED, TRUNCATED, Signal, age, distinct, filters, finite, person, require, twelve
from medcore.read.ecg.leads import STANDARD
from medcore.read.ecg.markup import Node, base64_bytes, digits, number, parsed, root_name
from medcore.read.ecg.moments import american, clock, years
from medcore.read.ecg.xli import unpacked
from medcore.read.text import clean
from medcore.read.tracing import Tracing
from medcore.types import Patient

_TYPES = ("SierraECG", "PhilipsECG")
_VERSIONS = ("1.03", "1.04", "1.04.01", "1.04.02")
_PLAIN = ("", "UNCOMPRESSED", "NONE")
_TAIL_S = 0.1
_CHANNELS = 64  # the encoder writes up to 16, the last ones empty
_SEX = {"MALE": "M", "M": "M", "FEMALE": "F", "F": "F"}


def is_sierra(data: memoryview) -> bool:
    """Whether the first element is that of a Philips file."""
    return root_name(data) == "restingecgdata"


@np.errstate(over="ignore", invalid="ignore")  # `finite` judges what comes of it
def parse_sierra(data: memoryview) -> Tracing:
    """Read the rhythm waveforms.

    Raises:
        InputRejected: another document, an unknown encoding, counts that do not fit, or over the limits.
    """
    notes: list[str] = []
    root = parsed(data)
    kind, version = root.text("documentinfo/documenttype"), root.text("documentinfo/documentversion")
    if kind not in _TYPES or version not in _VERSIONS:
        raise Unsupported("The Philips file's type or version is not read.")
    waves = next((node for node in root.walk() if node.name == "parsedwaveforms"), None)
    traits = root.one("dataacquisition/signalcharacteristics") or Node("", {})
    if waves is None:
        raise BadGeometry("The Philips file holds no waveforms.")
    rate = number(waves.attribute("", "samplespersecond") or traits.text("samplingrate")) or 0.0
    names = _names(waves, traits)
    counts = _without_calibration(_counts(waves, names, rate), rate, notes)
    signal, unit = _scaled(counts, waves, traits)
    signal, leads = twelve(signal, distinct(names))
    acquired = root.one("dataacquisition") or Node("", {})
    studied = american(acquired.attribute("", "date"))
    return Tracing(
        signal=signal, unit=unit, sampling_rate_hz=rate, leads=leads, file_format="Philips Sierra XML",
        patient=_patient(root, studied), study_date=studied, started_at=clock(studied, acquired.attribute("", "time")),
        device=clean(f"Philips {acquired.text('machine')}"), filters=_filters(root, waves), warnings=tuple(notes),
    )  # fmt: skip


def _names(waves: Node, traits: Node) -> list[str]:
    names = waves.attribute("", "leadlabels").split()[:_CHANNELS]
    count = number(waves.attribute("", "numberofleads")) if names else number(traits.text("numberchannelsallocated"))
    if count is not None and not 0 < count <= _CHANNELS:
        raise BadGeometry("The Philips file's number of leads cannot be.")
    if names:
        return names[: int(count)] if count else names
    if count is None:
        raise BadGeometry("The Philips file does not say how many leads it holds.")
    twelve_leads = (traits.text("acquisitiontype") or traits.text("leadset")) in ("STD-12", "10-WIRE")
    return [STANDARD[at] if twelve_leads and at < len(STANDARD) else f"Channel {at + 1}" for at in range(int(count))]


def _counts(waves: Node, names: list[str], rate: float) -> NDArray[np.int64]:
    """The recorder's integers, (leads, samples)."""
    duration_ms = number(waves.attribute("", "durationperchannel")) or 0.0
    if not 0 < duration_ms < 1e9:
        raise BadGeometry("The Philips file does not say how long the ECG is.")
    require(len(names), 1, rate)
    samples = round(duration_ms * rate / 1000)
    require(len(names), samples, rate)
    encoding, method = waves.attribute("", "dataencoding").upper(), _compression(waves)
    if method == "XLI" and encoding == "BASE64":
        return _compressed(base64_bytes(waves.text()), names, samples)
    if method not in _PLAIN or encoding not in ("BASE64", "PLAIN"):
        raise Unsupported("The Philips file's encoding of its waveforms is not read.")
    if encoding == "PLAIN":
        values = digits(waves.text())
    else:
        content = base64_bytes(waves.text())
        values = np.frombuffer(content[: len(content) // 2 * 2], "<i2").astype(np.float64)
    if values.size < len(names) * samples:
        raise Truncated(TRUNCATED)
    if not np.isfinite(values).all() or np.abs(values).max() > 2**31:
        raise Inconsistent(DAMAGED)
    return values[: len(names) * samples].astype(np.int64).reshape(len(names), samples)


def _compression(waves: Node) -> str:
    if waves.attribute("", "compressflag").upper() == "FALSE":
        return ""
    return (waves.attribute("", "compressmethod") or waves.attribute("", "compression")).upper()


def _compressed(content: bytes, names: list[str], samples: int) -> NDArray[np.int64]:
    leads = unpacked(content, len(names), samples)
    if len(leads) < len(names) or any(lead.size < samples for lead in leads):
        raise Truncated(TRUNCATED)
    counts = np.stack([lead[:samples] for lead in leads])
    if tuple(names[:6]) == STANDARD[:6]:
        one, two = counts[0], counts[1]
        counts[2] = two - one - counts[2]
        counts[3] = -((one + two) // 2) - counts[3]
        counts[4] = (one - counts[2]) // 2 - counts[4]
        counts[5] = (two + counts[2]) // 2 - counts[5]
    return counts


def _without_calibration(counts: NDArray[np.int64], rate: float, notes: list[str]) -> NDArray[np.int64]:
    """Each lead ends with silence and a pulse of 1 mV, the same in all leads: no heart makes that, and no detector should see it."""
    differ = np.flatnonzero(np.ptp(counts, axis=0))
    end = int(differ[-1]) + 1 if differ.size else 0
    if len(counts) < 3 or not end or counts.shape[1] - end < _TAIL_S * rate:
        return counts
    notes.append("The calibration pulse at the end of the file is left out.")
    return counts[:, :end]


def _scaled(counts: NDArray[np.int64], waves: Node, traits: Node) -> tuple[Signal, str]:
    """mV by the resolution in uV a bit, or the integers where none is stated."""
    stated = waves.attribute("", "resolution") or traits.text("resolution") or traits.text("signalresolution")
    resolution = number(stated)
    if stated and (resolution is None or resolution <= 0):
        raise Inconsistent("The Philips file's resolution is not a number.")
    zero = number(waves.attribute("", "signaloffset") or traits.text("signaloffset") or "0") or 0.0
    if resolution is None:
        return counts.astype(np.float32), "NU"
    return finite(((counts - zero) * (resolution / 1000)).astype(np.float32)), "mV"


def _patient(root: Node, studied: str | None) -> Patient:
    node = root.one("patient/generalpatientdata") or Node("", {})
    born = american(node.text("age/dateofbirth") or node.text("dateofbirth"))
    return Patient(
        name=person(node.text("name/lastname"), node.text("name/firstname")),
        patient_id=clean(node.text("patientid") or node.text("MRN")),
        birth_date=born,
        sex=_SEX.get(node.text("sex").upper()),
        age_years=age(years(number(node.text("age/years")), "YEARS"), born, studied),
    )


def _filters(root: Node, waves: Node) -> str | None:
    """What was done to the stored samples, else the setting of the printed report."""
    report = root.one("reportinfo/reportbandwidth") or Node("", {})
    notch = number(waves.attribute("", "notchfilterfreqs")) if waves.attribute("", "notchfiltered").upper() == "TRUE" else None
    stored = (number(waves.attribute("", "hipass")), number(waves.attribute("", "lowpass")), notch)
    if any(stored):
        return filters(*stored)
    return filters(*(number(report.text(f"{name}filtersetting")) for name in ("highpass", "lowpass", "notch")))
