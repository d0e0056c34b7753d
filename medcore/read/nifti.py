"""NIfTI-1 and NIfTI-2 (.nii, .nii.gz) to one `Image` in LPS (https://nifti.nimh.nih.gov/nifti-1, nifti1.h and nifti2.h)."""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medcore.errors import BadGeometry, Inconsistent, NotAnImage, TooLarge, Truncated, Unsupported
from medcore.read.greyscale import compact
from medcore.read.image import Image
from medcore.read.limits import DECODED_BYTES, FILE_BYTES, MIB
from medcore.types import Patient, Window

_TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8"}
_RGB24 = 128
_MM = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
_FLOATS = np.dtype("f8")


@dataclass(slots=True)
class _Nifti:
    """The fields of either version that are used here."""

    order: str
    shape: tuple[int, ...]
    datatype: int
    spacing: tuple[float, ...]  # pixdim, qfac first
    offset: int
    slope: float
    intercept: float
    window: tuple[float, float]
    units: int
    qform: int
    sform: int
    quaternion: tuple[float, ...]
    rows: tuple[float, ...]


def is_nifti(data: memoryview) -> bool:
    """Whether the bytes are a NIfTI file; both versions carry their magic at a fixed place."""
    return bytes(data[344:348]) in (b"n+1\0", b"ni1\0") or bytes(data[4:8]) in (b"n+2\0", b"ni2\0")


