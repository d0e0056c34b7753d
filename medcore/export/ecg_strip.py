"""The strip in true scale: 25 mm/s and 10 mm/mV as vector paths on a millimetre grid.

Speed, gain, pulse and the order of leads as AHA/ACC/HRS 2007 recommend (doi 10.1016/j.jacc.2007.01.024).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medcore.export.picture import cividis
from medcore.export.sheet import GREY, INK, Sheet
from medcore.types import Attribution, Recording

SPEED_MM_S, GAIN_MM_MV = 25.0, 10.0
SECONDS = 10.0
PULSE_MM = 10.0  # the calibration pulse and the blank on both its sides
GRID = (("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5"), ("III", "aVF", "V3", "V6"))
_BIG_MM = 5.0
_FINE, _BOLD = (248, 218, 214), (233, 170, 160)
_UNCALIBRATED_MM = 12.0  # height of the usual swing where the numbers are no voltages
_FROM, _OPACITY = 0.3, 0.55  # influence below this is not drawn
_SEAM_MM = 0.1  # neighbours overlap by so much: a printer shows seams between edges that only touch


@dataclass(frozen=True, slots=True)
class Segment:
    """One lead from second `start` for `seconds`, on row `row`, `offset_mm` from where the first trace begins."""

    lead: int
    start: float
    seconds: float
    row: int
    offset_mm: float


def arranged(recording: Recording, start: float) -> tuple[Segment, ...]:
    """3 x 4 with the rhythm strip for the twelve leads; one lead in up to four lines; else a row a lead. Ten seconds wide."""
    leads, seconds = recording.leads, min(SECONDS, recording.seconds - start)
    if all(lead in leads for row in GRID for lead in row):
        part = seconds / 4
        cut = [
            Segment(leads.index(lead), start + column * part, part, row, column * part * SPEED_MM_S)
            for row, names in enumerate(GRID)
            for column, lead in enumerate(names)
        ]
        return (*cut, Segment(rhythm(recording), start, seconds, len(GRID), 0.0))
    if len(leads) == 1:
        lines = min(4, int(np.ceil((recording.seconds - start) / SECONDS)))
        return tuple(
            Segment(0, start + line * SECONDS, min(SECONDS, recording.seconds - start - line * SECONDS), line, 0.0) for line in range(lines)
        )
    return tuple(Segment(lead, start, seconds, lead, 0.0) for lead in range(len(leads)))


def rhythm(recording: Recording) -> int:
    """The lead of the rhythm strip: II, else one like it, else the first."""
    return next((recording.leads.index(name) for name in ("II", "MLII", "I") if name in recording.leads), 0)


def draw(
    sheet: Sheet, recording: Recording, segments: Sequence[Segment], top_mm: float, height_mm: float, shown: Attribution | None = None
) -> None:
    """The grid from the left margin on, and every segment on it in true scale; `shown` as colour under the traces it is about."""
    rows = max(one.row for one in segments) + 1
    pitch = height_mm / rows
    left = sheet.l_margin
    width = PULSE_MM + SECONDS * SPEED_MM_S
    rest, swing = _rest(recording, segments)
    if shown is not None:
        for one in segments:
            _influence(sheet, recording, one, shown, (left + PULSE_MM + one.offset_mm, top_mm + one.row * pitch, pitch))
    _grid(sheet, left, top_mm, width, height_mm)
    scale = GAIN_MM_MV if recording.unit == "mV" else _UNCALIBRATED_MM / swing
    sheet.set_draw_color(*INK)
    sheet.set_line_width(0.25)
    for one in segments:
        middle = top_mm + (one.row + 0.5) * pitch
        _trace(sheet, recording, one, (left + PULSE_MM + one.offset_mm, middle), scale, rest[one.lead])
        sheet.type_(8.5, INK, bold=True)
        sheet.text(left + PULSE_MM + one.offset_mm + 1.2, middle - min(pitch / 2 - 3.5, 11.0), sheet.safe(recording.leads[one.lead]))
    if recording.unit == "mV":
        for row in range(rows):
            pulse(sheet, left + 1.5, top_mm + (row + 0.5) * pitch)


def _rest(recording: Recording, segments: Sequence[Segment]) -> tuple[dict[int, float], float]:
    """The resting level of each lead that is drawn, and the swing that one sample in a hundred exceeds."""
    rest: dict[int, float] = {}
    swing = 0.0
    for one in segments:
        held = samples(recording, one)
        held = held[np.isfinite(held)]
        rest[one.lead] = float(np.median(held)) if held.size else 0.0
        swing = max(swing, float(np.percentile(np.abs(held - rest[one.lead]), 99)) if held.size else 0.0)
    return rest, swing or 1.0


def samples(recording: Recording, one: Segment) -> NDArray[Any]:
    """What a segment shows."""
    first = round(one.start * recording.sampling_rate_hz)
    return np.asarray(recording.signal[one.lead, first : first + round(one.seconds * recording.sampling_rate_hz) + 1], dtype=np.float64)


def _grid(sheet: Sheet, left: float, top: float, width: float, height: float) -> None:
    for step, colour, thick in ((1.0, _FINE, 0.08), (_BIG_MM, _BOLD, 0.14)):
        sheet.set_draw_color(*colour)
        sheet.set_line_width(thick)
        for at in np.arange(0, width + 1e-6, step):
            sheet.line(left + at, top, left + at, top + height)
        for at in np.arange(0, height + 1e-6, step):
            sheet.line(left, top + at, left + width, top + at)


def _trace(sheet: Sheet, recording: Recording, one: Segment, origin: tuple[float, float], scale: float, rest: float) -> None:
    """One path for each stretch without a gap."""
    values = samples(recording, one)
    x = origin[0] + np.arange(values.size) / recording.sampling_rate_hz * SPEED_MM_S
    y = origin[1] - (values - rest) * scale
    held = np.flatnonzero(np.isfinite(values))
    for run in np.split(held, np.flatnonzero(np.diff(held) > 1) + 1) if held.size else []:
        if run.size > 1:
            sheet.polyline([(float(x[at]), float(y[at])) for at in run])


def pulse(sheet: Sheet, left: float, middle: float) -> None:
    """1 mV for 0.2 s."""
    high, wide = GAIN_MM_MV, 0.2 * SPEED_MM_S
    steps = ((0.0, 0.0), (1.0, 0.0), (1.0, high), (1.0 + wide, high), (1.0 + wide, 0.0), (2.0 + wide, 0.0))
    sheet.polyline([(left + x, middle - y) for x, y in steps])


def _influence(sheet: Sheet, recording: Recording, one: Segment, shown: Attribution, place: tuple[float, float, float]) -> None:
    leads, bins = shown.values.shape
    row = one.lead if leads == len(recording.leads) else 0
    if leads != len(recording.leads) and one.lead != rhythm(recording):
        return
    left, top, pitch = place
    values = np.asarray(shown.values[row], dtype=np.float32).clip(0, 1)
    edges = np.arange(bins + 1) / bins * recording.seconds
    pale = 255 - (255 - cividis(values).astype(np.float32)) * _OPACITY  # mixed with the paper, so that neighbours may overlap unseen
    for at in np.flatnonzero(values >= _FROM):
        start, end = max(one.start, edges[at]), min(one.start + one.seconds, edges[at + 1])
        if end > start:
            sheet.set_fill_color(*(int(part) for part in pale[at]))
            sheet.rect(left + (start - one.start) * SPEED_MM_S, top + 1, (end - start) * SPEED_MM_S + _SEAM_MM, pitch - 2, style="F")


def caption(sheet: Sheet, recording: Recording, start: float, end: float, top_mm: float) -> None:
    """Speed, gain, filters and which part it is: under every strip."""
    gain = (
        sheet.t("ecg_pdf.strip", speed=f"{SPEED_MM_S:g}", gain=f"{GAIN_MM_MV:g}")
        if recording.unit == "mV"
        else f"{SPEED_MM_S:g} mm/s · {sheet.t('ecg_pdf.uncalibrated')}"
    )
    filters = sheet.t("ecg.filters", filters=recording.filters) if recording.filters else sheet.t("ecg.filters_unknown")
    total = sheet.t("ecg.seconds", value=f"{recording.seconds:.1f}")
    part = sheet.t("ecg_pdf.part", start=f"{start:.1f}", end=f"{end:.1f}", total=total)
    sheet.set_xy(sheet.l_margin, top_mm)
    sheet.write_line(" · ".join((gain, filters, part, sheet.t("ecg_pdf.true_scale"))), 8, GREY)
