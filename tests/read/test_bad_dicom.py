"""Rows 1 to 43 of the table of bad inputs: one typed sentence, fast, small, without patient data."""

from __future__ import annotations

import logging
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import medcore.read as reader
from medcore import errors
from medcore.errors import BadGeometry, Inconsistent, NotAnImage, TooLarge, Truncated, Unsupported
from tests.read.build import (
    BIG,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    JPEG,
    JPEG2000,
    RLE,
    SECRET,
    data_set,
    dicom,
    element,
    encapsulated,
    header,
    meta,
    nested,
    packaged,
    png_claiming,
    without_pixels,
)  # fmt: skip

RLE_FRAME = struct.pack("<16L", 1, 64, *[0] * 14) + b"\x81\0" * 50
GIF_FRAME = b"\x2c\0\0\0\0\x08\0\x08\0\0\x02\x02\x44\x01\0"
ESCAPING = [{"ReferencedFileID": "..\\..\\etc\\passwd"}]
RANDOM = np.random.default_rng(7).bytes(5000)


def deflated(size: int) -> bytes:
    """A deflated data set that inflates to `size` bytes of zeros behind a valid header."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = deflate.compress(data_set(header()) + element(0x7FE00010, "OW", b"", length=size))
    for _ in range(size >> 20):
        body += deflate.compress(bytes(1 << 20))
    return bytes(128) + b"DICM" + meta(DEFLATED) + body + deflate.flush()


def j2k_claiming(side: int) -> bytes:
    """A JPEG 2000 code stream whose SIZ marker claims `side` x `side`."""
    siz = struct.pack(">HHH8LHBBB", 0xFF51, 41, 0, side, side, 0, 0, side, side, 0, 0, 1, 11, 1, 1)
    return b"\xff\x4f" + siz + bytes(200)


BAD: dict[str, tuple[Callable[[], bytes], type[errors.InputRejected]]] = {
    "1 empty": (lambda: b"", NotAnImage),
    "2 text": (lambda: b"Dear colleague, please find enclosed\n" * 30, NotAnImage),
    "3 preamble only": (lambda: bytes(128) + b"DICM", NotAnImage),
    "4 half a file": (lambda: dicom()[:300], Truncated),
    "5 pixels cut": (lambda: dicom()[:-40], Truncated),
    "9 65535 squared": (lambda: dicom(Rows=65535, Columns=65535), BadGeometry),
    "10 2^31-1 frames": (lambda: dicom(NumberOfFrames=2**31 - 1), BadGeometry),
    "11 -5 frames": (lambda: dicom(NumberOfFrames=-5), BadGeometry),
    "12 no row": (lambda: dicom(Rows=0), BadGeometry),
    "13 rows missing": (lambda: dicom(Rows=None), BadGeometry),
    "14 0 bits": (lambda: dicom(BitsAllocated=0), BadGeometry),
    "15 64 bits": (lambda: dicom(BitsAllocated=64), BadGeometry),
    "16 RLE 30k": (lambda: encapsulated([RLE_FRAME], syntax=RLE, Rows=30000, Columns=30000), TooLarge),
    "17 deflate bomb": (lambda: deflated(1 << 30), TooLarge),
    "18 nested 300": (lambda: nested(300), TooLarge),
    "19 nested 20000": (lambda: nested(20000), TooLarge),
    "20 length 4 GB": (lambda: dicom(extra=element(0x00420011, "OB", b"abc", length=0xFFFFFFFE)), Truncated),
    "25 UID as path": (lambda: dicom(SOPInstanceUID="../../tmp/evil"), Inconsistent),
    "25 study UID as path": (lambda: dicom(StudyInstanceUID="..\\evil"), Inconsistent),
    "26 unknown syntax": (lambda: dicom(syntax="1.2.3.4", encode_as=EXPLICIT), Unsupported),
    "26 video": (lambda: dicom(syntax="1.2.840.10008.1.2.4.102", encode_as=EXPLICIT), Unsupported),
    "27 no syntax": (lambda: dicom(syntax=None, encode_as=EXPLICIT), Unsupported),
    "28 slope 1e400": (lambda: dicom(RescaleSlope="1e400", RescaleIntercept="0"), Inconsistent),
    "28 slope NaN": (lambda: dicom(RescaleSlope="NaN", RescaleIntercept="0"), Inconsistent),
    "28 slope text": (lambda: dicom(RescaleSlope="one", RescaleIntercept="0"), Inconsistent),
    "28 slope overflows": (lambda: dicom(RescaleSlope="1e38", RescaleIntercept="0"), Inconsistent),
    "30 RGB of 1": (lambda: dicom(PhotometricInterpretation="RGB"), Inconsistent),
    "31 grey of 3": (lambda: dicom(SamplesPerPixel=3, PlanarConfiguration=0), Inconsistent),
    "36 no pixels": (without_pixels, NotAnImage),
    "36 report": (lambda: without_pixels(SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11"), NotAnImage),
    "36 ECG without signal": (lambda: without_pixels(SOPClassUID="1.2.840.10008.5.1.4.1.1.9.1.1"), Inconsistent),
    "37 J2K 60000": (lambda: encapsulated([j2k_claiming(60000)], syntax=JPEG2000), BadGeometry),
    "38 J2K cut": (lambda: encapsulated([j2k_claiming(16)[:60]], syntax=JPEG2000, Rows=16, Columns=16), Truncated),
    "39 DICOMDIR": (lambda: without_pixels(SOPClassUID="1.2.840.10008.1.3.10", DirectoryRecordSequence=ESCAPING), NotAnImage),
    "40 random": (lambda: RANDOM, NotAnImage),
    "41 preamble and random": (lambda: bytes(128) + b"DICM" + RANDOM, NotAnImage),
    "42 explicit as implicit": (lambda: dicom(syntax=IMPLICIT, encode_as=EXPLICIT), Inconsistent),
    "42 implicit as explicit": (lambda: dicom(syntax=EXPLICIT, encode_as=IMPLICIT), Inconsistent),
    "42 big as little": (lambda: dicom(syntax=EXPLICIT, encode_as=BIG), Inconsistent),
    "42 little as big": (lambda: dicom(syntax=BIG, encode_as=EXPLICIT), Inconsistent),
    "47 PNG 12000": (lambda: png_claiming(12000, 12000), TooLarge),
    "47 PNG 30000": (lambda: png_claiming(30000, 30000), TooLarge),
    "48 SVG": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>', NotAnImage),
    "48 EPS": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", NotAnImage),
    "48 PDF": (lambda: b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n", NotAnImage),
    "49 GIF": (lambda: b"GIF89a" + struct.pack("<HHBBB", 8, 8, 0, 0, 0) + GIF_FRAME * 10000 + b";", NotAnImage),
}  # fmt: skip


def memory_mb(field: str) -> float:
    """VmRSS or VmHWM of this process."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_gets_one_typed_sentence(name: str, caplog: pytest.LogCaptureFixture) -> None:
    build, kind = BAD[name]
    data = build()
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before, began = memory_mb("VmRSS"), time.monotonic()
    with caplog.at_level(logging.DEBUG), pytest.raises(errors.InputRejected) as caught:
        reader.read(f"{SECRET}.dcm", data)
    assert time.monotonic() - began < 5
    assert memory_mb("VmHWM") - before < 50
    assert type(caught.value) is kind, caught.value
    sentence = str(caught.value)
    assert sentence.endswith(".") and "\n" not in sentence and len(sentence) < 200
    assert "Geheim" not in sentence + caplog.text and "4711" not in sentence + caplog.text


