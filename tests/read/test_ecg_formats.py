"""ECGs as DICOM waveforms, EDF, MAT and tables of numbers: what is read, what is asked about, what is refused."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pydicom
import pytest

import medcore.read as reader
from medcore.errors import BadGeometry, Inconsistent, InputRejected, NotAnImage, SamplingRateUnknown, TooLarge, Truncated, Unsupported
from medcore.read.ecg import note
from medcore.read.ecg.channels import unitless, voltage
from medcore.read.parse import parse
from medcore.read.tracing import Tracing
from medcore.types import Study
from tests.read.build import SECRET, packaged, zipped
from tests.read.build_ecg import TWELVE, annotations, channel, edf, group, heart, mat4, mat5, stored, table, waveform

VALUES = stored(16)
HEART = heart(4.0)


def traced(data: bytes) -> Tracing:
    found = parse(memoryview(data))
    assert isinstance(found, Tracing)
    return found


def same(found: Tracing, expected: np.ndarray, tolerance: float = 1e-5) -> bool:
    return found.signal.shape == expected.shape and np.allclose(found.signal, expected, rtol=1e-5, atol=tolerance)


# DICOM


def test_a_real_dicom_ecg_is_pydicoms_own_array() -> None:
    data = packaged("waveform_ecg.dcm")
    study = reader.read("x", data)
    recording = study.recordings[0]
    header = pydicom.dcmread(io.BytesIO(data))
    assert np.allclose(recording.signal, header.waveform_array(0).T / 1000, atol=1e-6)
    assert recording.leads == TWELVE and recording.unit == "mV" and recording.sampling_rate_hz == 1000.0
    assert len(study.recordings) == 1 and not study.series  # the averaged beat beside it is no recording
    assert study.study_uid == header.StudyInstanceUID and study.patient.age_years == 42 and study.study_date == "2013-01-25"
    assert recording.started_at == "2013-01-25T10:59:19" and recording.filters == "0.05-300 Hz"
    assert recording.device == "Mortara Instrument, Inc. el250"


def test_dicom_scale_baseline_correction_and_padding() -> None:
    item = group(VALUES, WaveformPaddingValue=VALUES[5, 0].astype("<i2").tobytes())
    item["ChannelDefinitionSequence"] = [
        channel("I", ChannelBaseline="20", ChannelSensitivityCorrectionFactor="2"),
        channel("avr", ChannelSensitivity="0.001", ChannelSensitivityUnitsSequence=[{"CodeValue": "mV"}]),
    ]
    found = traced(waveform(item))
    expected = np.stack([(VALUES[:, 0] * 2.5 + 20) / 1000, VALUES[:, 1] * 0.001])
    missing = (VALUES[5, 0] == VALUES).T
    assert np.array_equal(np.isnan(found.signal), missing) and missing.any()
    assert np.allclose(found.signal[~missing], expected[~missing], rtol=1e-5, atol=1e-5)
    assert found.leads == ("I", "aVR") and found.filters == "0.05-150 Hz, notch 50 Hz" and found.started_at == "2024-03-01T10:11:12"


def test_dicom_leads_by_code() -> None:
    codes = [("5.6.3-9-1", "SCPECG"), ("2:2", "MDC"), ("2:62", "MDC"), ("5.6.3-9-8", "SCPECG")]
    sources = [channel(ChannelSourceSequence=[{"CodeValue": code, "CodingSchemeDesignator": scheme}]) for code, scheme in codes]
    found = traced(waveform(group(np.hstack([VALUES, VALUES]), leads=("",) * 4, ChannelDefinitionSequence=sources)))
    assert found.leads == ("I", "II", "aVR", "V6")


def test_dicom_parts_of_different_times_leave_what_was_not_recorded_missing() -> None:
    later = group(VALUES, leads=("V1", "V2"), MultiplexGroupTimeOffset="4000")
    strip = group(np.vstack([VALUES, VALUES])[:, :1], leads=("II",))
    median = group(VALUES[:200], leads=("I", "II"), MultiplexGroupLabel="MEDIAN BEAT", WaveformOriginality="DERIVED")
    found = traced(waveform(group(VALUES), later, strip, median))
    count = len(VALUES)
    assert set(found.leads) == {"I", "II", "V1", "V2"} and found.signal.shape[1] == 2 * count
    rows = dict(zip(found.leads, found.signal, strict=True))
    assert np.isnan(rows["I"][count:]).all() and np.isfinite(rows["I"][:count]).all()
    assert np.isnan(rows["V1"][:count]).all() and np.isfinite(rows["V1"][count:]).all()
    assert np.isfinite(rows["II"]).all()
    assert any("different times" in warning for warning in found.warnings)


def test_dicom_waveforms_of_something_else_say_so() -> None:
    assert traced(waveform(group(VALUES), sop_class="1.2.840.10008.5.1.4.1.1.9.2.1")).modality == "HD"
    assert traced(waveform(group(VALUES), sop_class="1.2.840.10008.5.1.4.1.1.9.7.1")).modality == "EEG"


def test_dicom_ecg_without_sensitivity_has_no_voltage() -> None:
    item = group(VALUES, ChannelDefinitionSequence=[channel(lead, ChannelSensitivity=None) for lead in ("I", "II")])
    assert traced(waveform(item)).unit == "NU"


def test_two_ecgs_of_one_study_are_one_study() -> None:
    files = [(f"{number}", waveform(group(VALUES + number), SOPInstanceUID=f"1.2.{number}")) for number in range(2)]
    intake = reader.read_all(files)
    assert [len(study.recordings) for study in intake.studies] == [2]
    files.append(("other", waveform(group(VALUES), PatientID="ID-2")))
    assert [refused.error.code for refused in reader.read_all(files).refused] == ["mixed_patients"]


BAD_DICOM: dict[str, tuple[Callable[[], bytes], type[InputRejected]]] = {
    "0 Hz": (lambda: waveform(group(VALUES, SamplingFrequency="0")), BadGeometry),
    "rate NaN": (lambda: waveform(group(VALUES, SamplingFrequency="NaN")), Inconsistent),
    "no rate": (lambda: waveform(group(VALUES, SamplingFrequency=None)), SamplingRateUnknown),
    "over 72 h": (lambda: waveform(group(VALUES, SamplingFrequency="0.001")), TooLarge),
    "wrong count": (lambda: waveform(group(VALUES, NumberOfWaveformChannels=3)), Inconsistent),
    "no channels": (lambda: waveform(group(VALUES, NumberOfWaveformChannels=0)), BadGeometry),
    "no samples": (lambda: waveform(group(VALUES[:0])), BadGeometry),
    "forged samples": (lambda: waveform(group(VALUES, NumberOfWaveformSamples=2**31)), TooLarge),
    "sensitivity inf": (
        lambda: waveform(group(VALUES, ChannelDefinitionSequence=[channel(ChannelSensitivity="1e400"), channel()])),
        Inconsistent,
    ),
    "sensitivity 0": (
        lambda: waveform(group(VALUES, ChannelDefinitionSequence=[channel(ChannelSensitivity="0"), channel()])),
        Inconsistent,
    ),
    "more samples than are held": (lambda: waveform(group(VALUES, NumberOfWaveformSamples=len(VALUES) + 1)), Truncated),
    "mu-law": (lambda: waveform(group(VALUES, WaveformSampleInterpretation="MB", WaveformBitsAllocated=8)), Unsupported),
    "averaged beats only": (lambda: waveform(group(VALUES, MultiplexGroupLabel="MEDIAN")), Unsupported),
    "no waveform": (lambda: waveform(), Inconsistent),
}


@pytest.mark.parametrize("name", BAD_DICOM)
def test_a_bad_dicom_waveform_gets_one_typed_sentence(name: str) -> None:
    build, kind = BAD_DICOM[name]
    with pytest.raises(kind) as caught:
        reader.read("x.dcm", build())
    assert str(caught.value).endswith(".") and SECRET not in str(caught.value) and "\n" not in str(caught.value)


# EDF and BDF

BLOCKS = np.rint(HEART * 1000).astype(np.int64).reshape(2, 4, 250)  # two signals, four records of a second


@pytest.mark.parametrize("bdf", [False, True])
def test_edf_and_bdf(bdf: bool) -> None:
    span = ("-8388608", "8388607") if bdf else ("-32768", "32767")
    data = edf(
        [("ECG I", "uV", BLOCKS[0]), ("EEG Fpz-Cz", "uV", BLOCKS[1]), ("ECG V2", "uV", BLOCKS[1])],
        bdf=bdf, span=span, low=span[0], high=span[1], reserved="EDF+C",
        patient="MCH-0234567 F 02-MAR-1951 Haagse_Harry", recording="Startdate 02-MAR-2002 PSG-1 NN Telemetry03",
    )  # fmt: skip
    found = traced(data)
    assert same(found, HEART, 0.0006) and found.leads == ("I", "V2") and found.unit == "mV" and found.sampling_rate_hz == 250.0
    assert (found.patient.patient_id, found.patient.sex, found.patient.birth_date) == ("MCH-0234567", "F", "1951-03-02")
    assert found.patient.name == "Haagse Harry" and found.patient.age_years == pytest.approx(51.0, abs=0.01)
    assert found.started_at == "2002-03-02T10:11:12" and found.device == "Telemetry03" and found.filters == "HP:0.1Hz LP:75Hz"
    assert found.file_format == ("BDF" if bdf else "EDF") and "left out" in found.warnings[0]


def test_plain_edf_names_its_patient_in_one_line_or_not_at_all() -> None:
    assert traced(edf([("ECG", "mV", BLOCKS[0])], patient="0815 F 1951 Haagse")).patient.patient_id == "0815 F 1951 Haagse"
    assert traced(edf([("ECG", "mV", BLOCKS[0])])).patient.patient_id is None


def test_edf_of_something_else_says_so() -> None:
    assert traced(edf([("EEG Fpz-Cz", "uV", BLOCKS[0]), ("EOG left", "uV", BLOCKS[1][:, :50])])).modality in ("EEG", "EOG")
    assert traced(edf([("SaO2", "%", BLOCKS[0])])).modality == "PPG"
    with pytest.raises(NotAnImage):
        traced(edf([annotations([0, 1, 2, 3])], reserved="EDF+C"))


def test_edf_at_two_rates_reads_the_rate_that_most_have() -> None:
    found = traced(edf([("ECG I", "mV", BLOCKS[0]), ("ECG II", "mV", BLOCKS[1]), ("ECG V1", "mV", BLOCKS[0][:, ::2])]))
    assert found.leads == ("I", "II") and any("sampling rates" in warning for warning in found.warnings)


def test_interrupted_edf_keeps_its_gap() -> None:
    data = edf([("ECG", "mV", BLOCKS[0]), annotations([0, 1, 5, 6])], reserved="EDF+D")
    found = traced(data)
    assert found.signal.shape == (1, 7 * 250)
    assert np.isnan(found.signal[0, 500:1250]).all() and np.isfinite(np.delete(found.signal[0], np.s_[500:1250])).all()
    assert np.allclose(found.signal[0, 1250:], BLOCKS[0, 2:].reshape(-1) / 10, atol=1e-3)
    with pytest.raises(Inconsistent):
        traced(edf([("ECG", "mV", BLOCKS[0]), annotations([0, 1, 1, 2])], reserved="EDF+D"))
    with pytest.raises(TooLarge):
        traced(edf([("ECG", "mV", BLOCKS[0]), annotations([0, 1, 2, 1e9])], reserved="EDF+D"))


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (edf([("ECG", "mV", BLOCKS[0])])[:-2], Truncated),
        (edf([("ECG", "mV", BLOCKS[0])], seconds=0), NotAnImage),
        (edf([("ECG", "mV", BLOCKS[0])], records="0"), NotAnImage),
        (edf([("ECG", "mV", BLOCKS[0])], records="99999999"), Truncated),
        (edf([("ECG", "mV", BLOCKS[0])], seconds=9e6), TooLarge),
        (edf([("ECG", "mV", BLOCKS[0])], span=("5", "5")), Inconsistent),
        (edf([("ECG", "mV", BLOCKS[0])], high="nan"), Inconsistent),
        (edf([("ECG", "mV", BLOCKS[0])], high="many"), Inconsistent),
        (edf([("ECG", "mV", BLOCKS[0])])[:300], Truncated),
        (edf([(f"ECG {number}", "mV", BLOCKS[0]) for number in range(33)]), TooLarge),
    ],
)
def test_a_bad_edf_gets_one_typed_sentence(data: bytes, kind: type[InputRejected]) -> None:
    with pytest.raises(kind) as caught:
        parse(memoryview(data))
    assert str(caught.value).endswith(".")


# MAT

COUNTS = np.rint(HEART * 1000).astype(np.int16)
MATS = {
    "4": mat4("val", COUNTS),
    "4 big-endian": mat4("val", COUNTS, ">"),
    "4 double": mat4("val", COUNTS.astype(np.float64)),
    "5": mat5({"val": COUNTS}),
    "5 compressed": mat5({"val": COUNTS.astype(np.float64)}, compressed=True),
    "5 upright": mat5({"other": np.ascontiguousarray(COUNTS.T)}),
}


@pytest.mark.parametrize("name", MATS)
def test_mat_alone_is_asked_about_and_read_with_a_note(name: str) -> None:
    data = MATS[name]
    with pytest.raises(SamplingRateUnknown):
        parse(memoryview(data))
    study = reader.read_all([("x.mat", data), ("note", note(500, "uV"))]).studies[0]
    recording = study.recordings[0]
    assert (recording.unit, recording.sampling_rate_hz, recording.leads) == ("mV", 500.0, ("lead 1", "lead 2"))
    assert np.allclose(recording.signal, COUNTS / 1000, atol=1e-6) and len(study.sources) == 2


def test_mat_that_states_its_rate() -> None:
    found = traced(mat5({"val": COUNTS, "Fs": np.array([[360.0]])}))
    assert found.sampling_rate_hz == 360.0 and found.unit == "NU" and not found.noted


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (MATS["4"][:-1], Truncated),
        (MATS["5"][:-9], Truncated),
        (MATS["5 compressed"][:-9], Truncated),
        (mat5({"val": COUNTS[:, :20]}), NotAnImage),
        (mat5({"a": COUNTS, "b": COUNTS}), NotAnImage),
        (b"MATLAB 7.3 MAT-file" + bytes(600), Unsupported),
        (mat5({"val": COUNTS.T.reshape(-1, 40).astype(np.int16), "fs": np.array([[250.0]])}), NotAnImage),
        (mat4("val", np.zeros((40, 200), np.int16)) + mat4("fs", np.array([[250.0]])), TooLarge),
        (mat4("val", COUNTS) + mat4("fs", np.array([[0.0]])), BadGeometry),
    ],
)
def test_a_bad_mat_gets_one_typed_sentence(data: bytes, kind: type[InputRejected]) -> None:
    with pytest.raises(kind):
        parse(memoryview(data))


# tables of numbers

SECONDS = [f"{number / 250:.3f}" for number in range(HEART.shape[1])]
CLOCK = [f"'{int(number / 250) // 60}:{number / 250 % 60:06.3f}'" for number in range(HEART.shape[1])]
WALL = [f"23:59:{58 + number / 250:06.3f}" if number < 500 else f"00:00:{number / 250 - 2:06.3f}" for number in range(HEART.shape[1])]
TABLES = {
    "names and seconds": (table(HEART, "time,I (mV),II (mV)\n", times=SECONDS), "mV", ("I", "II")),
    "milliseconds": (table(HEART, "t [ms];i [mV];avr [mV]\n", times=[str(4 * n) for n in range(1000)], mark=";"), "mV", ("I", "aVR")),
    "bare, a first column of seconds": (table(HEART, times=SECONDS, mark="\t"), "NU", ("lead 1", "lead 2")),
    "bare, a first column of milliseconds": (table(HEART, times=[str(4 * n) for n in range(1000)]), "NU", ("lead 1", "lead 2")),
    "PhysioNet": (table(HEART, "'Elapsed time','MLII','V5'\n'mm:ss.mmm','mV','mV'\n", times=CLOCK), "mV", ("MLII", "V5")),
    "past midnight": (table(HEART, "time,ECG I,ECG II\n", times=WALL), "NU", ("I", "II")),
    "rate in a comment": (table(HEART, "# Sampling rate: 250 Hz\n# unit: mV\nLead I,Lead II\n"), "mV", ("I", "II")),
    "sample numbers and a rate": (
        table(HEART, "fs=250\nsample,V1 (uV),V2 (uV)\n", times=[str(n) for n in range(1000)]),
        "mV",
        ("V1", "V2"),
    ),
    "a watch's": (table(HEART[:1], "Name,X\nSample Rate,250 hertz\n\n\nLead,Lead I\nUnit,mV\n\n"), "mV", ("I",)),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_that_state_their_rate(name: str) -> None:
    data, unit, leads = TABLES[name]
    found = traced(data)
    assert (found.unit, found.sampling_rate_hz, found.leads, found.file_format) == (unit, 250.0, leads, "CSV")
    assert same(found, HEART[: len(leads)] / (1000 if b"uV" in data else 1), 1e-4)


def test_decimal_commas_byte_order_marks_and_empty_fields() -> None:
    text = table(HEART, "time;I (mV);II (mV)\n", times=SECONDS, mark=";").decode().replace(".", ",")
    assert same(traced(text.encode()), HEART, 1e-4)
    assert same(traced(text.encode("utf-16")), HEART, 1e-4)
    assert same(traced(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()), HEART, 1e-4)
    lines = table(HEART, "time,I (mV),II (mV)\n", times=SECONDS).decode().splitlines()
    lines[41] = lines[41].rpartition(",")[0] + ","
    lines[51] = lines[51].split(",")[0] + ",," + lines[51].split(",")[2]
    found = traced("\n".join(lines).encode())
    assert np.isnan(found.signal[1, 40]) and np.isnan(found.signal[0, 50]) and np.isnan(found.signal).sum() == 2


BARE = {
    "one column": table(HEART[:1]),
    "twelve columns": table(heart(leads=12)),
    "names": table(HEART, "I,II\n"),
    "sample numbers": table(HEART, times=[str(n) for n in range(1000)]),
    "named sample numbers": table(HEART, "index,ecg,V1\n", times=[str(n) for n in range(1000)]),
}


@pytest.mark.parametrize("name", BARE)
def test_tables_without_a_rate_are_asked_about(name: str) -> None:
    data = BARE[name]
    with pytest.raises(SamplingRateUnknown) as caught:
        reader.read("x.csv", data)
    assert caught.value.code == "sampling_rate_unknown"
    study = reader.read_all([("x.csv", data), ("note", note(250, "mV"))]).studies[0]
    assert study.recordings[0].sampling_rate_hz == 250.0 and study.recordings[0].unit == "mV"
    assert len(study.sources) == 2 and study.recordings[0].source_sha256 == tuple(source.sha256 for source in study.sources)
    zipped_too = reader.read_all([("x.zip", zipped([("x.csv", data)])), ("note", note(250))])
    assert zipped_too.studies[0].recordings[0].unit == "NU" and not zipped_too.refused


def test_a_note_does_not_speak_against_the_file() -> None:
    study = reader.read_all([("x.csv", TABLES["names and seconds"][0]), ("note", note(999, "uV"))]).studies[0]
    assert study.recordings[0].sampling_rate_hz == 250.0 and study.recordings[0].unit == "mV" and len(study.sources) == 1


def test_notes() -> None:
    assert note(250, "mV") == b"medcore ecg note 1\nsampling_rate_hz: 250.0\nunit: mV\n"
    for rate, unit in ((0, "mV"), (-1, None), (float("nan"), None), (1e9, None), (250, "mmHg")):
        with pytest.raises(Inconsistent):
            note(rate, unit)
    with pytest.raises(NotAnImage, match="note"):
        reader.read("x", note(250))
    refused = reader.read_all([("x.csv", BARE["names"]), ("n", b"medcore ecg note 1\nsampling_rate_hz: 0\n")]).refused
    assert {type(each.error) for each in refused} == {SamplingRateUnknown, Inconsistent}


ROWS = range(300)
NO_ECG = {
    "manifest": b"path,label,group\n" + b"".join(b"a/%d.jpg,normal,g%d\n" % (n, n) for n in ROWS),
    "manifest of records": b"record,label,seconds\n" + b"".join(b"records/A%05d,normal,60.0\n" % n for n in ROWS),
    "numbers under other names": b"age,bmi,pressure\n" + b"".join(b"%d,22.1,120\n" % n for n in ROWS),
    "list of record numbers": b"".join(b"%d\n" % (100 + n) for n in ROWS),
    "prose": b"Patient was seen.\n" * 300,
    "few numbers": b"1,2\n3,4\n" * 10,
    "JSON": b'{"a": [1, 2, 3]}\n' * 200,
}


@pytest.mark.parametrize("name", NO_ECG)
def test_other_tables_are_no_ecg(name: str) -> None:
    with pytest.raises(NotAnImage, match="not an image, ECG or glucose trace"):
        reader.read("x.csv", NO_ECG[name])


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (table(HEART, "time,I,II\n", times=SECONDS[:500] + [f"{9 + n / 250:.3f}" for n in range(500)]), Inconsistent),
        (table(HEART, "time,I,II\n", times=[*SECONDS[:999], "0.5"]), Inconsistent),
        (table(HEART, "fs 250\nI,II\n") + b"1,2,3\n", Inconsistent),
        (table(HEART, "fs 250\nI,II\n") + b"a,b\n", Inconsistent),
        (table(heart(leads=40), "fs 250\n" + ",".join(f"ecg{n}" for n in range(40)) + "\n"), TooLarge),
    ],
)
def test_a_bad_table_gets_one_typed_sentence(data: bytes, kind: type[InputRejected]) -> None:
    with pytest.raises(kind):
        parse(memoryview(data))


def test_infinite_and_huge_values_are_missing() -> None:
    data = table(HEART, "time,I (mV),II (mV)\n", times=SECONDS).replace(b"\n0.004,", b"\n0.004,1e308,", 1)
    lines = data.decode().splitlines()
    lines[2] = "0.004,1e308,-1e300"
    found = traced("\n".join(lines).encode())
    assert np.isnan(found.signal[:, 1]).all() and np.isnan(found.signal).sum() == 2


def test_an_upload_of_many_kinds() -> None:
    files = [("a", waveform(group(VALUES))), ("b", MATS["4"]), ("c", edf([("ECG", "mV", BLOCKS[0])])), ("d", NO_ECG["prose"])]
    answers = reader.read_each(files)
    assert [type(answer) for answer in answers] == [Study, SamplingRateUnknown, Study, NotAnImage]


@pytest.mark.parametrize("unit", ["mV", "millivolts", "Millivolt", "[mV]", "uV", "\u00b5V", "\u03bcV", "microvolts", "V", "volts", "nV"])
def test_a_voltage_is_one_however_it_is_spelt(unit):
    assert voltage(unit) and not unitless(unit)
    assert not any(map(voltage, ("", "NU", "mmHg", "s", "adu")))
