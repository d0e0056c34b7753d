"""What the one-page report draws: times in ranges, the glucose profile, the days. Vector paths in the light colours of print.

Layout and the five ranges as the consensus report draws them (Battelino 2019, doi 10.2337/dci19-0028; Johnson 2019,
doi 10.1089/dia.2019.0034).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from medcore.export import glucose_words as words
from medcore.export.glucose_facts import Part
from medcore.export.glucose_put import put
from medcore.export.sheet import GREY, INK, LINE, Sheet
from medcore.types import Trace

Floats = NDArray[np.float64]
Colour = tuple[int, int, int]

COLOURS: dict[str, Colour] = {
    "very_low": (139, 26, 26), "low": (214, 69, 65), "target": (86, 160, 84), "high": (247, 205, 88), "very_high": (232, 145, 45),
}  # fmt: skip
_OUTER, _INNER, _MEDIAN = (214, 230, 243), (150, 191, 222), (0, 82, 136)
_GREEN, _PALE_GREEN = (46, 125, 50), (239, 247, 238)
_LOW_FILL, _HIGH_FILL = (224, 102, 92), (250, 222, 140)
_TOP = 350.0  # mg/dL, of the axis; 400 where the profile goes beyond
_TALLER = 400.0
_DAY_MIN, _DAY_S = 1440.0, 86400.0
_GAP_INTERVALS, _GAP_MIN = 2.5, 16.0  # readings further apart than both are not joined by a line
_LEAST_MM = 4.6  # between two labels of the bar


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on the sheet, in millimetres from its upper left corner."""

    left: float
    top: float
    width: float
    height: float


def times_in_ranges(sheet: Sheet, box: Box, parts: Sequence[Part], unit: str) -> None:
    """The stacked bar, highest range on top, and beside each range its name, limits, share and time a day; `parts` from low to high."""
    bar, whole = 13.0, sum(one.share for one in parts if np.isfinite(one.share))
    if whole <= 0:
        return
    y, middles = box.top, []
    for one in reversed(parts):
        tall = box.height * one.share / whole
        sheet.set_fill_color(*COLOURS[one.code])
        if tall > 0:
            sheet.rect(box.left, y, bar, tall, style="F")
        middles.append(y + tall / 2)
        y += tall
    sheet.set_draw_color(255, 255, 255)
    sheet.set_line_width(0.3)
    y = box.top
    for one in list(reversed(parts))[:-1]:
        y += box.height * one.share / whole
        sheet.line(box.left, y, box.left + bar, y)
    for one, at, label in zip(reversed(parts), middles, spread(middles, box.top, box.top + box.height), strict=True):
        _label(sheet, box, bar, one, at, label, unit)


def _label(sheet: Sheet, box: Box, bar: float, one: Part, at: float, label: float, unit: str) -> None:
    x = box.left + bar
    sheet.set_draw_color(*LINE)
    sheet.set_line_width(0.2)
    sheet.polyline([(x + 0.6, at), (x + 3.0, label), (x + 4.4, label)])
    name = sheet.t(f"glucose_report.range_{one.code}")
    right = box.left + box.width
    put(sheet, x + 5.2, label, f"{name} {words.range_words(one.low, one.high, unit)}", 7.5)
    put(sheet, right - 18, label, words.share(one.share), 8, bold=True, align="R")
    put(sheet, right, label, words.time_a_day(one.share, sheet.language), 7, GREY, align="R")


def spread(middles: Sequence[float], top: float, bottom: float) -> list[float]:
    """Places for labels in order, each as near to its middle as the least distance between two and both ends allow."""
    placed: list[float] = []
    for at in middles:
        placed.append(max(at, placed[-1] + _LEAST_MM if placed else top + _LEAST_MM / 2))
    limit = bottom - _LEAST_MM / 2
    for number in range(len(placed) - 1, -1, -1):
        placed[number] = min(placed[number], limit)
        limit = placed[number] - _LEAST_MM
    return placed


