"""Pictures: bit depths, colours, what is lossy, and files that are damaged."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

import medcore.read as reader
from medcore.errors import InputRejected, NotAnImage, Truncated
from medcore.types import Series
from tests.read.build import picture

RNG = np.random.default_rng(3)
GREY = RNG.integers(0, 256, (20, 30)).astype(np.uint8)
WIDE = RNG.integers(0, 65536, (20, 30)).astype(np.uint16)
RGB = RNG.integers(0, 256, (20, 30, 3)).astype(np.uint8)


def one(data: bytes) -> Series:
    """The only series of a file."""
    (series,) = reader.read("x.dcm", data).series
    return series


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_grey_is_exact(kind: str) -> None:
    series = one(picture(GREY, kind))
    assert np.array_equal(series.array[0, 0], GREY) and (series.unit, series.modality, series.lossy) == ("grey", None, False)
    assert series.pixel_spacing_mm is None and series.window is None


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bits_are_kept(kind: str) -> None:
    series = one(picture(WIDE, kind))
    assert series.array.dtype == np.uint16 and np.array_equal(series.array[0, 0], WIDE)


def test_big_endian_and_floating_point_tiff() -> None:
    out = io.BytesIO()
    Image.frombytes("I;16B", (30, 20), WIDE.astype(">u2").tobytes()).save(out, "TIFF")
    assert np.array_equal(one(out.getvalue()).array[0, 0], WIDE)
    floats = (WIDE / 7).astype(np.float32)
    assert np.array_equal(one(picture(floats, "TIFF")).array[0, 0], floats)


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("TIFF", {}), ("BMP", {}), ("WEBP", {"lossless": True})])
def test_rgb_is_exact(kind: str, options: dict[str, object]) -> None:
    series = one(picture(RGB, kind, **options))
    assert series.unit == "RGB" and np.array_equal(series.array[:, 0], RGB.transpose(2, 0, 1)) and not series.lossy


def test_rgb_without_colour_is_grey() -> None:
    series = one(picture(np.stack([GREY] * 3, axis=-1)))
    assert series.unit == "grey" and np.array_equal(series.array[0, 0], GREY)


@pytest.mark.parametrize(("kind", "options"), [("JPEG", {"quality": 95}), ("WEBP", {"quality": 95})])
def test_lossy_pictures_are_near_and_said_so(kind: str, options: dict[str, object]) -> None:
    smooth = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8)
    series = one(picture(smooth, kind, **options))
    assert series.lossy and np.abs(series.array[0, 0].astype(int) - smooth).max() < 12


def test_palette_alpha_cmyk_and_one_bit() -> None:
    for mode, unit in (("P", "RGB"), ("RGBA", "RGB"), ("LA", "grey"), ("1", "grey")):
        out = io.BytesIO()
        Image.fromarray(RGB).convert(mode).save(out, "PNG")
        assert one(out.getvalue()).unit == unit
    out = io.BytesIO()
    Image.fromarray(RGB).convert("CMYK").save(out, "JPEG")
    assert one(out.getvalue()).array.shape == (3, 1, 20, 30)


def test_a_photograph_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    assert one(picture(GREY, "JPEG", exif=exif)).array.shape == (1, 1, 30, 20)


def test_the_first_of_several_pictures_is_read() -> None:
    out = io.BytesIO()
    Image.fromarray(GREY).save(out, "TIFF", save_all=True, append_images=[Image.fromarray(255 - GREY)])
    series = one(out.getvalue())
    assert np.array_equal(series.array[0, 0], GREY) and "several pictures" in series.warnings[0]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "WEBP"])
def test_damaged_pictures_are_refused(kind: str) -> None:
    data = picture(RGB, kind)
    for cut in (30, len(data) // 2):
        with pytest.raises((Truncated, NotAnImage)) as caught:
            reader.read("x.png", data[:cut])
        assert "damaged" in str(caught.value) or "not an image" in str(caught.value)


def test_a_name_says_nothing() -> None:
    assert np.array_equal(reader.read("../../etc/film.dcm", picture(GREY)).series[0].array[0, 0], GREY)
    study = reader.read("a\x00b\u202egnp.exe" + "x" * 500, picture(GREY))
    assert len(study.sources[0].name) <= 160 and "\u202e" not in study.sources[0].name and "\x00" not in study.sources[0].name


def test_each_answers_in_order() -> None:
    answers = reader.read_each([("a", picture(GREY)), ("b", b"no"), ("c", picture(RGB))])
    assert [isinstance(answer, InputRejected) for answer in answers] == [False, True, False]
    assert reader.read_each([]) == () and reader.read_all([]).studies == ()


def test_a_folder_is_read_without_following_links(tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "film").write_bytes(picture(GREY))
    (tmp_path / ".DS_Store").write_bytes(b"litter")
    (tmp_path / "note").write_bytes(b"text")
    (tmp_path / "link").symlink_to("/etc/passwd")
    intake = reader.read_path(tmp_path)
    assert [study.sources[0].name for study in intake.studies] == ["deep/film"] and [each.name for each in intake.refused] == ["note"]
    assert reader.read_path(tmp_path / "deep" / "film").studies[0].sources[0].name == "film"
    with pytest.raises(NotAnImage):
        reader.read_path(tmp_path / "nothing")
