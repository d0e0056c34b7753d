"""Stored values to what is seen: modality values, VOI LUT, inversion, palettes (PS3.3 C.7.6.3, C.11)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medcore.errors import Inconsistent
from medcore.read.geometry import Geometry
from medcore.read.header import Header
from medcore.types import Window


@dataclass(slots=True)
class Grey:
    """Grey values with the range they could have, and the window that goes with them."""

    array: NDArray[Any]
    low: float
    high: float
    window: Window | None = None
    exact: bool = False  # the window was LINEAR_EXACT


def compact(array: NDArray[Any]) -> NDArray[Any]:
    """The smallest of uint8, int16, uint16 that holds the values exactly, else float32."""
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.dtype in (np.uint8, np.int16, np.uint16):
        return array
    if array.dtype == np.int8:
        return array.astype(np.int16)
    if array.dtype.kind in "iu":
        low, high = int(array.min()), int(array.max())
        for kind in (np.int16, np.uint16):
            if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
                return array.astype(kind)
    return array.astype(np.float32)


def modality_values(array: NDArray[Any], header: Header, shape: Geometry) -> Grey:
    """Apply the Modality LUT or the rescale (C.11.1).

    Raises:
        Inconsistent: a slope or intercept that is not a finite number, or a LUT that is none.
    """
    if "ModalityLUTSequence" in header and header.items("ModalityLUTSequence"):
        return _looked_up(Grey(array, shape.low, shape.high), header.first("ModalityLUTSequence"), shape)
    slope, intercept = header.number("RescaleSlope"), header.number("RescaleIntercept")
    return rescaled(array, 1.0 if slope is None else slope, intercept or 0.0, shape)


def rescaled(array: NDArray[Any], slope: float, intercept: float, shape: Geometry) -> Grey:
    """slope * stored + intercept, in integers where that is exact."""
    if slope == 0:
        raise Inconsistent("The header's RescaleSlope is zero.")
    ends = sorted((slope * shape.low + intercept, slope * shape.high + intercept))
    if slope == 1 and intercept == 0:
        return Grey(compact(array), ends[0], ends[1])
    if slope == int(slope) and intercept == int(intercept) and max(map(abs, ends)) < 2**31:
        return Grey(_integral(array, int(slope), int(intercept), ends), ends[0], ends[1])
    values = array.astype(np.float32)
    if slope != 1:
        values *= np.float32(slope)
    values += np.float32(intercept)
    if not (math.isfinite(ends[0]) and math.isfinite(ends[1]) and max(map(abs, ends)) < 3e38):
        raise Inconsistent("The header's rescale gives values that are not finite.")
    return Grey(values, ends[0], ends[1])


def _integral(array: NDArray[Any], slope: int, intercept: int, ends: list[float]) -> NDArray[Any]:
    if ends[0] >= -32768 and ends[1] <= 32767 and abs(slope) <= 32767 and abs(intercept) <= 32767:
        values = array.astype(np.int16)  # stored values of at most 16 bits; wrap-around cancels in the sum
        if slope != 1:
            values *= np.int16(slope)
        values += np.int16(intercept)
        return values
    return compact(array.astype(np.int32 if abs(ends[0]) < 2**31 and array.dtype.itemsize < 4 else np.int64) * slope + intercept)


def _looked_up(grey: Grey, lut: Header, shape: Geometry) -> Grey:
    """One LUT (C.11.1.1.1): number of entries, first value mapped, bits of an entry."""
    descriptor = lut.numbers("LUTDescriptor")
    data = lut.raw("LUTData")
    if descriptor is None or len(descriptor) < 3 or not data:
        raise Inconsistent("The image's lookup table is incomplete.")
    entries, first, bits = (int(value) for value in descriptor[:3])
    entries = entries or 65536
    if first > 32767 and grey.low < 0:
        first -= 65536
    table = _table(data, entries, lut)
    index = np.clip(np.rint(grey.array).astype(np.int32) - first, 0, len(table) - 1) if grey.array.dtype.kind == "f" else None
    if index is None:
        index = np.clip(grey.array.astype(np.int32) - first, 0, len(table) - 1)
    top = float((1 << min(max(bits, 8), 16)) - 1)
    return Grey(compact(table[index]), 0.0, top)


def _table(data: bytes, entries: int, lut: Header) -> NDArray[Any]:
    if len(data) >= 2 * entries:
        return np.frombuffer(data, lut.order + "u2", entries).astype(np.uint16)
    if len(data) >= entries:
        return np.frombuffer(data, np.uint8, entries)
    raise Inconsistent("The image's lookup table is incomplete.")


def voi(grey: Grey, header: Header, shape: Geometry, unit: str, notes: list[str]) -> Grey:
    """Keep the header's window; apply a VOI LUT (C.11.2) where the values have no unit of their own."""
    window, exact = _window(header, notes)
    if header.items("VOILUTSequence"):
        if unit == "grey":
            seen = _looked_up(grey, header.first("VOILUTSequence"), shape)
            seen.window = Window(center=(seen.high + 1) / 2, width=seen.high + 1)
            return seen
        notes.append("The header's display curve was not applied, so that the values keep their unit.")
    grey.window, grey.exact = window, exact
    return grey


