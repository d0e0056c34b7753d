"""Plain tables of glucose: what is told by names, by evidence and by a person, and what is asked."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

import medcore.read as reader
from medcore.errors import ColumnsUnknown, DateOrderUnknown, GlucoseUnitUnknown, Inconsistent, InputRejected, NotAnImage
from medcore.read.curve import Curve
from medcore.read.glucose import note
from medcore.read.glucose.note import parse_note
from medcore.read.parse import parse
from medcore.types import Study
from tests.read.build import zipped
from tests.read.glucose import build
from tests.read.glucose.test_makers import doses, traced, wall

TIMES = build.clock(600)
VALUES = build.glucose(600)


@pytest.mark.parametrize(
    "names",
    ["time,glucose", "Timestamp;Glucose Value (mg/dL)", "datetime\tsgv", "Date,BG", "DateTime,CGM", "Zeitstempel;Blutzucker",
     "fecha,glucosa",
     "time,gl", "Date and time,Sensor Glucose (mg/dL)", "采集时间,血糖"],
)  # fmt: skip
def test_names_that_are_told(names: str) -> None:
    assert np.array_equal(traced(build.table(TIMES, VALUES.tolist(), names)).glucose, VALUES.astype(np.float32))


def test_medcores_own_table_names_the_subject() -> None:
    rows = "".join(f"7,{when:%Y-%m-%d %H:%M:%S},{value:g}\n" for when, value in zip(TIMES, VALUES, strict=True))
    study = reader.read("x.csv", ("subject,time,glucose_mg_dl\n" + rows).encode())
    assert study.patient.patient_id == "7" and len(study.traces[0].glucose) == 600 and study.study_date == "2024-02-22"


def test_date_and_time_in_columns_of_their_own_with_doses() -> None:
    rows = [f"{when:%d.%m.%Y};{when:%H:%M};{value / build.MMOL:.1f};{30 if place == 3 else ''};;".replace(".0;", ",0;")
            for place, (when, value) in enumerate(zip(TIMES, VALUES, strict=True))]  # fmt: skip
    trace = traced("\n".join(["Datum;Uhrzeit;Glukose (mmol/L);carbs_g;bolus_u;basal_u_h", *rows]).encode())
    assert trace.unit == "mmol/L" and trace.date_order == "dmy" and doses(trace) == [(15.0, "carbs", 30.0)]


def test_unit_by_evidence() -> None:
    assert traced(build.table(TIMES, VALUES.tolist(), "time,glucose")).unit == "mg/dL"
    told = traced(build.table(TIMES, [round(value / build.MMOL, 1) for value in VALUES], "time,glucose"))
    assert told.unit == "mmol/L" and np.allclose(told.glucose, VALUES, atol=0.95)
    doubtful = build.table(TIMES, [30.0 + place % 5 for place in range(600)], "time,glucose")
    with pytest.raises(GlucoseUnitUnknown):
        traced(doubtful)
    assert stated(doubtful, note(unit="mg/dL")).traces[0].glucose[0] == 30.0


def stated(data: bytes, said: bytes) -> Study:
    """Read with a note beside it."""
    intake = reader.read_all([("a.csv", data), ("a.note.txt", said)])
    assert intake.refused == () and len(intake.studies) == 1
    return intake.studies[0]


def test_a_note_is_kept_only_where_it_was_needed() -> None:
    needed = stated(build.table(TIMES, [30.0] * 599 + [31.0], "time,glucose"), note(unit="mg/dL"))
    assert [source.name for source in needed.sources] == ["a.csv", "a.note.txt"] and len(needed.traces[0].source_sha256) == 2
    idle = stated(build.table(TIMES, VALUES.tolist()), note(unit="mmol/L"))
    assert idle.traces[0].unit == "mg/dL" and len(idle.sources) == 1  # what the file states is never overruled


# Columns


def test_columns_that_cannot_be_told_are_asked_about_and_read_with_the_answer() -> None:
    rows = [
        f"{place},{when:%Y-%m-%d %H:%M},{value:g},{70 + place % 3}" for place, (when, value) in enumerate(zip(TIMES, VALUES, strict=True))
    ]
    data = "\n".join(["a,b,c,d", *rows]).encode()
    with pytest.raises(ColumnsUnknown):
        reader.read("x", data)
    with pytest.raises(ColumnsUnknown):
        reader.read("x", "\n".join(rows).encode())
    study = stated(data, note(time_column=2, glucose_column=3))
    assert np.array_equal(study.traces[0].glucose, VALUES.astype(np.float32)) and len(study.sources) == 2
    assert np.array_equal(
        stated("\n".join(rows).encode(), note(time_column=2, glucose_column=3)).traces[0].glucose, VALUES.astype(np.float32)
    )
    again = reader.read_all([(source.name, source.data) for source in study.sources])
    assert np.array_equal(again.studies[0].traces[0].glucose, study.traces[0].glucose)


def test_two_columns_of_glucose_are_asked_about() -> None:
    rows = [f"{when:%Y-%m-%d %H:%M},{value:g},{value + 1:g}" for when, value in zip(TIMES, VALUES, strict=True)]
    with pytest.raises(ColumnsUnknown):
        reader.read("x", "\n".join(["time,glucose,glucose", *rows]).encode())


def test_answers_that_fit_no_column_ask_again() -> None:
    intake = reader.read_all([("a.csv", build.table(TIMES, VALUES.tolist(), "a,b")), ("n.txt", note(time_column=4, glucose_column=9))])
    assert [one.error.code for one in intake.refused] == ["columns_unknown"]


def test_a_note_about_one_table_leaves_other_files_of_the_upload_alone() -> None:
    from tests.read.build_ecg import heart
    from tests.read.build_ecg import table as ecg

    heartbeats = ecg(heart(1.0), "time,I (mV),II (mV)\n", times=[f"{number / 250:.3f}" for number in range(250)])
    files = [("a.csv", build.table(TIMES, VALUES.tolist(), "a,b")), ("b.csv", build.clarity(TIMES, VALUES)), ("c.csv", heartbeats)]
    intake = reader.read_all([*files, ("n.txt", note(time_column=1, glucose_column=2, unit="mg/dL"))])
    assert intake.refused == () and [len(study.sources) for study in intake.studies] == [2, 1, 1]
    assert [study.traces[0].file_format for study in intake.studies[:2]] == ["table", "Dexcom Clarity"] and intake.studies[2].recordings


@pytest.mark.parametrize(
    "line", ["time_column: 0", "time_column: x", "unit: g", "date_order: ydm", "glucose_column: 1\ntime_column: 1", "what: 1"]
)
def test_a_note_that_cannot_be_is_refused(line: str) -> None:
    with pytest.raises(Inconsistent):
        parse_note(b"medcore glucose note 1\n" + line.encode() + b"\n")


def test_a_note_alone_is_refused_by_name() -> None:
    with pytest.raises(NotAnImage, match="note about a table"):
        reader.read("n.txt", note(unit="mg/dL"))


# Dates


def dated(stamp: str, start: datetime = build.START, days: float = 4.0) -> bytes:
    times = build.clock(int(days * 288), start=start)
    return build.table(times, build.glucose(len(times)).tolist(), "time,glucose", stamp)


@pytest.mark.parametrize(
    ("stamp", "order"), [("%d/%m/%Y %H:%M", "dmy"), ("%m/%d/%Y %H:%M", "mdy"), ("%d-%m-%y %H:%M", "dmy"), ("%m/%d/%y %I:%M %p", "mdy")]
)
@pytest.mark.parametrize("start", [datetime(2024, 2, 20, 7), datetime(2024, 4, 3, 7), datetime(2024, 11, 29, 7)])
def test_day_and_month_are_told_by_evidence(stamp: str, order: str, start: datetime) -> None:
    trace = traced(dated(stamp, start))
    assert trace.date_order == order and trace.clock_s[0] == wall([start])[0]


@pytest.mark.parametrize(
    "stamp", ["%Y-%m-%dT%H:%M:%S", "%Y/%m/%d %H:%M", "%Y.%m.%d %H:%M", "%d-%b-%Y %H:%M:%S", "%b %d %Y %I:%M:%S %p", "%Y年%m月%d日 %H:%M"]
)
def test_dates_that_leave_no_choice(stamp: str) -> None:
    trace = traced(dated(stamp, datetime(2024, 4, 3, 7)))
    assert trace.date_order == "" and trace.clock_s[0] == wall([datetime(2024, 4, 3, 7)])[0]


def test_one_ambiguous_day_is_asked_about() -> None:
    data = dated("%d/%m/%Y %H:%M", datetime(2024, 4, 3, 7), 0.5)
    with pytest.raises(DateOrderUnknown):
        reader.read("x", data)
    assert stated(data, note(date_order="dmy")).study_date == "2024-04-03"
    study = stated(data, note(date_order="mdy"))
    assert study.study_date == "2024-03-04" and study.traces[0].date_order == "mdy" and len(study.sources) == 2


def test_a_stated_order_that_cannot_be_is_refused() -> None:
    intake = reader.read_all([("a.csv", dated("%d/%m/%Y %H:%M")), ("n.txt", note(date_order="mdy"))])
    assert [one.error.code for one in intake.refused] == ["inconsistent"]


def test_the_day_of_writing_rules_out_an_order() -> None:
    times = build.clock(30, 15.0, datetime(2024, 3, 5, 7))
    history = list(zip(times, build.glucose(30), strict=True))
    assert (
        traced(build.libre(history, written="02-04-2024 10:00 UTC")).date_order == "dmy"
    )  # nobody reads on 3 May what was written on 4 February


def test_times_in_utc_alone_are_told() -> None:
    trace = traced(dated("%Y-%m-%dT%H:%M:%SZ"))
    assert trace.time_zone == "UTC" and any("UTC" in note for note in trace.warnings)
    seconds = [f"{int(wall([when])[0])},{value:g}" for when, value in zip(TIMES, VALUES, strict=True)]
    assert traced("\n".join(["timestamp,glucose", *seconds]).encode()).minutes[1] == 5.0


def test_offsets_give_true_time_and_the_wearers_clock() -> None:
    clock, minutes = build.autumn()
    stamps = [f"{when:%Y-%m-%dT%H:%M:%S}{'+02:00' if minute < 238 else '+01:00'}" for when, minute in zip(clock, minutes, strict=True)]
    trace = traced("\n".join(["time,glucose", *(f"{stamp},{100 + place % 7}" for place, stamp in enumerate(stamps))]).encode())
    assert np.allclose(trace.minutes, minutes) and np.array_equal(trace.clock_s, wall(clock)) and trace.time_zone == "UTC+01:00, UTC+02:00"


# Order and clock changes


@pytest.mark.parametrize("step", [5.0, 15.0])
@pytest.mark.parametrize("backwards", [False, True])
def test_the_hour_that_comes_twice_in_autumn(step: float, backwards: bool) -> None:
    clock, minutes = build.autumn(step)
    values = [100.0 + place for place in range(len(clock))]
    rows = list(zip(clock, values, strict=True))[:: -1 if backwards else 1]
    trace = traced(build.table([when for when, _ in rows], [value for _, value in rows]))
    assert np.allclose(trace.minutes, minutes) and np.array_equal(trace.clock_s, wall(clock))
    assert trace.glucose.tolist() == values and any("put back an hour" in note for note in trace.warnings)


def test_spring_leaves_a_gap_of_an_hour_and_nothing_else() -> None:
    clock = [datetime(2024, 3, 30, 23, 2) + timedelta(minutes=5.0 * place + (60 if place >= 36 else 0)) for place in range(100)]
    trace = traced(build.table(clock, build.glucose(100).tolist()))
    assert np.array_equal(trace.clock_s, wall(clock)) and np.diff(trace.minutes).max() == 65.0 and trace.warnings == ()


def test_rows_that_were_added_later_are_no_clock_change() -> None:
    kept = [place for place in range(200) if not 100 <= place < 112]
    order = [*kept, *range(100, 112)]  # an hour that came in late
    trace = traced(build.table([TIMES[k] for k in order], [VALUES[k] for k in order]))
    assert np.array_equal(trace.clock_s, wall(TIMES[:200])) and trace.warnings == ()
    twice = [*range(111), *range(99, 200)]  # an hour that came twice
    trace = traced(build.table([TIMES[k] for k in twice], [VALUES[k] for k in twice]))
    assert np.array_equal(trace.clock_s, wall(TIMES[:200])) and trace.warnings == ()


def test_any_order_of_rows_is_the_same_trace() -> None:
    order = np.random.default_rng(3).permutation(600)
    trace = traced(build.table([TIMES[k] for k in order], [VALUES[k] for k in order]))
    assert np.array_equal(trace.glucose, VALUES.astype(np.float32)) and np.array_equal(trace.clock_s, wall(TIMES))


def test_two_values_at_one_time() -> None:
    times = [*TIMES[:100], TIMES[5], TIMES[6], TIMES[7]]
    values = [*VALUES[:100], VALUES[5], VALUES[6] + 4, VALUES[7] + 90]
    trace = traced(build.table(times, values))
    assert len(trace.glucose) == 100 and trace.glucose[5:8].tolist() == [VALUES[5], VALUES[6] + 2, VALUES[7]]
    assert any("At 1 times two" in note for note in trace.warnings) and any(
        "At 1 times readings contradict" in note for note in trace.warnings
    )


@pytest.mark.parametrize(
    ("step", "expected"), [(1.0, 1.0), (3.0, 3.0), (4.0, 5.0), (5.0, 5.0), (9.0, 9.0), (14.0, 15.0), (15.0, 15.0), (10.0, 10.0)]
)
def test_interval(step: float, expected: float) -> None:
    times = build.clock(200, step)
    assert traced(build.table(times, build.glucose(200, step).tolist())).interval_min == expected


# Several devices


def test_a_second_device_beside_the_first_is_left_out_and_one_after_it_kept() -> None:
    first = [f"{when:%Y-%m-%d %H:%M:%S},{value:g},A" for when, value in zip(TIMES, VALUES, strict=True)]
    beside = [f"{when + timedelta(minutes=2):%Y-%m-%d %H:%M:%S},{value + 40:g},B" for when, value in zip(TIMES[:200], VALUES, strict=False)]
    after = [f"{when + timedelta(days=3):%Y-%m-%d %H:%M:%S},{value:g},C" for when, value in zip(TIMES[:200], VALUES, strict=False)]
    trace = traced("\n".join(["time,glucose_mg_dl,device", *first, *beside, *after]).encode())
    assert len(trace.glucose) == 800 and any("mixes 3 devices; 200 readings" in note for note in trace.warnings)


def test_two_unnamed_sources_are_warned_of() -> None:
    times = build.clock(600, 2.5)
    trace = traced(build.table(times, [120.0 + 60 * (place % 2) for place in range(600)]))
    assert any("two sources may be mixed" in note for note in trace.warnings)


# Files that belong together


def test_entries_and_treatments_of_one_upload_or_zip_are_one_study() -> None:
    files = [("entries.json", build.dumped(build.entries(TIMES, VALUES))), ("treatments.json", build.dumped(build.treatments(TIMES[0])))]
    whole = traced(build.dumped({"entries": build.entries(TIMES, VALUES), "treatments": build.treatments(TIMES[0])}))
    for upload in (files, files[::-1], [("both.zip", zipped(files))]):
        intake = reader.read_all(upload)
        assert len(intake.studies) == 1 and intake.refused == ()
        trace = intake.studies[0].traces[0]
        assert doses(trace) == doses(whole) and np.array_equal(trace.glucose, whole.glucose)
        assert len(intake.studies[0].sources) == 2 and len(trace.source_sha256) == 2


def test_treatments_alone_or_of_whom_nobody_can_tell_are_refused() -> None:
    alone = build.dumped(build.treatments(TIMES[0]))
    with pytest.raises(NotAnImage, match="without the readings"):
        reader.read("t.json", alone)
    two = [
        ("a.json", build.dumped(build.entries(TIMES, VALUES))),
        ("b.json", build.dumped(build.entries(TIMES, VALUES + 5))),
        ("t.json", alone),
    ]
    intake = reader.read_all(two)
    assert len(intake.studies) == 2 and [one.name for one in intake.refused] == ["t.json"]


def test_medcores_own_events_belong_to_their_subject() -> None:
    def readings(subject: str) -> bytes:
        rows = "".join(f"{subject},{when:%Y-%m-%d %H:%M:%S},{value:g}\n" for when, value in zip(TIMES, VALUES, strict=True))
        return f"subject,time,glucose_mg_dl\n{rows}".encode()

    events = f"subject,time,kind,value,unit\nb,{TIMES[6]:%Y-%m-%d %H:%M:%S},carbs,25,g\nb,{TIMES[7]:%Y-%m-%d %H:%M:%S},bolus,2,U\n".encode()
    intake = reader.read_all([("a.csv", readings("a")), ("b.csv", readings("b")), ("e.csv", events)])
    assert intake.refused == () and [len(study.traces[0].event_minutes) for study in intake.studies] == [0, 2]
    assert doses(intake.studies[1].traces[0]) == [(30.0, "carbs", 25.0), (35.0, "bolus", 2.0)]


def test_several_people_in_one_upload_are_several_studies() -> None:
    intake = reader.read_all(
        [("a.csv", build.clarity(TIMES, VALUES)), ("b.csv", build.xdrip(TIMES, VALUES)), ("a2.csv", build.clarity(TIMES, VALUES))]
    )
    assert [study.traces[0].file_format for study in intake.studies] == ["Dexcom Clarity", "xDrip+"] and intake.refused == ()


def test_one_reading_is_a_trace() -> None:
    found = parse(memoryview(build.table(TIMES[:1], VALUES[:1].tolist())))
    assert isinstance(found, Curve) and found.trace is not None and found.trace.interval_min == 5.0


def test_names_without_rows_hold_no_reading() -> None:
    with pytest.raises(InputRejected, match="no reading"):
        reader.read("x", b"time,glucose\n")
