"""Bad files of glucose: the line is named, the limits hold, and nothing but a typed refusal is ever raised (bad_inputs.md row 50)."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import medcore.read as reader
from medcore.errors import Inconsistent, InputRejected, MedcoreError, TooLarge
from medcore.read.curve import Curve
from medcore.read.glucose.note import Said
from medcore.read.parse import parse
from tests.read.glucose import build
from tests.read.glucose.test_makers import traced

TIMES = build.clock(600)
VALUES = build.glucose(600)


def with_line(number: int, text: str, count: int = 600) -> bytes:
    """A table of readings in which one line (counted from 1, the names being the first) is another."""
    lines = build.table(TIMES[:count], VALUES[:count].tolist()).decode().splitlines()
    lines[number - 1] = text
    return "\n".join(lines).encode()


@pytest.mark.parametrize("value", ["inf", "-inf", "1e308", "1e400", "-5", "-120", "4000"])
def test_a_number_that_no_glucose_can_be_is_named_by_its_line(value: str) -> None:
    with pytest.raises(Inconsistent, match=r"Line 37 holds a number that no glucose can be"):
        reader.read("x", with_line(37, f"{TIMES[35]:%Y-%m-%d %H:%M:%S},{value}"))


def test_mixed_units_are_named_by_their_line() -> None:
    with pytest.raises(Inconsistent, match=r"Line 60 looks like mmol/L"):
        reader.read("x", with_line(60, f"{TIMES[58]:%Y-%m-%d %H:%M:%S},5.4"))
    lines = build.table(TIMES, [round(value / build.MMOL, 1) for value in VALUES], "time,glucose (mmol/L)").decode().splitlines()
    lines[60] = f"{TIMES[59]:%Y-%m-%d %H:%M:%S},123"
    with pytest.raises(Inconsistent, match=r"Line 61 looks like mg/dL"):
        reader.read("x", "\n".join(lines).encode())
    rows = [
        f"{when:%Y-%m-%d %H:%M},{value:g},{'mmol/L' if place == 9 else 'mg/dL'}"
        for place, (when, value) in enumerate(zip(TIMES, VALUES, strict=True))
    ]
    with pytest.raises(Inconsistent, match=r"Line 11 is in mmol/L"):
        reader.read("x", "\n".join(["time,glucose,unit", *rows]).encode())


@pytest.mark.parametrize("name", ["subject", "patient_id", "id"])
def test_two_subjects_are_named_by_the_line(name: str) -> None:
    rows = [
        f"{'a' if place < 300 else 'b'},{when:%Y-%m-%d %H:%M:%S},{value:g}"
        for place, (when, value) in enumerate(zip(TIMES, VALUES, strict=True))
    ]
    with pytest.raises(Inconsistent, match=r"Line 302 is of another person"):
        reader.read("x", "\n".join([f"{name},time,glucose_mg_dl", *rows]).encode())


def test_a_number_of_rows_is_no_subject() -> None:
    rows = [f"{place},{when:%Y-%m-%d %H:%M:%S},{value:g}" for place, (when, value) in enumerate(zip(TIMES, VALUES, strict=True))]
    study = reader.read("x", "\n".join(["id,time,glucose_mg_dl", *rows]).encode())
    assert study.patient.patient_id is None and len(study.traces[0].glucose) == 600


def test_a_few_unreadable_rows_are_left_out_and_named() -> None:
    lines = build.table(TIMES, VALUES.tolist()).decode().splitlines()
    lines[10], lines[20], lines[30] = "rubbish", "2024-13-45 10:00:00,100", f"{TIMES[29]:%Y-%m-%d %H:%M:%S},?"
    trace = traced("\n".join(lines).encode())
    assert len(trace.glucose) == 597 and trace.warnings == ("3 unreadable rows were left out: line 11, 21, 31.",)


def test_numbers_below_all_sensors_are_no_readings_and_no_other_unit() -> None:
    lines = build.table(TIMES, VALUES.tolist()).decode().splitlines()
    lines[10] = lines[10].split(",")[0] + ",1.8"
    trace = traced("\n".join(lines).encode())
    assert len(trace.glucose) == 599 and trace.warnings == ("1 unreadable row was left out: line 11.",)


def test_many_unreadable_rows_are_refused_by_the_first() -> None:
    lines = build.table(TIMES, VALUES.tolist()).decode().splitlines()
    for place in range(100, 140):
        lines[place] = "x,y"
    with pytest.raises(Inconsistent, match=r"Line 101 cannot be read as a time with a value, and so 40 lines"):
        reader.read("x", "\n".join(lines).encode())


def test_times_that_are_no_dates_are_refused_by_the_first() -> None:
    with pytest.raises(Inconsistent, match=r"Line 2 cannot be read as a time"):
        reader.read("x", b"subject,time,glucose\n" + b"".join(b"1,%d,%d\n" % (place * 5, 90 + place) for place in range(300)))


def test_empty_cells_zeros_and_words_for_nothing_are_no_readings() -> None:
    values = [*VALUES[:20].tolist(), "", "0", "NaN", "null", "-"]
    trace = traced(build.table(TIMES[:25], values))
    assert len(trace.glucose) == 20 and trace.warnings == ("4 unreadable rows were left out: line 23, 24, 25 and others.",)


@pytest.mark.parametrize("word", ["0", "0.0", "nan", "NaN", "null", "abc"])
def test_a_row_that_holds_no_reading_is_told_however_it_says_so(word: str) -> None:
    trace = traced(with_line(37, f"{TIMES[35]:%Y-%m-%d %H:%M:%S},{word}"))
    assert len(trace.glucose) == 599 and trace.warnings == ("1 unreadable row was left out: line 37.",)


def test_an_empty_cell_is_no_row_left_out() -> None:
    assert traced(with_line(37, f"{TIMES[35]:%Y-%m-%d %H:%M:%S},")).warnings == ()


def test_gaps_that_are_written_out_are_told_and_not_refused() -> None:
    values = ["nan" if place % 4 == 1 else value for place, value in enumerate(VALUES.tolist())]
    trace = traced(build.table(TIMES, values))
    assert len(trace.glucose) == 450 and trace.warnings == ("150 unreadable rows were left out: line 3, 7, 11 and others.",)


@pytest.mark.parametrize("word", ["0", "nan"])
def test_a_row_whose_dose_is_taken_is_not_left_out(word: str) -> None:
    rows = [f"{when:%Y-%m-%d %H:%M:%S},{value:g},0" for when, value in zip(TIMES, VALUES, strict=True)]
    rows[35], rows[45] = f"{TIMES[35]:%Y-%m-%d %H:%M:%S},{word},30", f"{TIMES[45]:%Y-%m-%d %H:%M:%S},{word},0"
    trace = traced("\n".join(["time,glucose_mg_dl,carbs_g", *rows]).encode())
    assert len(trace.glucose) == 598 and trace.warnings == ("1 unreadable row was left out: line 47.",)
    assert trace.event_value.tolist() == [30.0]


def quoted(*places: tuple[int, int], columns: int = 3) -> bytes:
    """A table with a quotation mark put into lines (counted from 1), each before a column (counted from 0)."""
    names, rows = ["subject", "time", "glucose_mg_dl"][-columns:], zip(TIMES, VALUES, strict=True)
    lines = [names, *(["A", f"{when:%Y-%m-%d %H:%M:%S}", f"{value:g}"][-columns:] for when, value in rows)]
    for line, column in places:
        lines[line - 1][column] = '"' + lines[line - 1][column]
    return "".join(",".join(cells) + "\n" for cells in lines).encode()


@pytest.mark.parametrize("columns", [2, 3])
@pytest.mark.parametrize(("first", "last"), [(410, 601), (2, 601), (3, 601), (599, 601), (600, 601)])
def test_a_stray_quotation_mark_is_named_by_its_line(first: int, last: int, columns: int) -> None:
    for column in range(columns):
        with pytest.raises(Inconsistent, match=f"A quotation mark runs from line {first} over the rows up to line {last},"):
            reader.read("x", quoted((first, column), columns=columns))


@pytest.mark.parametrize("last", [411, 412, 425, 500])
def test_two_stray_quotation_marks_swallow_no_rows(last: int) -> None:
    for column in range(2):
        with pytest.raises(Inconsistent, match=f"A quotation mark runs from line 410 over the rows up to line {last},"):
            reader.read("x", quoted((410, column), (last, column)))


def test_a_quotation_mark_before_more_than_a_cell_may_hold_is_named_by_its_line() -> None:
    times = build.clock(6000)
    lines = build.table(times, build.glucose(6000).tolist()).decode().splitlines()
    lines[409] = '"' + lines[409]
    with pytest.raises(Inconsistent, match=r"From line 410 on, the rows of this table cannot be told apart"):
        reader.read("x", "\n".join(lines).encode())


def test_quoted_cells_and_remarks_of_several_lines_are_read() -> None:
    rows = [f'"{when:%Y-%m-%d %H:%M:%S}","{value:g}",""' for when, value in zip(TIMES, VALUES, strict=True)]
    rows[35] = rows[35][:-2] + '"pizza, salad,\nwine, cake,\n\nand a walk"'
    rows[45] = rows[45][:-2] + '"at 12:30\nbread"'
    trace = traced("\n".join(["time,glucose_mg_dl,remarks", *rows]).encode())
    assert len(trace.glucose) == 600 and trace.warnings == ()


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "latin-1"])
def test_encodings(codec: str) -> None:
    text = build.libre(list(zip(build.clock(60, 15.0), build.glucose(60, 15.0), strict=True)), language="de").decode()
    assert len(reader.read("x", text.encode(codec)).traces[0].glucose) == 60


def test_ten_million_rows_are_refused_in_time() -> None:
    row = b"2024-03-01 00:00:00,120\n"
    data = b"time,glucose_mg_dl\n" + row * 5_000_000  # 120 MB, below the limit of bytes
    start = time.monotonic()
    with pytest.raises(TooLarge, match=r"after line 600001"):
        reader.read("x", data)
    assert time.monotonic() - start < 30  # on a machine that does other things too
    with pytest.raises(TooLarge, match="larger than the reader takes"):
        reader.read("x", b"time,glucose_mg_dl\n" + row * 10_000_000)


def test_a_year_is_read_in_little_time() -> None:
    times = build.clock(365 * 288)
    data = memoryview(build.table(times, build.glucose(len(times)).tolist()))
    start = time.process_time()
    trace = traced(bytes(data))
    assert time.process_time() - start < 2.0 and len(trace.glucose) == 365 * 288


def test_damaged_json_and_xml_are_refused() -> None:
    for data in (build.dumped(build.entries(TIMES, VALUES))[:-40], build.ohio(TIMES, VALUES)[:-40], b'[{"sgv": 1', b'{"a": NaN'):
        with pytest.raises(InputRejected):
            reader.read("x", data)
    with pytest.raises(InputRejected):
        reader.read("x", b"[" * 100_000)


def test_numbers_in_json_that_cannot_be() -> None:
    listed = build.entries(TIMES, VALUES)
    for value in ("1e999", 10**400, -5, "inf"):
        with pytest.raises(Inconsistent, match="Entry 1 "):
            parse(memoryview(build.dumped([{**listed[0], "sgv": value}, *listed[1:]])))


def test_what_a_file_says_never_stands_in_an_error() -> None:
    with pytest.raises(InputRejected) as caught:
        reader.read("x", with_line(37, f"{TIMES[35]:%Y-%m-%d %H:%M:%S},SECRET", 60))
    assert "SECRET" not in str(caught.value)


# Whatever comes

SEEDS = (
    build.clarity(TIMES[:20], VALUES[:20]),
    build.libre(list(zip(TIMES[:20], VALUES[:20], strict=True)), language="fr"),
    build.libre_old(list(zip(TIMES[:20], VALUES[:20], strict=True))),
    build.carelink(TIMES[:20], VALUES[:20].tolist()),
    build.dumped({"entries": build.entries(TIMES[:20], VALUES[:20].tolist()), "treatments": build.treatments(TIMES[0])}),
    build.dumped(build.tidepool(TIMES[:20], VALUES[:20].tolist())),
    build.ohio(TIMES[:20], VALUES[:20].tolist()),
    build.xdrip(TIMES[:20], VALUES[:20].tolist()),
    build.table(TIMES[:20], VALUES[:20].tolist(), "time,glucose", "%d/%m/%Y %H:%M"),
)
QUIET = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example], derandomize=True
)


def answers(data: bytes, said: Said | None = None) -> None:
    """Parse; anything but a sound curve or a typed refusal fails the test."""
    try:
        found = parse(memoryview(data), said=said)
    except MedcoreError as error:
        assert str(error)
        return
    if isinstance(found, Curve) and found.trace is not None:
        trace = found.trace
        assert np.isfinite(trace.glucose).all() and (trace.glucose > 0).all() and (trace.glucose <= 1000).all()
        assert np.isfinite(trace.minutes).all() and np.isfinite(trace.clock_s).all() and np.isfinite(trace.event_minutes).all()
        assert np.isfinite(trace.event_value).all() and (np.diff(trace.event_minutes) >= 0).all()


@QUIET
@given(seed=st.sampled_from(SEEDS), cut=st.integers(0, 4000), place=st.integers(0, 4000), junk=st.binary(max_size=40))
def test_damaged_exports(seed: bytes, cut: int, place: int, junk: bytes) -> None:
    answers(seed[: len(seed) - cut % len(seed)])
    answers(seed[: place % len(seed)] + junk + seed[place % len(seed) :])


@QUIET
@given(
    names=st.lists(
        st.sampled_from(["time", "date", "glucose", "id", "subject", "kind", "value", "unit", "Index", "x", "carbs", ""]),
        min_size=1, max_size=5,
    ),
    rows=st.lists(
        st.lists(
            st.one_of(
                st.text(max_size=12), st.floats().map(str), st.integers().map(str),
                st.sampled_from(["2024-01-01 10:00", "01/02/2024 10:00", "99/99/9999 99:99", "1704100000000", "Low", "HI", "<40", "10:00",
                                 "5,4", "Z"]),
            ),
            max_size=6,
        ),
        max_size=30,
    ),
    delimiter=st.sampled_from([",", ";", "\t"]),
    said=st.sampled_from([None, Said(time_column=1, glucose_column=2), Said(unit="mmol/L"), Said(date_order="mdy")]),
)  # fmt: skip
def test_tables_of_anything(names: list[str], rows: list[list[str]], delimiter: str, said: Said | None) -> None:
    answers("\n".join(delimiter.join(row) for row in [names, *rows]).encode("utf-8", "replace"), said)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8),
              st.sampled_from(["2024-01-01T00:00:00Z", "cbg", "sgv"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(["sgv", "date", "dateString", "type", "time", "value", "units", "eventType", "created_at", "carbs",
                             "insulin", "utcOffset",
                             "entries", "timezoneOffset", "annotations", "nutrition", "dose", "rate", "deviceTime"]),
            inner, max_size=6,
        ),
    ),
    max_leaves=30,
)  # fmt: skip


@QUIET
@given(value=JSON)
def test_json_of_anything(value: object) -> None:
    answers(build.dumped(value))
    answers(build.dumped([value, *build.entries(TIMES[:3], VALUES[:3].tolist())]))
    answers(build.dumped([value, *build.tidepool(TIMES[:14], VALUES[:14].tolist())]))
