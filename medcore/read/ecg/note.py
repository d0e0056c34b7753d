"""What a person said of an ECG file that does not say it itself: a small text file beside it, kept with the study as one of its sources."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from medcore.errors import Inconsistent

MAGIC = b"medcore ecg note 1\n"
NOTE_BYTES = 1024
UNITS = ("V", "mV", "uV", "nV", "NU")
FASTEST_HZ = 100_000.0
_LINE = re.compile(r"(sampling_rate_hz|unit): (\S{1,32})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """`sampling_rate_hz` samples a second; `unit` one of UNITS, None where it was not said."""

    sampling_rate_hz: float
    unit: str | None


def note(sampling_rate_hz: float, unit: str | None = None) -> bytes:
    """The file to upload together with an ECG that was refused with SamplingRateUnknown.

    Raises:
        Inconsistent: a rate or unit that cannot be.
    """
    lines = [f"sampling_rate_hz: {float(sampling_rate_hz)!r}", *([f"unit: {unit}"] if unit is not None else [])]
    data = MAGIC + "\n".join([*lines, ""]).encode()
    parse_note(data)
    return data


def is_note(data: bytes) -> bool:
    """Whether the first line is that of a note."""
    return data.startswith(MAGIC)


def parse_note(data: bytes) -> Note:
    """The note.

    Raises:
        Inconsistent: it states a rate or unit that cannot be, or something else.
    """
    lines = data[len(MAGIC) : NOTE_BYTES].decode("ascii", "replace").splitlines()
    found = [_LINE.fullmatch(line) for line in lines if line.strip()]
    facts = {line[1]: line[2] for line in found if line is not None}
    try:
        rate = float(facts.get("sampling_rate_hz", "nan"))
    except ValueError:
        rate = math.nan
    if not (0 < rate <= FASTEST_HZ):
        raise Inconsistent("The sampling rate that was stated cannot be true.")
    if facts.get("unit", "NU") not in UNITS or None in found:
        raise Inconsistent("The unit that was stated is not one of V, mV, uV, nV and NU.")
    return Note(sampling_rate_hz=rate, unit=facts.get("unit"))
