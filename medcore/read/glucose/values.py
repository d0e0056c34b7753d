"""Readings as they are written to mg/dL: numbers, LOW and HIGH in several languages, and the unit by evidence where none is stated."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medcore.errors import GlucoseUnitUnknown, Inconsistent

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
MMOL = 18.016  # mg/dL in one mmol/L: the molar mass of glucose is 180.156 g/mol
UNITS = ("mg/dL", "mmol/L")
_LOW = {"low", "lo", "niedrig", "tief", "bas", "bajo", "basso", "laag", "baixo", "below", "niski", "低", "< low"}
_HIGH = {"high", "hi", "hoch", "haut", "eleve", "élevé", "alto", "hoog", "above", "wysoki", "高"}
_BEYOND = re.compile(r"([<>≤≥])\s*(\d+(?:[.,]\d+)?)", re.ASCII)
_MOST = 1000.0  # mg/dL: more is no glucose, in any unit
_LEAST_MG = 20.0  # mg/dL: sensors stop at 40, and mmol/L stay below it
_LEAST_SENSOR = {"mg/dL": 2.0, "mmol/L": 1.0}  # less is a sensor's way to say nothing; mmol/L begin at 2.2, meters at 1.1
_MOST_MMOL = 35.0  # sensors stop at 27.8 mmol/L, meters at 33.3
_DOUBTFUL = (28.0, 50.0)  # a median in here is too much for mmol/L and too little for mg/dL


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a sensor's LOW and HIGH stand for, mg/dL."""

    low: float = 40.0
    high: float = 400.0


LIBRE = Limits(low=40.0, high=500.0)


@dataclass(frozen=True, slots=True)
class Values:
    """(N,) `number` in the file's unit, NaN where a text is none; `beyond` as in `Trace`, its number NaN if the text gives none."""

    number: Floats
    beyond: NDArray[np.int16]

    @property
    def readable(self) -> Mask:
        """Which texts say something."""
        said: Mask = ~np.isnan(self.number) | (self.beyond != 0)
        return said


def values(texts: Sequence[str], lines: Sequence[int]) -> Values:
    """Every text as a reading.

    Raises:
        Inconsistent: one is infinite, negative or beyond all glucose; its line is named.
    """
    known: dict[str, tuple[float, int]] = {}
    number, beyond = np.full(len(texts), np.nan), np.zeros(len(texts), np.int16)
    for place, text in enumerate(texts):
        value = known.get(text)
        if value is None:
            value = known[text] = _value(text)
            if math.isinf(value[0]) or value[0] < 0 or value[0] > _MOST:
                raise Inconsistent(f"Line {lines[place]} holds a number that no glucose can be, so the file is not read.")
        number[place], beyond[place] = value
    return Values(number, beyond)


def _value(text: str) -> tuple[float, int]:
    plain = text.strip()
    try:
        return float(plain.replace(",", ".")), 0
    except ValueError:
        word = plain.casefold()
    if word in _LOW:
        return math.nan, -1
    if word in _HIGH:
        return math.nan, 1
    found = _BEYOND.fullmatch(plain)
    if found is None:
        return math.nan, 0
    return float(found[2].replace(",", ".")), -1 if found[1] in "<≤" else 1


def number(text: str) -> float:
    """A finite number of 0 or more (decimal comma allowed), else NaN."""
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        return math.nan
    return value if math.isfinite(value) and value >= 0 else math.nan


def unit_of(read: Values) -> str:
    """The unit that the numbers speak for, where the file states none.

    Raises:
        GlucoseUnitUnknown: they speak for none.
    """
    plain = read.number[(read.beyond == 0) & (read.number > 0)]
    if not len(plain):
        raise GlucoseUnitUnknown("This file does not state whether its glucose is in mg/dL or mmol/L; please state it.")
    middle = float(np.median(plain))
    if _DOUBTFUL[0] <= middle <= _DOUBTFUL[1]:
        raise GlucoseUnitUnknown("Neither this file nor its numbers tell whether its glucose is in mg/dL or mmol/L; please state it.")
    return "mmol/L" if middle < _DOUBTFUL[0] else "mg/dL"


def too_low(read: Values, unit: str) -> Mask:
    """(N,) which numbers are below all that a sensor gives in either unit: no readings, and no sign of another unit."""
    low: Mask = (read.beyond == 0) & (read.number > 0) & (read.number < _LEAST_SENSOR[unit])
    return low


def in_mg_dl(read: Values, unit: str, lines: Sequence[int], limits: Limits, factor: float = MMOL) -> Floats:
    """(N,) mg/dL, markers at the limit they name or the sensor's.

    Raises:
        Inconsistent: a number is of the other unit; its line is named.
    """
    plain = (read.beyond == 0) & ~np.isnan(read.number)
    wrong = plain & (read.number > _MOST_MMOL if unit == "mmol/L" else read.number < _LEAST_MG)
    if wrong.any():
        other = UNITS[unit == "mg/dL"]
        line = lines[int(np.argmax(wrong))]
        raise Inconsistent(f"Line {line} looks like {other}, while the rest of the file is in {unit}; the file is not read.")
    found = read.number * (factor if unit == "mmol/L" else 1.0)
    unnamed = np.isnan(read.number)
    found[unnamed & (read.beyond < 0)] = limits.low
    found[unnamed & (read.beyond > 0)] = limits.high
    return found
