"""HL7 aECG, SCP-ECG, GE MUSE, Philips Sierra and ISHNE files against the signals they were made of; bent files end in a typed refusal."""

from __future__ import annotations

import base64
import re
import struct
import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medcore.errors import BadGeometry, Inconsistent, InputRejected, TooLarge, Truncated, Unsupported
from medcore.read.ecg.aecg import is_aecg, parse_aecg
from medcore.read.ecg.assemble import distinct, filters, millivolts
from medcore.read.ecg.huffman import Decoder, default_table
from medcore.read.ecg.ishne import is_ishne, parse_ishne
from medcore.read.ecg.muse import is_muse, parse_muse
from medcore.read.ecg.scp import is_scp, parse_scp
from medcore.read.ecg.sierra import is_sierra, parse_sierra
from medcore.read.tracing import Tracing
from medcore.types import Patient
from tests.read.ecg_files import (
    EIGHT,
    SECRET,
    TWELVE,
    aecg,
    aecg_set,
    counts,
    default_bits,
    ishne,
    muse,
    own_tables,
    packed_bits,
    scp,
    scp_beats,
    scp_data,
    scp_leads,
    scp_record,
    scp_who,
    section,
    sierra,
    sierra_residuals,
    standard_twelve,
    xli,
)

Parser = Callable[[memoryview], Tracing]
KINDS: dict[str, tuple[Callable[[memoryview], bool], Parser, bytes]] = {
    "aecg": (is_aecg, parse_aecg, aecg(aecg_set(counts(8, 300), EIGHT))),
    "scp": (is_scp, parse_scp, scp(counts(8, 300))),
    "muse": (is_muse, parse_muse, muse(counts(8, 700))),
    "sierra": (is_sierra, parse_sierra, sierra(counts(12, 300))),
    "ishne": (is_ishne, parse_ishne, ishne(counts(3, 300))),
}
EIGHT_COUNTS, TWELVE_COUNTS = counts(), counts(12)


def same(tracing: Tracing, millivolt: np.ndarray) -> None:
    """The signal to half a millionth of a millivolt, float32 in mV."""
    assert tracing.signal.dtype == np.float32 and tracing.unit == "mV"
    assert np.allclose(tracing.signal, millivolt, rtol=0, atol=5e-7, equal_nan=True)


def read(parser: Parser, data: bytes) -> Tracing:
    return parser(memoryview(data))


@pytest.mark.parametrize("kind", KINDS)
def test_each_file_is_told_by_its_content(kind: str) -> None:
    data = memoryview(KINDS[kind][2])
    assert {name for name, (is_it, _, _) in KINDS.items() if is_it(data)} == {kind}
    for other in (
        b"",
        b"<",
        b"<?xml",
        b"ISHNE",
        bytes(60),
        b"\x89PNG\r\n\x1a\n" + bytes(60),
        b"<html><body>RestingECG</body></html>",
        b"ANN  1.0",
    ):
        assert not KINDS[kind][0](memoryview(other))


@pytest.mark.parametrize("kind", KINDS)
def test_who_when_and_with_what(kind: str) -> None:
    tracing = read(*KINDS[kind][1:])
    born = Patient(name=f"{SECRET}^Ada", patient_id="P-17", birth_date="1964-07-04", sex="F", age_years=tracing.patient.age_years)
    assert tracing.patient.name in (f"{SECRET}^Ada", f"{SECRET}ü^Ada")
    assert (tracing.patient.patient_id, tracing.patient.birth_date, tracing.patient.sex) == (born.patient_id, born.birth_date, born.sex)
    assert tracing.patient.age_years == pytest.approx(56 if kind in ("scp", "muse", "sierra") else 56.74, abs=0.01)
    assert tracing.study_date == "2021-03-31" and tracing.started_at == "2021-03-31T09:08:07" and tracing.modality == "ECG"
    device = {"aecg": "Acme X12", "scp": "Acme AT-10", "muse": "GE MAC55", "sierra": "Philips TC70", "ishne": "digital"}
    assert tracing.device == device[kind] and not tracing.warnings
    band = {"scp": "0.05-150 Hz, notch 50 Hz", "muse": "0.16-150 Hz, notch 50 Hz", "ishne": None}
    assert tracing.filters == band.get(kind, "0.05-150 Hz")