def top_of(profile: Floats) -> float:
    """The upper end of the axis in mg/dL that shows all of `profile`, or as much of it as a report shows."""
    return _TALLER if profile.size and np.nanmax(profile, initial=0.0) > _TOP else _TOP


def profile(sheet: Sheet, box: Box, minutes: Floats, values: Floats, limits: tuple[float, float], unit: str) -> None:
    """Percentiles 5, 25, 50, 75, 95 (`values` (5, bins) mg/dL, NaN unknown) over the day; `limits` are the target's, mg/dL."""
    high = top_of(values)
    x, y = _scales(box, _DAY_MIN, high)
    _ground(sheet, box, y, limits)
    _hours(sheet, box, x)
    _levels(sheet, box, y, high, limits, unit)
    levels = np.minimum(values, high)
    for lower, upper, colour in ((0, 4, _OUTER), (1, 3, _INNER)):
        for run in runs(np.isfinite(levels[lower]) & np.isfinite(levels[upper])):
            over = [(x(float(minutes[at])), y(float(levels[upper, at]))) for at in run]
            under = [(x(float(minutes[at])), y(float(levels[lower, at]))) for at in run[::-1]]
            sheet.set_fill_color(*colour)
            if len(over) > 1:
                sheet.polygon([*over, *under], style="F")
    sheet.set_draw_color(*_MEDIAN)
    sheet.set_line_width(0.7)
    for run in runs(np.isfinite(levels[2])):
        if len(run) > 1:
            sheet.polyline([(x(float(minutes[at])), y(float(levels[2, at]))) for at in run])
    _targets(sheet, box, y, limits, unit)
    _names(sheet, box, x, y, minutes, levels)


