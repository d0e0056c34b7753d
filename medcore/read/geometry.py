"""The Image Pixel module (PS3.3 C.7.6.3), checked before a byte is decoded."""

from __future__ import annotations

from dataclasses import dataclass

from medcore.errors import BadGeometry, Inconsistent, TooLarge, Unsupported
from medcore.read.header import Header
from medcore.read.limits import DECODED_BYTES, FRAME_PIXELS, FRAMES

GREY = ("MONOCHROME1", "MONOCHROME2")
COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_SAMPLES = dict.fromkeys((*GREY, "PALETTE COLOR"), 1) | dict.fromkeys(COLOUR, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """How the stored pixels lie."""

    rows: int
    columns: int
    frames: int
    samples: int
    allocated: int
    stored: int
    signed: bool
    photometric: str
    planar: int

    @property
    def pixels(self) -> int:
        """Of all frames."""
        return self.rows * self.columns * self.frames

    @property
    def native_bytes(self) -> int:
        """The length that uncompressed pixel data must have at least."""
        bits = self.pixels * self.samples * self.allocated
        if self.photometric == "YBR_FULL_422":
            bits = bits // 3 * 2
        return (bits + 7) // 8

    @property
    def low(self) -> int:
        """The least value that can be stored."""
        return -(1 << (self.stored - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        """The greatest value that can be stored."""
        return (1 << (self.stored - 1)) - 1 if self.signed else (1 << self.stored) - 1


def geometry(header: Header, encapsulated: bool) -> Geometry:
    """The geometry that the header claims.

    Raises:
        BadGeometry: rows, columns, frames or bits that cannot be.
        Inconsistent: the photometric interpretation and the samples contradict each other.
        TooLarge: more pixels than the reader takes.
        Unsupported: a photometric interpretation that is not read.
    """
    rows, columns = _whole(header, "Rows"), _whole(header, "Columns")
    frames = header.integer("NumberOfFrames")
    frames = 1 if frames is None else frames
    if not (rows and columns) or frames < 0:
        raise BadGeometry("The header's rows, columns or frames cannot be those of an image.")
    allocated = _whole(header, "BitsAllocated")
    stored = _whole(header, "BitsStored") if "BitsStored" in header else allocated
    if allocated not in (1, 8, 16, 32) or not 0 < stored <= allocated:
        raise BadGeometry("The header's bits per pixel cannot be those of an image.")
    if (header.integer("HighBit") or stored - 1) != stored - 1:
        raise Unsupported("The pixels are not stored in the low bits; this old layout is not read.")
    samples, photometric = _colour(header)
    shape = Geometry(
        rows=rows, columns=columns, frames=max(frames, 1), samples=samples, allocated=allocated, stored=stored,
        signed=_whole(header, "PixelRepresentation") == 1, photometric=photometric, planar=_whole(header, "PlanarConfiguration"),
    )  # fmt: skip
    _bounded(shape, encapsulated)
    return shape


def _whole(header: Header, keyword: str) -> int:
    return header.integer(keyword) or 0


def _colour(header: Header) -> tuple[int, str]:
    photometric = header.raw("PhotometricInterpretation")[:32].decode("ascii", "replace").strip(" \0").upper()
    samples = header.integer("SamplesPerPixel")
    if not photometric:
        raise Inconsistent("The header does not say how its pixels are to be shown (photometric interpretation).")
    if photometric not in _SAMPLES:
        raise Unsupported("The colour model (photometric interpretation) of this image is not read.")
    if (samples or 1) != _SAMPLES[photometric]:
        raise Inconsistent("The header's colour model and its number of samples per pixel contradict each other.")
    return _SAMPLES[photometric], photometric


def _bounded(shape: Geometry, encapsulated: bool) -> None:
    one = shape.rows * shape.columns
    decoded = shape.pixels * shape.samples * max(shape.allocated // 8, 1)
    if one <= FRAME_PIXELS and shape.frames <= FRAMES and decoded <= DECODED_BYTES:
        return
    sentence = "The image is larger than the reader takes; nothing of it was decoded."
    raise TooLarge(sentence) if encapsulated else BadGeometry(sentence)
