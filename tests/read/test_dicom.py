"""What a DICOM file means, against values worked out by hand and against pydicom."""

from __future__ import annotations

import io

import numpy as np
import pydicom
import pytest

import medcore.read as reader
from medcore.errors import Inconsistent, MixedPatients, SeveralStudies, Unsupported
from medcore.read.display import to_grey
from medcore.read.who import age, iso_date
from medcore.types import Series, Window
from tests.read.build import BIG, CT, DEFLATED, EXPLICIT, IMPLICIT, JPEG2000, SECRET, dicom, encapsulated, packaged, pixels, zipped


def one(data: bytes) -> Series:
    """The only series of a file."""
    (series,) = reader.read("x", data).series
    return series


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG])
def test_native_pixels_and_header_facts(syntax: str) -> None:
    study = reader.read("film.dcm", dicom(syntax=syntax))
    series = study.series[0]
    assert series.array.dtype == np.uint16 and np.array_equal(series.array[0, 0], pixels())
    assert (series.modality, series.unit, series.body_part, series.pixel_spacing_mm) == ("DX", "grey", "CHEST", (0.5, 0.25))
    assert (study.study_uid, study.study_date, study.patient.name, study.patient.patient_id) == ("1.2.3", "2024-03-01", SECRET, "ID-4711")
    assert study.patient.age_years == pytest.approx(44, abs=0.01) and study.patient.sex == "F"
    assert study.sources[0].name == "film.dcm" and series.source_sha256 == (study.sources[0].sha256,)
    assert not series.array.flags.writeable and not series.warnings


def test_deflated_is_read() -> None:
    import zlib

    from tests.read.build import meta

    whole = dicom(syntax=EXPLICIT)
    body = whole[132 + len(meta(EXPLICIT)) :]
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = bytes(128) + b"DICM" + meta(DEFLATED) + deflate.compress(body) + deflate.flush()
    assert np.array_equal(one(data).array[0, 0], pixels())


def test_monochrome1_is_inverted_and_its_window_with_it() -> None:
    window = {"WindowCenter": "1000", "WindowWidth": "500"}
    plain, flipped = one(dicom(**window)), one(dicom(PhotometricInterpretation="MONOCHROME1", **window))
    assert flipped.inverted and not plain.inverted and flipped.array.dtype == np.uint16
    assert np.array_equal(flipped.array, 4095 - plain.array)
    assert flipped.window == Window(center=4095 - 1000 + 1, width=500)  # the mirror of c - 0.5
    assert np.abs(to_grey(flipped).astype(int) - (255 - to_grey(plain).astype(int))).max() <= 1


def test_monochrome1_signed_and_rescaled() -> None:
    stored = (pixels().astype(np.int16) - 2048).astype("<i2")
    series = one(
        dicom(stored.tobytes(), PixelRepresentation=1, PhotometricInterpretation="MONOCHROME1", RescaleSlope="2", RescaleIntercept="10")
    )
    assert np.array_equal(series.array[0, 0], (2 * -2048 + 10) + (2 * 2047 + 10) - (2 * stored.astype(int) + 10))
    assert series.array.dtype == np.int16


@pytest.mark.parametrize(
    ("slope", "intercept", "kind"), [("1", "-1024", np.int16), ("1", "0", np.uint16), ("3", "-7", np.int16), ("0.25", "1", np.float32)]
)
def test_rescale_in_the_smallest_exact_kind(slope: str, intercept: str, kind: type) -> None:
    series = one(dicom(RescaleSlope=slope, RescaleIntercept=intercept, SOPClassUID=CT, Modality="CT"))
    assert series.array.dtype == kind and series.unit == "HU"
    assert np.allclose(series.array[0, 0], pixels() * float(slope) + float(intercept), atol=0)


def test_rescale_of_all_16_bits_does_not_wrap() -> None:
    stored = np.linspace(0, 65535, 192).astype("<u2").reshape(16, 12)
    series = one(dicom(stored.tobytes(), BitsStored=16, HighBit=15, RescaleSlope="1", RescaleIntercept="-1024"))
    assert np.array_equal(series.array[0, 0], stored.astype(float) - 1024) and series.array.dtype == np.float32