def test_all_bad_files_at_once_cost_no_good_one() -> None:
    bad = [(name, build()) for name, (build, _) in BAD.items() if not name.startswith("17")]
    intake = reader.read_all([*bad[:20], ("good.dcm", dicom()), *bad[20:]])
    assert len(intake.studies) == 1
    assert [each.name for each in intake.refused] == [name for name, _ in bad]


def test_a_message_names_the_transfer_syntax() -> None:
    with pytest.raises(Unsupported, match="MPEG-4 AVC"):
        reader.read("x", BAD["26 video"][0]())
    with pytest.raises(Unsupported, match="does not name its transfer syntax"):
        reader.read("x", BAD["27 no syntax"][0]())


@pytest.mark.parametrize("program", [b"MZ\x90\0", b"\x7fELF\x02\x01", b"<html><script>alert(1)</script>"])
def test_rows_6_to_8_a_program_in_the_preamble_is_cleared(program: bytes) -> None:
    study = reader.read("x", dicom(preamble=program.ljust(128, b"\x01")))
    assert study.sources[0].data[:128] == bytes(128)
    assert study.sources[0].data == dicom()
    assert study.series[0].source_sha256 == (study.sources[0].sha256,) == reader.read("y", dicom()).series[0].source_sha256
    assert any("preamble" in warning for warning in study.series[0].warnings)


