"""What single files brought, put together: images into series by their UID and plane, tracings into recordings, all into studies."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medcore.errors import InputRejected, MixedPatients
from medcore.read import sensors
from medcore.read.image import Image, Orientation
from medcore.read.sandbox import Read
from medcore.read.tracing import Tracing
from medcore.types import Array, Patient, Recording, Series, Source, Study

_UNEVEN = "The slices are not evenly spaced; distances between them are not measured."
_TWICE = "The same file came more than once and is kept once."
_NAMES = "The images of this study carry different patient names."
_UNNAMED = "Some images of this study carry no patient ID."
_EVEN = 0.02  # of the spacing, or this many mm


@dataclass(frozen=True, slots=True)
class _Item:
    """One image with the file it came from."""

    image: Image
    source: Source
    order: int


@dataclass(frozen=True, slots=True)
class _Trace:
    """One tracing with the files it came from, its own first."""

    tracing: Tracing
    source: Source
    more: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class _Plane:
    """One frame of one item."""

    item: _Item
    frame: int
    height: float | None  # mm along the normal


def studies(reads: Sequence[Read]) -> list[tuple[Study | InputRejected, str]]:
    """Studies in the order in which they came, or why one is none in its place, each with the name of its first file."""
    groups: dict[object, list[_Item | _Trace]] = defaultdict(list)
    first: dict[object, int] = {}
    for order, read in enumerate(reads):
        key: object = None
        if read.image is not None and read.source is not None:
            key = _study_key(read.image, order)
            groups[key].append(_Item(read.image, read.source, order))
        elif read.tracing is not None and read.source is not None:
            key = _study_key(read.tracing, order)
            groups[key].append(_Trace(read.tracing, read.source, read.more))
        first.setdefault(key, order)
    curves, refused = sensors.together(sensors.sensed(reads))
    found = [(first[key], _study(items), items[0].source.name) for key, items in groups.items()]
    found += [(one.order, sensors.study(one), one.source.name) for one in curves]
    found.sort(key=lambda one: one[0])
    return [(study, name) for _, study, name in found] + refused


def _study_key(value: Image | Tracing, order: int) -> object:
    """Files without any UID stand alone: nothing says that they belong together."""
    if value.study_uid is not None:
        return value.study_uid
    return ("series", value.series_uid, value.patient.patient_id) if value.series_uid is not None else order


def _study(items: list[_Item | _Trace]) -> Study | InputRejected:
    warnings: list[str] = []
    kept = _once(items, warnings)
    values = [item.image if isinstance(item, _Item) else item.tracing for item in kept]
    patients = [value.patient for value in values]
    error = _of_two(patients, warnings)
    if error is not None:
        return error
    sources = {source.sha256: source for item in kept for source in _sources(item)}
    return Study(
        study_uid=values[0].study_uid,
        patient=next((patient for patient in patients if patient.patient_id), patients[0]) if patients else Patient(),
        series=tuple(_all_series([item for item in kept if isinstance(item, _Item)])),
        recordings=tuple(_recording(item) for item in kept if isinstance(item, _Trace)),
        sources=tuple(sources.values()),
        study_date=next((value.study_date for value in values if value.study_date), None),
        description=next((value.study_description for value in values if value.study_description), None),
        warnings=tuple(warnings),
    )


def _of_two(patients: Sequence[Patient], warnings: list[str]) -> MixedPatients | None:
    """The hard stop where two patients stand under one study; a warning where it is not sure that they are one."""
    ids = tuple(dict.fromkeys(patient.patient_id for patient in patients))
    known = tuple(value for value in ids if value is not None)
    if len(known) > 1:
        error = MixedPatients("Two patient IDs stand under one study; it is not read until that is settled.")
        error.patient_ids = known
        return error
    if len(ids) > 1:
        warnings.append(_UNNAMED)
    if len({patient.name for patient in patients if patient.name}) > 1:
        warnings.append(_NAMES)
    return None


def _sources(item: _Item | _Trace) -> tuple[Source, ...]:
    return (item.source,) if isinstance(item, _Item) else (item.source, *item.more)


def _recording(item: _Trace) -> Recording:
    """The tracing as a noun of the study."""
    shared = (
        "signal",
        "unit",
        "sampling_rate_hz",
        "leads",
        "modality",
        "file_format",
        "started_at",
        "device",
        "filters",
        "lead_names",
        "warnings",
    )
    names = tuple(dict.fromkeys(source.sha256 for source in _sources(item)))
    return Recording(**{name: getattr(item.tracing, name) for name in shared}, source_sha256=names)


def _once(items: list[_Item | _Trace], warnings: list[str]) -> list[_Item | _Trace]:
    kept = list({tuple(source.sha256 for source in _sources(item)): item for item in reversed(items)}.values())[::-1]
    if len(kept) < len(items):
        warnings.append(_TWICE)
    return kept


def _all_series(items: list[_Item]) -> list[Series]:
    groups: dict[object, list[_Item]] = defaultdict(list)
    for item in items:
        groups[_series_key(item)].append(item)
    return [series for group in groups.values() for series in _stacks(group)]


def _series_key(item: _Item) -> object:
    """What must be equal for planes to be one stack: series, kind of pixels, size, plane, spacing, polarity."""
    image = item.image
    if image.series_uid is None:
        return item.order
    plane = None if image.orientation is None else tuple(round(value, 2) + 0.0 for value in image.orientation)
    frames = image.array.shape[1] > 1 and item.order
    return (image.series_uid, image.array.shape[0], image.array.shape[2:], image.unit, image.modality, plane,
            image.pixel_spacing_mm, image.inverted, frames)  # fmt: skip


def _stacks(items: list[_Item]) -> list[Series]:
    """One series, or several where the same places were imaged again (echoes, phases) and the header tells them apart."""
    planes = [plane for item in items for plane in _planes(item)]
    if len(items) > 1 and _repeated(planes):
        parts: dict[str, list[_Item]] = defaultdict(list)
        for item in items:
            parts[item.image.stack].append(item)
        if len(parts) > 1:
            return [_series(part) for part in parts.values()]
    return [_series(items)]


def _planes(item: _Item) -> list[_Plane]:
    image = item.image
    frames = image.array.shape[1]
    if image.orientation is None or len(image.positions) != frames:
        return [_Plane(item, frame, None) for frame in range(frames)]
    heights = np.asarray(image.positions) @ normal(image.orientation)
    return [_Plane(item, frame, float(height)) for frame, height in enumerate(heights)]


def normal(orientation: Orientation) -> NDArray[np.float64]:
    """The unit vector across the plane, row direction x column direction (PS3.3 C.7.6.2.1.1)."""
    return np.cross(np.array(orientation[:3], np.float64), np.array(orientation[3:], np.float64))


def _repeated(planes: Sequence[_Plane]) -> bool:
    heights = [round(plane.height, 2) for plane in planes if plane.height is not None]
    return bool(heights) and max(Counter(heights).values()) > 1


def _series(items: list[_Item]) -> Series:
    planes = [plane for item in items for plane in _planes(item)]
    placed = all(plane.height is not None for plane in planes)
    volume = placed and len(planes) > 1 and not _repeated(planes)
    planes = _sorted(planes, by_height=volume)
    first = planes[0].item.image
    warnings = [warning for item in items for warning in item.image.warnings]
    spacing, affine = _geometry(planes, volume, warnings)
    return Series(
        array=_assembled(planes),
        unit=first.unit,
        modality=first.modality,
        series_uid=first.series_uid,
        description=first.series_description,
        body_part=first.body_part,
        view_position=first.view_position,
        pixel_spacing_mm=first.pixel_spacing_mm,
        slice_spacing_mm=spacing,
        affine=affine,
        window=planes[len(planes) // 2].item.image.window,
        is_volume=volume or (first.affine is not None and len(planes) > 1),
        inverted=first.inverted,
        lossy=any(item.image.lossy for item in items),
        source_sha256=tuple(dict.fromkeys(plane.item.source.sha256 for plane in planes)),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _sorted(planes: list[_Plane], *, by_height: bool) -> list[_Plane]:
    """Along the normal; else by instance number, those without one last and as they came."""
    if by_height:
        return sorted(planes, key=lambda plane: (plane.height or 0.0, plane.item.order))

    def number(plane: _Plane) -> tuple[bool, int, int, int]:
        instance = plane.item.image.instance_number
        return (instance is None, instance or 0, plane.item.order, plane.frame)

    return sorted(planes, key=number)


def _geometry(planes: list[_Plane], volume: bool, warnings: list[str]) -> tuple[float | None, Array | None]:
    """Slice spacing and affine; a lone slice keeps its plane, with the unit normal as third column."""
    image = planes[0].item.image
    if image.affine is not None:
        return image.slice_spacing_mm if len(planes) > 1 else None, image.affine
    if image.orientation is None or image.pixel_spacing_mm is None or not image.positions or not (volume or len(planes) == 1):
        return None, None
    spacing: float | None = None
    step = normal(image.orientation)
    if volume:
        heights = np.array([plane.height for plane in planes])
        steps = np.diff(heights)
        even = float(np.abs(steps - steps.mean()).max()) <= max(_EVEN * float(steps.mean()), _EVEN)
        spacing = float(steps.mean()) if even else None
        step = (_position(planes[-1]) - _position(planes[0])) / (len(planes) - 1)
        if not even:
            warnings.append(_UNEVEN)
            return None, None
    affine = np.eye(4)
    affine[:3, 0] = np.array(image.orientation[:3]) * image.pixel_spacing_mm[1]
    affine[:3, 1] = np.array(image.orientation[3:]) * image.pixel_spacing_mm[0]
    affine[:3, 2] = step
    affine[:3, 3] = _position(planes[0])
    return spacing, affine


def _position(plane: _Plane) -> NDArray[np.float64]:
    return np.array(plane.item.image.positions[plane.frame], np.float64)


def _assembled(planes: list[_Plane]) -> Array:
    """(C, N, H, W); one file whose frames are in order is passed on as it is, without a copy."""
    arrays = [plane.item.image.array for plane in planes]
    if all(array is arrays[0] for array in arrays) and [plane.frame for plane in planes] == list(range(len(planes))):
        return arrays[0]
    kinds = {array.dtype for array in arrays}
    kind = kinds.pop() if len(kinds) == 1 else np.dtype(np.float32)
    out = np.empty((arrays[0].shape[0], len(planes), *arrays[0].shape[2:]), kind)
    for number, plane in enumerate(planes):
        out[:, number] = plane.item.image.array[:, plane.frame]
    return out
