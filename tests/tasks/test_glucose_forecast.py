"""The forecast as it ships, from a trace or a table to what is said of it."""

import io
import json

import numpy as np
import pytest

from medcore import pipeline, registry
from medcore.__main__ import main
from medcore.tables import parse_table, with_beside
from medcore.tasks.kinds.forecaster import BESIDE, COLUMNS, HORIZONS, NEEDED
from tests.tasks import glucose_made as made

TASK = "glucose_forecast"
START = np.datetime64("2024-03-01T08:00:00")


def rows_of(trace, subject="a"):
    times = START + (60 * trace.minutes).astype("timedelta64[s]")
    return [(subject, str(time).replace("T", " "), f"{level:g}") for time, level in zip(times, trace.glucose, strict=True)]


def written(rows, head=NEEDED):
    return "\n".join([",".join(head), *(",".join(row) for row in rows)]).encode()


def evaluated(rows, events=None):
    table = parse_table(written(rows), lambda name: b"", NEEDED)
    if events is not None:
        table = with_beside(table, "events", written(events, BESIDE["events"]), BESIDE["events"])
    columns, out, summary = pipeline.evaluate(TASK, table, lambda share: None)
    assert columns == COLUMNS
    return out, summary


def test_one_row_for_each_moment_that_a_reading_follows():
    trace = made.trace(100, gaps=((40, 60),))
    out, summary = evaluated(rows_of(trace))
    minutes = trace.minutes.tolist()
    wanted = [(k, horizon) for k, minute in enumerate(minutes) for horizon in HORIZONS if minute + horizon in minutes]
    times = [row[1] for row in rows_of(trace)]
    assert [(times.index(row["time"]), int(row["horizon_min"])) for row in out] == wanted
    level = dict(zip(minutes, trace.glucose.tolist(), strict=True))
    for row, (k, horizon) in zip(out, wanted, strict=True):
        assert float(row["observed"]) == pytest.approx(level[minutes[k] + horizon], rel=1e-4)
        five = [float(row[name]) for name in ("q05", "q25", "q50", "q75", "q95")]
        assert five == sorted(five)
        assert 0 <= float(row["p_low"]) <= 1
    assert summary["n"] == sum(horizon == 30 for _, horizon in wanted)
    assert {"rmse_30", "coverage_60", "auroc_low_30"} <= summary["figures"].keys()


@pytest.mark.parametrize("interval", [5.0, 15.0])
def test_what_comes_later_changes_nothing(interval):
    trace = made.trace(150, interval)
    early = {(row["time"], row["horizon_min"]): row for row in evaluated(rows_of(made.cut(trace, 100)))[0]}
    late = {(row["time"], row["horizon_min"]): row for row in evaluated(rows_of(trace))[0]}
    said = ("q05", "q25", "q50", "q75", "q95", "p_low")
    assert len(early) > 150
    for key, row in early.items():
        for name in said:
            assert float(row[name]) == pytest.approx(float(late[key][name]), abs=0.02), (key, name)


def test_what_comes_later_changes_nothing_though_the_sensor_is_changed():
    quick, slow = made.trace(60), made.trace(200, 15.0, seed=1)
    minutes = np.concatenate([quick.minutes, quick.minutes[-1] + 15 + slow.minutes])
    level = np.concatenate([quick.glucose, slow.glucose])
    times = START + (60 * minutes).astype("timedelta64[s]")
    rows = [("a", str(time).replace("T", " "), f"{value:g}") for time, value in zip(times, level, strict=True)]
    early = {(row["time"], row["horizon_min"]): row for row in evaluated(rows[:60])[0]}
    late = {(row["time"], row["horizon_min"]): row for row in evaluated(rows)[0]}
    for key, row in early.items():
        for name in ("q05", "q50", "q95", "p_low"):
            assert float(row[name]) == pytest.approx(float(late[key][name]), abs=0.02), (key, name)