@pytest.mark.parametrize("kind", KINDS)
def test_cut_anywhere(kind: str) -> None:
    _, parser, data = KINDS[kind]
    for at in range(1, len(data) - (8 if kind in ("muse", "aecg", "sierra") else 2), max(len(data) // 97, 1)):
        if kind == "ishne" and at > 600:  # its header does not bind how long it is; see below
            break
        with pytest.raises(InputRejected):
            read(parser, data[:at])


# GE MUSE


def test_muse_takes_the_rhythm_and_makes_the_four_missing_leads() -> None:
    tracing = read(parse_muse, muse(EIGHT_COUNTS))
    assert tracing.leads == TWELVE and tracing.sampling_rate_hz == 500 and tracing.file_format == "GE MUSE XML"
    same(tracing, standard_twelve(EIGHT_COUNTS * 4.88e-3))


def test_muse_units_rates_and_sizes() -> None:
    same(
        read(parse_muse, muse(EIGHT_COUNTS, lead={"LeadAmplitudeUnits": "MILLIVOLTS", "LeadAmplitudeUnitsPerBit": 0.01})),
        standard_twelve(EIGHT_COUNTS / 100),
    )
    assert read(parse_muse, muse(EIGHT_COUNTS, base=5, exponent=2)).sampling_rate_hz == 500
    assert read(parse_muse, muse(EIGHT_COUNTS, encoding="utf-8", head="")).patient.name == f"{SECRET}ü^Ada"
    unscaled = read(parse_muse, muse(EIGHT_COUNTS, lead={"LeadAmplitudeUnits": None}))
    assert unscaled.unit == "NU" and np.array_equal(unscaled.signal[0], EIGHT_COUNTS[0])
    off = read(parse_muse, muse(EIGHT_COUNTS[:1], ("V1",), kinds=("Rhythm",), lead={"LeadOff": "TRUE", "FirstSampleBaseline": 3}))
    assert off.leads == ("V1",) and "V1 was off" in off.warnings[0] and "baseline" in off.warnings[1]
    assert "2 recordings" in read(parse_muse, muse(EIGHT_COUNTS, kinds=("Rhythm", "Rhythm"))).warnings[0]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"kinds": ("Median",)}, BadGeometry),
        ({"base": 0}, BadGeometry),
        ({"base": "NaN"}, BadGeometry),
        ({"base": -500}, BadGeometry),
        ({"exponent": 300}, BadGeometry),
        ({"base": 1, "exponent": -9}, TooLarge),  # 2,000 samples at a billionth of a hertz
        ({"lead": {"LeadAmplitudeUnitsPerBit": "NaN"}}, Inconsistent),
        ({"lead": {"LeadAmplitudeUnitsPerBit": "1e400"}}, Inconsistent),
        ({"lead": {"LeadAmplitudeUnitsPerBit": "1e300"}}, Inconsistent),
        ({"lead": {"LeadAmplitudeUnitsPerBit": 0}}, Inconsistent),
        ({"lead": {"LeadSampleCountTotal": 10**12}}, Truncated),
        ({"lead": {"LeadSampleCountTotal": 5}}, Inconsistent),
        ({"lead": {"LeadSampleSize": 3}}, Unsupported),
        ({"lead": {"LeadSampleSize": "x"}}, Unsupported),
        ({"lead": {"WaveFormData": "AAA"}}, Truncated),
        ({"lead": {"WaveFormData": "AA!A"}}, Truncated),
        ({"lead": {"WaveFormData": "", "LeadSampleCountTotal": None}}, BadGeometry),
    ],
)  # fmt: skip
def test_bent_muse_files(change: dict[str, object], error: type[InputRejected]) -> None:
    with pytest.raises(error):
        read(parse_muse, muse(EIGHT_COUNTS, **change))  # type: ignore[arg-type]


# Philips Sierra


@pytest.mark.parametrize("version", ["1.03", "1.04", "1.04.01", "1.04.02"])
@pytest.mark.parametrize("how", ["XLI", "Base64", "Plain"])
@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
def test_sierra_versions_and_encodings(version: str, how: str, codec: str) -> None:
    encoding = "Plain" if how == "Plain" else "Base64"
    data = sierra(TWELVE_COUNTS, version=version, compressed=how == "XLI", encoding=encoding, codec=codec)
    assert is_sierra(memoryview(data))
    tracing = read(parse_sierra, data)
    assert tracing.leads == TWELVE and tracing.sampling_rate_hz == 500
    same(tracing, TWELVE_COUNTS * 5e-3)
    assert tracing.filters == ("0.05-150 Hz" if version == "1.03" else "0.15-100 Hz")