def test_a_modality_lut_and_a_voi_lut_are_applied() -> None:
    table = np.arange(4096)[::-1].astype("<u2")
    lut = {"LUTDescriptor": struct_us(4096, 0, 12), "LUTData": table.tobytes()}
    assert np.array_equal(one(dicom(ModalityLUTSequence=[lut])).array[0, 0], 4095 - pixels())
    series = one(dicom(VOILUTSequence=[lut], WindowCenter="5", WindowWidth="7"))
    assert np.array_equal(series.array[0, 0], 4095 - pixels())
    assert series.window == Window(center=2048, width=4096)  # of the table's output: the header's was for its input


def struct_us(*values: int) -> bytes:
    """Unsigned shorts."""
    return np.array(values, "<u2").tobytes()


def test_a_voi_lut_does_not_take_the_unit_away() -> None:
    lut = {"LUTDescriptor": struct_us(2, 0, 8), "LUTData": struct_us(0, 255)}
    series = one(dicom(VOILUTSequence=[lut], SOPClassUID=CT, RescaleSlope="1", RescaleIntercept="0"))
    assert series.unit == "HU" and np.array_equal(series.array[0, 0], pixels()) and "curve" in series.warnings[0]


def test_linear_exact_and_sigmoid_windows() -> None:
    assert one(dicom(WindowCenter="100", WindowWidth="50", VOILUTFunction="LINEAR_EXACT")).window == Window(center=100.5, width=51)
    series = one(dicom(WindowCenter="100", WindowWidth="50", VOILUTFunction="SIGMOID"))
    assert series.window == Window(center=100, width=50) and "sigmoid" in series.warnings[0]


@pytest.mark.parametrize("planar", [0, 1])
def test_rgb_by_pixel_and_by_plane(planar: int) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (16, 12, 3)).astype(np.uint8)
    stored = rgb if planar == 0 else rgb.transpose(2, 0, 1)
    eight = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}
    series = one(dicom(np.ascontiguousarray(stored).tobytes(), PlanarConfiguration=planar, **eight))
    assert series.unit == "RGB" and np.array_equal(series.array[:, 0], rgb.transpose(2, 0, 1))


def test_ybr_is_rgb() -> None:
    red = np.tile(np.array([76, 85, 255], np.uint8), (16, 12, 1))  # PS3.3 C.7.6.3.1.2
    eight = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "SamplesPerPixel": 3, "PhotometricInterpretation": "YBR_FULL"}
    series = one(dicom(red.tobytes(), PlanarConfiguration=0, **eight))
    assert np.abs(series.array[:, 0, 0, 0].astype(int) - [255, 0, 0]).max() <= 2


def test_palette_is_rgb() -> None:
    series = one(packaged("examples_palette.dcm"))
    expected = pydicom.dcmread(io.BytesIO(packaged("examples_palette.dcm")))
    rgb = pydicom.pixels.apply_color_lut(expected.pixel_array, expected)
    assert np.array_equal(series.array[:, 0], (rgb >> 8 if rgb.max() > 255 else rgb).transpose(2, 0, 1))


def test_frames_in_time_are_no_volume() -> None:
    stored = np.stack([pixels(), pixels() + 1, pixels() + 2]).astype("<u2")
    series = one(dicom(stored.tobytes(), NumberOfFrames="3"))
    assert series.array.shape == (1, 3, 16, 12) and not series.is_volume and np.array_equal(series.array[0], stored)


SAME = {
    "MR_small.dcm": "MR_small_RLE MR_small_implicit MR_small_bigendian MR_small_jp2klossless MR_small_jpeg_ls_lossless",
    "emri_small.dcm": "emri_small_RLE emri_small_jpeg_2k_lossless emri_small_jpeg_ls_lossless emri_small_big_endian",
    "RG3_UNCR.dcm": "RG3_J2KR",
    "MR2_UNCR.dcm": "MR2_J2KR",
    "OBXXXX1A.dcm": "OBXXXX1A_rle OBXXXX1A_expb",
    "rtdose.dcm": "rtdose_rle rtdose_expb",
    "SC_rgb.dcm": "SC_rgb_rle SC_rgb_expb",
    "SC_rgb_small_odd.dcm": "SC_rgb_small_odd_big_endian",
    "liver.dcm": "liver_expb",
}


