"""Arbitrary bytes raise nothing but MedcoreError: in process for speed, and a few through the sandbox."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import medcore.read as reader
from medcore.errors import MedcoreError, Truncated
from medcore.read.image import Image
from medcore.read.parse import parse
from medcore.read.text import clean, display_name, is_uid
from medcore.read.tracing import Tracing
from medcore.types import Study
from tests.read.build import BIG, IMPLICIT, dicom, encapsulated, nested, packaged, picture, pixels, zipped
from tests.read.test_nifti import nifti

GREY = (pixels() >> 4).astype(np.uint8)
PACKAGED = "MR_small_RLE emri_small_jpeg_2k_lossless MR_small_jpeg_ls_lossless SC_rgb_jpeg_dcmtk liver_1frame waveform_ecg"
SEEDS = (
    *(dicom(), dicom(syntax=IMPLICIT), dicom(syntax=BIG), nested(3), nifti(), gzip.compress(nifti())),
    *(packaged(f"{name}.dcm") for name in PACKAGED.split()),
    *(picture(GREY, kind) for kind in ("PNG", "JPEG", "TIFF", "BMP", "WEBP")),
)
ZIP = zipped([("a.dcm", dicom()), ("b.png", picture(GREY))])
STARTS = (
    b"",
    bytes(128) + b"DICM",
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"II*\0",
    b"MM\0*",
    b"BM",
    b"RIFF\x10\0\0\0WEBP",
    b"\x1f\x8b\x08",
)
QUIET = settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example], derandomize=True
)


def answers(data: bytes) -> None:
    """Parse; anything but an image, a tracing or a typed refusal fails the test."""
    try:
        assert isinstance(parse(memoryview(data)), Image | Tracing)
    except MedcoreError as error:
        assert str(error)


@QUIET
@given(st.sampled_from(STARTS), st.binary(max_size=2000))
def test_any_bytes(start: bytes, data: bytes) -> None:
    answers(start + data)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A valid file with bytes changed, removed or put in, mostly in its header."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 6))):
        reach = draw(st.sampled_from((200, 1000, len(data))))
        at = draw(st.integers(0, max(min(reach, len(data)) - 1, 0)))
        match draw(st.sampled_from(("change", "cut", "insert", "drop"))):
            case "change":
                data[at : at + 4] = draw(st.binary(min_size=1, max_size=4))
            case "cut" if at > 140:
                del data[at:]
            case "insert":
                data[at:at] = draw(st.binary(min_size=1, max_size=8))
            case _:
                del data[at : at + draw(st.integers(1, 16))]
    return bytes(data)


@settings(QUIET, max_examples=600)
@given(mutated())
def test_mutated_files(data: bytes) -> None:
    answers(data)


@settings(QUIET, max_examples=25)
@given(st.lists(st.one_of(mutated(), st.binary(max_size=300)), min_size=1, max_size=6))
def test_the_sandbox_answers_each_file(files: list[bytes]) -> None:
    found = reader.read_each([(f"{number}", data) for number, data in enumerate(files)])
    assert len(found) == len(files)
    assert all(isinstance(answer, Study | MedcoreError) for answer in found)


@settings(QUIET, max_examples=60)
@given(st.integers(0, len(ZIP) - 1), st.binary(min_size=1, max_size=6))
def test_mutated_zips(at: int, change: bytes) -> None:
    try:
        assert isinstance(reader.read("x.zip", ZIP[:at] + change + ZIP[at + len(change) :]), Study)
    except MedcoreError as error:
        assert str(error)


@QUIET
@given(st.text(max_size=300))
def test_text_is_clean_whatever_it_was(value: str) -> None:
    seen = clean(value)
    assert seen is None or (seen.isprintable() or "\u200c" in seen or "\u200d" in seen or not seen.isascii())
    assert seen is None or not set(seen) & set("\x00\x1b\r\n\t\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")
    assert 0 < len(display_name(value)) <= 160
    assert not is_uid(value + "/")


def test_a_panic_of_rust_code_is_a_refusal() -> None:
    """It is no Exception (found by mutating files); RLE runs longer than the frame cause one in pylibjpeg-rle 2.2."""
    segment = b"\x7f" + bytes(128) + b"\x7f" + bytes(128)  # 256 bytes where 192 belong
    frame = struct.pack("<16L", 2, 64, 64 + len(segment), *[0] * 13) + segment * 2
    with pytest.raises(Truncated):
        parse(memoryview(encapsulated([frame], syntax="1.2.840.10008.1.2.5")))
