"""The one-page glucose report as PDF: the AGP report of the consensus (Battelino 2019, doi 10.2337/dci19-0028) on A4, and on request
pages behind it with every measurement and its source, the days of each pattern and the warnings one by one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import cast

import numpy as np
from fpdf.enums import MethodReturnValue, XPos, YPos

import medcore
from medcore.export import fonts, glucose_charts, glucose_details, glucose_said
from medcore.export import glucose_words as words
from medcore.export import sheet as sheets
from medcore.export.glucose_charts import Box
from medcore.export.glucose_facts import Facts, gathered
from medcore.export.glucose_put import put
from medcore.export.sheet import AMBER, GREY, INK, LINE, RED, TEAL, Sheet, fitted
from medcore.export.wording import age_words, coded, person_name
from medcore.store import Read, ReportRow, ReportState
from medcore.types import Report, Study

LEFT_MM = 12.0
_WIDE = 210.0 - 2 * LEFT_MM
_AXIS_MM, _ENDS_MM = 10.0, 8.0  # of the profile: numbers at its left, names of the percentiles at its right
_ROW, _PROFILE, _DAYS, _SAID, _MADE = 39.0, 98.0, 167.0, 230.0, 270.5  # where each part begins
_PANEL_MM, _WEEK = 20.0, 7
SHOWN_DAYS = 14
_LINE_MM, _APART_MM = 3.8, 0.6
_NAME_MM = 40.0  # the least of a name that is printed


def render(
    study: Study, report: Report | None, *, population: str, unit: str, first: date, last: date, language: str, trace: int | None = None,
    row: ReportRow | None = None, reads: Sequence[Read] = (), details: bool = False,
) -> bytes:  # fmt: skip
    """See `medcore.export.glucose_pdf`."""
    facts = gathered(study, report, population=population, unit=unit, first=first, last=last, trace=trace)
    sheet = Sheet(language if language == "en" or fonts.cjk() else "en")
    sheet.set_title("Medcore" if row is None else f"Medcore {row.report_id[:8]}")  # no patient data in what a file manager shows
    sheet.set_margins(LEFT_MM, 10, LEFT_MM)
    sheet.c_margin = 0.0
    sheet.set_auto_page_break(False)  # all has its place on the first page
    sheet.add_page()
    _head(sheet, facts, row)
    _statistics(sheet, facts, Box(LEFT_MM, _ROW, 58, 54))
    _ranges(sheet, facts, Box(LEFT_MM + 63, _ROW, 70, 54))
    _goals(sheet, facts, Box(LEFT_MM + 138, _ROW, _WIDE - 138, 54))
    _profile(sheet, facts)
    _days(sheet, facts)
    _said(sheet, facts)
    _made(sheet, facts)
    if details:
        sheet.set_auto_page_break(True, 19)
        glucose_details.pages(sheet, facts, row, reads)
    return bytes(sheet.output())


def _title(sheet: Sheet, left: float, top: float, width: float, text: str, note: str = "") -> None:
    """The heading of a part with its rule, and what is to be said of it at the right."""
    taken = put(sheet, left, top, text, 9.5, bold=True)
    if note:
        put(sheet, left + width, top, note, 7, GREY, align="R", width=width - taken - 4)
    sheet.set_draw_color(*LINE)
    sheet.set_line_width(0.25)
    sheet.line(left, top + 2.8, left + width, top + 2.8)


def _head(sheet: Sheet, facts: Facts, row: ReportRow | None) -> None:
    signed = row is not None and row.state == ReportState.SIGNED
    by = sheets.by(sheet, row.signed_by, row.signed_at) if row is not None else ""
    state = sheet.t("pdf.signed", who=by) if signed else sheet.t("pdf.draft")
    taken = put(sheet, LEFT_MM, 12.5, sheet.t("glucose_report.title"), 14, bold=True)
    put(sheet, LEFT_MM + _WIDE, 12.5, state, 9, TEAL if signed else AMBER, bold=True, align="R", width=_WIDE - taken - 6)
    _person(sheet, facts)
    put(sheet, LEFT_MM, 23.4, glucose_said.period(facts, sheet.language), 9, bold=True, width=_WIDE)
    put(sheet, LEFT_MM, 27.8, glucose_said.sensor(facts, sheet.language), 7.5, GREY, width=_WIDE)
    warned = [coded(sheet.language, "glucose_report", code) for code in facts.short]
    put(sheet, LEFT_MM, 32.2, " · ".join((sheet.t("glucose_report.overread"), *warned)), 8, AMBER, bold=True, width=_WIDE)


def _person(sheet: Sheet, facts: Facts) -> None:
    """Whose report it is; a long name gives way to the number and the birth date, which tell two people of one name apart."""
    person, unknown = facts.study.patient, sheet.t("value.unknown")
    age = None if person.age_years is None else age_words(sheet.language, person.age_years)
    sex = coded(sheet.language, "sex", person.sex) if person.sex else None
    known = " · ".join((person.patient_id or unknown, *(part for part in (sex, age, person.birth_date) if part)))
    sheet.type_(10)
    room = _WIDE - float(sheet.get_string_width(sheet.safe(f" · {known}"))) - 1
    name = fitted(sheet, sheet.safe(person_name(person.name) or unknown), max(room, _NAME_MM))
    put(sheet, LEFT_MM, 18.6, f"{name} · {known}", 10, width=_WIDE)


def _statistics(sheet: Sheet, facts: Facts, box: Box) -> None:
    _title(sheet, box.left, box.top, box.width, sheet.t("glucose_report.statistics"))
    y = box.top + 7.0
    for name, value, beside, colour in glucose_said.statistics(facts, sheet.language):
        put(sheet, box.left, y, name, 7.5, GREY, width=30)
        put(sheet, box.left + 44.5, y, value, 8, colour, bold=True, align="R")
        put(sheet, box.left + box.width, y, beside, 6.5, GREY, align="R", width=12.5)
        y += 4.75


def _ranges(sheet: Sheet, facts: Facts, box: Box) -> None:
    _title(sheet, box.left, box.top, box.width, sheet.t("glucose_report.ranges"), facts.unit)
    glucose_charts.times_in_ranges(sheet, Box(box.left, box.top + 5.5, box.width, box.height - 6.5), facts.parts, facts.unit)


def _goals(sheet: Sheet, facts: Facts, box: Box) -> None:
    unsure = any(not one.goal.certain for one in facts.goals)
    _title(sheet, box.left, box.top, box.width, sheet.t("glucose_report.goals"), sheet.t("glucose_report.limited") if unsure else "")
    put(
        sheet,
        box.left,
        box.top + 6.2,
        coded(sheet.language, "glucose_report", f"population_{facts.population}"),
        7.5,
        GREY,
        width=box.width,
    )
    y = box.top + 11.4
    for one in facts.goals:
        colour = {True: TEAL, False: RED, None: GREY}[one.met]
        put(sheet, box.left, y, glucose_said.goal_name(one, facts.unit, sheet.language), 7.5, width=box.width)
        sign, word = glucose_said.met(one, sheet.language)
        put(sheet, box.left, y + 3.5, glucose_said.goal_words(one, sheet.language), 7, GREY)
        put(
            sheet,
            box.left + box.width,
            y + 3.5,
            f"{words.share(one.share, beside=one.goal.percent)}  {sign} {word}",
            7.5,
            colour,
            bold=True,
            align="R",
        )
        y += 7.6


def _profile(sheet: Sheet, facts: Facts) -> None:
    _title(sheet, LEFT_MM, _PROFILE, _WIDE, sheet.t("glucose_report.profile"), sheet.t("glucose_report.profile_note"))
    box = Box(LEFT_MM + _AXIS_MM, _PROFILE + 8.5, _WIDE - _AXIS_MM - _ENDS_MM, 50.5)
    if not np.isfinite(facts.percentiles).any():
        put(sheet, box.left + box.width / 2, box.top + box.height * 0.2, sheet.t("glucose_report.profile_few"), 9, AMBER, align="C")
    glucose_charts.profile(sheet, box, facts.minutes, facts.percentiles, facts.limits, facts.unit)


def _days(sheet: Sheet, facts: Facts) -> None:
    shown = facts.days[-SHOWN_DAYS:]
    note = sheet.t("glucose_report.days_note", low=words.level(facts.limits[0], facts.unit), high=words.level(facts.limits[1], facts.unit))
    left_out = sheet.t("glucose_report.days_last", count=len(shown), all=len(facts.days)) if len(facts.days) > len(shown) else ""
    _title(sheet, LEFT_MM, _DAYS, _WIDE, sheet.t("glucose_report.days"), " · ".join(part for part in (left_out, note) if part))
    wide = _WIDE / _WEEK
    read = [glucose_charts.day_of(facts.trace, day) for day in shown]
    high = glucose_charts.top_of(facts.percentiles)
    for number, one in enumerate(read):
        across, down = number % _WEEK, number // _WEEK
        left, top = LEFT_MM + across * wide, _DAYS + 5.0 + down * (_PANEL_MM + 7.5)
        put(sheet, left + 0.5, top + 1.6, f"{words.weekday(one.day, sheet.language)} {one.day:%m-%d}", 7, INK)
        panel = Box(left, top + 4.0, wide - 1.2, _PANEL_MM)
        glucose_charts.small_day(sheet, panel, one, facts.trace.interval_min, facts.limits, high)


def _said(sheet: Sheet, facts: Facts) -> None:
    """Patterns at the left, the forecast at the right."""
    half = (_WIDE - 6) / 2
    for left, title, lines in (
        (LEFT_MM, "patterns", glucose_said.patterns(facts, sheet.language)),
        (LEFT_MM + half + 6, "forecast", glucose_said.forecast(facts, sheet.language)),
    ):
        _title(sheet, left, _SAID, half, sheet.t(f"glucose_report.{title}"))
        _flowing(sheet, Box(left, _SAID + 4.4, half, _MADE - _SAID - 5.5), lines)


def _flowing(sheet: Sheet, box: Box, lines: Sequence[str]) -> None:
    """Lines from the top of `box` on, wrapped and never cut; how many more there are where the box is full."""
    y, bottom = box.top, box.top + box.height
    for number, line in enumerate(lines):
        sheet.type_(8)
        text = sheet.safe(line)
        tall = cast(float, sheet.multi_cell(box.width, _LINE_MM, text, align="L", dry_run=True, output=MethodReturnValue.HEIGHT))
        last = number == len(lines) - 1
        if y + tall + (0 if last else _LINE_MM) > bottom:
            put(sheet, box.left, y + _LINE_MM / 2, sheet.t("glucose_report.more", count=len(lines) - number), 7.5, GREY)
            return
        sheet.type_(8)
        sheet.set_xy(box.left, y)
        sheet.multi_cell(box.width, _LINE_MM, text, align="L", new_x=XPos.LEFT, new_y=YPos.NEXT)
        y += tall + _APART_MM


def _made(sheet: Sheet, facts: Facts) -> None:
    """Model, versions and hashes in small print: enough to make the report again."""
    sheet.set_draw_color(*LINE)
    sheet.set_line_width(0.25)
    sheet.line(LEFT_MM, _MADE, LEFT_MM + _WIDE, _MADE)
    report, hashes = facts.report, facts.trace.source_sha256
    if report is None:
        lines = [f"Medcore {medcore.__version__}", *(f"{sheet.t('pdf.input')} {one}" for one in hashes[:1])]
    else:
        source = report.provenance
        made = f"{source.created_at:%Y-%m-%d %H:%M} UTC"
        lines = [
            f"{sheet.t('pdf.model')} {source.task} {source.model_version} · Medcore {source.code_version} · {made}",
            f"{sheet.t('pdf.weights')} {source.weights_sha256}",
            f"{sheet.t('pdf.input')} {source.input_sha256}",
        ]
    for number, line in enumerate(lines):
        put(sheet, LEFT_MM, _MADE + 2.6 + number * 3.3, line, 6.5, GREY, width=_WIDE)
