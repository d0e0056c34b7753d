"""NIfTI volumes against affines worked out by hand; the files are written here."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest

import medcore.read as reader
from medcore.errors import BadGeometry, InputRejected, NotAnImage, TooLarge, Truncated, Unsupported
from medcore.types import Series

DATA = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4)  # (x, y, z)
RAS = np.array([[2.0, 0, 0, -10], [0, 3, 0, -20], [0, 0, 4, -30], [0, 0, 0, 1]])
CODES = {"u1": 2, "i2": 4, "i4": 8, "f4": 16, "f8": 64, "u2": 512}


def nifti(
    data: np.ndarray = DATA, affine: np.ndarray | None = RAS, *, order: str = "<", slope: float = 0, intercept: float = 0, units: int = 2,
    dims: tuple[int, ...] | None = None, code: int | None = None, qform: tuple[float, ...] | None = None, cal: tuple[float, float] = (0, 0),
) -> bytes:  # fmt: skip
    """A NIfTI-1 file."""
    head = bytearray(352)
    struct.pack_into(order + "i", head, 0, 348)
    dims = dims or (data.ndim, *data.shape)
    struct.pack_into(f"{order}{len(dims)}h", head, 40, *dims)
    struct.pack_into(order + "hh", head, 70, CODES.get(data.dtype.str[1:], 0) if code is None else code, data.itemsize * 8)
    struct.pack_into(order + "8f", head, 76, 1, 2, 3, 4, 1, 1, 1, 1)
    struct.pack_into(order + "3f", head, 108, 352, slope, intercept)
    head[123] = units
    struct.pack_into(order + "2f", head, 124, cal[1], cal[0])
    if affine is not None:
        struct.pack_into(order + "hh", head, 252, 0, 1)
        struct.pack_into(order + "12f", head, 280, *affine[:3].ravel())
    if qform is not None:
        struct.pack_into(order + "hh", head, 252, 1, 0)
        struct.pack_into(order + "6f", head, 256, *qform)
    head[344:348] = b"n+1\0"
    return bytes(head) + data.astype(data.dtype.newbyteorder(order)).tobytes(order="F")


def one(data: bytes) -> Series:
    """The only series of a file."""
    (series,) = reader.read("x.png", data).series
    return series


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("packed", [False, True])
def test_ras_becomes_lps(order: str, packed: bool) -> None:
    data = nifti(order=order)
    series = one(gzip.compress(data) if packed else data)
    assert series.array.shape == (1, 4, 3, 2) and series.array.dtype == np.int16 and series.is_volume
    assert np.array_equal(series.array[0], DATA.transpose(2, 1, 0)[:, ::-1, ::-1])  # columns run to the left, rows to the back
    expected = [[2, 0, 0, 8], [0, 3, 0, 14], [0, 0, 4, -30], [0, 0, 0, 1]]  # -( -10 + 2 * 1 ) and -( -20 + 3 * 2 )
    assert series.affine is not None and np.allclose(series.affine, expected)
    assert series.pixel_spacing_mm == (3, 2) and series.slice_spacing_mm == 4 and not series.warnings


def test_axes_in_another_order() -> None:
    sagittal = np.array([[0, 0, 2.0, 0], [-1, 0, 0, 0], [0, 3, 0, 0], [0, 0, 0, 1]])  # x: to the back, y: to the head, z: to the right
    series = one(nifti(affine=sagittal))
    assert series.array.shape == (1, 3, 2, 4) and series.slice_spacing_mm == 3 and series.pixel_spacing_mm == (1, 2)
    assert np.array_equal(series.array[0], DATA.transpose(1, 0, 2)[:, :, ::-1])


def test_quaternion_and_spacing_alone() -> None:
    series = one(nifti(affine=None, qform=(0, 0, 0, -10, -20, -30)))
    assert series.affine is not None and np.allclose(series.affine[:3, 3], [8, 14, -30])
    series = one(nifti(affine=None))
    assert series.pixel_spacing_mm == (3, 2) and "left and right are unknown" in series.warnings[0]


def test_scaling_types_window_and_units() -> None:
    assert np.allclose(one(nifti(slope=0.5, intercept=3)).array[0, 0, -1, -1], 3)
    assert one(nifti(slope=0.5, intercept=3)).array.dtype == np.float32
    assert one(nifti(DATA.astype(np.float64) * 10)).array.dtype == np.int16
    assert one(nifti(DATA.astype(np.float32) / 3)).array.dtype == np.float32
    window = one(nifti(cal=(10, 30))).window
    assert window is not None and (window.center, window.width) == (20, 20)
    assert "unit of length" in one(nifti(units=0)).warnings[0]
    assert one(nifti(units=3)).slice_spacing_mm == pytest.approx(0.004)


def test_the_first_volume_of_several() -> None:
    series = one(nifti(np.stack([DATA, DATA + 100], axis=-1)))
    assert series.array.shape == (1, 4, 3, 2) and series.array.max() == 23 and "2 volumes" in series.warnings[0]


def bomb() -> bytes:
    """A header that is right and 1.5 GB of zeros after it."""
    import zlib

    deflate = zlib.compressobj(1, zlib.DEFLATED, 31)
    return deflate.compress(nifti()) + b"".join(deflate.compress(bytes(1 << 24)) for _ in range(96)) + deflate.flush()


BAD = {
    "cut": (lambda: nifti()[:360], Truncated),
    "gzip cut": (lambda: gzip.compress(nifti())[:-12], Truncated),
    "gzip of text": (lambda: gzip.compress(b"text" * 500), NotAnImage),
    "negative": (lambda: nifti(dims=(3, 2, -3, 4)), BadGeometry),
    "huge": (lambda: nifti(dims=(3, 32767, 32767, 32767)), TooLarge),
    "claims more": (lambda: nifti(dims=(3, 500, 500, 500)), Truncated),
    "complex": (lambda: nifti(code=32), Unsupported),
    "affine not finite": (lambda: nifti(affine=RAS * np.nan), BadGeometry),
    "affine of nothing": (lambda: nifti(affine=RAS * 0), BadGeometry),
    "bomb": (bomb, TooLarge),
    "two files": (lambda: nifti().replace(b"n+1", b"ni1"), Unsupported),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_volumes_are_refused(name: str) -> None:
    build, kind = BAD[name]
    with pytest.raises(InputRejected) as caught:
        reader.read("x.nii.gz", build())
    assert type(caught.value) is kind, caught.value
