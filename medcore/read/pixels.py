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
from medcore.read.streams import JPEG, JPEG2000, RLE, UNDECODABLE, UNVERIFIED, check_stream, looks_sound

NATIVE = {
    "1.2.840.10008.1.2": (False, True),  # transfer syntax: (explicit, little)
    "1.2.840.10008.1.2.1": (True, True),
    "1.2.840.10008.1.2.1.99": (True, True),
    "1.2.840.10008.1.2.2": (True, False),
}
ENCAPSULATED = JPEG | JPEG2000 | {RLE}


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
    options = _options(header, shape, found.pixel_vr)
    notes: list[str] = []
    if encapsulated:
        source: memoryview | bytes = _encapsulated(data, found, shape, syntax, notes)
    else:
        source = _native(data, found, shape)
    with _listening(notes, shape.pixels * shape.samples * max(shape.allocated // 8, 1)):
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


def _options(header: Header, shape: Geometry, vr: str) -> dict[str, Any]:
    options: dict[str, Any] = {
        "rows": shape.rows, "columns": shape.columns, "number_of_frames": shape.frames, "samples_per_pixel": shape.samples,
        "bits_allocated": shape.allocated, "bits_stored": shape.stored, "pixel_representation": int(shape.signed),
        "photometric_interpretation": shape.photometric, "pixel_keyword": "PixelData", "allow_excess_frames": False, "pixel_vr": vr or "OW",
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
    spans = list(_fragments(data, found.pixel_start))
    end = spans[-1][1] if spans else found.pixel_start
    spans = spans[1:]  # the first item is the offset table
    if len(spans) < shape.frames:
        raise BadGeometry("The header claims more frames than the file holds.")
    for start, stop in spans:
        check_stream(bytes(data[start : min(stop, start + 65536)]), shape, syntax, stop - start)
    if bytes(data[end : end + 4]) != struct.pack("<HH", 0xFFFE, 0xE0DD):
        notes.append("The pixel data has no end mark.")
    parts = [bytes(data[start:stop]) for start, stop in spans]
    streams = parts if len(parts) == shape.frames else [b"".join(parts)] if shape.frames == 1 else []
    if not all(looks_sound(stream, syntax) for stream in streams):
        notes.append(UNVERIFIED)
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


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard = False

    def emit(self, record: logging.LogRecord) -> None:
        self.heard = self.heard or record.name.partition(".")[0] in ("openjpeg", "libjpeg", "rle", "pylibjpeg")


@contextmanager
def _listening(notes: list[str], room: int) -> Iterator[None]:
    """Turn a decoder's complaints into one warning, and its failure into a refusal."""
    collector = _Collector()
    root = logging.getLogger()
    root.addHandler(collector)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's own are about header values, checked in `geometry`
            yield
    except (InputRejected, MemoryError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - decoders raise anything, a panic of Rust code is not even an Exception
        logging.getLogger("medcore.read").info("decoder failed: %s", type(error).__name__)
        bytearray(3 * room)  # output, copy and work space: a decoder hides that it ran out of memory, MemoryError here says so
        raise Truncated(UNDECODABLE) from None
    finally:
        root.removeHandler(collector)
    if collector.heard:
        notes.append(UNVERIFIED)


def syntax_name(syntax: str) -> str:
    """The registered name of a transfer syntax, for a message."""
    uid = UID(syntax)
    return uid.name if uid.is_transfer_syntax else "an unknown one"
