"""Figures of glucose for plotly, as plain dictionaries: the profile, the days, the whole trace, the model's response.

Two palettes, for a light and a dark page; text and grid take Streamlit's theme. Levels come in mg/dL and are drawn in the reader's unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from medcore.export import glucose_words as words
from medcore.signals.glucose_time import DAY_S, day_numbers, event_clock
from medcore.types import EVENTS, Trace
from medcore.ui.glucose_thin import kept
from medcore.ui.text import t

Floats = NDArray[np.float64]
Figure = dict[str, Any]
CONFIG = {"displayModeBar": False, "responsive": True}
ZOOMED = {"displaylogo": False, "responsive": True, "scrollZoom": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]}
TOP, TALLER = 350.0, 400.0  # mg/dL, of the axis
LEVELS = (54.0, 70.0, 140.0, 180.0, 250.0)  # mg/dL, marks of the axis
_DAY_MIN = 1440.0
_GAP_INTERVALS, _GAP_MIN = 2.5, 16.0  # readings further apart than both are not joined by a line
_TICKS = [  # the wearer's clock, in figures that need no language
    {"dtickrange": [None, 86_399_999], "value": "%H:%M\n%m-%d"},
    {"dtickrange": [86_400_000, "M1"], "value": "%m-%d\n%Y"},
    {"dtickrange": ["M1", None], "value": "%Y-%m"},
]
_MARKS = {"carbs": "circle", "bolus": "triangle-up", "basal": "square", "basal_rate": "square-open"}


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours on one ground; `target` is the shading."""

    outer: str
    inner: str
    median: str
    target: str
    edge: str
    low: str
    high: str
    line: str
    faint: str
    grid: str
    insulin: str


_LIGHT = Palette(
    "#D6E6F3", "#96BFDE", "#005288", "rgba(46,125,50,0.10)", "#2E7D32", "#B42318", "#D08A1E", "#18222D", "#6B7784", "#E3E8ED", "#6B4FA0"
)
_DARK = Palette(
    "#1E3A50", "#2F6488", "#8CC8F2", "rgba(92,203,120,0.10)", "#6BBF73", "#FF9A90", "#E9B44C", "#E4EAF0", "#8C99A6", "#26303A", "#B7A3E3"
)


def palette() -> Palette:
    """The one that suits the page's theme."""
    return _DARK if st.context.theme.type == "dark" else _LIGHT


def draw(figure: Figure, key: str, alt: str, config: dict[str, Any] | None = None) -> None:
    """Show a figure with the words for those who cannot see it."""
    st.plotly_chart(figure, config=config or CONFIG, key=key, alt=alt)


def layout(height: int, unit: str, top: float, ink: Palette, **more: Any) -> dict[str, Any]:
    """What figures of one curve over time have in common."""
    return {
        "height": height, "margin": {"l": 46, "r": 44, "t": 10, "b": 30, "pad": 0}, "showlegend": False, "hovermode": "x unified",
        "yaxis": level_axis(unit, top, ink), **more,
    }  # fmt: skip


def level_axis(unit: str, top: float, ink: Palette, levels: Sequence[float] = LEVELS) -> dict[str, Any]:
    """The axis of glucose: marks at the levels that ranges are divided at."""
    levels = [*levels, top]
    return {
        "range": [0, words.converted(top, unit)],
        "tickvals": [words.converted(one, unit) for one in levels],
        "ticktext": [words.level(one, unit) for one in levels],
        "gridcolor": ink.grid,
        "zeroline": False,
        "title": {"text": unit},
        "fixedrange": True,
    }


def clock_axis(ink: Palette, step: int = 180) -> dict[str, Any]:
    """The axis of a day on the wearer's clock, in minutes since midnight."""
    at = list(range(0, int(_DAY_MIN) + 1, step))
    return {
        "range": [0, _DAY_MIN], "tickvals": at, "ticktext": [words.hour_words(one / 60) for one in at], "gridcolor": ink.grid,
        "zeroline": False, "fixedrange": True,
    }  # fmt: skip


