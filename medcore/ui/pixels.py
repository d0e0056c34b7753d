"""A series as bytes that the browser draws from: little-endian, one number a sample, sent once."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medcore.types import Array, Attribution, Series

_DIRECT = {"int8": "int16", "uint8": "uint8", "int16": "int16", "uint16": "uint16", "bool": "uint8"}
_LETTERS = (("L", "R"), ("P", "A"), ("H", "F"))  # towards + and - along each LPS axis


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How the bytes are to be read: value = sample * slope + intercept, slice after slice, row after row."""

    rows: int
    columns: int
    slices: int
    channels: int
    dtype: str  # uint8, int16 or uint16
    slope: float
    intercept: float
    low: float
    high: float


def layout(series: Series) -> Layout:
    """The layout of `series`; values that do not fit 16 bits are scaled to them."""
    array = series.array
    channels, slices, rows, columns = array.shape
    low, high = _range(array)
    dtype, slope, intercept = _code(array, low, high)
    return Layout(
        rows=rows, columns=columns, slices=slices, channels=channels, dtype=dtype, slope=slope, intercept=intercept, low=low, high=high
    )


def _range(array: Array) -> tuple[float, float]:
    if array.dtype == np.uint8:
        return 0.0, 255.0
    return float(array.min()), float(array.max())


def _code(array: Array, low: float, high: float) -> tuple[str, float, float]:
    if array.dtype.name in _DIRECT:
        return _DIRECT[array.dtype.name], 1.0, 0.0
    whole = array.dtype.kind in "iu" or bool(np.all(np.mod(array[:, : min(4, array.shape[1])], 1) == 0))
    if whole and low >= -32768 and high <= 32767 and (array.dtype.kind != "f" or bool(np.all(np.mod(array, 1) == 0))):
        return "int16", 1.0, 0.0
    return "uint16", (high - low) / 65535 or 1.0, low


def samples(series: Series, how: Layout, first: int, count: int) -> bytes:
    """Slices `first` to `first + count` of `series` as `how` says. Colour is interleaved."""
    part = series.array[:, first : first + count]
    values: NDArray[Any] = np.moveaxis(part, 0, -1)  # (C, n, H, W) -> (n, H, W, C)
    if how.slope != 1.0 or how.intercept != 0.0:
        values = np.rint((values.astype(np.float32) - how.intercept) / how.slope).clip(0, 65535)
    body: bytes = np.ascontiguousarray(values, dtype=np.dtype(how.dtype).newbyteorder("<")).tobytes()
    return body


def influence(attribution: Attribution) -> bytes:
    """An attribution's values, 0..1 as 0..255, row after row."""
    values: NDArray[np.float32] = np.asarray(attribution.values, dtype=np.float32)
    body: bytes = np.rint(np.nan_to_num(values).clip(0, 1) * 255).astype(np.uint8).tobytes()
    return body


def edges(affine: Array | None) -> dict[str, str] | None:
    """Orientation letters at the four edges of the image, from an LPS affine; None where it is unknown."""
    if affine is None:
        return None
    right, left = _towards(affine[:3, 0])
    bottom, top = _towards(affine[:3, 1])
    return {"right": right, "left": left, "bottom": bottom, "top": top}


def _towards(direction: Array) -> tuple[str, str]:
    vector = np.asarray(direction, dtype=float)
    axis = int(np.argmax(np.abs(vector)))
    plus, minus = _LETTERS[axis]
    return (plus, minus) if vector[axis] >= 0 else (minus, plus)


def describe(series: Series) -> dict[str, object]:
    """What the viewer needs to know of `series` besides its samples; no patient data."""
    return {
        **asdict(layout(series)),
        "unit": series.unit,
        "modality": series.modality,
        "spacing": series.pixel_spacing_mm,
        "edges": edges(series.affine),
        "volume": series.is_volume,
    }