def test_sierra_of_other_leads_keeps_them() -> None:
    values = counts(15)
    content = base64.b64encode(b"".join(map(xli, [*sierra_residuals(values[:12]), *values[12:]]))).decode()
    tracing = read(parse_sierra, sierra(values, (*TWELVE, "V3R", "V4R", "V7"), version="1.04", content=content))
    assert tracing.leads[12:] == ("V3R", "V4R", "V7")
    same(tracing, values * 5e-3)
    assert read(parse_sierra, sierra(TWELVE_COUNTS, resolution=None)).unit == "NU"


def test_sierra_calibration_pulse_is_no_heart_beat() -> None:
    """A HeartStart ends every lead with 0.2 s at 1 mV; read, it would be a beat in all leads."""
    tail = np.repeat([0, 200, 0], [80, 100, 50])
    tracing = read(parse_sierra, sierra(np.concatenate((TWELVE_COUNTS, np.tile(tail, (12, 1))), axis=1)))
    same(tracing, TWELVE_COUNTS * 5e-3)
    assert "calibration pulse" in tracing.warnings[0]
    flat = np.zeros((12, 500), np.int64)
    assert read(parse_sierra, sierra(flat)).signal.shape == (12, 500)  # a flat line is left to the quality check


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"rate": 0}, BadGeometry),
        ({"rate": "NaN"}, BadGeometry),
        ({"rate": 1e9}, BadGeometry),
        ({"duration": -1}, BadGeometry),
        ({"duration": 3e8}, TooLarge),  # 83 hours
        ({"duration": 9000}, Truncated),  # more than what is there
        ({"duration": 100}, TooLarge),  # unpacks to more than it says
        ({"version": "9.99"}, Unsupported),
        ({"kind": "Other"}, Unsupported),
        ({"encoding": "Hex"}, Unsupported),
        ({"resolution": "NaN"}, Inconsistent),
        ({"resolution": -5}, Inconsistent),
        ({"content": "AAA"}, Truncated),
        ({"content": base64.b64encode(struct.pack("<ihh", 2**31 - 1, 1, 0)).decode()}, Truncated),
        ({"content": base64.b64encode(struct.pack("<ihh", -1, 1, 0)).decode()}, Truncated),
        ({"content": base64.b64encode(struct.pack("<ihh", 2, 1, 0) + b"\xbf\xff").decode()}, Inconsistent),  # a code no table holds
        ({"compressed": False, "encoding": "Plain", "content": "1 2 three"}, Inconsistent),
        ({"compressed": False, "encoding": "Plain", "content": "1 2 3"}, Truncated),
    ],
)  # fmt: skip
def test_bent_sierra_files(change: dict[str, object], error: type[InputRejected]) -> None:
    with pytest.raises(error):
        read(parse_sierra, sierra(TWELVE_COUNTS, **change))  # type: ignore[arg-type]


# HL7 aECG


def test_aecg_takes_the_rhythm_series() -> None:
    tracing = read(parse_aecg, aecg(aecg_set(EIGHT_COUNTS, EIGHT)))
    assert tracing.leads == TWELVE and tracing.sampling_rate_hz == 500 and tracing.file_format == "HL7 aECG"
    same(tracing, standard_twelve(EIGHT_COUNTS * 2.5e-3))


@pytest.mark.parametrize(
    ("change", "rate", "scale"),
    [
        ({"step": "2", "unit": "ms"}, 500, 2.5e-3),
        ({"step": "4000", "unit": "us"}, 250, 2.5e-3),
        ({"scale_unit": "mV", "scale": "0.005"}, 500, 5e-3),
        ({"scale_unit": "nV", "scale": "2500"}, 500, 2.5e-3),
        ({"glist": "GLIST_PQ", "head": 'value="0.000" unit="s"'}, 500, 2.5e-3),
    ],
)  # fmt: skip
def test_aecg_units(change: dict[str, str], rate: float, scale: float) -> None:
    tracing = read(parse_aecg, aecg(aecg_set(EIGHT_COUNTS, EIGHT, **change)))  # type: ignore[arg-type]
    assert tracing.sampling_rate_hz == pytest.approx(rate, rel=1e-12)
    same(tracing, standard_twelve(EIGHT_COUNTS * scale))