@pytest.mark.parametrize("plain", SAME)
def test_every_encoding_gives_the_same_pixels(plain: str) -> None:
    expected = one(packaged(plain)).array
    for name in SAME[plain].split():
        assert np.array_equal(one(packaged(f"{name}.dcm")).array, expected), name


def test_a_real_chest_film() -> None:
    series = one(packaged("RG1_UNCR.dcm"))
    raw = pydicom.dcmread(io.BytesIO(packaged("RG1_UNCR.dcm")))
    assert raw.PhotometricInterpretation == "MONOCHROME1" and series.inverted
    assert series.array.shape == (1, 1, 1955, 1841) and series.modality == "CR" and not series.warnings[:-1]
    assert np.array_equal(series.array[0, 0], (2**raw.BitsStored - 1) - raw.pixel_array)
    assert np.array_equal(one(packaged("RG1_J2KR.dcm")).array, series.array)


def test_a_real_ct_slice_is_in_hu() -> None:
    series = one(packaged("CT_small.dcm"))
    raw = pydicom.dcmread(io.BytesIO(packaged("CT_small.dcm")))
    assert series.unit == "HU" and series.array.dtype == np.int16
    assert np.array_equal(series.array[0, 0], raw.pixel_array * raw.RescaleSlope + raw.RescaleIntercept)
    assert series.affine is not None and np.allclose(series.affine[:3, 3], raw.ImagePositionPatient)
    assert series.pixel_spacing_mm == (0.661468, 0.661468) and not series.warnings


def test_lossy_is_said() -> None:
    assert one(packaged("JPGExtended.dcm")).lossy and not one(packaged("JPEG-LL.dcm")).lossy
    assert one(dicom(LossyImageCompression="01")).lossy


@pytest.mark.parametrize(
    ("stated", "born", "studied", "years"),
    [
        ("045Y", None, None, 45), ("018M", None, None, 1.5), ("010D", None, None, 10 / 365.25), ("003W", None, None, 21 / 365.25),
        (None, "2000-01-01", "2010-01-01", 10), ("045", "2000-01-01", "2010-01-01", 10), (None, "2010-01-01", "2000-01-01", None),
        (None, None, "2010-01-01", None), ("999Y", None, None, None), (None, "1700-01-01", "2010-01-01", None),
    ],
)  # fmt: skip
def test_age_is_stated_or_worked_out_or_unknown(stated: str | None, born: str | None, studied: str | None, years: float | None) -> None:
    found = age(stated, born, studied)
    assert found == (None if years is None else pytest.approx(years, abs=0.01))


def test_dates() -> None:
    assert [iso_date(value) for value in ("20240229", "2024.02.29", "20230229", "", "2024", None)] == [
        "2024-02-29",
        "2024-02-29",
        *[None] * 4,
    ]


def test_the_imagers_spacing_is_a_fallback_with_a_warning() -> None:
    series = one(dicom(PixelSpacing=None, ImagerPixelSpacing="0.2\\0.1"))
    assert series.pixel_spacing_mm == (0.2, 0.1) and "magnified" in series.warnings[0]


def test_names_in_other_scripts() -> None:

    assert reader.read("x", packaged("chrRuss.dcm")).patient.name == "Люкceмбypг"
    assert reader.read("x", packaged("chrH31.dcm")).patient.name == "Yamada^Tarou=山田^太郎=やまだ^たろう"
    assert (
        reader.read("x", dicom(SpecificCharacterSet="ISO_IR 192", PatientName="Wang^XiaoDong=王^小东")).patient.name
        == "Wang^XiaoDong=王^小东"
    )


