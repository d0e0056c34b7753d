"""One DICOM file to one `Image` or `Tracing` (PS3.10 for the file, PS3.3 for what is in it)."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import UID

from medcore.errors import Inconsistent, NotAnImage, TooLarge, Truncated, Unsupported
from medcore.read.ecg.dicom_waveform import is_waveform, parse_waveform
from medcore.read.elements import Walk, walk
from medcore.read.geometry import Geometry, geometry
from medcore.read.greyscale import compact, inverted, modality_values, palette_rgb, rescaled, voi
from medcore.read.header import Header
from medcore.read.image import Image
from medcore.read.limits import ARCHIVE_RATIO, MIB
from medcore.read.pixels import ENCAPSULATED, NATIVE, stored_pixels, syntax_name
from medcore.read.place import placed
from medcore.read.streams import LOSSY
from medcore.read.tracing import Tracing
from medcore.read.who import facts
from medcore.types import Array, Window

PREAMBLE = 128
DEFLATED = "1.2.840.10008.1.2.1.99"
_INFLATED_BYTES = 512 * MIB
_CT = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2")
_DIRECTORY = "1.2.840.10008.1.3.10"


def is_dicom(data: memoryview) -> bool:
    """Whether the bytes carry the prefix of PS3.10 section 7.1, whatever stands in the preamble."""
    return bytes(data[PREAMBLE : PREAMBLE + 4]) == b"DICM"


def has_preamble(data: memoryview) -> bool:
    """Whether the preamble holds something that could be run as a program (CVE-2019-11687).

    A TIFF header may stand there (PS3.10 7.1 allows it, and runs nothing).
    """
    head = bytes(data[:PREAMBLE])
    return any(head) and not head.startswith((b"II*\0", b"MM\0*"))


def parse_dicom(data: memoryview) -> Image | Tracing:
    """Read one DICOM file.

    Raises:
        InputRejected: any of its kinds; the file holds no image or waveform, is damaged, contradicts itself or is too large.
    """
    notes: list[str] = []
    if has_preamble(data):
        notes.append("The file's preamble was not empty, so that it could pose as another kind of file; it was cleared.")
    meta = walk(data, PREAMBLE + 4, explicit=True, little=True, only_group=2)
    syntax = _syntax(Header(meta.elements), data, meta.end)
    data, start = (_inflated(data[meta.end :]), 0) if syntax == DEFLATED else (data, meta.end)
    explicit, little = NATIVE.get(syntax, (True, True))
    found = walk(data, start, explicit=explicit, little=little)
    header = Header(found.elements, little)
    header.use_character_set()
    notes += _dropped(meta, found)
    kind = header.uid("SOPClassUID") or Header(meta.elements).uid("MediaStorageSOPClassUID") or ""
    if is_waveform(kind) and not found.pixel_tag:
        return parse_waveform(header, kind, notes)
    _must_be_image(kind, header, found)
    return _image(data, found, header, syntax, notes)


def _dropped(*walks: Walk) -> list[str]:
    notes = []
    if any(found.dropped for found in walks):
        notes.append("The header held elements of an unknown kind; they were left out.")
    if any(found.giant_groups for found in walks):
        notes.append("The header held a group length that cannot be true; it was left out.")
    return notes


def _syntax(meta: Header, data: memoryview, end: int) -> str:
    if not meta.raw("TransferSyntaxUID").strip(b" \0"):
        if "FileMetaInformationVersion" not in meta and int.from_bytes(data[end : end + 2], "little") != 8:
            raise NotAnImage("The file begins like DICOM but holds no data.")
        raise Unsupported("The DICOM file does not name its transfer syntax, so its pixels cannot be read.")
    syntax = meta.uid("TransferSyntaxUID") or ""
    if syntax not in NATIVE and syntax not in ENCAPSULATED:
        raise Unsupported(f"The transfer syntax of this DICOM file is not supported: {syntax_name(syntax)}.")
    return syntax


def _inflated(data: memoryview) -> memoryview:
    """The deflated data set (PS3.5 A.5), no further than the limits go."""
    limit = min(_INFLATED_BYTES, max(ARCHIVE_RATIO * len(data), MIB))
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        plain = inflate.decompress(bytes(data), limit)
    except zlib.error:
        raise Truncated("The file's deflated data is damaged.") from None
    if inflate.unconsumed_tail and len(plain) >= limit:
        raise TooLarge(f"The file's data set inflates to more than {ARCHIVE_RATIO} times its size or {_INFLATED_BYTES // MIB} MB.")
    if not inflate.eof:
        raise Truncated("The file ends before its data does; it may have been cut short while copying.")
    return memoryview(plain)


def _must_be_image(kind: str, header: Header, found: Walk) -> None:
    if kind == _DIRECTORY or "DirectoryRecordSequence" in header:
        raise NotAnImage("This is the index of a disc (DICOMDIR), not an image; add the images themselves.")
    if found.pixel_tag:
        return
    name = UID(kind).name if UID(kind).type == "SOP Class" else ""
    if name:
        raise NotAnImage(f"This DICOM object holds no pixels: {name}.")
    raise NotAnImage("This DICOM object holds no pixels." if len(found.elements) else "The file begins like DICOM but holds no data.")


def _image(data: memoryview, found: Walk, header: Header, syntax: str, notes: list[str]) -> Image:
    shape = geometry(header, syntax in ENCAPSULATED)
    who = facts(header, notes)
    where = placed(header, shape.frames, notes)
    unit = _unit(header, shape)
    lossy = syntax in LOSSY or header.code("LossyImageCompression") == "01"
    stored, heard = stored_pixels(data, found, header, shape, syntax)
    notes += heard
    shape = _as_decoded(stored, shape, notes)
    window: Window | None = None
    if unit == "RGB":
        array = _rgb(stored, header, shape)
    else:
        array, window = _grey(stored, header, shape, unit, notes)
    notes += header.warnings
    return Image(
        array=array, unit=unit, window=window, inverted=shape.photometric == "MONOCHROME1", lossy=lossy,
        warnings=tuple(dict.fromkeys(notes)), **who, **where,
    )  # fmt: skip


def _as_decoded(stored: NDArray[Any], shape: Geometry, notes: list[str]) -> Geometry:
    """The geometry with the bits that the pixels really use: a code stream may hold more than the header says."""
    if shape.stored == shape.allocated or (int(stored.min()) >= shape.low and int(stored.max()) <= shape.high):
        return shape
    notes.append("The pixels use more bits than the header says.")
    return replace(shape, stored=shape.allocated)


def _unit(header: Header, shape: Geometry) -> str:
    if shape.samples == 3 or shape.photometric == "PALETTE COLOR":
        return "RGB"
    kind = (header.code("RescaleType") or _transform(header).code("RescaleType") or "HU").strip()
    rescale = "RescaleIntercept" in header or "RescaleIntercept" in _transform(header)
    return "HU" if header.uid("SOPClassUID") in _CT and kind == "HU" and rescale else "grey"


def _transform(header: Header, group: Header | None = None) -> Header:
    """The Pixel Value Transformation (C.7.6.16.2.9) of a frame, else the one shared by all."""
    own = group.first("PixelValueTransformationSequence") if group is not None else None
    if own is not None and "RescaleSlope" in own:
        return own
    return header.first("SharedFunctionalGroupsSequence").first("PixelValueTransformationSequence")


def _rgb(stored: NDArray[Any], header: Header, shape: Geometry) -> Array:
    rgb = palette_rgb(stored, header) if shape.samples == 1 else stored
    if rgb.dtype != np.uint8:
        if rgb.dtype.kind != "u":
            raise Unsupported("Colour images of this depth are not read.")
        rgb = (rgb >> max(shape.stored - 8, 0)).astype(np.uint8)
    return np.ascontiguousarray(rgb.transpose(3, 0, 1, 2))  # (N, H, W, 3) -> (3, N, H, W)


def _grey(stored: NDArray[Any], header: Header, shape: Geometry, unit: str, notes: list[str]) -> tuple[Array, Window | None]:
    groups = header.items("PerFrameFunctionalGroupsSequence")
    transforms = [_transform(header, group) for group in groups] if len(groups) == shape.frames else [_transform(header)]
    if "RescaleSlope" in transforms[0]:
        slopes = {(transform.number("RescaleSlope"), transform.number("RescaleIntercept")) for transform in transforms}
        if len(slopes) > 1:
            return _grey_by_frame(stored, transforms, shape), None
        slope, intercept = slopes.pop()
        grey = rescaled(stored, 1.0 if slope is None else slope, intercept or 0.0, shape)
    else:
        grey = modality_values(stored, header, shape)
    grey = voi(grey, _voi_header(header, groups), shape, unit, notes)
    if shape.photometric == "MONOCHROME1":
        grey = inverted(grey)
    if grey.array.dtype.kind == "f" and not np.isfinite(grey.array).all():
        raise Inconsistent("The header's rescale gives values that are not finite.")
    return grey.array[None], grey.window  # (N, H, W) -> (1, N, H, W)


def _grey_by_frame(stored: NDArray[Any], transforms: list[Header], shape: Geometry) -> Array:
    """Frames with rescales of their own, as PET and MR parameter maps have."""
    out = np.empty(stored.shape, np.float32)
    for frame, transform in enumerate(transforms):
        slope = transform.number("RescaleSlope")
        grey = rescaled(stored[frame], 1.0 if slope is None else slope, transform.number("RescaleIntercept") or 0.0, shape)
        out[frame] = inverted(grey).array if shape.photometric == "MONOCHROME1" else grey.array
    return compact(out)[None]


def _voi_header(header: Header, groups: list[Header]) -> Header:
    """Where the window stands: the data set, the shared group, or the middle frame's group (C.7.6.16.2.10)."""
    if "WindowCenter" in header or "VOILUTSequence" in header:
        return header
    shared = header.first("SharedFunctionalGroupsSequence").first("FrameVOILUTSequence")
    if "WindowCenter" in shared or not groups:
        return shared
    return groups[len(groups) // 2].first("FrameVOILUTSequence")
