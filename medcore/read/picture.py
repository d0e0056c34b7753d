"""PNG, JPEG, TIFF, BMP and WebP files to one `Image`."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError

from medcore.errors import BadGeometry, NotAnImage, TooLarge, Truncated, Unsupported
from medcore.read.image import Image
from medcore.read.limits import DECODED_BYTES, FRAME_PIXELS
from medcore.types import Patient

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")
_GREY_MODES = ("1", "L", "LA", "La")
_WIDE_MODES = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")
_DAMAGED = "The picture is damaged or cut short."
Pillow.MAX_IMAGE_PIXELS = FRAME_PIXELS


def is_picture(data: memoryview) -> bool:
    """Whether the first bytes are those of one of `FORMATS`."""
    head = bytes(data[:16])
    return (
        head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"))
        or (head.startswith(b"BM") and len(data) >= 26 and struct.unpack_from("<L", data, 14)[0] in (12, 40, 52, 56, 64, 108, 124))
        or (head.startswith(b"RIFF") and head[8:12] == b"WEBP")
    )


def parse_picture(data: memoryview) -> Image:
    """Read the first image of a picture file.

    Raises:
        TooLarge, BadGeometry: its header claims more pixels than are read, or none.
        Truncated, NotAnImage, Unsupported: it is damaged, or of a kind that is not read.
    """
    notes: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of sizes and of metadata; both are judged here
        try:
            with Pillow.open(io.BytesIO(data), formats=FORMATS) as picture:
                array, lossy = _pixels(picture, data, notes)
        except UnidentifiedImageError:
            raise NotAnImage(_DAMAGED) from None
        except Pillow.DecompressionBombError:
            raise TooLarge(_too_large()) from None
        except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error):
            raise Truncated(_DAMAGED) from None
    unit = "RGB" if array.shape[0] == 3 else "grey"
    return Image(array=array, patient=Patient(), unit=unit, lossy=lossy, warnings=tuple(notes))


def _too_large() -> str:
    return f"The picture has more than {FRAME_PIXELS // 1_000_000} million pixels; nothing of it was decoded."


def _pixels(picture: Pillow.Image, data: memoryview, notes: list[str]) -> tuple[NDArray[Any], bool]:
    width, height = picture.size
    if width < 1 or height < 1:
        raise BadGeometry("The picture has no pixels.")
    if width * height > FRAME_PIXELS or width * height * len(picture.getbands()) * 2 > DECODED_BYTES:
        raise TooLarge(_too_large())
    if getattr(picture, "n_frames", 1) > 1:
        notes.append("The file holds several pictures; the first one is read.")
        picture.seek(0)
    lossy = picture.format == "JPEG" or (picture.format == "WEBP" and b"VP8L" not in bytes(data[12:64]))
    picture.load()
    return _channels_first(_upright(picture)), lossy


def _upright(picture: Pillow.Image) -> Pillow.Image:
    """Turned as the camera says (EXIF); broken EXIF is left aside."""
    try:
        return ImageOps.exif_transpose(picture)
    except (OSError, SyntaxError, ValueError, KeyError, TypeError, struct.error, ZeroDivisionError):
        return picture


def _channels_first(picture: Pillow.Image) -> NDArray[Any]:
    """Grey (1, 1, H, W) as it is stored, or RGB (3, 1, H, W); RGB without colour becomes grey."""
    if picture.mode in _GREY_MODES:
        return np.asarray(picture.convert("L"))[None, None]
    if picture.mode in _WIDE_MODES:
        return _wide(np.asarray(picture))[None, None]
    rgb = np.asarray(picture.convert("RGB"))
    if np.array_equal(rgb[..., 0], rgb[..., 1]) and np.array_equal(rgb[..., 0], rgb[..., 2]):
        return np.ascontiguousarray(rgb[..., 0])[None, None]
    return np.ascontiguousarray(rgb.transpose(2, 0, 1))[:, None]  # (H, W, 3) -> (3, 1, H, W)


def _wide(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise Unsupported("The picture holds values that are not finite.")
        return array.astype(np.float32)
    low, high = int(array.min()), int(array.max())
    if low >= 0 and high <= 65535:
        return array.astype(np.uint16)
    if low >= -32768 and high <= 32767:
        return array.astype(np.int16)
    return array.astype(np.float32)