@pytest.mark.parametrize("count", [7, 300])
def test_a_series_that_never_moves_has_rows_and_no_skill(count):
    flat = [(s, t, "120") for s, t, _ in rows_of(made.trace(count))]
    out, summary = evaluated(flat)
    assert len(out) == 2 * count - 18 if count > 12 else len(out) == 1
    if count > 12:
        assert summary["figures"]["skill_30"]["value"] is None
        assert {row["gate"] for row in out} != {"in"}
    beside, _ = evaluated([*flat, *rows_of(made.trace(100), "b")])
    assert len(beside) > len(out)


def test_events_that_cannot_be_are_left_out_and_counted():
    rows = rows_of(made.trace(100))
    odd = [("a", rows[50][1], "carbs", value, "g") for value in ("inf", "1e300", "-5", "nan", "99999", "")]
    plain, told = evaluated(rows)[0], evaluated(rows, [*odd, ("a", rows[50][1], "bolus", "2", "U")])
    assert (told[1]["events"], told[1]["events_left_out"]) == (1, 6)
    assert all(np.isfinite(float(row["q50"])) for row in told[0])
    assert len(plain) == len(told[0])


def test_one_reading_is_enough():
    out, _ = evaluated([("a", "2024-03-01 08:00:00", "110"), ("a", "2024-03-01 08:30:00", "120")])
    assert [(row["horizon_min"], row["observed"]) for row in out] == [("30", "120")]
    assert 60 < float(out[0]["q50"]) < 180


def test_subjects_stand_apart_and_rows_in_the_order_of_the_table():
    one, other = rows_of(made.trace(30)), rows_of(made.trace(30, seed=3), "b")
    mixed = [row for pair in zip(one, other, strict=True) for row in pair]
    out, summary = evaluated(mixed)
    assert summary["groups"] == 2
    assert [row["subject"] for row in out[:4]] == ["a", "a", "b", "b"]
    alone = [row for row in out if row["subject"] == "a"]
    for row, wanted in zip(alone, evaluated(one)[0], strict=True):
        assert float(row["q50"]) == pytest.approx(float(wanted["q50"]), abs=0.02)


def test_a_series_that_is_no_glucose_still_gets_rows():
    rng = np.random.default_rng(0)
    rows = [(s, t, f"{rng.uniform(60, 250):.0f}") for s, t, _ in rows_of(made.trace(400))]
    out, summary = evaluated(rows)
    assert len(out) > 700
    assert {row["gate"] for row in out} != {"in"}
    assert summary["share_refused"] == 1


def test_meals_and_insulin_are_read():
    rows = rows_of(made.trace(200))
    meals = [("a", rows[150][1], "carbs", "80", "g"), ("a", rows[150][1], "bolus", "6", "U"), ("a", rows[150][1], "steps", "9", "1")]
    plain, told = evaluated(rows)[0], evaluated(rows, meals)[0]
    differ = [k for k, (one, other) in enumerate(zip(plain, told, strict=True)) if one["q50"] != other["q50"]]
    assert differ
    assert min(plain[k]["time"] for k in differ) >= rows[150][1]


def test_the_command_writes_what_the_contract_says(tmp_path):
    (tmp_path / "m.csv").write_bytes(written(rows_of(made.trace(60))))
    (tmp_path / "e.csv").write_bytes(written([("a", "2024-03-01 09:00:00", "carbs", "40", "g")], BESIDE["events"]))
    out = [str(tmp_path / name) for name in ("m.csv", "e.csv", "out.csv", "out.json")]
    code = main(["evaluate", TASK, "--manifest", out[0], "--events", out[1], "--predictions", out[2], "--json", out[3]])
    assert code == 0
    assert (tmp_path / "out.csv").read_text().splitlines()[0] == "subject,time,horizon_min,q05,q25,q50,q75,q95,p_low,observed,gate"
    assert json.loads((tmp_path / "out.json").read_text())["n"] == 54


def test_other_tasks_read_no_events(tmp_path, capsys):
    (tmp_path / "m.csv").write_text("path,label\nx.png,normal\n")
    arguments = ["evaluate", "chest_xray_pneumonia", "--manifest", str(tmp_path / "m.csv"), "--events", str(tmp_path / "m.csv")]
    assert main([*arguments, "--predictions", str(tmp_path / "o.csv"), "--json", str(tmp_path / "o.json")]) == 2
    assert "reads no events" in capsys.readouterr().err


