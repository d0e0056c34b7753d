"""What each maker's export says is what the trace says: readings, their limits, doses, the patient, the sensor."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

import medcore.read as reader
from medcore.errors import Unsupported
from medcore.read.curve import Curve
from medcore.read.parse import parse
from medcore.types import EVENTS, Trace
from tests.read.glucose import build

TIMES = build.clock(600)
VALUES = build.glucose(600)


def curved(data: bytes) -> Curve:
    found = parse(memoryview(data))
    assert isinstance(found, Curve)
    return found


def traced(data: bytes) -> Trace:
    found = curved(data).trace
    assert found is not None
    return found


def doses(trace: Trace) -> list[tuple[float, str, float]]:
    rows = zip(trace.event_minutes, trace.event_kind, trace.event_value, strict=True)
    return [(float(when), EVENTS[kind], round(float(value), 3)) for when, kind, value in rows]


def wall(times: list[datetime]) -> np.ndarray:
    return np.array([(when - datetime(1970, 1, 1)).total_seconds() for when in times])


def test_clarity() -> None:
    meal = f",{TIMES[12]:%Y-%m-%dT%H:%M:%S},Carbs,,,,iOS G7,,,45,,,"
    bolus = f",{TIMES[13]:%Y-%m-%dT%H:%M:%S},Insulin,Fast-Acting,,,iOS G7,,4.5,,,,"
    basal = f",{TIMES[14]:%Y-%m-%dT%H:%M:%S},Insulin,Long-Acting,,,iOS G7,,12,,,,"
    stick = f",{TIMES[15]:%Y-%m-%dT%H:%M:%S},Calibration,,,,iOS G7,300,,,,,,123456789012"
    study = reader.read("x", build.clarity(TIMES, VALUES, more=(meal, bolus, basal, stick)))
    trace = study.traces[0]
    assert np.array_equal(trace.glucose, VALUES.astype(np.float32)) and np.array_equal(trace.clock_s, wall(TIMES))
    assert np.allclose(trace.minutes, np.arange(600) * 5.0) and trace.interval_min == 5.0 and trace.unit == "mg/dL"
    assert doses(trace) == [(60.0, "carbs", 45.0), (65.0, "bolus", 4.5), (70.0, "basal", 12.0)]
    assert study.patient.name == "Ada Example" and study.patient.birth_date == "1980-05-17" and study.study_date == "2024-02-22"
    assert (trace.file_format, trace.device, trace.date_order, trace.time_zone) == ("Dexcom Clarity", "Dexcom iOS G7", "", None)
    assert trace.warnings == () and study.sources[0].sha256 in trace.source_sha256 and trace.modality == "CGM"


def test_clarity_in_mmol_with_low_and_high() -> None:
    trace = traced(build.clarity(TIMES[:100], ["Low", "High", *VALUES[2:100]], "mmol/L"))
    assert trace.unit == "mmol/L" and trace.beyond[:3].tolist() == [-1, 1, 0] and trace.glucose[:2].tolist() == [40.0, 400.0]
    assert np.allclose(trace.glucose[2:], [build.rounded(value) for value in VALUES[2:100]], atol=0.95)


def test_clarity_in_german_and_spanish() -> None:
    german = (
        "Index;Zeitstempel (JJJJ-MM-TTThh:mm:ss);Ereignistyp;Ereignisuntertyp;Patienteninfo;Geräteinfo;Quellgeräte-ID;Glukosewert (mmol/l);"
        "Insulinwert (E);Kohlenhydratwert (Gramm)"
    )
    rows = [
        f"{place};{when:%Y-%m-%dT%H:%M:%S};EGV;;;;iOS;{value}"
        for place, (when, value) in enumerate(zip(TIMES[:3], ("5,8", "Niedrig", "Hoch"), strict=True))
    ]
    trace = traced(
        "\r\n".join([german, "1;;Vorname;;Ada", *rows, f"9;{TIMES[1]:%Y-%m-%dT%H:%M:%S};Insulin;Langwirkend;;;iOS;;12,5;"]).encode()
    )
    assert trace.glucose.tolist() == pytest.approx([5.8 * build.MMOL, 40.0, 400.0]) and doses(trace) == [(5.0, "basal", 12.5)]
    spanish = "Índice;Marca temporal (AAAA-MM-DDThh:mm:ss);Tipo de evento;Nivel de glucosa (mg/dl)"
    rows = [
        f"{place};{when:%Y-%m-%dT%H:%M:%S};Niveles estimados de glucosa;{value:g}"
        for place, (when, value) in enumerate(zip(TIMES[:3], VALUES[:3], strict=True))
    ]
    assert traced("\n".join([spanish, *rows]).encode()).glucose.tolist() == VALUES[:3].tolist()


def test_claritys_own_seconds_show_a_change_of_the_clock_and_travel() -> None:
    count = 600
    true = np.arange(count) * 300
    shift = np.where(np.arange(count) >= 200, -3600, 0) + np.where(np.arange(count) >= 400, 6 * 3600, 0)
    times = [build.START + timedelta(seconds=int(value)) for value in true + shift]
    order = np.argsort([when.timestamp() for when in times], kind="stable")  # Clarity sorts by the wearer's clock
    trace = traced(build.clarity([times[k] for k in order], VALUES[order], ticks=[int(true[k]) + 5000 for k in order]))
    assert np.allclose(trace.minutes, true / 60) and np.array_equal(trace.glucose, VALUES.astype(np.float32))
    assert np.allclose(trace.clock_s - trace.clock_s[0], true + shift)


@pytest.mark.parametrize("language", list(build.LIBRE))
@pytest.mark.parametrize(("unit", "comma"), [("mg/dL", False), ("mmol/L", False), ("mmol/L", True)])
def test_libre_in_five_languages(language: str, unit: str, comma: bool) -> None:
    times, values = build.clock(300, 15.0), build.glucose(300, 15.0)
    given = [(times[4], "bolus", 4.0), (times[5], "carbs", 45.0), (times[6], "basal", 18.0)]
    curve = curved(build.libre(list(zip(times, values, strict=True)), language=language, unit=unit, doses=given, comma=comma))
    trace = curve.trace
    assert trace is not None and trace.interval_min == 15.0 and trace.unit == unit and trace.file_format == "FreeStyle Libre"
    expected = values if unit == "mg/dL" else np.array([float(build.shown(value, unit)) * build.MMOL for value in values])
    assert np.allclose(trace.glucose, expected, atol=1e-3)
    assert [(kind, amount) for _, kind, amount in doses(trace)] == [("bolus", 4.0), ("carbs", 45.0), ("basal", 18.0)]
    assert curve.patient.name == "Ada Example" and trace.date_order == "dmy" and trace.device == "FreeStyle Libre 3"


def test_libre_scans_fill_only_what_the_history_lacks() -> None:
    times, values = build.clock(200, 15.0), build.glucose(200, 15.0)
    history = [row for place, row in enumerate(zip(times, values, strict=True)) if not 80 <= place < 100]
    beside = [(times[10] + timedelta(minutes=4), 333.0)]
    inside = [(times[85], 111.0), (times[90], "HI"), (times[95], "LO")]
    trace = traced(build.libre(history, [*beside, *inside]))
    assert len(trace.glucose) == 180 + 3 and 333.0 not in trace.glucose and 111.0 in trace.glucose
    assert trace.glucose[trace.beyond == 1].tolist() == [500.0] and trace.glucose[trace.beyond == -1].tolist() == [40.0]
    assert any("1 scans beside" in note for note in trace.warnings) and any("3 scans stand in" in note for note in trace.warnings)


def test_libre_of_an_american_account() -> None:
    times, values = build.clock(300, 15.0), build.glucose(300, 15.0)
    trace = traced(build.libre(list(zip(times, values, strict=True)), stamp="%m-%d-%Y %I:%M %p", written="06-01-2024 10:00 AM UTC"))
    assert trace.date_order == "mdy" and np.array_equal(trace.clock_s, wall([when.replace(second=0) for when in times]))


def test_a_practices_export_and_a_bare_one() -> None:
    rows = "\n".join(f"{when:%Y-%m-%dT%H:%M:%S},0,{value / build.MMOL:.1f}" for when, value in zip(TIMES, VALUES, strict=True))
    curve = curved(f"a,b,c\nfake-device,,\nTimestamp,Record Type,Historic Glucose (mmol/L)\n{rows}".encode())
    assert curve.trace is not None and curve.trace.unit == "mmol/L" and curve.trace.file_format == "FreeStyle Libre"


def test_libres_older_export() -> None:
    times, values = build.clock(100, 15.0), build.glucose(100, 15.0)
    curve = curved(build.libre_old(list(zip(times, values, strict=True))))
    assert curve.trace is not None and np.allclose(curve.trace.glucose, values) and curve.patient.name == "Ada Example"
    assert doses(curve.trace) == [(45.0, "carbs", 45.0)]


@pytest.mark.parametrize(
    ("unit", "delimiter", "day", "comma"),
    [
        ("mg/dL", ",", "%Y/%m/%d", False),
        ("mmol/L", ",", "%m/%d/%y", False),
        ("mg/dL", ";", "%d/%m/%Y", True),
        ("mmol/L", ";", "%Y/%m/%d", True),
    ],
)
def test_carelink(unit: str, delimiter: str, day: str, comma: bool) -> None:
    curve = curved(build.carelink(TIMES, VALUES, unit=unit, delimiter=delimiter, day=day, comma=comma))
    trace = curve.trace
    assert trace is not None and trace.unit == unit and trace.interval_min == 5.0 and len(trace.glucose) == 600
    assert np.allclose(trace.glucose, VALUES, atol=1.0 if unit == "mmol/L" else 1e-3) and np.array_equal(trace.clock_s, wall(TIMES))
    assert sorted(doses(trace)) == [
        (0.0, "basal_rate", 0.85), (0.0, "carbs", 12.0), (300.0, "basal", 0.9), (300.0, "bolus", 3.5), (300.0, "carbs", 42.0),
    ]  # fmt: skip
    assert curve.patient.name == "Ada Example" and curve.patient.patient_id == "P-77"
    assert trace.device == "Medtronic MiniMed 780G MMT-1886" and trace.file_format == "Medtronic CareLink"


def test_nightscout_entries_and_treatments_in_one_file() -> None:
    curve = curved(build.dumped({"entries": build.entries(TIMES, VALUES), "treatments": build.treatments(TIMES[0])}))
    trace = curve.trace
    assert trace is not None and np.array_equal(trace.glucose, VALUES.astype(np.float32)) and trace.time_zone == "UTC+01:00"
    assert np.array_equal(trace.clock_s, wall(TIMES)) and np.allclose(trace.minutes, np.arange(600) * 5.0) and trace.warnings == ()
    assert doses(trace) == [
        (60.0, "carbs", 45.0), (60.0, "bolus", 4.5), (90.0, "bolus", 1.2), (120.0, "basal", 12.0), (150.0, "basal_rate", 0.0),
    ]  # fmt: skip
    assert trace.device == "xDrip-DexcomG6" and curve.study_date == "2024-02-22"


def test_nightscouts_errors_limits_and_lack_of_a_clock() -> None:
    listed = build.entries(TIMES[:50], VALUES[:50], 0)
    listed[0]["sgv"], listed[1]["sgv"], listed[2]["sgv"] = 5, 39, 401
    trace = traced(build.dumped(listed))
    assert len(trace.glucose) == 49 and trace.beyond[-1] == -1 and trace.beyond[-2] == 1 and trace.glucose[-2:].tolist() == [400.0, 40.0]
    assert any("UTC" in note for note in trace.warnings) and any("1 entries without a reading" in note for note in trace.warnings)
    lines = b"\n".join(build.dumped(one) for one in build.entries(TIMES[:50], VALUES[:50]))
    assert len(traced(lines).glucose) == 50  # one record a line, as databases write them


def test_nightscout_across_the_end_of_summer_time() -> None:
    wall_clock, minutes = build.autumn()
    listed = [
        {"type": "sgv", "sgv": 120 + place % 9, "date": build.millis(when, 60 if late else 120), "utcOffset": 60 if late else 120}
        for place, (when, late) in enumerate(zip(wall_clock, minutes >= 238, strict=True))
    ]
    trace = traced(build.dumped(listed))
    assert np.allclose(trace.minutes, minutes) and np.array_equal(trace.clock_s, wall(wall_clock))
    assert trace.time_zone == "UTC+01:00, UTC+02:00"


def test_a_nightscout_profile_is_refused_by_name() -> None:
    with pytest.raises(Unsupported, match="profile"):
        parse(
            memoryview(
                build.dumped([{"_id": "x", "defaultProfile": "Default", "store": {"Default": {"dia": 3}}, "startDate": "2024-01-01"}])
            )
        )


@pytest.mark.parametrize("unit", ["mmol/L", "mg/dL"])
def test_tidepool(unit: str) -> None:
    listed = build.tidepool(TIMES, VALUES, unit=unit)
    listed[3]["annotations"] = '[{"code":"bg/out-of-range","value":"high","threshold":400}]'
    trace = traced(build.dumped(listed))
    assert np.allclose(trace.glucose, VALUES, atol=1e-3) and trace.unit == unit and trace.beyond.tolist() == [0, 0, 0, 1, *[0] * 596]
    assert np.array_equal(trace.clock_s, wall(TIMES)) and trace.time_zone == "UTC-05:00"
    assert doses(trace) == [
        (10.0, "basal_rate", 0.8), (20.0, "basal", 20.0), (30.0, "carbs", 30.0), (30.0, "bolus", 1.0), (30.0, "bolus", 2.5),
        (45.0, "carbs", 15.0), (60.0, "basal_rate", 0.0),
    ]  # fmt: skip


def test_ohio() -> None:
    curve = curved(build.ohio(TIMES, VALUES))
    trace = curve.trace
    assert trace is not None and np.array_equal(trace.glucose, VALUES.astype(np.float32)) and np.array_equal(trace.clock_s, wall(TIMES))
    assert doses(trace) == [
        (0.0, "basal_rate", 0.9), (20.0, "basal_rate", 0.2), (25.0, "carbs", 45.0), (25.0, "bolus", 4.2), (40.0, "basal_rate", 0.9),
    ]  # fmt: skip
    assert curve.patient.patient_id == "559" and trace.date_order == "dmy"


def test_xdrip() -> None:
    trace = traced(build.xdrip(TIMES, VALUES))
    assert np.array_equal(trace.glucose, VALUES.astype(np.float32)) and trace.file_format == "xDrip+" and trace.date_order == "dmy"
    assert doses(trace) == [(20.0, "carbs", 30.0), (20.0, "bolus", 2.5)]


def test_a_format_is_told_by_content_and_an_ecg_stays_one() -> None:
    from tests.read.build_ecg import heart
    from tests.read.build_ecg import table as ecg

    found = reader.read("glucose.csv", ecg(heart(1.0), "time,I (mV),II (mV)\n", times=[f"{number / 250:.3f}" for number in range(250)]))
    assert len(found.recordings) == 1 and not found.traces
    found = reader.read("ecg.dat", build.clarity(TIMES[:50], VALUES[:50]))
    assert len(found.traces) == 1 and not found.recordings
    stamped = "\n".join(f"2024-01-01 00:00:{place / 250:06.3f};{value:.4f}" for place, value in enumerate(heart(1.0)[0]))
    assert len(reader.read("x", f"time;value\n{stamped}\n".encode()).recordings) == 1  # dates, but thousandths of a second apart
