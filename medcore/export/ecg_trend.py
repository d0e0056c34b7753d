"""The trend of a long recording on paper: heart rate a minute, AF behind it, ventricular beats below, gaps where nothing could be read."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from medcore.export.ecg_strip import PULSE_MM, SECONDS, SPEED_MM_S
from medcore.export.ecg_words import clock
from medcore.export.sheet import AMBER, GREY, LINE, RED, Sheet
from medcore.types import Holter, Recording

_BLUE, _PALE = (0, 114, 178), (200, 222, 238)
_LOWEST, _HIGHEST = 30.0, 120.0  # the least that the axis spans, in beats a minute
_LINES = (60, 100)
_HALF = 0.5  # a minute less analysable than this is greyed
_TICKS = 8
_ECTOPIC_MM, _ECTOPIC_FULL = 6.0, 20.0


def trend(sheet: Sheet, holter: Holter, top: float, height: float, recording: Recording) -> None:
    """Draw it from the left margin over the width of a strip; the sheet continues below."""
    left, width = sheet.l_margin, PULSE_MM + SECONDS * SPEED_MM_S
    minute = width * 60 / max(recording.seconds, 60.0)
    rates = np.asarray(holter.rate_max, dtype=float)
    highest = max(_HIGHEST, float(np.nanmax(rates)) if np.isfinite(rates).any() else 0.0)
    bottom = top + height - _ECTOPIC_MM

    def y(rate: float) -> float:
        return bottom - (rate - _LOWEST) / (highest - _LOWEST) * (bottom - top)

    for at in range(holter.rate_mean.size):
        x = left + at * minute
        if holter.analysable[at] < _HALF:
            _bar(sheet, LINE, x, top, minute, height, 1.0)
        if holter.af_share[at] > 0:
            _bar(sheet, AMBER, x, top, minute, height, 0.15 + 0.35 * float(holter.af_share[at]))
        if np.isfinite(holter.rate_min[at]) and np.isfinite(holter.rate_max[at]):
            low, high = y(float(holter.rate_min[at])), y(float(holter.rate_max[at]))
            _bar(sheet, _PALE, x, high, minute, low - high, 0.65)
        if holter.ectopic[at] > 0:
            tall = min(1.0, float(holter.ectopic[at]) / _ECTOPIC_FULL) * _ECTOPIC_MM
            _bar(sheet, RED, x, top + height - tall, minute, tall, 1.0)
    _mean(sheet, holter, left, minute, y)
    _axes(sheet, left, top, width, height, recording, y)


def _bar(sheet: Sheet, colour: tuple[int, int, int], x: float, y: float, width: float, height: float, opacity: float) -> None:
    with sheet.local_context(fill_opacity=opacity):
        sheet.set_fill_color(*colour)
        sheet.rect(x, y, width, max(height, 0.15), style="F")


def _mean(sheet: Sheet, holter: Holter, left: float, minute: float, y: Callable[[float], float]) -> None:
    held = np.flatnonzero(np.isfinite(holter.rate_mean))
    sheet.set_draw_color(*_BLUE)
    sheet.set_line_width(0.3)
    for run in np.split(held, np.flatnonzero(np.diff(held) > 1) + 1) if held.size else []:
        points = [(left + (int(at) + 0.5) * minute, y(float(holter.rate_mean[at]))) for at in run]
        if len(points) > 1:
            sheet.polyline(points)


def _axes(sheet: Sheet, left: float, top: float, width: float, height: float, recording: Recording, y: Callable[[float], float]) -> None:
    sheet.set_draw_color(*LINE)
    sheet.set_line_width(0.15)
    sheet.rect(left, top, width, height)
    for rate in _LINES:
        at = y(float(rate))
        sheet.line(left, at, left + width, at)
        sheet.type_(7, GREY)
        sheet.text(left - 6, at + 1, str(rate))
    for tick in range(_TICKS + 1):
        sheet.type_(7, GREY)
        words = clock(recording.seconds * tick / _TICKS, recording.started_at)
        sheet.text(left + width * tick / _TICKS - sheet.get_string_width(words) / 2, top + height + 3.5, words)
    sheet.set_y(top + height + 4.5)