def test_aecg_origin_and_missing_unit() -> None:
    same(read(parse_aecg, aecg(aecg_set(EIGHT_COUNTS[:1], ("V1",), origin="100"))), EIGHT_COUNTS[:1] * 2.5e-3 + 0.1)
    tracing = read(parse_aecg, aecg(aecg_set(EIGHT_COUNTS[:1], ("V1",), scale_unit="")))
    assert tracing.unit == "NU" and tracing.leads == ("V1",)


def test_aecg_leads_recorded_one_after_the_other() -> None:
    first, second = (
        aecg_set(EIGHT_COUNTS[:2], ("I", "II")),
        aecg_set(EIGHT_COUNTS[2:5], ("V1", "V2", "I"), head='value="20210331090812.000"'),
    )
    tracing = read(parse_aecg, aecg(first, second))
    assert tracing.leads == ("I", "II", "V1", "V2") and tracing.signal.shape == (4, 4500)  # 5 s later at 500 Hz, 4 s long
    expected = np.full((4, 4500), np.nan)
    expected[:2, :2000], expected[2:, 2500:], expected[0, 2500:] = EIGHT_COUNTS[:2], EIGHT_COUNTS[2:4], EIGHT_COUNTS[4]
    same(tracing, expected * 2.5e-3)
    other = read(parse_aecg, aecg(first, aecg_set(EIGHT_COUNTS[2:3], ("V1",), step="0.004")))
    assert other.leads == ("I", "II") and "left out" in other.warnings[0]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"step": "0"}, BadGeometry),
        ({"step": "-0.002"}, BadGeometry),
        ({"step": "NaN"}, BadGeometry),
        ({"step": "1e-320"}, BadGeometry),
        ({"unit": "parsec"}, BadGeometry),
        ({"scale": "NaN"}, Inconsistent),
        ({"scale": "1e400"}, Inconsistent),
        ({"scale": "1e300"}, Inconsistent),
        ({"scale": "0"}, Inconsistent),
        ({"digits": ""}, BadGeometry),
        ({"digits": "1 2 three"}, Inconsistent),
        ({"digits": "1 2 1e999"}, Inconsistent),
        ({"step": "1e6"}, TooLarge),
    ],
)  # fmt: skip
def test_bent_aecg_files(change: dict[str, str], error: type[InputRejected]) -> None:
    with pytest.raises(error):
        read(parse_aecg, aecg(aecg_set(EIGHT_COUNTS, EIGHT, **change)))  # type: ignore[arg-type]


def test_aecg_without_a_rhythm_or_with_sets_ages_apart() -> None:
    with pytest.raises(BadGeometry):
        read(parse_aecg, aecg(aecg_set(EIGHT_COUNTS, EIGHT), code="REPRESENTATIVE_BEAT"))
    with pytest.raises(BadGeometry):
        read(parse_aecg, aecg())
    for far in ("1e6", "1e308"):
        sets = [aecg_set(EIGHT_COUNTS[:1], ("I",), glist="GLIST_PQ", head=f'value="{head}" unit="s"') for head in ("0", far)]
        with pytest.raises(TooLarge):
            read(parse_aecg, aecg(*sets))


# XML of all kinds

ROOTS = {"AnnotatedECG": parse_aecg, "RestingECG": parse_muse, "restingecgdata": parse_sierra}


@pytest.mark.parametrize("root", ROOTS)
def test_xml_that_would_harm_is_refused(root: str) -> None:
    def doc(head: str, body: str) -> bytes:
        return f'<?xml version="1.0"?>{head}<{root}>{body}</{root}>'.encode()

    lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bombs = {
        Unsupported: (
            doc(f'<!DOCTYPE x [<!ENTITY l0 "lol">{lol}]>', "&l9;"),
            doc('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>', "&e;"),
            doc('<!DOCTYPE x [<!ENTITY % p SYSTEM "http://example.org/e.dtd"> %p;]>', ""),
            f'<?xml version="1.0" encoding="klingon"?><{root}/>'.encode(),
        ),
        TooLarge: (
            doc("", "<a>" * 20_000 + "</a>" * 20_000),
            doc("", "<a/>" * 500_000),
            doc("", " " * (33 << 20)),
        ),
        Truncated: (doc("", "<a>"), doc("", "&undefined;"), doc("", "\0")),
    }  # fmt: skip
    start = time.monotonic()
    for error, files in bombs.items():
        for data in files:
            with pytest.raises(error):
                read(ROOTS[root], data)
    assert time.monotonic() - start < 20