def ct(z: float, number: int, **changes: object) -> bytes:
    """One axial slice at height `z`, its pixels all of that height."""
    stored = np.full((16, 12), round(z * 10) + 500, "<u2")
    fields = {
        "SOPClassUID": CT, "Modality": "CT", "RescaleSlope": "1", "RescaleIntercept": "-500", "ImageOrientationPatient": "1\\0\\0\\0\\1\\0",
        "ImagePositionPatient": f"-10\\-20\\{z}", "InstanceNumber": str(number), "SOPInstanceUID": f"1.2.9.{number}", **changes,
    }  # fmt: skip
    return dicom(stored.tobytes(), **fields)


def test_slices_are_sorted_along_the_normal() -> None:
    heights = [5.0, -2.5, 0.0, 2.5]
    files = [(f"{z}", ct(z, number)) for number, z in enumerate(heights)]
    (study,) = reader.read_all(files).studies
    (series,) = study.series
    assert series.is_volume and series.array[0, :, 0, 0].tolist() == [-25, 0, 25, 50] and series.slice_spacing_mm == 2.5
    expected = [[0.25, 0, 0, -10], [0, 0.5, 0, -20], [0, 0, 2.5, -2.5], [0, 0, 0, 1]]  # columns 0.25 mm, rows 0.5 mm
    assert series.affine is not None and np.allclose(series.affine, expected)
    assert len(series.source_sha256) == 4 and series.source_sha256[0] == study.sources[1].sha256


def test_uneven_slices_are_said() -> None:
    (study,) = reader.read_all([(f"{z}", ct(z, number)) for number, z in enumerate((0.0, 1.0, 5.0))]).studies
    series = study.series[0]
    assert series.slice_spacing_mm is None and series.affine is None and "evenly" in series.warnings[0]


def test_without_positions_the_instance_number_sorts() -> None:
    files = [(f"{number}", ct(number, number, ImagePositionPatient=None)) for number in (3, 1, 2)]
    series = reader.read_all(files).studies[0].series[0]
    assert series.array[0, :, 0, 0].tolist() == [10, 20, 30] and not series.is_volume


def test_planes_and_echoes_of_one_series_are_stacks_of_their_own() -> None:
    axial = [("a", ct(0, 1)), ("b", ct(1, 2))]
    sagittal = [("c", ct(0, 3, ImageOrientationPatient="0\\1\\0\\0\\0\\-1"))]
    second = [("d", ct(0, 4, AcquisitionNumber="2")), ("e", ct(1, 5, AcquisitionNumber="2"))]
    series = reader.read_all([*axial, *sagittal, *second]).studies[0].series
    assert sorted(each.array.shape[1] for each in series) == [1, 2, 2]


def test_the_same_file_twice_is_kept_once() -> None:
    study = reader.read_all([("a", ct(0, 1)), ("b", ct(0, 1)), ("c", ct(1, 2))]).studies[0]
    assert study.series[0].array.shape[1] == 2 and len(study.sources) == 2 and study.warnings


def test_row_57_two_patients_under_one_study_are_a_hard_stop() -> None:
    mixed = [("a.dcm", dicom()), ("b.dcm", dicom(PatientID="ID-0815", SOPInstanceUID="1.9"))]
    intake = reader.read_all([*mixed, ("c.dcm", dicom(StudyInstanceUID="1.7", SeriesInstanceUID="1.7.1"))])
    (refused,) = intake.refused
    assert isinstance(refused.error, MixedPatients) and refused.error.patient_ids == ("ID-4711", "ID-0815")
    assert "4711" not in str(refused.error) and "0815" not in str(refused.error)
    assert [study.study_uid for study in intake.studies] == ["1.7"]
    with pytest.raises(MixedPatients):
        reader.read("both.zip", zipped(mixed))