def test_rows_21_and_22_unknown_vr_and_giant_group_length_are_dropped() -> None:
    for unknown in (b"ZZ\0\0\x04\0\0\0abcd", b"ZZ\x04\0abcd"):
        study = reader.read("x", dicom(extra=struct.pack("<HH", 0x0029, 0x1010) + unknown))
        assert study.series[0].array.shape == (1, 1, 16, 12)
        assert any("unknown kind" in warning for warning in study.series[0].warnings)
    study = reader.read("x", dicom(extra=element(0x00290000, "UL", struct.pack("<L", 0xFFFFFFF0))))
    assert any("group length" in warning for warning in study.series[0].warnings)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),
        ("Do\x1b[31me^J\x00ane", "Do[31me^Jane"),
        ("Doe\u202e^enaJ\u200f\u2066", "Doe^enaJ"),
        ("=HYPERLINK(1)", "=HYPERLINK(1)"),
    ],
)
def test_rows_23_24_and_35_text_is_shown_literally_without_what_steers(raw: str, shown: str) -> None:
    charset = {"SpecificCharacterSet": "ISO_IR 192"}
    study = reader.read("x", dicom(PatientName=raw.encode(), PatientID=raw.encode(), **charset))
    assert (study.patient.name, study.patient.patient_id) == (shown, shown)


def test_row_34_a_name_of_a_megabyte_is_cut() -> None:
    long = element(0x00100010, "UT", b"A" * 1_000_000)
    study = reader.read("x", dicom(PatientName=None, extra=long))
    assert study.patient.name is not None and len(study.patient.name) == 192 and study.patient.name.endswith("…")


def test_row_28_a_window_that_is_no_number_is_ignored() -> None:
    for changes in (
        {"WindowCenter": "abc", "WindowWidth": "400"},
        {"WindowCenter": "40", "WindowWidth": "0"},
        {"WindowCenter": "NaN", "WindowWidth": "1"},
    ):
        series = reader.read("x", dicom(**changes)).series[0]
        assert series.window is None and any("window" in warning for warning in series.warnings)


def test_row_32_no_spacing_no_measurement() -> None:
    for value in ("0\\0", "abc", "-1\\1", "0.5", "inf\\inf"):
        series = reader.read("x", dicom(PixelSpacing=value)).series[0]
        assert series.pixel_spacing_mm is None and any("spacing" in warning for warning in series.warnings)
    assert reader.read("x", dicom(PixelSpacing=None)).series[0].pixel_spacing_mm is None


def test_row_33_an_unknown_character_set_gives_replacement_characters() -> None:
    study = reader.read("x", dicom(SpecificCharacterSet="ISO_IR 999", PatientName="Müller".encode("latin-1")))
    assert study.patient.name == "M\ufffdller"
    assert any("character set" in warning for warning in study.series[0].warnings)


@pytest.mark.parametrize("damage", [bytes(200), b"\xff" * 200])
@pytest.mark.parametrize("name", ["693_J2KR.dcm", "JPGLosslessP14SV1_1s_1f_8b.dcm"])
def test_row_38_a_damaged_code_stream_is_refused_or_its_integrity_unverified(name: str, damage: bytes) -> None:
    data = packaged(name)
    clean = reader.read("x", data)
    assert not any("unverified" in warning for warning in clean.series[0].warnings)
    if name.startswith("JPG") and damage[0] == 0:
        damage = b"\xff\x02" + bytes(198)  # zeros alone may be Huffman codes of a plain area
    middle = len(data) * 2 // 3
    answer = reader.read_each([("x", data[:middle] + damage + data[middle + 200 :])])[0]
    assert isinstance(answer, errors.InputRejected) or any("unverified" in warning for warning in answer.series[0].warnings)


def test_row_38_a_stream_without_its_end_is_refused_or_its_integrity_unverified() -> None:
    stream = packaged("SC_rgb_jpeg_dcmtk.dcm")
    start = stream.index(b"\xff\xd8\xff")
    colour = {"SamplesPerPixel": 3, "PlanarConfiguration": 0, "PhotometricInterpretation": "YBR_FULL", "Rows": 100, "Columns": 100,
              "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}  # fmt: skip
    answer = reader.read_each([("x", encapsulated([stream[start : start + 1200]], syntax=JPEG, **colour))])[0]
    assert isinstance(answer, errors.InputRejected) or any("unverified" in warning for warning in answer.series[0].warnings)
