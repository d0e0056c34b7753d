"""Figures of several days or several curves: small panels, days over each other, the model's response. See `glucose_figures`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np

from medcore.export import glucose_words as words
from medcore.types import Response, Trace
from medcore.ui import glucose_figures as base
from medcore.ui.glucose_figures import Figure, Floats, Palette
from medcore.ui.text import t

_DAY_MIN = 1440.0
_ACROSS = 7  # panels a row: a week
_ROW_PX, _TITLE_PX = 96, 19
_FEW = (70.0, 180.0, 250.0)  # mg/dL, marks of a low axis


def small_days(trace: Trace, shown: Sequence[date], limits: tuple[float, float], unit: str, titles: Sequence[str]) -> Figure:
    """Days as small panels, seven a row: the target shaded, what lies below it in red, above it in amber."""
    ink, down = base.palette(), -(-len(shown) // _ACROSS)
    figure = _several(_ROW_PX * down + 24, {"l": 34, "r": 6, "t": 4, "b": 20, "pad": 0})
    at = base.minutes_of_day(trace)
    top = words.converted(base.TOP, unit)
    for number, (day, title) in enumerate(zip(shown, titles, strict=True)):
        rows = base.day_rows(trace, day)
        level = np.minimum(words.converted(1.0, unit) * trace.glucose[rows].astype(np.float64), top)
        x, y = base.joined(at[rows], level, trace.interval_min)
        axes = _axes(figure, number, down, limits, unit, ink)
        figure["layout"]["annotations"].append(
            _title(title, figure["layout"][f"xaxis{_number(number)}"], figure["layout"][f"yaxis{_number(number)}"])
        )
        figure["data"] += _panel(x, y, limits, unit, axes, ink)
    return figure


def _several(height: int, margin: dict[str, int]) -> Figure:
    """A figure of no panels yet."""
    return {"data": [], "layout": {"height": height, "margin": margin, "showlegend": False, "shapes": [], "annotations": []}}


def _number(panel: int) -> str:
    """As plotly counts axes: the first has none."""
    return "" if panel == 0 else str(panel + 1)


def _axes(figure: Figure, panel: int, down: int, limits: tuple[float, float], unit: str, ink: Palette) -> dict[str, str]:
    """Make the axes and the target of a small panel; the names of both for what is drawn on it."""
    column, line, name = panel % _ACROSS, panel // _ACROSS, _number(panel)
    left, bottom = column / _ACROSS, 1 - (line + 1) / down
    box = {"showgrid": False, "zeroline": False, "fixedrange": True, "showline": True, "mirror": True, "linecolor": ink.grid}
    figure["layout"][f"xaxis{name}"] = {
        "domain": [left + 0.004, left + 1 / _ACROSS - 0.004], "anchor": f"y{name}", "range": [0, _DAY_MIN],
        "tickvals": [360, 720, 1080] if line == down - 1 else [], "ticktext": ["6", "12", "18"], **box,
    }  # fmt: skip
    figure["layout"][f"yaxis{name}"] = {
        "domain": [bottom + 4 / (_ROW_PX * down), bottom + 1 / down - _TITLE_PX / (_ROW_PX * down)],
        "anchor": f"x{name}",
        "range": [0, words.converted(base.TOP, unit)],
        "showticklabels": column == 0,
        "tickvals": [words.converted(one, unit) for one in limits],
        "ticktext": [words.level(one, unit) for one in limits],
        **box,
    }
    figure["layout"]["shapes"] += base.target(limits, unit, ink, (f"x{name} domain", f"y{name}"), 0.7)
    return {"xaxis": f"x{name}", "yaxis": f"y{name}"}


def _title(title: str, xaxis: dict[str, Any], yaxis: dict[str, Any]) -> dict[str, Any]:
    where = {"x": xaxis["domain"][0], "y": yaxis["domain"][1], "xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom"}
    return {"text": title, "showarrow": False, "font": {"size": 11}, "yshift": 1, "borderpad": 0, **where}


def _panel(x: Floats, y: Floats, limits: tuple[float, float], unit: str, axes: dict[str, str], ink: Palette) -> list[Figure]:
    """The curve of one day, and what lies beyond the target as areas."""
    drawn: list[Figure] = []
    low, high = (words.converted(one, unit) for one in limits)
    for edge, colour, beyond in ((low, ink.low, np.minimum), (high, ink.high, np.maximum)):
        away = beyond(y, edge)
        if (away[np.isfinite(away)] != edge).any():
            drawn += base.band(x, np.where(np.isfinite(y), edge, np.nan), away, colour, opacity=0.55, **axes)
    curve = {
        "type": "scatter", "x": x, "y": y, "mode": "markers" if len(x) == 1 else "lines", "line": {"color": ink.line, "width": 1.2},
        "marker": {"color": ink.line, "size": 4}, "text": [words.hour_words(one / 60) for one in x],
        "hovertemplate": f"%{{text}} · %{{y:{base.digits(unit)}}} {unit}<extra></extra>", **axes,
    }  # fmt: skip
    return [*drawn, curve]


def overlay(trace: Trace, shown: Sequence[date], chosen: date | None, limits: tuple[float, float], unit: str) -> Figure:
    """Days over each other by time of day, one of them set apart with what was eaten and injected on it."""
    ink, at = base.palette(), base.minutes_of_day(trace)
    high = base.top_of(trace.glucose.astype(np.float64))
    drawn: list[Figure] = []
    for day in [*(one for one in shown if one != chosen), *([chosen] if chosen else [])]:
        rows, apart = base.day_rows(trace, day), day == chosen
        x, y = base.joined(at[rows], words.converted(1.0, unit) * trace.glucose[rows].astype(np.float64), trace.interval_min)
        drawn.append(
            {
                "type": "scatter", "x": x, "y": y, "mode": "lines+markers" if apart or len(rows) == 1 else "lines", "name": day.isoformat(),
                "line": {"color": ink.median if apart else ink.faint, "width": 2.4 if apart else 0.9}, "marker": {"size": 4},
                "opacity": 1.0 if apart else 0.7 if chosen is None else 0.4, "text": [words.hour_words(one / 60) for one in x],
                "hovertemplate": f"%{{text}} · %{{y:{base.digits(unit)}}} {unit}<extra>{day.isoformat()}</extra>",
            }
        )  # fmt: skip
    marks = base.eaten(trace, chosen, high, unit, ink) if chosen else []
    frame = base.layout(380, unit, high, ink, xaxis=base.clock_axis(ink), shapes=base.target(limits, unit, ink))
    return {"data": [*drawn, *marks], "layout": {**frame, "hovermode": "closest"}}


def responses(
    plain: Floats, made: Sequence[Response], horizons: Sequence[float], limits: tuple[float, float], unit: str, titles: Sequence[str]
) -> Figure:
    """What the model foresees with each input, beside what it foresees without: medians and 5 to 95 % bands, `plain` (H, 5) mg/dL."""
    ink, x = base.palette(), np.asarray(horizons, np.float64)
    high = base.top_of(np.concatenate([plain.ravel(), *(one.quantiles.ravel() for one in made)]).astype(np.float64))
    figure = _several(240, {"l": 46, "r": 8, "t": 24, "b": 38, "pad": 0})
    for panel, (one, title) in enumerate(zip(made, titles, strict=True)):
        name, domain = _number(panel), [panel / len(made) + 0.008, (panel + 1) / len(made) - 0.008]
        axes = {"xaxis": f"x{name}", "yaxis": f"y{name}"}
        across = {"title": {"text": t("glucose.minutes_ahead")}, "gridcolor": ink.grid, "fixedrange": True, "dtick": 30, "zeroline": False}
        figure["layout"][f"xaxis{name}"] = {"domain": domain, "anchor": f"y{name}", **across}
        scale = {**base.level_axis(unit, high, ink, _FEW), "anchor": f"x{name}", "showticklabels": panel == 0, "domain": [0.0, 1.0]}
        figure["layout"][f"yaxis{name}"] = scale if panel == 0 else {**scale, "title": {"text": ""}}
        figure["layout"]["shapes"] += base.target(limits, unit, ink, (f"x{name} domain", f"y{name}"), 0.8)
        figure["layout"]["annotations"].append(_title(title, {"domain": domain}, {"domain": [0.0, 1.0]}))
        figure["data"] += _foreseen(x, plain, unit, ink.faint, "dot", t("glucose.response_plain"), axes)
        figure["data"] += _foreseen(x, np.asarray(one.quantiles, np.float64), unit, ink.median, "solid", t("glucose.response_with"), axes)
    return figure


def _foreseen(x: Floats, quantiles: Floats, unit: str, colour: str, dash: str, name: str, axes: dict[str, str]) -> list[Figure]:
    """The middle and the outer band of one forecast."""
    levels = words.converted(1.0, unit) * np.asarray(quantiles, np.float64)
    line = {
        "type": "scatter",
        "x": x,
        "y": levels[:, levels.shape[1] // 2],
        "mode": "lines",
        "line": {"color": colour, "width": 2.2, "dash": dash},
        "name": name,
        "hovertemplate": f"%{{x:.0f}} min · %{{y:{base.digits(unit)}}} {unit}<extra>{name}</extra>",
        **axes,
    }
    return [*base.band(x, levels[:, 0], levels[:, -1], colour, opacity=0.18, **axes), line]
