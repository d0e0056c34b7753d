"""The one windowing function: what the page shows, the PDF prints and preprocessing sees.

The linear function is DICOM PS3.3 C.11.2.1.2.1: for centre c and width w,
y = ((x - (c - 0.5)) / (w - 1) + 0.5) * 255, cut to 0..255.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medcore.types import Series, Window

_TABLE = Path(__file__).resolve().parent.parent / "reference" / "windows.toml"
_ROBUST = (0.5, 99.5)  # percentiles that a marker or a dead pixel does not move
_SAMPLES = 100_000  # pixels that a percentile is taken over
_TABLE_PAYS = 16_384  # pixels from which on a table of 65,536 entries is faster than arithmetic


@cache
def _presets() -> dict[str, Window]:
    rows = tomllib.loads(_TABLE.read_text(encoding="utf-8"))["window"]
    return {row["name"]: Window(center=float(row["center"]), width=float(row["width"])) for row in rows}


PRESETS: dict[str, Window] = _presets()


def to_grey(series: Series, index: int = 0, window: Window | None = None) -> NDArray[np.uint8]:
    """Slice or frame `index` of a series as it is displayed, (H, W) uint8, 255 brightest.

    `window` wins over the series' own; without either, 8-bit grey is passed through and other grey is
    stretched between its 0.5th and 99.5th percentile. RGB becomes luma (ITU-R BT.601).

    Raises:
        IndexError: there is no such slice.
    """
    array: NDArray[Any] = series.array
    if not 0 <= index < array.shape[1]:
        raise IndexError(f"slice {index} of {array.shape[1]}")
    plane = array[0, index] if array.shape[0] == 1 else _luma(array[:, index])
    window = window or series.window
    if window is None:
        if plane.dtype == np.uint8:
            return plane
        window = robust_window(plane)
    return windowed(plane, window)


def robust_window(plane: NDArray[Any]) -> Window:
    """A window between the 0.5th and the 99.5th percentile of `plane`."""
    values = plane.ravel()
    values = values[:: max(1, values.size // _SAMPLES)]
    low, high = (float(value) for value in np.percentile(values, _ROBUST))
    if high <= low:
        low, high = float(plane.min()), float(plane.max())
    width = max(high - low, 1e-6 if plane.dtype.kind == "f" else 1.0)
    return Window(center=low + width / 2 + 0.5, width=width + 1.0)


def windowed(plane: NDArray[Any], window: Window) -> NDArray[np.uint8]:
    """The linear function of the module's docstring over any array, as uint8 of its shape."""
    if plane.dtype.kind in "iu" and plane.dtype.itemsize <= 2 and plane.size >= _TABLE_PAYS:
        info = np.iinfo(plane.dtype)
        table = _linear(np.arange(info.min, info.max + 1, dtype=np.float32), window)
        table = np.roll(table, info.min) if info.min else table  # indices of negative values count from the end
        seen: NDArray[np.uint8] = table[plane.view(f"u{plane.dtype.itemsize}")]
        return seen
    return _linear(plane.astype(np.float32), window)


def _linear(values: NDArray[np.float32], window: Window) -> NDArray[np.uint8]:
    """Overwrites `values`."""
    scale = 255.0 / max(window.width - 1.0, 1e-6)
    values -= np.float32(window.center - 0.5)
    values *= np.float32(scale)
    values += np.float32(127.5 + 0.5)  # the half rounds to the nearest grey
    np.clip(values, 0, 255, out=values)
    return values.astype(np.uint8)


def _luma(rgb: NDArray[Any]) -> NDArray[np.uint8]:
    """(3, H, W) -> (H, W)"""
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    return np.rint(np.tensordot(weights, rgb.astype(np.float32), 1)).clip(0, 255).astype(np.uint8)