def inflated(data: memoryview) -> memoryview:
    """A gzip stream inflated within the limits, the first 1 KiB first to see whether it is NIfTI at all."""
    inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        head = inflate.decompress(bytes(data[:4096]), 1024)
        if not is_nifti(memoryview(head)):
            raise NotAnImage("The compressed file holds no image that is read here.")
        inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
        limit = min(FILE_BYTES // 2, max(1000 * len(data), MIB))
        plain = inflate.decompress(bytes(data), limit)
    except zlib.error:
        raise Truncated("The compressed file is damaged.") from None
    if not inflate.eof:
        if len(plain) >= limit:
            raise TooLarge("The compressed file inflates to more than is read.")
        raise Truncated("The file ends before its data does; it may have been cut short while copying.")
    return memoryview(plain)


def parse_nifti(data: memoryview) -> Image:
    """Read the first volume.

    Raises:
        BadGeometry, TooLarge, Truncated, Unsupported, Inconsistent: as the header is.
    """
    notes: list[str] = []
    head = _header(data)
    x, y, z = _shape(head, notes)
    values = _values(data, head, (x, y, z))
    affine = _affine(head, notes)
    if values.ndim == 3:
        oriented, affine = _to_lps(values, affine)
        array = oriented.transpose(2, 1, 0)[None]  # (x, y, z) -> (1, N, H, W)
    else:
        oriented, affine = _to_lps(values, affine)
        array = oriented.transpose(3, 2, 1, 0)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    low, high = head.window
    windowed = math.isfinite(low) and math.isfinite(high) and high > low and array.shape[0] == 1
    return Image(
        array=np.ascontiguousarray(array),
        patient=Patient(),
        unit="RGB" if array.shape[0] == 3 else "grey",
        pixel_spacing_mm=(float(spacing[1]), float(spacing[0])),
        slice_spacing_mm=float(spacing[2]),
        affine=affine,
        window=Window(center=(low + high) / 2, width=high - low) if windowed else None,
        warnings=tuple(notes),
    )


def _header(data: memoryview) -> _Nifti:
    for order in "<>":
        if len(data) >= 352 and struct.unpack_from(order + "i", data)[0] == 348:
            return _first(data, order)
        if len(data) >= 544 and struct.unpack_from(order + "i", data)[0] == 540:
            return _second(data, order)
    raise Truncated("The NIfTI header is damaged or cut short.")


def _first(data: memoryview, order: str) -> _Nifti:
    def at(code: str, pos: int) -> tuple[Any, ...]:
        return struct.unpack_from(order + code, data, pos)

    if bytes(data[344:348]) != b"n+1\0":
        raise Unsupported("NIfTI in two files (.hdr and .img) is not read; save it as one .nii file.")
    dims = at("8h", 40)
    return _Nifti(
        order=order, shape=dims[1 : 1 + max(min(dims[0], 7), 0)], datatype=at("h", 70)[0], spacing=at("8f", 76),
        offset=int(_finite(at("f", 108)[0])), slope=at("f", 112)[0], intercept=at("f", 116)[0],
        window=(at("f", 128)[0], at("f", 124)[0]), units=data[123] & 7, qform=at("h", 252)[0], sform=at("h", 254)[0],
        quaternion=at("6f", 256), rows=at("12f", 280),
    )  # fmt: skip


def _second(data: memoryview, order: str) -> _Nifti:
    def at(code: str, pos: int) -> tuple[Any, ...]:
        return struct.unpack_from(order + code, data, pos)

    if bytes(data[4:8]) != b"n+2\0":
        raise Unsupported("NIfTI in two files (.hdr and .img) is not read; save it as one .nii file.")
    dims = at("8q", 16)
    return _Nifti(
        order=order, shape=dims[1 : 1 + max(min(dims[0], 7), 0)], datatype=at("h", 12)[0], spacing=at("8d", 104),
        offset=at("q", 168)[0], slope=at("d", 176)[0], intercept=at("d", 184)[0],
        window=(at("d", 200)[0], at("d", 192)[0]), units=at("i", 500)[0] & 7, qform=at("i", 344)[0], sform=at("i", 348)[0],
        quaternion=at("6d", 352), rows=at("12d", 400),
    )  # fmt: skip


def _finite(value: float) -> float:
    if not math.isfinite(value) or abs(value) > 2**40:
        raise Inconsistent("The NIfTI header holds numbers that are not finite.")
    return value


def _shape(head: _Nifti, notes: list[str]) -> tuple[int, int, int]:
    shape = head.shape
    if len(shape) < 2 or any(not 0 < length <= 32767 for length in shape[:3]) or any(length < 1 for length in shape[3:]):
        raise BadGeometry("The NIfTI header's dimensions cannot be those of an image.")
    if math.prod(shape[3:]) > 1:
        notes.append(f"The file holds {math.prod(shape[3:])} volumes; the first one is read.")
    return shape[0], shape[1], shape[2] if len(shape) > 2 else 1


def _values(data: memoryview, head: _Nifti, shape: tuple[int, int, int]) -> NDArray[Any]:
    """(x, y, z) grey or (x, y, z, 3) RGB, scaled where the header scales."""
    count = math.prod(shape)
    rgb = head.datatype == _RGB24
    if not rgb and head.datatype not in _TYPES:
        raise Unsupported("The NIfTI file's kind of numbers is not read.")
    dtype = np.dtype(np.uint8) if rgb else np.dtype(head.order + _TYPES[head.datatype])
    if count * dtype.itemsize * (3 if rgb else 1) > DECODED_BYTES:
        raise TooLarge("The image is larger than the reader takes; nothing of it was decoded.")
    count *= 3 if rgb else 1
    if head.offset < 0 or head.offset + count * dtype.itemsize > len(data):
        raise Truncated("The file ends before its data does; it may have been cut short while copying.")
    flat = np.frombuffer(data, dtype, count, head.offset)
    if rgb:
        return flat.reshape((3, *shape), order="F").transpose(1, 2, 3, 0)
    return _scaled(flat, head).reshape(shape, order="F")


def _scaled(flat: NDArray[Any], head: _Nifti) -> NDArray[Any]:
    slope, intercept = head.slope, head.intercept
    if slope == 0 or not math.isfinite(slope):
        slope, intercept = 1.0, 0.0  # nifti1.h: a slope of 0 means no scaling
    intercept = intercept if math.isfinite(intercept) else 0.0
    if (slope, intercept) != (1.0, 0.0):
        flat = flat.astype(_FLOATS) * slope + intercept
    if flat.dtype.kind == "f":
        return _floats(flat)
    return compact(flat)


def _floats(flat: NDArray[Any]) -> NDArray[Any]:
    """float32, or whole numbers of 16 bits where that is what the values are."""
    if not np.isfinite(flat).all():
        flat = np.nan_to_num(flat, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(flat.min()), float(flat.max())
    if max(abs(low), abs(high)) > 3e38:
        raise Inconsistent("The image's values are not finite.")
    if low >= -32768 and high <= 32767:
        whole = flat.astype(np.int16)
        if np.array_equal(whole, flat):
            return whole
    return flat.astype(np.float32)


def _affine(head: _Nifti, notes: list[str]) -> NDArray[np.float64]:
    """Voxel indices to LPS mm, by sform, else qform, else the spacing alone with a warning (nifti1.h, methods 1 to 3)."""
    if head.units == 0:
        notes.append("The file does not name its unit of length; millimetres are taken.")
    affine = np.eye(4)
    if head.sform > 0:
        affine[:3] = np.array(head.rows).reshape(3, 4)
    elif head.qform > 0:
        affine = _quaternion(head)
    else:
        notes.append("The file does not say how the patient lies; left and right are unknown.")
        affine[:3, :3] = np.diag([abs(step) or 1.0 for step in head.spacing[1:4]])
    affine[:3] *= _MM.get(head.units, 1.0)
    if not np.isfinite(affine).all() or not 1e-9 < abs(np.linalg.det(affine[:3, :3])) < 1e12:
        raise BadGeometry("The file's spacing or orientation cannot be that of an image.")
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine  # RAS -> LPS


def _quaternion(head: _Nifti) -> NDArray[np.float64]:
    b, c, d, *offset = head.quaternion
    a = math.sqrt(max(0.0, 1.0 - (b * b + c * c + d * d)))
    rotation = np.array([
        [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
        [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
        [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
    ])  # fmt: skip
    steps = np.array(head.spacing[1:4]) * [1, 1, -1 if head.spacing[0] < 0 else 1]
    affine = np.eye(4)
    affine[:3, :3] = rotation * steps
    affine[:3, 3] = offset
    return affine


def _to_lps(values: NDArray[Any], affine: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Axes turned and flipped so that columns run to the left, rows to the back, slices to the head, as nearly as may be."""
    order: list[int] = []
    for axis in range(3):  # of the patient; the voxel axis most along it
        weight = np.abs(affine[axis, :3]).copy()
        weight[order] = -1
        order.append(int(np.argmax(weight)))
    values = values.transpose((*order, *range(3, values.ndim)))
    affine = affine[:, [*order, 3]].copy()
    for axis in range(3):
        if affine[axis, axis] < 0:
            affine[:3, 3] += affine[:3, axis] * (values.shape[axis] - 1)
            affine[:3, axis] *= -1
            values = np.flip(values, axis)
    return values, affine