def test_a_report_has_forecast_responses_and_measurements():
    trace = made.trace(1000, events=((4000.0, "carbs", 40.0), (4005.0, "bolus", 4.0)))
    report = pipeline.diagnose(TASK, made.study(trace))
    assert report.gate.passed
    forecast = report.glucose.forecast
    assert forecast.origins[-1] == 999
    assert forecast.quantiles.shape == (len(forecast.origins), 24, 5)
    assert (np.diff(forecast.quantiles, axis=2) >= 0).all()
    assert (forecast.p_low[:, 0] <= forecast.p_low[:, 1]).all()
    assert {one.name for one in report.measurements} >= {"mean", "cv", "tir"}
    assert [finding.label.name for finding in report.findings] == ["low_30", "low_60"]
    assert {response.kind for response in report.glucose.responses} == {"carbs", "bolus"}
    last = forecast.quantiles[-1]
    assert any(abs(response.quantiles[:, 2] - last[:, 2]).max() > 1 for response in report.glucose.responses)


def test_now_may_be_any_reading_and_then_nothing_later_is_known():
    trace = made.trace(600)
    then = pipeline.diagnose(TASK, made.study(trace), slice_index=399)
    cut = pipeline.diagnose(TASK, made.study(made.cut(trace, 400)))
    np.testing.assert_allclose(then.glucose.forecast.quantiles[-1], cut.glucose.forecast.quantiles[-1], atol=0.05)
    np.testing.assert_allclose(then.glucose.responses[0].quantiles, cut.glucose.responses[0].quantiles, atol=0.05)


@pytest.mark.parametrize("method", ["integrated_gradients", "span_occlusion"])
def test_an_explanation_covers_four_hours_of_glucose_insulin_and_carbohydrate(method):
    trace = made.trace(400, events=((1900.0, "carbs", 60.0), (1905.0, "bolus", 5.0)))
    (found,) = pipeline.diagnose(TASK, made.study(trace), methods=(method,)).attributions
    assert found.values.shape == (3, 48)
    assert found.values.min() >= 0
    assert found.values.max() == 1
    assert found.label == "low_60"
    assert found.gap is None or found.gap < 5  # mg/dL


def test_a_constant_series_gets_measurements_and_no_forecast():
    trace = made.trace(500)
    flat = trace.__class__(**{name: getattr(trace, name) for name in trace.__slots__} | {"glucose": np.full(500, 120, np.float32)})
    report = pipeline.diagnose(TASK, made.study(flat))
    assert report.gate.code == "constant"
    assert report.glucose.forecast is None
    assert report.findings == ()
    assert report.measurements


def test_rows_that_cannot_be_read_are_counted_and_left_out():
    rows = rows_of(made.trace(30))
    bad = [*rows[:10], ("a", "soon", "100"), ("a", rows[10][1], "high"), *rows[11:]]
    out, summary = evaluated(bad)
    assert summary["unreadable"] == 2
    assert rows[10][1] not in {row["time"] for row in out}


def test_figures_stand_beside_the_better_of_two_trivial_forecasts():
    figures = registry.results(TASK)["figures"]
    for horizon in HORIZONS:
        least = min(figures[f"{name}_rmse_{horizon}"]["value"] for name in ("persistence", "line"))
        assert figures[f"rmse_{horizon}"]["baseline"] == least
        assert figures[f"rmse_{horizon}"]["value"] < least


def test_no_set_is_foreseen_worse_than_by_the_better_trivial_forecast_and_every_band_holds():
    for name, one in registry.results(TASK)["sets"].items():
        for horizon in HORIZONS:
            assert one["figures"][f"skill_{horizon}"]["value"] > 0, name
            assert 0.88 <= one["figures"][f"coverage_{horizon}"]["value"] <= 0.92, name


def test_a_table_of_nothing_readable_says_so():
    table = parse_table(written([("a", "never", "1")]), lambda name: b"", NEEDED)
    _, out, summary = pipeline.evaluate(TASK, table, lambda share: None)
    assert (out, summary["unreadable"]) == ([], 1)
    assert "no figures" in summary["note"]
    assert io.StringIO(json.dumps(summary)).read()