def target(
    limits: tuple[float, float], unit: str, ink: Palette, axes: tuple[str, str] = ("x domain", "y"), width: float = 1.5
) -> list[Figure]:
    """The target as a shading between two lines, as shapes."""
    low, high = (words.converted(one, unit) for one in limits)
    across = {"xref": axes[0], "yref": axes[1], "x0": 0, "x1": 1}
    ground = {"type": "rect", **across, "y0": low, "y1": high, "fillcolor": ink.target, "line": {"width": 0}, "layer": "below"}
    edges = [
        {"type": "line", **across, "y0": one, "y1": one, "line": {"color": ink.edge, "width": width}, "layer": "above"}
        for one in (low, high)
    ]
    return [ground, *edges]


def top_of(values: NDArray[np.floating]) -> float:
    """The upper end of the axis in mg/dL: a little more where some of `values` lie beyond the usual one."""
    known = values[np.isfinite(values)]
    return TALLER if known.size and float(known.max()) > TOP else TOP


def runs(known: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """The numbers of the stretches where `known` holds."""
    held = np.flatnonzero(known).astype(np.int64)
    return [run for run in np.split(held, np.flatnonzero(np.diff(held) > 1) + 1) if run.size]


def band(x: Floats, lower: Floats, upper: Floats, colour: str, **more: Any) -> list[Figure]:
    """Areas between two curves, one a stretch in which both are known."""
    made = []
    for run in runs(np.isfinite(lower) & np.isfinite(upper)):
        over = {"x": np.r_[x[run], x[run[::-1]]], "y": np.r_[upper[run], lower[run[::-1]]]}
        made.append({"type": "scatter", **over, "fill": "toself", "fillcolor": colour, "mode": "none", "hoverinfo": "skip", **more})
    return made


def agp(
    minutes: Floats, percentiles: Floats, limits: tuple[float, float], unit: str, height: int = 330, top: float | None = None
) -> Figure:
    """The profile: percentiles 5, 25, 50, 75, 95 (`percentiles` (5, bins) mg/dL, NaN unknown) over the day, the target shaded."""
    ink = palette()
    high = top or top_of(percentiles)
    values = words.converted(1.0, unit) * percentiles
    drawn = [*band(minutes, values[0], values[4], ink.outer), *band(minutes, values[1], values[3], ink.inner)]
    clock = [words.hour_words(one / 60) for one in minutes]
    for row, (name, width) in enumerate((("5%", 0.8), ("25%", 0.0), ("50%", 3.0), ("75%", 0.0), ("95%", 0.8))):
        line = {"color": ink.median, "width": width, "dash": "solid" if row == 2 else "dot"}
        told = [words.level(one, unit) for one in percentiles[row]]
        drawn.append(
            {
                "type": "scatter",
                "x": minutes,
                "y": values[row],
                "mode": "lines",
                "line": line,
                "name": name,
                "customdata": told,
                "text": clock,
                "hovertemplate": f"%{{customdata}} {unit}",
            }
        )
    more = {"xaxis": clock_axis(ink), "shapes": target(limits, unit, ink), "annotations": _names(percentiles, unit, ink)}
    return {"data": drawn, "layout": layout(height, unit, high, ink, **more)}


def _names(percentiles: Floats, unit: str, ink: Palette) -> list[Figure]:
    """Which percentile each edge is, at the right end of the curve, apart from each other."""
    known = np.flatnonzero(np.isfinite(percentiles).all(axis=0))
    if not known.size:
        return []
    at = percentiles[:, known[-1]].astype(np.float64)
    for row in range(1, 5):
        at[row] = max(at[row], at[row - 1] + 17.0)  # mg/dL that a line of text takes
    return [
        {
            "x": 1, "xref": "x domain", "xanchor": "left", "xshift": 4, "y": words.converted(float(level), unit), "yref": "y", "text": name,
            "showarrow": False, "font": {"size": 11, "color": ink.median if name == "50%" else ink.faint},
        }
        for level, name in zip(at, ("5%", "25%", "50%", "75%", "95%"), strict=True)
    ]  # fmt: skip


def joined(minutes: Floats, values: Floats, interval: float) -> tuple[Floats, Floats]:
    """The curve with an unknown value in each gap, so that no line is drawn over it; time that runs back is a gap as well."""
    step = np.diff(minutes)
    gaps = np.flatnonzero((step > max(_GAP_INTERVALS * interval, _GAP_MIN)) | (step <= 0)) + 1
    return np.insert(minutes, gaps, minutes[gaps - 1] if len(gaps) else 0.0), np.insert(values, gaps, np.nan)


def day_rows(trace: Trace, day: date) -> NDArray[np.int64]:
    """The numbers of the readings of `day` on the wearer's clock."""
    return np.flatnonzero(day_numbers(trace) == (day - date(1970, 1, 1)).days)


def minutes_of_day(trace: Trace) -> Floats:
    """(N,) minutes since midnight of the wearer's clock."""
    return np.asarray(np.mod(trace.clock_s.astype(np.float64), DAY_S) / 60)


def digits(unit: str) -> str:
    """How plotly prints a level in `unit`."""
    return ".0f" if unit == words.UNITS[0] else ".1f"


def eaten(trace: Trace, day: date | None, high: float, unit: str, ink: Palette) -> list[Figure]:
    """Meals and insulin as marks along the top, with their amounts; those of `day` by time of day, or all by date."""
    clock = event_clock(trace)
    own = np.ones(len(clock), np.bool_) if day is None else np.floor_divide(clock, DAY_S) == (day - date(1970, 1, 1)).days
    made = []
    for number, kind in enumerate(EVENTS):
        rows = np.flatnonzero(own & (trace.event_kind == number))
        if not rows.size:
            continue
        amount = [f"{float(one):g} {t(f'event_unit.{kind}')}" for one in trace.event_value[rows]]
        x = np.mod(clock[rows], DAY_S) / 60 if day else _dates(clock[rows])
        when = [words.clock(float(one)).strftime("%H:%M") for one in clock[rows]]
        level = words.converted(high * (0.95 - 0.055 * number), unit)
        made.append(
            {
                "type": "scatter",
                "x": x,
                "y": np.full(len(rows), level),
                "name": t(f"event.{kind}"),
                "customdata": [list(pair) for pair in zip(when, amount, strict=True)],
                "mode": "markers+text" if day and kind != "basal_rate" else "markers",
                "text": amount,
                "textposition": "middle right",
                "textfont": {"size": 11},
                "marker": {"symbol": _MARKS[kind], "size": 9, "color": ink.high if kind == "carbs" else ink.insulin},
                "hovertemplate": "%{customdata[0]} · %{customdata[1]}<extra>" + t(f"event.{kind}") + "</extra>",
            }
        )
    return made


def _dates(clock: Floats) -> list[str]:
    """The wearer's clock as plotly takes dates, without a zone."""
    return [str(one) for one in np.datetime_as_string(clock.astype("int64").astype("datetime64[s]"))]


def whole(trace: Trace, limits: tuple[float, float], unit: str, first: date, last: date) -> Figure:
    """The whole trace over dates with a slider under it, opened at the days `first` to `last`; thinned where long, spikes kept."""
    ink = palette()
    high = top_of(trace.glucose.astype(np.float64))
    order = np.argsort(trace.clock_s.astype(np.float64), kind="stable")
    minutes, level = trace.clock_s.astype(np.float64)[order] / 60, words.converted(1.0, unit) * trace.glucose.astype(np.float64)[order]
    rows = kept(level)
    x, y = joined(
        minutes[rows], level[rows], trace.interval_min if len(rows) == len(level) else 2.0 * trace.interval_min * len(level) / len(rows)
    )
    line = {
        "type": "scatter",
        "x": _dates(x * 60),
        "y": y,
        "mode": "lines" if len(rows) > 1 else "markers",
        "name": t("glucose.glucose"),
        "line": {"color": ink.median, "width": 1.3},
        "hovertemplate": f"%{{x|%Y-%m-%d %H:%M}} · %{{y:{digits(unit)}}} {unit}<extra></extra>",
    }
    axis = {
        "type": "date",
        "tickformatstops": _TICKS,
        "range": [f"{first}T00:00", f"{last}T23:59"],
        "gridcolor": ink.grid,
        "rangeslider": {"visible": True, "thickness": 0.13, "range": [_dates(x[:1] * 60)[0], _dates(x[-1:] * 60)[0]]},
    }
    frame = layout(420, unit, high, ink, xaxis=axis, shapes=target(limits, unit, ink))
    return {"data": [line, *eaten(trace, None, high, unit, ink)], "layout": {**frame, "hovermode": "closest", "dragmode": "pan"}}
