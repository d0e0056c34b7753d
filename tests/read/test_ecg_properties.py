"""Arbitrary and damaged ECG files raise nothing but MedcoreError; what is read keeps the promises of a recording."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import medcore.read as reader
from medcore.errors import MedcoreError
from medcore.read.ecg.note import Note
from medcore.read.ecg.wfdb_header import wfdb_files
from medcore.read.parse import parse
from medcore.read.tracing import Tracing
from medcore.types import Study
from tests.read.build_ecg import WFDB_FORMATS, annotations, edf, group, heart, mat4, mat5, stored, table, waveform, wfdb

COUNTS = np.rint(heart(1.0) * 1000).astype(np.int16)
BLOCKS = COUNTS.astype(np.int64).reshape(2, 1, 250)
SEEDS = (
    waveform(group(stored(16)[:250])),
    edf([("ECG I", "uV", BLOCKS[0]), ("ECG II", "uV", BLOCKS[1]), annotations([0])], reserved="EDF+D"),
    edf([("ECG I", "uV", BLOCKS[0])], bdf=True),
    mat4("val", COUNTS),
    mat5({"val": COUNTS, "fs": np.array([[250.0]])}),
    mat5({"val": COUNTS}, compressed=True),
    table(heart(1.0), "time,I (mV),II (mV)\n", times=[f"{number / 250:.3f}" for number in range(250)]),
    table(heart(1.0), "# fs: 250\n"),
)
STARTS = (
    b"",
    b"0       ",
    b"\xffBIOSEMI",
    b"MATLAB 5.0 MAT-file",
    b"\x1e\0\0\0",
    b"r1 1 250 100\nr1.dat 16\n",
    b"1,2\n",
    b"fs 250\nI,II\n",
    b"#",
)
RECORDS = tuple(wfdb(fmt, stored(fmt, 1.0)) for fmt in WFDB_FORMATS)
NOTE = Note(sampling_rate_hz=250.0, unit="mV")
QUIET = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example], derandomize=True
)


def answers(data: bytes, parts: dict[str, memoryview] | None = None, note: Note | None = None) -> None:
    """Parse; anything but a sound tracing, an image or a typed refusal fails the test."""
    try:
        found = parse(memoryview(data), parts, note)
    except MedcoreError as error:
        assert str(error)
        return
    if isinstance(found, Tracing):
        assert found.signal.dtype == np.float32 and found.signal.ndim == 2 and found.signal.shape[0] == len(found.leads) <= 32
        assert found.sampling_rate_hz > 0 and found.unit in ("mV", "NU") and not np.isinf(found.signal).any()
        assert found.signal.shape[1] <= 72 * 3600 * found.sampling_rate_hz


@st.composite
def mutated(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """A valid file with bytes changed, removed or put in, mostly near its beginning."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 5))):
        reach = draw(st.sampled_from((60, 400, len(data))))
        at = draw(st.integers(0, max(min(reach, len(data)) - 1, 0)))
        match draw(st.sampled_from(("change", "digit", "cut", "insert", "drop"))):
            case "change":
                data[at : at + 2] = draw(st.binary(min_size=1, max_size=3))
            case "digit":
                data[at : at + 1] = draw(st.sampled_from((b"0", b"9", b"-", b".", b" ", b"e", b"\n")))
            case "cut" if at > 40:
                del data[at:]
            case "insert":
                data[at:at] = draw(st.binary(min_size=1, max_size=6))
            case _:
                del data[at : at + draw(st.integers(1, 9))]
    return bytes(data)


@QUIET
@given(st.sampled_from(STARTS), st.binary(max_size=1500), st.sampled_from((None, NOTE)))
def test_any_bytes(start: bytes, data: bytes, note: Note | None) -> None:
    answers(start + data, note=note)


@settings(QUIET, max_examples=600)
@given(mutated(SEEDS), st.sampled_from((None, NOTE)))
def test_mutated_files(data: bytes, note: Note | None) -> None:
    answers(data, note=note)


@settings(QUIET, max_examples=400)
@given(st.sampled_from(RECORDS), st.data())
def test_mutated_records(record: list[tuple[str, bytes]], data: st.DataObject) -> None:
    head, signal = data.draw(mutated((record[0][1],))), data.draw(st.one_of(st.just(record[1][1]), mutated((record[1][1],))))
    try:
        names = wfdb_files(head)
    except MedcoreError:
        names = ("r1.dat",)
    assert not any("/" in name or "\\" in name or name in (".", "..") for name in names)
    answers(head, dict.fromkeys(names, memoryview(signal)))


@settings(QUIET, max_examples=25)
@given(st.lists(st.sampled_from(RECORDS).flatmap(lambda record: st.tuples(mutated((record[0][1],)), st.just(record[1][1]))), max_size=5))
def test_the_sandbox_answers_each_record(records: list[tuple[bytes, bytes]]) -> None:
    found = reader.read_records([[("r1.hea", head), ("r1.dat", signal)] for head, signal in records])
    assert len(found) == len(records) and all(isinstance(answer, Study | MedcoreError) for answer in found)
