"""WFDB records: every storage format by its definition, several files that make one study, and what is wrong with a header or file."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import medcore.read as reader
from medcore.errors import BadGeometry, Inconsistent, InputRejected, NotAnImage, SamplingRateUnknown, TooLarge, Truncated, Unsupported
from medcore.read.ecg import note, wfdb_files
from medcore.read.ecg.wfdb import parse_wfdb
from medcore.read.ecg.wfdb_header import parse_wfdb_header
from medcore.read.tracing import Tracing
from medcore.types import Study
from tests.read.build import zipped
from tests.read.build_ecg import WFDB_FORMATS, checksum, mat4, stored, wfdb, wfdb_bytes

Files = list[tuple[str, bytes]]


def traced(files: Files) -> Tracing:
    """In process, as the child does it."""
    return parse_wfdb(memoryview(files[0][1]), {name: memoryview(data) for name, data in files[1:]})


def only(study: Study | InputRejected) -> Study:
    assert isinstance(study, Study), study
    assert len(study.recordings) == 1 and not study.series
    return study


@pytest.mark.parametrize("fmt", WFDB_FORMATS)
@pytest.mark.parametrize("leads", [1, 2, 3])
def test_each_format_gives_the_stored_values(fmt: int, leads: int) -> None:
    values = stored(fmt, leads=leads)
    found = traced(wfdb(fmt, values, leads=("I", "II", "III")[:leads]))
    assert found.signal.dtype == np.float32 and found.leads == ("I", "II", "III")[:leads]
    assert np.allclose(found.signal, values.T / 1000, rtol=1e-6, atol=1e-7)
    assert (found.unit, found.sampling_rate_hz, found.file_format, found.warnings) == ("mV", 250.0, "WFDB", ())


def test_an_odd_number_of_packed_samples() -> None:
    for fmt in (212, 310, 311):
        values = stored(fmt, leads=1)[:-1]
        values = values[: len(values) - (len(values) % 6) + 5]
        assert np.allclose(traced(wfdb(fmt, values, leads=("II",))).signal[0] * 1000, values[:, 0], atol=1e-3)


@pytest.mark.parametrize(("fmt", "missing"), [(16, -32768), (212, -2048), (310, -512), (80, -128), (516, -32768), (24, -8388608)])
def test_a_missing_sample_is_nan(fmt: int, missing: int) -> None:
    values = stored(fmt)
    values[7, 1] = missing
    found = traced(wfdb(fmt, values))
    assert np.isnan(found.signal[1, 7]) and np.isnan(found.signal).sum() == 1


def test_gain_baseline_and_units() -> None:
    values = stored(16)
    for gain, expected, unit in (
        ("200(1024)/mV", (values - 1024) / 200, "mV"),
        ("2(10)/uV", (values - 10) / 2000, "mV"),
        ("1e6/V", values / 1000, "mV"),
        ("64(0)/NU", values / 64, "NU"),
        ("0", values / 200, "NU"),  # never calibrated: the standard's 200 gives numbers, no voltage
    ):
        found = traced(wfdb(values=values, gain=gain))
        assert found.unit == unit
        assert np.allclose(found.signal, expected.T, rtol=1e-5, atol=1e-6)


def test_a_wrong_checksum_is_a_warning_that_names_the_lead() -> None:
    files = wfdb(values=stored(16), leads=("i", "avr"))
    changed = bytearray(files[1][1])
    changed[2] ^= 1
    assert "lead aVR" in traced([files[0], ("r1.dat", bytes(changed))]).warnings[0]
    assert traced(files).warnings == ()


def test_offset_samples_per_frame_and_skew() -> None:
    values = stored(16, leads=1)
    head, data = wfdb(values=values, leads=("val",), spec="+24")
    mat = mat4("val", values.T.astype(np.int16))
    assert mat[24:] == data[1]
    assert np.allclose(traced([head, ("r1.dat", mat)]).signal[0], values[:, 0] / 1000, atol=1e-6)
    half = f"r1 1 125 {len(values) // 2}\nr1.dat 16x2 1000/mV 16 0 0 {checksum(values)} 0 II\n".encode()
    found = traced([("r1.hea", half), data])
    assert found.sampling_rate_hz == 250.0 and found.signal.shape == (1, len(values) // 2 * 2)
    assert np.allclose(found.signal[0], values[:, 0] / 1000, atol=1e-6)
    skewed = traced([(head[0], head[1].replace(b"+24", b":3")), data]).signal[0]
    assert np.allclose(skewed[:-3], values[3:, 0] / 1000, atol=1e-6) and np.isnan(skewed[-3:]).all()


def test_two_signal_files_and_signals_that_are_no_ecg() -> None:
    values = stored(16, leads=1)
    head = f"r1 3 250 {len(values)}\nb.dat 16 1000/mV 16 0 0 0 0 V1\na.dat 16 1000/mV 16 0 0 0 0 II\nb.dat 16 10/mmHg 16 0 0 0 0 ABP\n"
    files = [("r1.hea", head.encode()), ("b.dat", wfdb_bytes(16, np.hstack([values, values + 5]))), ("a.dat", wfdb_bytes(16, -values))]
    found = traced(files)
    assert found.leads == ("V1", "II") and found.modality == "ECG"
    assert np.allclose(found.signal, np.stack([values[:, 0], -values[:, 0]]) / 1000, atol=1e-6)
    assert found.warnings == ("Signals of this file that are no ECG were left out.",)
    assert wfdb_files(files[0][1]) == ("b.dat", "a.dat")


def test_what_is_no_ecg_says_so() -> None:
    assert traced(wfdb(leads=("EEG Fpz-Cz", "EEG Pz-Oz"), gain="10/uV")).modality == "EEG"
    assert traced(wfdb(leads=("ABP", "CVP"), gain="10/mmHg")).modality == "HD"
    assert traced(wfdb(leads=("PLETH", "PLETH"), gain="10/NU")).modality == "PPG"


@pytest.mark.parametrize(
    ("comment", "age", "sex"),
    [
        ("# Age: 56 Sex: F Dx: 426783006", 56.0, "F"),
        ("#<age>: 71\n#<sex>: M\n#<diagnoses>:", 71.0, "M"),
        ("# 84 F 1525 167 x1\n# Digoxin", 84.0, "F"),
        ("# -1 M 1525 167 x1", None, "M"),
        ("#Age: 300\n#Sex: Unknown", None, None),
        ("", None, None),
    ],
)
def test_age_and_sex_come_from_comments_and_no_diagnosis_does(comment: str, age: float | None, sex: str | None) -> None:
    found = traced(wfdb(comments=comment))
    assert (found.patient.age_years, found.patient.sex) == (age, sex)
    assert (found.patient.name, found.patient.patient_id, found.study_description) == (None, None, None)


def test_start_of_the_recording() -> None:
    files = wfdb(hz="250", frames="1000 10:11:12 02/03/2004")
    assert traced(files).started_at == "2004-03-02T10:11:12" and traced(files).study_date == "2004-03-02"
    assert traced(wfdb(frames="1000 10:11:12")).started_at is None


def test_a_record_comes_from_files_a_folder_or_a_zip(tmp_path: Path) -> None:
    files = wfdb(516, name="A1")
    beside = ("A1.atr", bytes.fromhex("127014047004 0000".replace(" ", "")))  # annotations are ignored quietly
    expected = traced(files).signal
    for path, data in (*files, beside):
        (tmp_path / path).write_bytes(data)
    intakes = [
        reader.read_all([*files, beside]),
        reader.read_all([files[1], files[0]]),
        reader.read_all([("all.zip", zipped([(f"x/{name}", data) for name, data in (files[1], beside, files[0])]))]),
        reader.read_path(tmp_path),
    ]
    for intake in intakes:
        assert intake.refused == ()
        study = only(intake.studies[0])
        assert np.array_equal(study.recordings[0].signal, expected)
        assert [source.name.rpartition("/")[2] for source in study.sources] == ["A1.hea", "A1.dat"]
        assert study.recordings[0].source_sha256 == tuple(source.sha256 for source in study.sources)
        assert {source.data for source in study.sources} == {data for _, data in files}


def test_a_name_is_looked_for_in_its_own_folder_only() -> None:
    one, two = wfdb(values=stored(16)), wfdb(values=stored(16) + 9)
    both = [(f"{folder}/{name}", data) for folder, files in (("a", one), ("b", two)) for name, data in files]
    intake = reader.read_all([("x.zip", zipped(both))])
    assert len(intake.studies) == 2 and not intake.refused
    assert np.array_equal(only(intake.studies[1]).recordings[0].signal, traced(two).signal)
    apart = reader.read_all([("a/r1.hea", one[0][1]), ("b/r1.dat", one[1][1])])
    assert not apart.studies and ["header" in str(each.error) for each in apart.refused] == [True, True]


def test_a_lone_file_is_told_what_is_missing() -> None:
    head, data = wfdb()
    with pytest.raises(NotAnImage, match="signal file"):
        reader.read("r1.hea", head[1])
    with pytest.raises(NotAnImage, match=r"\.hea"):
        reader.read("r1.dat", data[1])
    with pytest.raises(NotAnImage, match=r"\.hea"):
        reader.read("any", wfdb(516)[1][1])


def test_records_are_read_in_order_and_apart() -> None:
    records = [wfdb(values=stored(16) + number) for number in range(5)]  # all of one name
    records[2] = records[2][:1]
    records[3].reverse()
    found = reader.read_records(records)
    assert [type(each) for each in found] == [Study, Study, NotAnImage, Study, Study]
    assert np.array_equal(only(found[4]).recordings[0].signal, traced(records[4]).signal)
    assert reader.read_records([]) == () and isinstance(reader.read_records([[]])[0], NotAnImage)


def test_a_cut_record_costs_no_other_one() -> None:
    files = wfdb()
    found = reader.read_records([[files[0], (files[1][0], files[1][1][:-2])], files])
    assert [type(each) for each in found] == [Truncated, Study]


def test_a_header_without_a_rate_is_asked_about() -> None:
    files = wfdb(hz="", frames="")
    assert isinstance(reader.read_all(files).refused[0].error, SamplingRateUnknown)
    study = only(reader.read_all([*files, ("note.txt", note(125))]).studies[0])
    assert study.recordings[0].sampling_rate_hz == 125.0 and len(study.sources) == 3
    again = reader.read_all([(source.name, source.data) for source in study.sources])
    assert [only(each).recordings[0].sampling_rate_hz for each in again.studies] == [125.0]


HEAD = "r1 2 250 1000\nr1.dat 16 1000/mV 16 0 0 0 0 I\nr1.dat 16 1000/mV 16 0 0 0 0 II\n"
BAD = {
    "0 Hz": (HEAD.replace("250", "0"), BadGeometry),
    "rate 1e9": (HEAD.replace("250", "1e9"), BadGeometry),
    "over 72 h": (HEAD.replace("250 1000", "0.001 1000"), TooLarge),
    "wrong count": (HEAD.replace("r1 2", "r1 3"), Inconsistent),
    "two formats": (HEAD.replace("dat 16", "dat 212", 1), Inconsistent),
    "gain 1e999": (HEAD.replace("1000/mV", "1e999/mV"), Inconsistent),
    "unknown format": (HEAD.replace("dat 16", "dat 17"), Unsupported),
    "segments": (HEAD.replace("r1 2", "r1/2 2"), Unsupported),
    "outside": (HEAD.replace("r1.dat", "../r1.dat"), Inconsistent),
    "absolute": (HEAD.replace("r1.dat", "/etc/passwd"), Inconsistent),
    "too many": ("r1 300 250 10\n" + "r1.dat 16\n" * 300, TooLarge),
    "40 leads": ("r1 40 250 10\n" + "r1.dat 16 1000/mV 16 0 0 0 0 ECG\n" * 40, TooLarge),
    "more than is held": (HEAD.replace("1000\nr1", "1001\nr1"), Truncated),
    "2^40 frames": (HEAD.replace("250 1000", f"250 {2**39}"), Truncated),
    "no signals": ("r1 0 250 1000\n", NotAnImage),
    "text": ("hello 2 you\nand me\n", Inconsistent),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_header_gets_one_typed_sentence(name: str) -> None:
    head, kind = BAD[name]
    values = stored(16)
    with pytest.raises(kind) as caught:
        traced([("r1.hea", head.encode()), ("r1.dat", wfdb_bytes(16, values))])
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)
    answer = reader.read_records([[("r1.hea", head.encode()), ("r1.dat", wfdb_bytes(16, values))]])[0]
    assert isinstance(answer, InputRejected)


def test_flac_that_is_not_what_its_header_says() -> None:
    head, data = wfdb(516)
    for broken, kind in (
        (b"fLaC" + bytes(200), Inconsistent),
        (bytes(5000), Inconsistent),
        (wfdb(516, leads=("I", "II", "V1"))[1][1], Inconsistent),
        (wfdb_bytes(516, stored(516)[:-9]), Truncated),
    ):
        with pytest.raises(kind):
            traced([head, (data[0], broken)])


def test_a_header_names_files_and_holds_no_path() -> None:
    assert wfdb_files(wfdb()[0][1]) == ("r1.dat",)
    for name in ("..", "a\\b", "C:x", "~", "-"):
        with pytest.raises(InputRejected):
            wfdb_files(HEAD.replace("r1.dat", name).encode())
    assert dataclasses.is_dataclass(parse_wfdb_header(HEAD.encode()))


def test_headers_that_share_a_signal_file() -> None:
    files = wfdb()
    intake = reader.read_all([files[0], ("other.hea", files[0][1]), files[1]])
    assert len(intake.studies) == 1 and "same signal file" in str(intake.refused[0].error)


@pytest.mark.parametrize("named", ["rec.hea", "rec.dat", "rec"])
def test_a_record_on_disk_may_be_named_by_any_of_its_files(tmp_path, named):
    for name, data in wfdb(name="rec"):
        (tmp_path / name).write_bytes(data)
    (tmp_path / "other.dat").write_bytes(b"of another record")
    (study,) = reader.read_path(tmp_path / named).studies
    assert len(study.sources) == 2
