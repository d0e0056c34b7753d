"""Stored DICOM pixels, native or encapsulated, as arrays; the decoders are pydicom's with pylibjpeg."""

from __future__ import annotations

import logging
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from medcore.errors import BadGeometry, Inconsistent, InputRejected, Truncated, Unsupported
from medcore.read.elements import ITEM, SEQUENCE_END, UNDEFINED, Walk
from medcore.read.geometry import Geometry
from medcore.read.header import Header

NATIVE = {
    "1.2.840.10008.1.2": (False, True),  # transfer syntax: (explicit, little)
    "1.2.840.10008.1.2.1": (True, True),
    "1.2.840.10008.1.2.1.99": (True, True),
    "1.2.840.10008.1.2.2": (True, False),
}
_PREFIX = "1.2.840.10008.1.2.4."
_JPEG = {_PREFIX + end for end in ("50", "51", "57", "70", "80", "81")}
_JPEG2000 = {_PREFIX + end for end in ("90", "91", "201", "202", "203")}
RLE = "1.2.840.10008.1.2.5"
ENCAPSULATED = _JPEG | _JPEG2000 | {RLE}
LOSSY = {_PREFIX + end for end in ("50", "51", "81", "91", "203")}
UNVERIFIED = "The decoder complained about the compressed pixels: their integrity is unverified."
_UNDECODABLE = "The compressed pixels cannot be decoded; the file is damaged or of a variant that is not read."


def stored_pixels(data: memoryview, found: Walk, header: Header, shape: Geometry, syntax: str) -> tuple[NDArray[Any], list[str]]:
    """Stored values as (N, H, W) or (N, H, W, 3), YBR converted to RGB, and warnings. Native ones may be a view on `data`.

    Raises:
        Truncated, BadGeometry, Inconsistent, Unsupported: as the pixel data is.
    """
    if found.pixel_tag != 0x7FE00010:
        raise Unsupported("Images with floating-point pixels (parametric maps) are not read.")
    encapsulated = syntax in ENCAPSULATED
    if (found.pixel_length == UNDEFINED) != encapsulated:
        raise Inconsistent("The pixels are not stored in the way that the file's transfer syntax says.")
    options = _options(header, shape)
    notes: list[str] = []
    if encapsulated:
        source: memoryview | bytes = _encapsulated(data, found, shape, syntax, notes)
    else:
        source = _native(data, found, shape)
    with _listening(notes):
        array = (
            _decoded(source, syntax, options)
            if shape.samples == 3 and shape.frames > 1
            else get_decoder(syntax).as_array(source, **options)[0]
        )
    return array.reshape((shape.frames, shape.rows, shape.columns) + ((3,) if shape.samples == 3 else ())), notes


def _decoded(source: memoryview | bytes, syntax: str, options: dict[str, Any]) -> NDArray[Any]:
    """Colour films frame by frame: converted as a whole, they would need eight times their size."""
    frames = (frame for frame, _ in get_decoder(syntax).iter_array(source, **options))
    first = next(frames)
    out = np.empty((options["number_of_frames"], *first.shape), first.dtype)
    out[0] = first
    for number, frame in enumerate(frames, 1):
        out[number] = frame
    return out


def _options(header: Header, shape: Geometry) -> dict[str, Any]:
    options: dict[str, Any] = {
        "rows": shape.rows, "columns": shape.columns, "number_of_frames": shape.frames, "samples_per_pixel": shape.samples,
        "bits_allocated": shape.allocated, "bits_stored": shape.stored, "pixel_representation": int(shape.signed),
        "photometric_interpretation": shape.photometric, "pixel_keyword": "PixelData", "allow_excess_frames": False,
    }  # fmt: skip
    if shape.samples == 3:
        options["planar_configuration"] = shape.planar
    offsets, lengths = header.raw("ExtendedOffsetTable"), header.raw("ExtendedOffsetTableLengths")
    if offsets and lengths:
        options["extended_offsets"] = (offsets, lengths)
    return options


def _native(data: memoryview, found: Walk, shape: Geometry) -> memoryview:
    start, length = found.pixel_start, found.pixel_length
    if start + length > len(data) or length < shape.native_bytes:
        if shape.native_bytes > 64 * max(length, 1) and shape.native_bytes > 2**20:
            raise BadGeometry("The header claims far more pixels than the file holds.")
        raise Truncated("The file ends before its pixels do; it may have been cut short while copying.")
    return data[start : start + length]


