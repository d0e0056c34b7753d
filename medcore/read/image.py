"""What one file brought: the value that crosses from the sandboxed parser to its parent."""

from __future__ import annotations

from dataclasses import dataclass

from medcore.types import Array, Patient, Window

Vector = tuple[float, float, float]
Orientation = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The pixels of one file, (C, N, H, W) as in `Series`, and the facts by which files are put together.

    `positions` holds the LPS position in mm of each frame, or nothing where it is unknown.
    """

    array: Array
    unit: str
    patient: Patient
    modality: str | None = None
    study_uid: str | None = None
    series_uid: str | None = None
    instance_uid: str | None = None
    study_date: str | None = None
    study_description: str | None = None
    series_description: str | None = None
    body_part: str | None = None
    view_position: str | None = None
    instance_number: int | None = None
    stack: str = ""  # images of one series that are not one stack differ in it (echo, acquisition)
    positions: tuple[Vector, ...] = ()
    orientation: Orientation | None = None
    pixel_spacing_mm: tuple[float, float] | None = None
    affine: Array | None = None  # where the file itself is a volume
    slice_spacing_mm: float | None = None
    window: Window | None = None
    inverted: bool = False
    lossy: bool = False
    warnings: tuple[str, ...] = ()