def test_a_named_dtd_is_neither_fetched_nor_minded() -> None:
    assert (
        read(parse_muse, muse(EIGHT_COUNTS, head='<!-- <x> --><!DOCTYPE RestingECG SYSTEM "http://127.0.0.1:9/restecg.dtd">')).leads
        == TWELVE
    )


# ISHNE


def test_ishne_signal_faults_and_names() -> None:
    values = counts(3, 500)
    values[1, 40:60] = -32768
    tracing = read(parse_ishne, ishne(values, (5, 0, 11)))
    expected = values * 2.5e-3
    expected[1, 40:60] = np.nan
    assert tracing.leads == ("I", "Lead 2", "V1") and tracing.sampling_rate_hz == 200
    same(tracing, expected)
    assert read(parse_ishne, ishne(counts(8), (5, 6, 11, 12, 13, 14, 15, 16))).leads == TWELVE


def test_ishne_checksum_and_counts() -> None:
    values = counts(3, 500)
    assert "checksum" in read(parse_ishne, ishne(values, checksum=1)).warnings[0]
    assert not read(parse_ishne, ishne(values, checksum=0)).warnings  # not reckoned by the writer
    assert not read(parse_ishne, ishne(values, stated=1500)).warnings  # samples of all leads
    assert "number of samples" in read(parse_ishne, ishne(values, stated=900)).warnings[0]
    assert read(parse_ishne, ishne(values, resolution=0)).unit == "NU"
    with pytest.raises(Truncated):
        read(parse_ishne, ishne(values, stated=2000))
    with pytest.raises(Truncated):
        read(parse_ishne, ishne(values)[:400])


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (ishne(counts(3, 10), rate=0), BadGeometry),
        (ishne(counts(3, 10), rate=-200), BadGeometry),
        (ishne(counts(3, 10), leads=0), BadGeometry),
        (ishne(counts(3, 10), leads=13), BadGeometry),
        (ishne(counts(3, 0)), BadGeometry),
        (ishne(np.zeros((1, 300_000), np.int64), (5,), rate=1), TooLarge),  # 83 hours
    ],
)
def test_bent_ishne_files(data: bytes, error: type[InputRejected]) -> None:
    with pytest.raises(error):
        read(parse_ishne, data)
    whole = bytearray(ishne(counts(3, 10)))
    whole[10:14] = struct.pack("<i", 2**31 - 1)
    with pytest.raises(Truncated):
        read(parse_ishne, bytes(whole))