def _encapsulated(data: memoryview, found: Walk, shape: Geometry, syntax: str, notes: list[str]) -> bytes:
    """The pixel data element's value, after its fragments and what their code streams claim were found sound."""
    end, count = found.pixel_start, 0
    for start, stop in _fragments(data, found.pixel_start):
        end, count = stop, count + 1
        if count > 1:  # the first item is the offset table
            _check_stream(bytes(data[start : min(stop, start + 65536)]), shape, syntax, stop - start)
    if count - 1 < shape.frames:
        raise BadGeometry("The header claims more frames than the file holds.")
    if bytes(data[end : end + 4]) != struct.pack("<HH", 0xFFFE, 0xE0DD):
        notes.append("The pixel data has no end mark.")
    return bytes(data[found.pixel_start : end]) + struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)


def _fragments(data: memoryview, pos: int) -> Iterator[tuple[int, int]]:
    while pos + 8 <= len(data):
        group, number, length = struct.unpack_from("<HHL", data, pos)
        tag = group << 16 | number
        if tag == SEQUENCE_END:
            return
        if tag != ITEM:
            raise Inconsistent("The pixels are not stored in the way that the file's transfer syntax says.")
        if length == UNDEFINED or pos + 8 + length > len(data):
            raise Truncated("The file ends before its pixels do; it may have been cut short while copying.")
        yield pos + 8, pos + 8 + length
        pos += 8 + length


def _check_stream(head: bytes, shape: Geometry, syntax: str, length: int) -> None:
    """Refuse a code stream whose own size is another than the header's, before its decoder allocates it."""
    if syntax == RLE:
        _check_rle(head, length)
        return
    size = _jpeg2000_size(head) if syntax in _JPEG2000 else _jpeg_size(head)
    if size is not None and size != (shape.rows, shape.columns):
        raise BadGeometry("The compressed pixels have another size than the header says.")


def _check_rle(head: bytes, length: int) -> None:
    """PS3.5 G.5: up to 15 segments whose offsets lie in the fragment."""
    if len(head) >= 64:
        count, *offsets = struct.unpack_from("<16L", head)
        if count <= 15 and all(64 <= offset <= length for offset in offsets[:count]):
            return
    raise Truncated(_UNDECODABLE)


def _jpeg2000_size(head: bytes) -> tuple[int, int] | None:
    """Rows and columns of the SIZ marker (ISO 15444-1 A.5.1), in a raw stream or a JP2 box."""
    start = head.find(b"\xff\x4f\xff\x51")
    if start < 0 or len(head) < start + 24:
        return None
    width, height, left, top = struct.unpack_from(">4L", head, start + 8)
    return height - top, width - left


def _jpeg_size(head: bytes) -> tuple[int, int] | None:
    """Rows and columns of the frame marker of a JPEG or JPEG-LS stream (ISO 10918-1 B.2.2)."""
    if head[:2] != b"\xff\xd8":
        return None
    pos = 2
    while pos + 9 <= len(head) and head[pos] == 0xFF:
        marker = head[pos + 1]
        if marker == 0xFF:
            pos += 1
            continue
        if (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)) or marker == 0xF7:
            rows, columns = struct.unpack_from(">HH", head, pos + 5)
            return (rows, columns) if rows else None
        pos += 2 + int.from_bytes(head[pos + 2 : pos + 4], "big")
    return None


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard = False

    def emit(self, record: logging.LogRecord) -> None:
        self.heard = self.heard or record.name.partition(".")[0] in ("openjpeg", "libjpeg", "rle", "pylibjpeg")


@contextmanager
def _listening(notes: list[str]) -> Iterator[None]:
    """Turn a decoder's complaints into one warning, and its failure into a refusal."""
    collector = _Collector()
    root = logging.getLogger()
    root.addHandler(collector)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's own are about header values, checked in `geometry`
            yield
    except (InputRejected, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - a third-party decoder raises anything; its text may quote the file
        logging.getLogger("medcore.read").info("decoder failed: %s", type(error).__name__)
        raise Truncated(_UNDECODABLE) from None
    finally:
        root.removeHandler(collector)
    if collector.heard:
        notes.append(UNVERIFIED)


def syntax_name(syntax: str) -> str:
    """The registered name of a transfer syntax, for a message."""
    uid = UID(syntax)
    return uid.name if uid.is_transfer_syntax else "an unknown one"
