"""The pages behind the one-page glucose report: measurements and goals with their sources, days of each pattern, warnings, opinions."""

from __future__ import annotations

from collections.abc import Sequence

from fpdf.enums import TableBordersLayout
from fpdf.fonts import FontFace

from medcore.export import glucose_said
from medcore.export import glucose_words as words
from medcore.export import sheet as sheets
from medcore.export.glucose_facts import Facts, told_value
from medcore.export.glucose_warnings import Warned
from medcore.export.sheet import AMBER, GREY, INK, LINE, RED, TEAL, Sheet
from medcore.export.wording import coded
from medcore.signals.glucose_warning import LOW
from medcore.store import Read, ReportRow
from medcore.types import Measurement

Cell = tuple[str, tuple[int, int, int]]
_ROOM_MM, _BOTTOM_MM = 24.0, 19.0
_WARNINGS = 60  # the newest; a table of hundreds is no report


def pages(sheet: Sheet, facts: Facts, row: ReportRow | None, reads: Sequence[Read]) -> None:
    """Begin a page and print everything that does not fit on the first."""
    sheet.add_page()
    _measurements(sheet, facts)
    _goals(sheet, facts)
    _patterns(sheet, facts)
    _warnings(sheet, facts)
    if row is not None:
        sheets.opinions(sheet, reads)
        sheets.signature(sheet, row)
    if facts.report is not None and facts.card is not None:
        sheets.made(sheet, facts.report, facts.card)


def _section(sheet: Sheet, title: str) -> None:
    """A heading, on a new page where nothing of what follows would stand below it."""
    if sheet.get_y() + _ROOM_MM > sheet.h - _BOTTOM_MM:
        sheet.add_page()
    sheet.heading(title)


def _table(sheet: Sheet, widths: tuple[int, ...], heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    sheet.type_(7.5)
    sheet.set_fill_color(255, 255, 255)  # what the charts left would be the ground of every cell
    sheet.set_draw_color(*LINE)
    with sheet.table(
        col_widths=widths, line_height=3.9, borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        headings_style=FontFace(emphasis="BOLD", color=GREY), text_align="LEFT", padding=(0.2, 1, 0.2, 0),
    ) as table:  # fmt: skip
        header = table.row()
        for head in heads:
            header.cell(sheet.safe(head))
        for cells in rows:
            line = table.row()
            for text, colour in cells:
                line.cell(sheet.safe(text), style=FontFace(color=colour))


def _measurements(sheet: Sheet, facts: Facts) -> None:
    sheet.heading(sheet.t("ecg.measurements"))
    rows = [_measured(sheet, facts, one) for one in facts.measured]
    heads = [sheet.t("ecg.name"), sheet.t("ecg.value"), sheet.t("ecg_pdf.reference"), "", sheet.t("ecg.sources")]
    _table(sheet, (46, 22, 24, 22, 72), heads, rows)


def _measured(sheet: Sheet, facts: Facts, one: Measurement) -> list[Cell]:
    side = words.side(one)
    told = sheet.t(f"ecg.{side}") if side else words.DASH
    colour = RED if side in ("below", "above") else TEAL if side else GREY
    value = told_value(facts, one, sheet.language)
    reference = words.reference_words(one, facts.unit) or words.DASH
    name = coded(sheet.language, "measurement", one.name)
    return [(name, INK), (value, INK), (reference, INK), (told, colour), (one.citation or "", GREY)]


def _goals(sheet: Sheet, facts: Facts) -> None:
    _section(sheet, f"{sheet.t('glucose_report.goals')} · {coded(sheet.language, 'glucose_report', f'population_{facts.population}')}")
    rows: list[list[Cell]] = []
    for one in facts.goals:
        colour = {True: TEAL, False: RED, None: GREY}[one.met]
        name, goal = glucose_said.goal_name(one, facts.unit, sheet.language), glucose_said.goal_words(one, sheet.language)
        told = " ".join(glucose_said.met(one, sheet.language))
        rows.append(
            [(name, INK), (words.share(one.share, beside=one.goal.percent), INK), (goal, INK), (told, colour), (one.goal.citation, GREY)]
        )
    _table(sheet, (46, 22, 24, 22, 72), [sheet.t("ecg.name"), sheet.t("ecg.value"), "", "", sheet.t("ecg.sources")], rows)
    unsure = sheet.t("glucose_report.limited") if any(not one.goal.certain for one in facts.goals) else ""
    for line in (glucose_said.goals_note(facts, sheet.language), unsure):
        if line:
            sheet.write_line(line, 8, GREY)


def _patterns(sheet: Sheet, facts: Facts) -> None:
    _section(sheet, sheet.t("glucose_report.patterns"))
    for line, days in glucose_said.evidence(facts, sheet.language):
        sheet.write_line(line, 8.5)
        if days:
            sheet.write_line(days, 7.5, GREY)


def _warnings(sheet: Sheet, facts: Facts) -> None:
    if not facts.warned:
        return
    _section(sheet, sheet.t("glucose_report.warnings"))
    shown = sorted(facts.warned, key=lambda one: one.moment)
    if len(shown) > _WARNINGS:
        sheet.write_line(sheet.t("glucose_report.warnings_last", count=_WARNINGS, all=len(shown)), 8, AMBER)
    rows = [_warned(sheet, facts, one) for one in shown[-_WARNINGS:]]
    heads = [sheet.t(f"glucose_report.column_{name}") for name in ("time", "warning", "probability", "came")]
    _table(sheet, (38, 60, 26, 62), heads, rows)


def _warned(sheet: Sheet, facts: Facts, one: Warned) -> list[Cell]:
    if one.lead_min is not None:
        limit = f"{words.level(LOW, facts.unit)} {facts.unit}"
        came, colour = sheet.t("glucose_report.came_after", limit=limit, minutes=f"{one.lead_min:.0f}"), INK
    else:
        came, colour = (sheet.t("glucose_report.came_none"), AMBER) if one.known else (sheet.t("glucose_report.came_unknown"), GREY)
    name = facts.label_name(one.label, sheet.language)
    return [(f"{one.moment:%Y-%m-%d %H:%M}", INK), (name, INK), (f"{one.probability:.2f}", INK), (came, colour)]
