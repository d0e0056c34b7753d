"""Where pixels lie in the body, in LPS millimetres (PS3.3 C.7.6.2, C.7.6.16.2)."""

from __future__ import annotations

import math
from typing import TypedDict

import numpy as np

from medcore.read.header import Header
from medcore.read.image import Orientation, Vector

_IMAGER = "The pixel spacing is the detector's, not the patient's: lengths are magnified."
_UNUSABLE = "The header's pixel spacing is not usable: nothing is measured in mm."


class Place(TypedDict):
    """The fields of `Image` that say where."""

    positions: tuple[Vector, ...]
    orientation: Orientation | None
    pixel_spacing_mm: tuple[float, float] | None
    slice_spacing_mm: float | None


def placed(header: Header, frames: int, notes: list[str]) -> Place:
    """Positions of each frame, orientation and spacings; what is missing or malformed is None or empty."""
    shared = header.first("SharedFunctionalGroupsSequence")
    groups = header.items("PerFrameFunctionalGroupsSequence")
    if len(groups) != frames:
        groups = []
    measures = _either(header, shared, groups, "PixelMeasuresSequence", "PixelSpacing")
    oriented = [_either(header, shared, [group], "PlaneOrientationSequence", "ImageOrientationPatient") for group in groups]
    orientations = {orientation(item) for item in oriented or [header]}
    positions = _positions(header, groups, frames)
    single = orientations.pop() if len(orientations) == 1 else None
    return Place(
        positions=positions if single is not None else (),
        orientation=single,
        pixel_spacing_mm=pixel_spacing(measures, header, notes),
        slice_spacing_mm=_positive(measures, "SpacingBetweenSlices") or _positive(measures, "SliceThickness"),
    )


def _either(header: Header, shared: Header, groups: list[Header], sequence: str, keyword: str) -> Header:
    """The item that holds `keyword`: of the first frame, shared by all frames, or the data set itself."""
    for candidate in (*(group.first(sequence) for group in groups[:1]), shared.first(sequence)):
        if keyword in candidate:
            return candidate
    return header


def _positions(header: Header, groups: list[Header], frames: int) -> tuple[Vector, ...]:
    if groups:
        found = [position(group.first("PlanePositionSequence")) for group in groups]
        return tuple(place for place in found if place is not None) if None not in found else ()
    single = position(header)
    return (single,) if single is not None and frames == 1 else ()


def position(header: Header) -> Vector | None:
    """ImagePositionPatient: the centre of the first pixel."""
    values = header.finite("ImagePositionPatient", 3)
    return None if values is None or max(map(abs, values)) > 1e6 else (values[0], values[1], values[2])


def orientation(header: Header) -> Orientation | None:
    """ImageOrientationPatient, if it is two perpendicular unit vectors to within 1 %."""
    values = header.finite("ImageOrientationPatient", 6)
    if values is None or max(map(abs, values)) > 2:
        return None
    row, column = np.array(values[:3]), np.array(values[3:])
    if abs(row @ row - 1) > 0.02 or abs(column @ column - 1) > 0.02 or abs(row @ column) > 0.01:
        return None
    return (values[0], values[1], values[2], values[3], values[4], values[5])


def pixel_spacing(measures: Header, header: Header, notes: list[str]) -> tuple[float, float] | None:
    """PixelSpacing; else the imager's with a warning; None with a warning where it is zero or no number."""
    if measures.numbers("PixelSpacing") is not None:
        spacing = _spacing(measures, "PixelSpacing")
        if spacing is None:
            notes.append(_UNUSABLE)
        return spacing
    for keyword in ("ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        if header.numbers(keyword) is not None:
            spacing = _spacing(header, keyword)
            notes.append(_UNUSABLE if spacing is None else _IMAGER)
            return spacing
    return None


def _spacing(header: Header, keyword: str) -> tuple[float, float] | None:
    values = header.finite(keyword, 2)
    return None if values is None or not (0 < values[0] < 1000 and 0 < values[1] < 1000) else (values[0], values[1])


def _positive(header: Header, keyword: str) -> float | None:
    values = header.finite(keyword, 1)
    return abs(values[0]) if values is not None and values[0] != 0 and math.isfinite(values[0]) else None
