"""Files for the tests of the reader, written byte by byte so that they may be wrong in any way (PS3.5, PS3.10)."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.datadict import dictionary_VR, tag_for_keyword

IMPLICIT, EXPLICIT, DEFLATED, BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
JPEG, JPEG2000, RLE = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5"
CT, DX = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.1.1"
SECRET = "Geheim^Patient"  # in every header; must stand in no message
_LONG = {"OB", "OW", "OF", "SQ", "UN", "UT", "UC", "UR"}
_NUMBER = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "FL": "f", "FD": "d"}
Value = object


def element(tag: int, vr: str, value: bytes, *, explicit: bool = True, little: bool = True, length: int | None = None) -> bytes:
    """One data element; `length` overrides the true one."""
    order = "<" if little else ">"
    value += (b"\0" if vr in ("UI", "OB", "UN") else b" ") * (len(value) % 2)
    size = len(value) if length is None else length
    head = struct.pack(order + "HH", tag >> 16, tag & 0xFFFF)
    if not explicit:
        return head + struct.pack(order + "L", size) + value
    if vr in _LONG:
        return head + vr.encode() + b"\0\0" + struct.pack(order + "L", size) + value
    return head + vr.encode() + struct.pack(order + "H", size) + value


def sequence(tag: int, items: Sequence[bytes], *, explicit: bool = True) -> bytes:
    """A sequence of undefined length with items of undefined length."""
    body = b"".join(struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF) + item + struct.pack("<HHL", 0xFFFE, 0xE00D, 0) for item in items)
    return element(tag, "SQ", body, explicit=explicit, length=0xFFFFFFFF) + struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)


def _bytes(vr: str, value: Value, little: bool) -> bytes:
    if isinstance(value, bytes):
        return value
    values = value if isinstance(value, list | tuple) else [value]
    if vr in _NUMBER:
        return struct.pack(f"{'<' if little else '>'}{len(values)}{_NUMBER[vr]}", *values)
    return "\\".join(str(each) for each in values).encode()


def data_set(fields: Mapping[str, Value], *, explicit: bool = True, little: bool = True) -> bytes:
    """The elements of `fields` by keyword, in the order of their tags; None leaves one out, lists of mappings are sequences."""
    out = []
    for keyword, value in sorted(fields.items(), key=lambda pair: tag_for_keyword(pair[0]) or 0):
        tag = tag_for_keyword(keyword)
        assert tag is not None
        vr = dictionary_VR(tag).split(" or ")[-1] if keyword != "LUTDescriptor" else "US"
        if value is None:
            continue
        if vr == "SQ":
            assert isinstance(value, list)
            out.append(sequence(tag, [data_set(item, explicit=explicit, little=little) for item in value], explicit=explicit))
        else:
            out.append(element(tag, vr, _bytes(vr, value, little), explicit=explicit, little=little))
    return b"".join(out)


def meta(syntax: str | None, sop_class: str = DX) -> bytes:
    """The file meta information."""
    fields = element(0x00020001, "OB", b"\0\1") + element(0x00020002, "UI", sop_class.encode())
    fields += element(0x00020010, "UI", syntax.encode()) if syntax is not None else b""
    return element(0x00020000, "UL", struct.pack("<L", len(fields))) + fields


def header(**changes: Value) -> dict[str, Value]:
    """A small chest film's header, with changes; None leaves a field out."""
    fields: dict[str, Value] = {
        "SOPClassUID": DX, "SOPInstanceUID": "1.2.3.4.5", "StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.4",
        "StudyDate": "20240301", "Modality": "DX", "PatientName": SECRET, "PatientID": "ID-4711", "PatientBirthDate": "19800301",
        "PatientSex": "F", "BodyPartExamined": "CHEST", "InstanceNumber": "1", "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2", "Rows": 16, "Columns": 12, "BitsAllocated": 16, "BitsStored": 12, "HighBit": 11,
        "PixelRepresentation": 0, "PixelSpacing": "0.5\\0.25",
    }  # fmt: skip
    return {**fields, **changes}


def pixels(rows: int = 16, columns: int = 12) -> np.ndarray:
    """Stored values 0..4095, each its own."""
    return (np.arange(rows * columns) * 21 % 4096).astype(np.uint16).reshape(rows, columns)


def dicom(
    pixel_data: bytes | None = None, *, syntax: str | None = EXPLICIT, preamble: bytes = bytes(128), encode_as: str | None = None,
    extra: bytes = b"", **changes: Value,
) -> bytes:  # fmt: skip
    """A DICOM file. `encode_as` writes another encoding than `syntax` names; `extra` stands after the header's elements."""
    encoding = encode_as or syntax
    explicit, little = encoding != IMPLICIT, encoding != BIG
    fields = header(**changes)
    data = pixels().astype("<u2" if little else ">u2").tobytes() if pixel_data is None else pixel_data
    body = data_set(fields, explicit=explicit, little=little) + extra + element(0x7FE00010, "OW", data, explicit=explicit, little=little)
    return preamble + b"DICM" + meta(syntax, str(fields["SOPClassUID"])) + body


def without_pixels(**changes: Value) -> bytes:
    """A DICOM object that is no image."""
    fields = header(Rows=None, Columns=None, BitsAllocated=None, BitsStored=None, HighBit=None, SamplesPerPixel=None, **changes)
    return bytes(128) + b"DICM" + meta(EXPLICIT, str(fields["SOPClassUID"])) + data_set(fields)


def encapsulated(frames: Sequence[bytes], *, syntax: str, **changes: Value) -> bytes:
    """A DICOM file with compressed frames, one fragment each."""
    body = struct.pack("<HHL", 0xFFFE, 0xE000, 0)
    for frame in frames:
        frame += b"\0" * (len(frame) % 2)
        body += struct.pack("<HHL", 0xFFFE, 0xE000, len(frame)) + frame
    value = element(0x7FE00010, "OB", body, length=0xFFFFFFFF) + struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
    return bytes(128) + b"DICM" + meta(syntax) + data_set(header(**changes)) + value


def nested(depth: int) -> bytes:
    """A file whose header nests `depth` sequences."""
    opening = element(0x00081140, "SQ", b"", length=0xFFFFFFFF) + struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
    closing = struct.pack("<HHL", 0xFFFE, 0xE00D, 0) + struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
    return bytes(128) + b"DICM" + meta(EXPLICIT) + opening * depth + closing * depth + data_set(header())


def picture(array: np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    """A picture file by Pillow."""
    out = io.BytesIO()
    Image.fromarray(array).save(out, kind, **options)
    return out.getvalue()


def png_claiming(width: int, height: int) -> bytes:
    """A PNG whose header claims a size, with next to no data."""
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">L", len(body)) + kind + body + struct.pack(">L", zlib.crc32(kind + body))

    head = struct.pack(">LLBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def zipped(files: Sequence[tuple[str | zipfile.ZipInfo, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files:
            archive.writestr(name, data, method)
    return out.getvalue()


@cache
def packaged(name: str) -> bytes:
    """A file of pydicom's or pydicom-data's own test sets."""
    import data_store
    import pydicom

    for root in (Path(pydicom.__file__).parent / "data", Path(data_store.__file__).parent / "data"):
        for path in root.rglob(name):
            return path.read_bytes()
    raise FileNotFoundError(name)
