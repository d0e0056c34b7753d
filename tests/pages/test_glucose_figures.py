"""What the figures are made of: thinning keeps spikes, gaps stay gaps, levels stand in the reader's unit."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import pytest

from medcore.signals import glucose as signals
from medcore.ui import glucose_figures, glucose_panels
from medcore.ui.glucose_thin import kept
from tests.pages import glucose_nouns as nouns

LIMITS = (70.0, 180.0)


@pytest.mark.parametrize("total", [1, 2, 9_999, 20_000, 20_001, 54_321, 105_120])
def test_thinning_keeps_ends_and_every_spike(total: int) -> None:
    values = np.full(total, 120.0)
    spikes = np.unique([0, total // 3, total // 2, total - 2 if total > 1 else 0])
    values[spikes[::2]], values[spikes[1::2]] = 390.0, 41.0
    rows = kept(values)
    assert len(rows) <= 20_000 and (np.diff(rows) > 0).all() if total > 1 else len(rows) == 1
    assert rows[0] == 0 and rows[-1] == total - 1
    assert set(spikes) <= set(rows.tolist())


def test_a_year_is_thinned_and_a_fortnight_is_not() -> None:
    fortnight, year = nouns.trace(14), nouns.trace(365, events=False)
    for trace, most in ((fortnight, len(fortnight.minutes) + 2), (year, 20_100)):
        drawn = glucose_figures.whole(trace, LIMITS, "mg/dL", date(2024, 3, 4), date(2024, 3, 17))["data"][0]
        assert len(drawn["x"]) <= most
        assert np.nanmax(drawn["y"]) == trace.glucose.max() and np.nanmin(drawn["y"]) == trace.glucose.min()


def test_no_line_is_drawn_over_a_gap() -> None:
    x, y = glucose_figures.joined(np.array([0.0, 5.0, 10.0, 120.0, 125.0]), np.arange(5.0), 5.0)
    assert np.isnan(y).tolist() == [False, False, False, True, False, False]
    assert x[3] == 10.0
    assert glucose_figures.joined(np.array([0.0]), np.array([1.0]), 5.0)[1].tolist() == [1.0]


def test_a_band_is_parted_where_it_is_not_known() -> None:
    lower, upper = np.array([1.0, 1.0, np.nan, 1.0]), np.array([2.0, 2.0, 2.0, 2.0])
    bands = glucose_figures.band(np.arange(4.0), lower, upper, "#000000")
    assert [len(one["x"]) for one in bands] == [4, 2]


def test_the_profile_stands_in_the_unit_of_the_reader() -> None:
    made = signals.profile(nouns.trace())
    plain, mmol = (glucose_figures.agp(made.minutes, made.values, LIMITS, unit) for unit in ("mg/dL", "mmol/L"))
    middle = next(one for one in plain["data"] if one.get("name") == "50%")
    other = next(one for one in mmol["data"] if one.get("name") == "50%")
    np.testing.assert_allclose(middle["y"] / 18.016, other["y"])
    np.testing.assert_allclose(middle["y"], made.values[2])
    assert mmol["layout"]["yaxis"]["ticktext"][1] == "3.9" and plain["layout"]["yaxis"]["ticktext"][1] == "70"


def test_a_day_below_and_above_the_target_is_shaded() -> None:
    trace = nouns.trace(3, nights=(1,))
    days = signals.days(trace)
    figure = glucose_panels.small_days(trace, days, LIMITS, "mg/dL", [day.isoformat() for day in days])
    ink = glucose_figures.palette()
    fills = {(one["xaxis"], one["fillcolor"]) for one in figure["data"] if "fillcolor" in one}
    assert ("x2", ink.low) in fills and ("x", ink.low) not in fills and ("x", ink.high) in fills
    assert len(figure["layout"]["annotations"]) == 3


def test_meals_stand_at_their_own_time_of_day() -> None:
    trace = nouns.trace(2)
    figure = glucose_panels.overlay(trace, signals.days(trace), date(2024, 3, 5), LIMITS, "mg/dL")
    meals = next(one for one in figure["data"] if one["name"] == "Carbohydrate")
    assert len(meals["x"]) == 3 and all(1440 > at >= 0 for at in meals["x"])
    assert [pair[1] for pair in meals["customdata"]] == ["45 g", "60 g", "70 g"]


def test_figures_hold_nothing_that_json_cannot() -> None:
    import plotly.graph_objects
    import plotly.io

    trace, report = nouns.trace(3), nouns.report(nouns.trace(3))
    made = signals.profile(trace)
    assert report.glucose is not None and report.glucose.forecast is not None
    plain = report.glucose.forecast.quantiles[-1].astype(np.float64)
    days = signals.days(trace)
    for figure in (
        glucose_figures.agp(made.minutes, made.values, LIMITS, "mg/dL"),
        glucose_figures.whole(trace, LIMITS, "mmol/L", days[0], days[-1]),
        glucose_panels.small_days(trace, days, LIMITS, "mmol/L", ["a", "b", "c"]),
        glucose_panels.overlay(trace, days, days[1], LIMITS, "mg/dL"),
        glucose_panels.responses(
            plain, report.glucose.responses[:3], report.glucose.forecast.horizons_min, LIMITS, "mg/dL", ["a", "b", "c"]
        ),
    ):
        json.loads(plotly.io.to_json(plotly.graph_objects.Figure(figure), validate=True))