def test_a_day_of_holter_is_quick() -> None:
    values = np.tile(counts(3, 2000), (1, 24 * 3600 * 200 // 2000)).astype(np.int16)
    data = ishne(values)
    start = time.monotonic()
    tracing = read(parse_ishne, data)
    assert tracing.signal.shape == (3, 17_280_000) and time.monotonic() - start < 5


# SCP-ECG


@pytest.mark.parametrize("coded", [False, True])
@pytest.mark.parametrize("order", [0, 1, 2])
def test_scp_codes_and_differences(coded: bool, order: int) -> None:
    tracing = read(parse_scp, scp(EIGHT_COUNTS, coded=coded, order=order))
    assert tracing.leads == TWELVE and tracing.sampling_rate_hz == 500 and not tracing.warnings
    same(tracing, standard_twelve(EIGHT_COUNTS * 5e-3))


def test_scp_default_code_by_hand() -> None:
    assert [default_bits(value) for value in (0, 1, -1, 8, -8, 9, -300)] == [
        "0", "100", "101", "1111111100", "1111111101", "111111111000001001", "11111111111111111011010100",
    ]  # fmt: skip
    values = np.array([0, 1, -1, 8, -8, 9, -128, 127, 128, -129, 32767, -32768, 2])
    data = memoryview(packed_bits("".join(map(default_bits, values.tolist()))))
    assert np.array_equal(Decoder((default_table(),)).decode(data, values.size), values)


def test_scp_own_tables_with_a_switch() -> None:
    """Table 1: 0 is 0, 10 is 1, 110 switches to table 2; table 2: 0 is five bits in full on 100, 1 switches back."""
    tables = own_tables([("0", 1, 1, 0), ("10", 2, 1, 1), ("110", 3, 0, 2)], [("0", 6, 1, 100), ("1", 1, 0, 1)])
    bits = "0" + "10" + "110" + "0" + "00011" + "0" + "11110" + "1" + "10"  # 0 1 (to 2) 103 98 (back) 1
    part = packed_bits(bits)
    rhythm = section(6, struct.pack("<HHBBH", 1000, 2000, 0, 0, len(part)) + part)
    sections = {1: scp_who(), 2: tables, 3: scp_leads(("V1",), [(1, 5)]), 6: rhythm}
    same(read(parse_scp, scp_record(sections)), np.array([[0, 1, 103, 98, 1]]) * 1e-3)
    for wrong in ([("11", 2, 1, 0)], [("0", 1, 0, 9)], []):
        with pytest.raises((Inconsistent, Truncated)):
            read(parse_scp, scp_record(sections | {2: own_tables(wrong)}))
    for longer in ([("0" * 20, 20, 1, 0)], [("0", 60, 1, 0)]):
        with pytest.raises(Unsupported):
            read(parse_scp, scp_record(sections | {2: own_tables(longer)}))


def _with_beats(bimodal: bool) -> tuple[dict[int, bytes], np.ndarray]:
    """Two leads of 1,000 samples with three beats of 100 taken out, decimated by four outside of them if `bimodal`; and what they were."""
    shape = np.round(200 * np.sin(np.linspace(0, np.pi, 100))).astype(np.int64)
    beats = np.stack([shape, -shape // 2])
    slow = np.round(40 * np.sin(np.arange(1000) / 200)).astype(np.int64)
    rest = np.stack([slow, slow // 2])
    places = [(0, at, at + 39, at + 99) for at in (101, 401, 701)]  # fiducial point on the beat's 40th sample
    whole = rest * 5.0
    for _, start, _, end in places:
        whole[:, start - 1 : end] += beats * 2.5
    zones = [(start, end) for _, start, _, end in places]
    inside = np.zeros(1000, bool)
    for start, end in zones:
        inside[start - 1 : end] = True
    rows = rest if not bimodal else np.stack([_decimated(row, inside) for row in rest])
    return {
        1: scp_who(),
        2: section(2, struct.pack("<H", 19999)),
        3: scp_leads(("V1", "V2"), [(1, 1000)] * 2, flags=0x45),
        4: scp_beats(200, 40, places, zones),
        5: scp_data(5, beats, nanovolts=2500, order=1),
        6: scp_data(6, rows, interval=8000 if bimodal else 2000, bimodal=int(bimodal)),
    }, whole / 1000


def _decimated(row: np.ndarray, inside: np.ndarray) -> np.ndarray:
    out: list[int] = []
    at = 0
    while at < row.size:
        size = 1 if inside[at] else 4
        out.append(round(float(row[at : at + size].mean())))
        at += size
    return np.array(out)


def test_scp_reference_beats_are_put_back() -> None:
    sections, whole = _with_beats(bimodal=False)
    same(read(parse_scp, scp_record(sections)), whole)
    with pytest.raises(Unsupported):
        read(parse_scp, scp_record({number: data for number, data in sections.items() if number != 5}))
    with pytest.raises(Inconsistent):
        read(parse_scp, scp_record({number: data for number, data in sections.items() if number != 4}))


def test_scp_bimodal_compression_is_undone() -> None:
    sections, whole = _with_beats(bimodal=True)
    tracing = read(parse_scp, scp_record(sections))
    assert tracing.sampling_rate_hz == 500 and tracing.signal.shape == (2, 1000) and "lower sampling rate" in tracing.warnings[0]
    assert np.abs(tracing.signal - whole).max() <= 0.006  # a step of 5 uV by rounding, and the bend between two samples
    odd = scp_beats(200, 40, [(0, 103, 142, 202)], [(103, 202)])
    with pytest.raises(Unsupported):
        read(parse_scp, scp_record(sections | {4: odd}))


def test_scp_leads_that_do_not_begin_together() -> None:
    rows = [EIGHT_COUNTS[0, :500], EIGHT_COUNTS[1, :300]]
    sections = {3: scp_leads(("I", "V1"), [(1, 500), (401, 700)]), 6: scp_data(6, rows, coded=False, order=0)}
    expected = np.full((2, 700), np.nan)
    expected[0, :500], expected[1, 400:] = rows[0], rows[1]
    tracing = read(parse_scp, scp_record(sections))
    same(tracing, expected * 5e-3)
    assert tracing.patient == Patient() and tracing.started_at is None


def test_scp_checksums_damage_and_units() -> None:
    sections = {3: scp_leads(("V1",), [(1, 300)]), 6: scp_data(6, [EIGHT_COUNTS[0, :300]], coded=False)}
    assert not read(parse_scp, scp_record(sections)).warnings
    assert "checksum" in read(parse_scp, scp_record(sections, crc=1)).warnings[0]
    assert "checksum" in read(parse_scp, scp_record(sections | {1: section(1, b"\xff\0\0", crc=7)})).warnings[0]
    assert "damaged" in read(parse_scp, scp_record(sections | {1: section(1, b"\0\xff\xff12345")})).warnings[0]
    assert read(parse_scp, scp_record(sections | {6: scp_data(6, [EIGHT_COUNTS[0, :300]], coded=False, nanovolts=0)})).unit == "NU"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({3: b""}, BadGeometry),
        ({6: b""}, BadGeometry),
        ({3: section(3, b"")}, Truncated),
        ({3: section(3, b"\0\0")}, BadGeometry),
        ({3: section(3, b"\x08\x44")}, Truncated),
        ({3: scp_leads(("V1",), [(5, 4)])}, BadGeometry),
        ({3: scp_leads(("V1",), [(1, 4_000_000_000)])}, TooLarge),
        ({3: scp_leads(("V1",), [(1, 10_000_000)])}, TooLarge),
        ({3: scp_leads(("V1", "V2"), [(1, 300), (2_000_000_000, 2_000_000_001)])}, Truncated),
        ({3: scp_leads(("V1",), [(1, 301)])}, Truncated),
        ({6: section(6, b"")}, Truncated),
        ({6: section(4, b"")}, Inconsistent),
        ({6: scp_data(6, [EIGHT_COUNTS[0, :300]], interval=0)}, BadGeometry),
        ({6: scp_data(6, [EIGHT_COUNTS[0, :300]], interval=1)}, BadGeometry),
        ({6: scp_data(6, [EIGHT_COUNTS[0, :300]], sizes=[65535])}, Truncated),
        ({6: scp_data(6, [EIGHT_COUNTS[0, :300]], bimodal=1)}, Unsupported),
        ({6: section(6, struct.pack("<HHBBH", 5000, 2000, 9, 0, 0))}, Inconsistent),
        ({2: section(2, b"")}, Truncated),
        ({2: section(2, struct.pack("<H", 65535))}, Inconsistent),
        ({2: section(2, struct.pack("<HH", 1, 65535))}, Truncated),
    ],
)
def test_bent_scp_files(change: dict[int, bytes], error: type[InputRejected]) -> None:
    sections = {3: scp_leads(("V1",), [(1, 300)]), 6: scp_data(6, [EIGHT_COUNTS[0, :300]], coded=False)}
    with pytest.raises(error):
        read(parse_scp, scp_record(sections | change))


def test_scp_bits_that_claim_millions_of_samples() -> None:
    """64 KiB of zeros are half a million zeros in the standard's code; that is read, sixty leads of it are refused."""
    rhythm = section(6, struct.pack("<HHBBH", 5000, 2000, 0, 0, 65534) + bytes(65534))
    coded = section(2, struct.pack("<H", 19999))
    start = time.monotonic()
    assert read(parse_scp, scp_record({2: coded, 3: scp_leads(("V1",), [(1, 8 * 65534)]), 6: rhythm})).signal.shape == (1, 8 * 65534)
    assert time.monotonic() - start < 4
    with pytest.raises(TooLarge):
        read(parse_scp, scp_record({2: coded, 3: scp_leads(["V1"] * 60, [(1, 8 * 65534)] * 60), 6: rhythm}))


# What they share


def test_units_and_filters() -> None:
    units = {"mV": 1, "uV": 1e-3, "\u00b5V": 1e-3, "\u03bcV": 1e-3, "nV": 1e-6, "V": 1e3, "MICROVOLTS": 1e-3, "Millivolt": 1}
    assert {unit: millivolts(unit) for unit in units} == units
    assert millivolts("NU") is None and millivolts(None) is None and millivolts("s") is None
    assert [filters(0.05, 150, 50), filters(0.5, None, None), filters(None, 40, None), filters(None, None, 60), filters(0, 0, 0)] == [
        "0.05-150 Hz, notch 50 Hz", "from 0.5 Hz", "up to 40 Hz", "notch 60 Hz", None,
    ]  # fmt: skip


def test_leads_that_come_twice_are_numbered() -> None:
    assert distinct(["v1", "V1", "V1 2", "AVR", "a" * 30, "a" * 30]) == ("V1", "V1 2", "V1 2 2", "aVR", "a" * 16, "a" * 12 + " 2")


def test_refusals_tell_no_patient() -> None:
    for _, parser, data in KINDS.values():
        for at in (len(data) // 3, len(data) // 2):
            bent = data[:at] + b"\xff\xff\xff\xff" + data[at + 4 :]
            try:
                notes = " ".join(read(parser, bent).warnings)
            except InputRejected as error:
                notes = str(error)
            assert SECRET not in notes and "P-17" not in notes


SEEDS = [
    *((parser, data) for _, parser, data in KINDS.values()),
    (parse_scp, scp_record(_with_beats(bimodal=True)[0])),
    (parse_scp, scp_record(_with_beats(bimodal=False)[0])),
    (parse_sierra, sierra(counts(12, 40), version="1.04", compressed=False, encoding="Plain")),
    (parse_aecg, aecg(aecg_set(counts(2, 9), ("I", "II")), aecg_set(counts(2, 9), ("V1", "V2"), head='value="20210331090812.5"'))),
]
NUMBERS = ("NaN", "inf", "-1", "0", "1e308", "1e-308", "99999999999999999999", "", "x", "2.5,", "\u0662")


def only_refused(parser: Parser, data: bytes) -> None:
    """Read; nothing but a typed refusal may leave, and what is read is whole."""
    try:
        tracing = parser(memoryview(data))
    except InputRejected as error:
        assert str(error)
        return
    assert tracing.signal.shape[0] == len(tracing.leads) == len(set(tracing.leads)) and tracing.sampling_rate_hz > 0
    assert tracing.signal.dtype == np.float32 and not np.isinf(tracing.signal).any()


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.data())
def test_mutated_files_raise_refusals_alone(data: st.DataObject) -> None:
    parser, seed = data.draw(st.sampled_from(SEEDS))
    bent = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 5))):
        reach = data.draw(st.sampled_from((60, 300, 700, len(bent))))
        at = data.draw(st.integers(0, max(min(reach, len(bent)) - 1, 0)))
        match data.draw(st.sampled_from(("change", "cut", "insert", "drop"))):
            case "change":
                bent[at : at + 4] = data.draw(st.binary(min_size=1, max_size=4))
            case "cut":
                del bent[at:]
            case "insert":
                bent[at:at] = data.draw(st.binary(min_size=1, max_size=8))
            case _:
                del bent[at : at + data.draw(st.integers(1, 16))]
    only_refused(parser, bytes(bent))


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.data())
def test_forged_numbers_in_xml(data: st.DataObject) -> None:
    parser, seed = data.draw(st.sampled_from([pair for pair in SEEDS if pair[1].lstrip().startswith(b"<?xml")]))
    text = seed.decode("latin-1")
    spots = [found.span() for found in re.finditer(r"(?<=[>\"'])-?\d+(?:\.\d+)?(?=[<\"'])", text)]
    for start, end in sorted(data.draw(st.lists(st.sampled_from(spots), min_size=1, max_size=3, unique=True)), reverse=True):
        text = text[:start] + data.draw(st.sampled_from(NUMBERS)) + text[end:]
    only_refused(parser, text.encode("utf-8"))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.sampled_from(sorted(KINDS)), st.binary(max_size=400))
def test_any_bytes(kind: str, data: bytes) -> None:
    is_it, parser, seed = KINDS[kind]
    assert is_it(memoryview(data)) in (False, True)
    only_refused(parser, data)
    only_refused(parser, seed[: {"scp": 22, "ishne": 200}.get(kind, 60)] + data)