def test_several_patients_with_studies_of_their_own() -> None:
    files = [(f"{n}.dcm", dicom(PatientID=f"P{n}", StudyInstanceUID=f"1.{n}", SeriesInstanceUID=f"1.{n}.1")) for n in (1, 2)]
    intake = reader.read_all([("ward.zip", zipped(files))])
    assert [study.patient.patient_id for study in intake.studies] == ["P1", "P2"]
    with pytest.raises(SeveralStudies):
        reader.read("ward.zip", zipped(files))
    assert isinstance(reader.read_each([("ward.zip", zipped(files))])[0], Inconsistent)
    mixed = [*files[:1], ("3.dcm", dicom()), ("4.dcm", dicom(PatientID="ID-0815", SOPInstanceUID="1.9"))]
    assert isinstance(reader.read_each([("ward.zip", zipped(mixed))])[0], MixedPatients)


def test_more_bits_than_the_header_says_do_not_wrap() -> None:
    from openjpeg.utils import encode_array

    stored = np.tile(pixels(), (4, 6))  # 64 x 72
    stream = encode_array(stored, bits_stored=12, photometric_interpretation=2)
    size = {"Rows": 64, "Columns": 72, "syntax": JPEG2000}
    series = one(encapsulated([stream], PhotometricInterpretation="MONOCHROME1", BitsStored=10, HighBit=9, **size))
    assert np.array_equal(series.array[0, 0], 65535 - stored) and any("more bits" in warning for warning in series.warnings)
    assert np.array_equal(one(encapsulated([stream], **size)).array[0, 0], stored)


def test_dicom_without_its_file_header_is_named() -> None:
    for name in ("rtstruct.dcm", "ExplVR_BigEndNoMeta.dcm", "OT-PAL-8-face.dcm"):
        with pytest.raises(Unsupported, match="file header"):
            reader.read("x", packaged(name))


def test_a_missing_patient_id_is_said() -> None:
    study = reader.read_all([("a", dicom()), ("b", dicom(PatientID=None, SOPInstanceUID="1.9"))]).studies[0]
    assert any("no patient ID" in warning for warning in study.warnings)


def test_an_enhanced_volume_knows_its_place() -> None:
    def group(z: float, slope: str) -> dict[str, object]:
        return {
            "PlanePositionSequence": [{"ImagePositionPatient": f"0\\0\\{z}"}],
            "PixelValueTransformationSequence": [{"RescaleSlope": slope, "RescaleIntercept": "0", "RescaleType": "US"}],
        }

    shared = {
        "PlaneOrientationSequence": [{"ImageOrientationPatient": "1\\0\\0\\0\\1\\0"}],
        "PixelMeasuresSequence": [{"PixelSpacing": "2\\3", "SliceThickness": "9"}],
        "FrameVOILUTSequence": [{"WindowCenter": "50", "WindowWidth": "100"}],
    }
    stored = np.stack([np.full((16, 12), value) for value in (30, 10, 20)]).astype("<u2")
    enhanced = {"NumberOfFrames": "3", "PixelSpacing": None, "SharedFunctionalGroupsSequence": [shared]}
    groups = [group(z, "1") for z in (3, 1, 2)]
    series = one(dicom(stored.tobytes(), PerFrameFunctionalGroupsSequence=groups, **enhanced))
    assert series.array[0, :, 0, 0].tolist() == [10, 20, 30] and series.is_volume and series.slice_spacing_mm == 1
    assert series.pixel_spacing_mm == (2, 3) and series.window == Window(center=50, width=100)
    groups = [group(z, slope) for z, slope in ((1, "1"), (2, "2"), (3, "0.5"))]
    series = one(dicom(stored.tobytes(), PerFrameFunctionalGroupsSequence=groups, **enhanced))
    assert series.array[0, :, 0, 0].tolist() == [30, 20, 10]


def test_frames_of_a_film_are_in_order() -> None:
    rle = [rle_frame(value) for value in (7, 8, 9)]
    eight = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "NumberOfFrames": "3"}
    series = one(encapsulated(rle, syntax="1.2.840.10008.1.2.5", **eight))
    assert series.array[0, :, 0, 0].tolist() == [7, 8, 9]


def rle_frame(value: int) -> bytes:
    """16 x 12 pixels of one value (PS3.5 G.3): two runs of 96."""
    return (1).to_bytes(4, "little") + (64).to_bytes(4, "little") + bytes(56) + bytes([257 - 96, value]) * 2