def runs(known: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """The numbers of the stretches where `known` holds."""
    held = np.flatnonzero(known).astype(np.int64)
    return [run for run in np.split(held, np.flatnonzero(np.diff(held) > 1) + 1) if run.size]


def _scales(box: Box, wide: float, high: float) -> tuple[Callable[[float], float], Callable[[float], float]]:
    return lambda at: box.left + at / wide * box.width, lambda mg_dl: box.top + (1 - mg_dl / high) * box.height


def _ground(sheet: Sheet, box: Box, y: Callable[[float], float], limits: tuple[float, float]) -> None:
    low, high = limits
    sheet.set_fill_color(*_PALE_GREEN)
    sheet.rect(box.left, y(high), box.width, y(low) - y(high), style="F")


def _targets(sheet: Sheet, box: Box, y: Callable[[float], float], limits: tuple[float, float], unit: str) -> None:
    """Both target lines over the bands, with their levels in bold at the left."""
    sheet.set_draw_color(*_GREEN)
    sheet.set_line_width(0.45)
    for mg_dl in limits:
        sheet.line(box.left, y(mg_dl), box.left + box.width, y(mg_dl))
        put(sheet, box.left - 1.2, y(mg_dl), words.level(mg_dl, unit), 8, _GREEN, bold=True, align="R")


def _hours(sheet: Sheet, box: Box, x: Callable[[float], float]) -> None:
    sheet.set_draw_color(*LINE)
    sheet.set_line_width(0.15)
    for hour in range(0, 25, 3):
        at = x(hour * 60.0)
        sheet.line(at, box.top, at, box.top + box.height)
        put(sheet, at, box.top + box.height + 2.4, words.hour_words(hour), 7, GREY, align="C")
    sheet.rect(box.left, box.top, box.width, box.height)


def _levels(sheet: Sheet, box: Box, y: Callable[[float], float], high: float, limits: tuple[float, float], unit: str) -> None:
    """The other levels of the axis in grey, as thin lines; none so near to a target line that their numbers would touch."""
    sheet.set_line_width(0.12)
    for mg_dl in (0.0, 54.0, 250.0, high):
        if all(abs(y(mg_dl) - y(one)) > 2.6 for one in limits):
            sheet.set_draw_color(*LINE)
            sheet.line(box.left, y(mg_dl), box.left + box.width, y(mg_dl))
            put(sheet, box.left - 1.2, y(mg_dl), words.level(mg_dl, unit) if mg_dl else "0", 7, GREY, align="R")
    put(sheet, box.left - 1.2, box.top - 3.0, unit, 7, GREY, align="R")


def _names(sheet: Sheet, box: Box, x: Callable[[float], float], y: Callable[[float], float], minutes: Floats, levels: Floats) -> None:
    """Which percentile each edge is, at the right end of the curve."""
    known = np.flatnonzero(np.isfinite(levels).all(axis=0))
    if not known.size:
        return
    last = int(known[-1])
    at = [y(float(levels[row, last])) for row in (4, 3, 2, 1, 0)]
    least = 2.6
    for number in range(1, 5):
        at[number] = max(at[number], at[number - 1] + least)
    for place, told in zip(at, ("95%", "75%", "50%", "25%", "5%"), strict=True):
        put(sheet, box.left + box.width + 1.0, place, told, 6.5, _MEDIAN if told == "50%" else GREY, bold=told == "50%")


@dataclass(frozen=True, slots=True)
class Day:
    """The readings of one day: minutes since its midnight on the wearer's clock, and mg/dL, both (M,)."""

    day: date
    minutes: Floats
    glucose: Floats


def day_of(trace: Trace, day: date) -> Day:
    """What `trace` holds of `day`."""
    start = (day - date(1970, 1, 1)).days * _DAY_S
    clock = trace.clock_s.astype(np.float64)
    held = (clock >= start) & (clock < start + _DAY_S)
    return Day(day, (clock[held] - start) / 60.0, trace.glucose[held].astype(np.float64))


def small_day(sheet: Sheet, box: Box, one: Day, interval: float, limits: tuple[float, float], high: float) -> None:
    """One day as a small panel: the target shaded, what lies below it in red and above it in yellow."""
    x, y = _scales(box, _DAY_MIN, high)
    _ground(sheet, box, y, limits)
    gap = max(_GAP_INTERVALS * interval, _GAP_MIN)
    step = np.diff(one.minutes)
    joined = [run for run in np.split(np.arange(one.minutes.size), np.flatnonzero((step > gap) | (step <= 0)) + 1) if run.size]
    for run in joined:
        at, value = one.minutes[run], np.clip(one.glucose[run], 0.0, high)
        _beyond(sheet, x, y, at, np.minimum(value, limits[0]), limits[0], _LOW_FILL)
        _beyond(sheet, x, y, at, np.maximum(value, limits[1]), limits[1], _HIGH_FILL)
        sheet.set_draw_color(*INK)
        sheet.set_line_width(0.22)
        points = [(x(float(when)), y(float(mg_dl))) for when, mg_dl in zip(at, value, strict=True)]
        if len(points) > 1:
            sheet.polyline(points)
        else:
            sheet.set_fill_color(*INK)
            sheet.circle(points[0][0], points[0][1], 0.25, style="F")
    sheet.set_draw_color(*LINE)
    sheet.set_line_width(0.15)
    sheet.line(x(720.0), box.top, x(720.0), box.top + box.height)
    sheet.rect(box.left, box.top, box.width, box.height)


def _beyond(
    sheet: Sheet, x: Callable[[float], float], y: Callable[[float], float], at: Floats, value: Floats, limit: float, colour: Colour
) -> None:
    """The area between the curve and a target line that it crossed."""
    if at.size < 2 or not (value != limit).any():
        return
    over = [(x(float(when)), y(float(mg_dl))) for when, mg_dl in zip(at, value, strict=True)]
    sheet.set_fill_color(*colour)
    sheet.polygon([*over, (x(float(at[-1])), y(limit)), (x(float(at[0])), y(limit))], style="F")