def _window(header: Header, notes: list[str]) -> tuple[Window | None, bool]:
    center, width = header.numbers("WindowCenter"), header.numbers("WindowWidth")
    if center is None and width is None:
        return None, False
    function = header.code("VOILUTFunction") or "LINEAR"
    c, w = (center or (math.nan,))[0], (width or (math.nan,))[0]
    if not (math.isfinite(c) and math.isfinite(w) and w > 0 and abs(c) + w < 1e12):
        notes.append("The header's window is not usable and is ignored.")
        return None, False
    if function == "SIGMOID":
        notes.append("The header's window is sigmoid; it is shown as a linear one.")
    if function == "LINEAR_EXACT":  # (x - c) / w + 0.5, as the linear function writes it
        return Window(center=c + 0.5, width=w + 1), True
    return Window(center=c, width=max(w, 1.0)), False


def inverted(grey: Grey) -> Grey:
    """MONOCHROME1 made bright-is-high: v -> low + high - v over the range that could be stored, the window with it.

    The linear window of C.11.2.1.2 is centred at c - 0.5, so its mirror is low + high - c + 1.
    """
    total = grey.low + grey.high
    window = grey.window and Window(center=total - grey.window.center + 1, width=grey.window.width)
    array = grey.array
    if array.dtype.kind == "f":
        return Grey(np.float32(total) - array, grey.low, grey.high, window)
    info = np.iinfo(array.dtype)
    if info.min <= grey.low and grey.high <= info.max and total == int(total):
        # the true result fits, so what wraps on the way there wraps back
        base = np.array(int(total) % (1 << info.bits), dtype=f"u{array.dtype.itemsize}").astype(array.dtype)
        return Grey(np.subtract(base, array), grey.low, grey.high, window)
    return Grey(compact((int(total) - array.astype(np.int64)).astype(np.int64)), grey.low, grey.high, window)


def palette_rgb(array: NDArray[Any], header: Header) -> NDArray[Any]:
    """PALETTE COLOR indices to 8-bit RGB (C.7.6.3.1.5); tables with segments (C.7.9.2) are expanded.

    Raises:
        Inconsistent: a table is missing or too short.
    """
    channels = []
    for colour in ("Red", "Green", "Blue"):
        descriptor = header.numbers(f"{colour}PaletteColorLookupTableDescriptor")
        if descriptor is None or len(descriptor) < 3:
            raise Inconsistent("The image's colour table is incomplete.")
        entries, first, bits = int(descriptor[0]) or 65536, int(descriptor[1]), int(descriptor[2])
        data = header.raw(f"{colour}PaletteColorLookupTableData")
        table = _table(data, entries, header) if data else _segments(header, colour, entries, bits)
        if table.dtype == np.uint16:
            table = (table >> 8 if bits > 8 and int(table.max(initial=0)) > 255 else table).astype(np.uint8)
        channels.append(table[np.clip(array.astype(np.int32) - first, 0, len(table) - 1)])
    return np.stack(channels, axis=-1)


def _segments(header: Header, colour: str, entries: int, bits: int) -> NDArray[Any]:
    raw = header.raw(f"Segmented{colour}PaletteColorLookupTableData")
    words = np.frombuffer(raw[: len(raw) // 2 * 2], header.order + "u2") if bits > 8 else np.frombuffer(raw, np.uint8)
    codes = words.tolist()
    out: list[int] = []
    pos = 0
    while pos + 2 < len(codes) and len(out) < entries:
        kind, length = codes[pos], codes[pos + 1]
        if kind == 0:  # discrete
            out.extend(codes[pos + 2 : pos + 2 + length])
            pos += 2 + length
        elif kind == 1 and out:  # linear
            out.extend(np.rint(np.linspace(out[-1], codes[pos + 2], length + 1)[1:]).astype(int).tolist())
            pos += 3
        else:
            raise Inconsistent("The image's colour table is of a kind that is not read.")
    if len(out) < entries:
        raise Inconsistent("The image's colour table is incomplete.")
    return np.array(out[:entries], dtype=np.uint16 if bits > 8 else np.uint8)
