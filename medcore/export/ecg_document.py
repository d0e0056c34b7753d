"""The ECG report as PDF: the strip in true scale, then what is said of it; of a long recording its trend and its worst events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from fpdf.enums import TableBordersLayout
from fpdf.fonts import FontFace

from medcore import registry
from medcore.export import ecg_strip, ecg_words, fonts
from medcore.export import sheet as sheets
from medcore.export.ecg_trend import trend
from medcore.export.sheet import AMBER, GREY, INK, LINE, RED, TEAL, Sheet
from medcore.export.wording import age_words, card_title, class_name, coded, person_name
from medcore.store import Read, ReportRow, ReportState, StudyRow
from medcore.types import Attribution, Event, Holter, Measurement, ModelCard, Recording, Report, Status, Study

LEFT_MM = 18.0
_TOP_MM, _STRIP_MM = 43.0, 110.0
_MADE_MM = 24.0  # a heading and its three lines stay together
_EVENTS, _EVENT_MM = 6, 30.0
_UNREADABLE = "unreadable"


def render(
    report_row: ReportRow,
    study_row: StudyRow,
    study: Study,
    card: ModelCard,
    reads: Sequence[Read],
    language: str,
    attribution: Attribution | None = None,
) -> bytes:
    """The report as PDF bytes in `language`; `attribution` is drawn as colour under the traces where one is given."""
    sheet = Sheet(language if language == "en" or fonts.cjk() else "en", landscape=True)
    sheet.set_title(f"Medcore {report_row.report_id[:8]}")  # no patient data in what a file manager shows
    sheet.set_margins(LEFT_MM, 10, LEFT_MM)
    sheet.set_auto_page_break(True, 17)
    report = report_row.report
    recording = study.recordings[min(report.series_index, len(study.recordings) - 1)]
    sheet.add_page()
    _head(sheet, report_row, study_row, card)
    if report.ecg is not None and report.ecg.holter is not None:
        _summary(sheet, report, card)
        _long(sheet, recording, report.ecg.holter)
    else:
        _strip(sheet, recording, attribution, card)
        _summary(sheet, report, card)
    sheet.add_page()
    _results(sheet, report, card)
    sheets.opinions(sheet, reads)
    sheets.signature(sheet, report_row)
    for one in (report, *report.also):
        if sheet.get_y() + _MADE_MM > sheet.h - 17:
            sheet.add_page()
        sheets.made(sheet, one, registry.cards().get(one.task, card))
    return bytes(sheet.output())


def _head(sheet: Sheet, row: ReportRow, study_row: StudyRow, card: ModelCard) -> None:
    person = study_row.patient
    age = None if person.age_years is None else age_words(sheet.language, person.age_years)
    sex = coded(sheet.language, "sex", person.sex) if person.sex else None
    unknown = sheet.t("value.unknown")
    known = (person_name(person.name) or unknown, person.patient_id or unknown, sex or unknown, age or unknown, person.birth_date)
    sheet.write_line(sheet.t("ecg_pdf.title"), 14, bold=True)
    sheet.write_line(" · ".join(part for part in (*known, study_row.study_date) if part), 10)
    signed = row.state == ReportState.SIGNED
    state = sheet.t("pdf.signed", who=sheets.by(sheet, row.signed_by, row.signed_at)) if signed else sheet.t("pdf.draft")
    sheet.write_line(f"{state} · {card_title(card, sheet.language)}", 9, TEAL if signed else AMBER, bold=True)
    sheet.write_line(sheet.t("ecg.overread"), 9, AMBER, bold=True)
    report = row.report
    for code in dict.fromkeys(one.alarm for one in (report, *report.also) if one.alarm):
        sheet.write_line(sheet.t("ecg.review_now", reason=coded(sheet.language, "ecg_alarm", code)), 10, RED, bold=True)


def _strip(sheet: Sheet, recording: Recording, shown: Attribution | None, card: ModelCard) -> None:
    segments = ecg_strip.arranged(recording, 0.0)
    ecg_strip.draw(sheet, recording, segments, _TOP_MM, _STRIP_MM, shown)
    ecg_strip.caption(sheet, recording, 0.0, max(one.start + one.seconds for one in segments), _TOP_MM + _STRIP_MM + 1)
    if shown is not None:
        name = class_name(card, shown.label, sheet.language)
        sheet.write_line(sheet.t("pdf.saliency", method=coded(sheet.language, "method", shown.method), name=name), 8, AMBER)


def _long(sheet: Sheet, recording: Recording, holter: Holter) -> None:
    """The day at a glance, then its worst events at 25 mm/s."""
    sheet.ln(1)
    sheet.write_line(sheet.t("ecg_pdf.trend"), 9, GREY)
    trend(sheet, holter, sheet.get_y() + 1, 46.0, recording)
    sheet.set_y(sheet.get_y() + 1)
    sheet.heading(sheet.t("ecg_pdf.events"))
    chosen = _worst(holter.events)
    if not chosen:
        sheet.write_line(sheet.t("ecg_pdf.no_events"), 9, GREY)
        return
    for event in chosen:
        _event(sheet, recording, event)


def _worst(events: Sequence[Event]) -> list[Event]:
    """The worst of each kind, then the second of each, and so on; what could not be read makes no strip."""
    seen: Counter[str] = Counter()
    ranked = []
    for event in events:  # they come worst first within their kind
        ranked.append((seen[event.kind], event))
        seen[event.kind] += 1
    told = [event for _, event in sorted(ranked, key=lambda pair: pair[0]) if event.kind != _UNREADABLE]
    return told[:_EVENTS]


def _event(sheet: Sheet, recording: Recording, event: Event) -> None:
    if sheet.get_y() + _EVENT_MM + 12 > sheet.h - 18:
        sheet.add_page()
    name = coded(sheet.language, "ecg_event", event.kind)
    words = sheet.t(
        "ecg_pdf.event",
        name=name,
        time=ecg_words.clock(event.start_s, recording.started_at),
        value=ecg_words.event_value(event, sheet.language),
    )
    sheet.write_line(words, 9, INK, bold=True)
    seconds = min(ecg_strip.SECONDS, recording.seconds)
    length = min(event.end_s - event.start_s, seconds)
    start = float(np.clip(event.start_s - (seconds - length) / 2, 0.0, recording.seconds - seconds))
    top = sheet.get_y() + 0.5
    lead = ecg_strip.rhythm(recording)
    ecg_strip.draw(sheet, recording, (ecg_strip.Segment(lead, start, seconds, 0, 0.0),), top, _EVENT_MM)
    ecg_strip.caption(sheet, recording, start, start + seconds, top + _EVENT_MM + 0.5)
    sheet.ln(2)


def _nothing(sheet: Sheet, report: Report, card: ModelCard) -> str:
    """The class that says nothing was found, or where there is none that no finding is flagged."""
    return sheet.t("flag.absent") if report.decision is None else class_name(card, report.decision, sheet.language)


def _decision(sheet: Sheet, report: Report, card: ModelCard) -> tuple[str, tuple[int, int, int]]:
    if not (report.gate.passed or report.overridden):
        reason = report.gate.reason if sheet.language == "en" and report.gate.reason else coded(sheet.language, "gate", report.gate.code)
        return f"{sheet.t('reading.refused')}. {reason}", AMBER
    found = ecg_words.decided(report, sheet.language)
    if report.status == "indeterminate" and (card.exclusive or not found):
        return sheet.t("reading.indeterminate"), AMBER
    return (sheet.t("ecg.and").join(found), RED) if found else (_nothing(sheet, report, card), TEAL)


def _summary(sheet: Sheet, report: Report, card: ModelCard) -> None:
    """Quality first, then decisions, then the numbers in one line."""
    held = report.ecg
    if held is not None:
        leads = ", ".join(ecg_words.quality_words(sheet.language, one) for one in held.quality if not one.usable or one.problems)
        said = f"{sheet.t('ecg.quality')}: {sheet.t('ecg.analysable')} {held.analysable:.0%}" + (f" · {leads}" if leads else "")
        sheet.write_line(said, 8.5, INK if held.analysable > 0 and not leads else AMBER)
        if held.lead_reversal:
            sheet.write_line(coded(sheet.language, "ecg_reversal", held.lead_reversal), 8.5, AMBER)
    for one in (report, *report.also):
        known = registry.cards().get(one.task, card)
        words, colour = _decision(sheet, one, known)
        sheet.write_line(f"{card_title(known, sheet.language)}: {words}", 9.5, colour, bold=True)
    numbers = [
        f"{_short(sheet, one)} {ecg_words.value_words(one.value, one.unit)}"
        for one in report.measurements
        if not ecg_words.is_variability(one)
    ]
    if numbers:
        sheet.write_line(" · ".join(numbers), 8.5)


def _short(sheet: Sheet, one: Measurement) -> str:
    return ecg_words.measured_name(sheet.language, one)


def _results(sheet: Sheet, report: Report, card: ModelCard) -> None:
    sheet.heading(sheet.t("pdf.result"))
    for one in (report, *report.also):
        known = registry.cards().get(one.task, card)
        sheet.write_line(card_title(known, sheet.language), 9, GREY, bold=True)
        reason = one.gate.reason if sheet.language == "en" and one.gate.reason else coded(sheet.language, "gate", one.gate.code)
        sheet.write_line(f"{sheet.t('pdf.gate')}: {reason}", 8.5, INK if one.gate.passed else AMBER)
        if one.overridden:
            sheet.write_line(sheet.t("pdf.overridden"), 8.5, AMBER, bold=True)
        told = [finding for finding in one.findings if finding.label.is_finding] or list(one.findings)
        if told and (one.gate.passed or one.overridden):
            sheets.findings(sheet, told, known)
    _rules(sheet, report)
    _measurements(sheet, report)


def _table(sheet: Sheet, widths: tuple[int, ...], heads: Sequence[str], rows: Sequence[Sequence[tuple[str, tuple[int, int, int]]]]) -> None:
    sheet.type_(8)
    sheet.set_draw_color(*LINE)
    with sheet.table(
        col_widths=widths, line_height=4.4, borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        headings_style=FontFace(emphasis="BOLD", color=GREY), text_align="LEFT",
    ) as table:  # fmt: skip
        header = table.row()
        for head in heads:
            header.cell(head)
        for cells in rows:
            row = table.row()
            for text, colour in cells:
                row.cell(sheet.safe(text), style=FontFace(color=colour))


def _rules(sheet: Sheet, report: Report) -> None:
    found = ecg_words.beside(report, report.ecg) if report.ecg and (report.gate.passed or report.overridden) else ()
    if not found:
        return
    sheet.heading(sheet.t("ecg.rules"))
    rows = []
    for one in found:
        rule = sheet.t(f"ecg.rule_{'unknown' if one.statement.holds is None else 'holds' if one.statement.holds else 'not'}")
        network = sheet.t("ecg.not_said") if one.finding is None else sheet.t(f"ecg.network_{one.finding.status}")
        colour = AMBER if one.agrees is False else INK
        name = ecg_words.named(report, one.statement.label, sheet.language) + (f" ({sheet.t('ecg.apart')})" if one.agrees is False else "")
        red = one.finding is not None and one.finding.status == Status.PRESENT
        rows.append(
            [(name, colour), (network, RED if red else INK), (rule, INK), (one.statement.because, INK), (one.statement.citation, GREY)]
        )
    heads = [sheet.t(f"ecg.{key}") for key in ("finding", "network", "rule")] + ["", sheet.t("ecg.sources")]
    _table(sheet, (50, 24, 26, 60, 90), heads, rows)


def _measurements(sheet: Sheet, report: Report) -> None:
    held = report.ecg
    sheet.heading(sheet.t("ecg.measurements"))
    if held is not None and held.withheld:
        sheet.write_line(coded(sheet.language, "ecg_withheld", held.withheld), 9, AMBER, bold=True)
    if not report.measurements:
        sheet.write_line(sheet.t("ecg.no_measurements"), 9, GREY)
        return
    rows = []
    for one in report.measurements:
        side = ecg_words.side(one)
        words = sheet.t(f"ecg.{side}") if side else "–"
        colour = RED if side in ("below", "above") else TEAL if side else GREY
        cells = ((_short(sheet, one), INK), (ecg_words.value_words(one.value, one.unit), INK), (ecg_words.range_words(one) or "–", INK))
        rows.append([*cells, (words, colour), (one.citation or "", GREY)])
    heads = [sheet.t("ecg.name"), sheet.t("ecg.value"), sheet.t("ecg_pdf.reference"), "", sheet.t("ecg.sources")]
    _table(sheet, (60, 26, 30, 34, 100), heads, rows)
