"""What every ECG parser ends with: counts tested before anything is allocated, lead names made distinct, missing limb leads calculated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from medcore.errors import BadGeometry, Inconsistent, TooLarge
from medcore.read.ecg.leads import STANDARD, standard
from medcore.read.limits import DECODED_BYTES
from medcore.read.text import clean

HOURS = 72.0
LEADS = 32
DERIVED_SAMPLES = 32_000_000  # of all leads; a day of eight leads is not copied to hold four more
RATE_LIMIT_HZ = 100_000.0
OLDEST = 130.0  # years
LARGEST = 1e12  # mV, or whatever the file counts in
TRUNCATED = "The file ends before its ECG does; it may have been cut short while copying."
DAMAGED = "The ECG file contradicts itself, so its signal cannot be trusted."
MILLIVOLTS = {"V": 1e3, "MV": 1.0, "UV": 1e-3, "\u039cV": 1e-3, "NV": 1e-6}  # by capitals: of mu and of the micro sign it is U+039C
_LIMB = ("III", "aVR", "aVL", "aVF")
Signal = NDArray[np.float32]


def require(leads: int, samples: int, sampling_rate_hz: float) -> None:
    """Raise unless a recording of that many leads and samples a lead may be read; nothing has been allocated yet.

    Raises:
        BadGeometry: no lead, no sample, or a rate that cannot be.
        TooLarge: more than 32 leads, 72 hours or the reader's memory.
    """
    if not math.isfinite(sampling_rate_hz) or not 0 < sampling_rate_hz <= RATE_LIMIT_HZ:
        raise BadGeometry("The ECG file's sampling rate cannot be that of an ECG.")
    if leads < 1 or samples < 1:
        raise BadGeometry("The ECG file holds no signal.")
    if leads > LEADS:
        raise TooLarge(f"The ECG file holds more than {LEADS} leads.")
    if samples > HOURS * 3600 * sampling_rate_hz:
        raise TooLarge(f"The ECG is longer than {HOURS:.0f} hours.")
    if leads * samples * 4 > DECODED_BYTES:
        raise TooLarge("The ECG is larger than the reader takes; nothing of it was decoded.")


def millivolts(unit: str | None) -> float | None:
    """How many mV one `unit` is, or None where it is no unit of voltage."""
    words = (unit or "").strip().upper().removesuffix("S")
    for long, short in (("MICROVOLT", "UV"), ("MILLIVOLT", "MV"), ("NANOVOLT", "NV"), ("VOLT", "V")):
        words = words.replace(long, short)
    return MILLIVOLTS.get(words)


def finite(signal: Signal) -> Signal:
    """`signal` as it came; NaN is a sample that was not recorded.

    Raises:
        Inconsistent: a value is infinite, or so large that no sum of two could be told from it.
    """
    if bool((np.abs(signal) > LARGEST).any()):
        raise Inconsistent("The ECG file holds values that are not finite.")
    return signal


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Standard lead names; one that comes again is numbered."""
    seen: dict[str, int] = {}
    for name in map(standard, names):
        free, number = name, 1
        while free in seen:
            number += 1
            free = f"{name[:12]} {number}"
        seen[free] = number
    return tuple(seen)


def twelve(signal: Signal, leads: tuple[str, ...]) -> tuple[Signal, tuple[str, ...]]:
    """With III, aVR, aVL and aVF by Einthoven's and Goldberger's laws where a file stores I, II and V1 to V6, in the usual order.

    (L, N) -> (L + 4, N). A file that stores any of the four, or not all of the eight, or a very long one, is left as it is.
    """
    if not set(STANDARD) - set(_LIMB) <= set(leads) or set(leads) & set(_LIMB) or len(set(leads)) < len(leads):
        return signal, leads
    if signal.size > DERIVED_SAMPLES:
        return signal, leads
    one, two = signal[leads.index("I")], signal[leads.index("II")]
    made = {"III": two - one, "aVR": -(one + two) / 2, "aVL": one - two / 2, "aVF": two - one / 2}
    order = [name for name in STANDARD if name in leads or name in made] + [name for name in leads if name not in STANDARD]
    rows = [made[name] if name in made else signal[leads.index(name)] for name in order]
    return np.stack(rows), tuple(order)


def filters(high_pass_hz: float | None, low_pass_hz: float | None, notch_hz: float | None) -> str | None:
    """The line under the strip, of what the header states: `0.05-150 Hz, notch 50 Hz`."""
    band = None
    if high_pass_hz and low_pass_hz:
        band = f"{high_pass_hz:g}-{low_pass_hz:g} Hz"
    elif high_pass_hz:
        band = f"from {high_pass_hz:g} Hz"
    elif low_pass_hz:
        band = f"up to {low_pass_hz:g} Hz"
    return ", ".join(part for part in (band, f"notch {notch_hz:g} Hz" if notch_hz else None) if part) or None


def person(family: str | None, given: str | None) -> str | None:
    """A name as DICOM writes it, cleaned: family^given."""
    family, given = clean(family or ""), clean(given or "")
    return f"{family or ''}^{given}" if given else family


def age(stated: float | None, born: str | None, studied: str | None) -> float | None:
    """Years of life on the day of the study: as stated, else from the two dates, else unknown."""
    if stated is not None:
        return stated if 0 <= stated <= OLDEST else None
    if born is None or studied is None:
        return None
    years = (date.fromisoformat(studied[:10]) - date.fromisoformat(born)).days / 365.25
    return years if 0 <= years <= OLDEST else None
