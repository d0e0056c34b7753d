"""GE MUSE XML (`RestingECG`, restecg.dtd of MUSE; the fields as GE's "MUSE XML Developer's Guide" names them).

Leads are Base64 of little-endian integers, LeadAmplitudeUnitsPerBit each; I, II and V1 to V6 are stored, the other four follow from them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medcore.errors import BadGeometry, Inconsistent, Truncated, Unsupported
from medcore.read.ecg.assemble import DAMAGED, TRUNCATED, Signal, age, distinct, filters, finite, millivolts, person, require, twelve
from medcore.read.ecg.markup import Node, base64_bytes, number, parsed, root_name
from medcore.read.ecg.moments import american, clock, years
from medcore.read.text import clean
from medcore.read.tracing import Tracing
from medcore.types import Patient

_TYPES = {1: "i1", 2: "<i2", 4: "<i4"}
_EXPONENTS = 9
_SEX = {"MALE": "M", "M": "M", "FEMALE": "F", "F": "F"}


def is_muse(data: memoryview) -> bool:
    """Whether the first element is that of a MUSE file."""
    return root_name(data) == "RestingECG"


@np.errstate(over="ignore", invalid="ignore")  # `finite` judges what comes of it
def parse_muse(data: memoryview) -> Tracing:
    """Read the rhythm waveform; median beats are derived from it and are no recording.

    Raises:
        InputRejected: no rhythm waveform, a lead whose count or encoding does not fit, or over the limits.
    """
    notes: list[str] = []
    root = parsed(data)
    wave = _rhythm(root, notes)
    rate = _rate(wave)
    nodes = wave.all("LeadData")
    require(len(nodes), 1, rate)
    stored = [_lead(node, notes) for node in nodes]
    signal, unit = _stacked(stored, rate)
    signal, leads = twelve(signal, distinct([name for name, _, _ in stored]))
    test = root.one("TestDemographics") or Node("", {})
    studied = american(test.text("AcquisitionDate"))
    return Tracing(
        signal=signal, unit=unit, sampling_rate_hz=rate, leads=leads, file_format="GE MUSE XML",
        patient=_patient(root.one("PatientDemographics") or Node("", {}), studied), study_date=studied,
        started_at=clock(studied, test.text("AcquisitionTime")), device=clean(f"GE {test.text('AcquisitionDevice')}"),
        filters=_filters(wave), warnings=tuple(notes),
    )  # fmt: skip


def _rhythm(root: Node, notes: list[str]) -> Node:
    waves = [wave for wave in root.all("Waveform") if wave.text("WaveformType").lower() in ("rhythm", "")]
    if not waves:
        raise BadGeometry("The MUSE file holds no rhythm waveform.")
    if len(waves) > 1:
        notes.append(f"The file holds {len(waves)} recordings; the first one is read.")
    return waves[0]


def _rate(wave: Node) -> float:
    """SampleBase times ten to the power of SampleExponent, in Hz."""
    base, exponent = number(wave.text("SampleBase")), number(wave.text("SampleExponent") or "0")
    if base is None or exponent is None or abs(exponent) > _EXPONENTS:
        raise BadGeometry("The MUSE file does not say how often the ECG was sampled.")
    return float(base * 10.0**exponent)


def _lead(node: Node, notes: list[str]) -> tuple[str, NDArray[np.generic], float | None]:
    """Name, stored integers, and mV a bit (None where no unit of voltage is given)."""
    name = node.text("LeadID")
    size = number(node.text("LeadSampleSize") or "2")
    if size not in _TYPES:
        raise Unsupported("The MUSE file's kind of samples is not read.")
    content = base64_bytes(node.text("WaveFormData"))
    if len(content) % int(size):
        raise Truncated(TRUNCATED)
    samples = np.frombuffer(content, np.dtype(_TYPES[int(size)]))
    stated = number(node.text("LeadSampleCountTotal") or str(samples.size))
    if stated != samples.size:
        raise Truncated(TRUNCATED) if stated is not None and stated > samples.size else Inconsistent(DAMAGED)
    if node.text("LeadOff").upper() == "TRUE":
        notes.append(f"The recorder states that lead {clean(name, 16) or 'without a name'} was off.")
    if number(node.text("FirstSampleBaseline") or "0"):
        notes.append("The file states a baseline of the first sample, which is not applied.")
    return name, samples, _scale(node)


def _scale(node: Node) -> float | None:
    unit, bit = millivolts(node.text("LeadAmplitudeUnits")), number(node.text("LeadAmplitudeUnitsPerBit"))
    if node.text("LeadAmplitudeUnitsPerBit") and (bit is None or bit <= 0):
        raise Inconsistent("The MUSE file's scale is not a number.")
    return None if unit is None or bit is None else unit * bit


def _stacked(stored: list[tuple[str, NDArray[np.generic], float | None]], rate: float) -> tuple[Signal, str]:
    """(leads, samples) in mV, or in the file's numbers where a lead gives no unit."""
    length = stored[0][1].size
    require(len(stored), length, rate)
    if any(samples.size != length for _, samples, _ in stored):
        raise Inconsistent("The MUSE file's leads are not of one length.")
    scales = [scale for _, _, scale in stored if scale is not None]
    known = len(scales) == len(stored)
    signal = np.empty((len(stored), length), np.float32)
    for row, (_, samples, _) in enumerate(stored):
        signal[row] = samples.astype(np.float64) * (scales[row] if known else 1.0)
    return finite(signal), "mV" if known else "NU"


def _patient(node: Node, studied: str | None) -> Patient:
    born = american(node.text("DateofBirth"))
    return Patient(
        name=person(node.text("PatientLastName"), node.text("PatientFirstName")),
        patient_id=clean(node.text("PatientID")),
        birth_date=born,
        sex=_SEX.get(node.text("Gender").upper()),
        age_years=age(years(number(node.text("PatientAge")), node.text("AgeUnits")), born, studied),
    )


def _filters(wave: Node) -> str | None:
    high = number(wave.text("HighPassFilter"))  # in hundredths of a hertz
    return filters(high / 100 if high else None, number(wave.text("LowPassFilter")), number(wave.text("ACFilter")))
