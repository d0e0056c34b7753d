"""Compressed code streams judged by their own markers, before a decoder trusts them."""

from __future__ import annotations

import re
import struct

from medcore.errors import BadGeometry, Truncated
from medcore.read.geometry import Geometry

_PREFIX = "1.2.840.10008.1.2.4."
_JPEG_LS = {_PREFIX + end for end in ("80", "81")}
JPEG = {_PREFIX + end for end in ("50", "51", "57", "70")} | _JPEG_LS
JPEG2000 = {_PREFIX + end for end in ("90", "91", "201", "202", "203")}
RLE = "1.2.840.10008.1.2.5"
LOSSY = {_PREFIX + end for end in ("50", "51", "81", "91", "203")}
UNVERIFIED = "The compressed pixels are damaged or not as the standard wants them: their integrity is unverified."
UNDECODABLE = "The compressed pixels cannot be decoded; the file is damaged or of a variant that is not read."

# Markers that entropy-coded data cannot hold: ISO 10918-1 B.1.1 (table B.1), ISO 14495-1 C, ISO 15444-1 A.1.
_NOT_IN_JPEG = re.compile(rb"\xff[\x01-\xbf\xf0-\xfd]")
_NOT_IN_JPEG_LS = re.compile(rb"\xff[\x80-\xc3\xf0-\xf6\xf9-\xfd]")
_NOT_IN_JPEG_2000 = re.compile(rb"\xff[\x94-\xd8\xda-\xff]")
_BLANK = bytes(64)  # arithmetic-coded bytes look random; so many zeros were written over them


def check_stream(head: bytes, shape: Geometry, syntax: str, length: int) -> None:
    """Refuse a code stream whose own size is another than the header's, before its decoder allocates it.

    Raises:
        BadGeometry: the sizes differ.
        Truncated: RLE segments that point outside.
    """
    if syntax == RLE:
        _check_rle(head, length)
        return
    size = _jpeg2000_size(head) if syntax in JPEG2000 else _jpeg_size(head)
    if size is not None and size != (shape.rows, shape.columns):
        raise BadGeometry("The compressed pixels have another size than the header says.")


def looks_sound(stream: bytes, syntax: str) -> bool:
    """Whether a code stream ends as it must and holds no marker that cannot be in it.

    Decoders conceal damage without a word, so this is asked beside them; it cannot find every damage.
    """
    if syntax == RLE:
        return True
    stream = stream.rstrip(b"\0\xff")  # padding
    if not stream.endswith(b"\xff\xd9"):
        return False
    if syntax in JPEG2000:
        return _sound_jpeg_2000(stream, high_throughput=syntax.rpartition(".")[2].startswith("20"))
    start = stream.find(b"\xff\xda")
    return start >= 0 and (_NOT_IN_JPEG_LS if syntax in _JPEG_LS else _NOT_IN_JPEG).search(stream, start + 14) is None


def _sound_jpeg_2000(stream: bytes, *, high_throughput: bool) -> bool:
    """Each tile-part, by its own length (ISO 15444-1 A.4.2), up to the end of the code stream."""
    pos = stream.find(b"\xff\x90\0\x0a")
    while pos >= 0 and stream[pos : pos + 2] == b"\xff\x90" and pos + 12 <= len(stream):
        length = struct.unpack_from(">L", stream, pos + 6)[0] or len(stream) - 2 - pos
        start = stream.find(b"\xff\x93", pos) + 2
        end = pos + length
        if not pos < start <= end <= len(stream):
            return False
        if _NOT_IN_JPEG_2000.search(stream, start, end) or (_BLANK in stream[start:end] and not high_throughput):
            return False
        pos = end
    return pos >= 0 and stream[pos : pos + 2] == b"\xff\xd9"


def _check_rle(head: bytes, length: int) -> None:
    """PS3.5 G.5: up to 15 segments whose offsets lie in the fragment."""
    if len(head) >= 64:
        count, *offsets = struct.unpack_from("<16L", head)
        if count <= 15 and all(64 <= offset <= length for offset in offsets[:count]):
            return
    raise Truncated(UNDECODABLE)


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
