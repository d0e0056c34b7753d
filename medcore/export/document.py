"""The PDF report: one or two A4 pages that state what was read, by which model, and who stands by it."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from medcore.export import fonts, picture
from medcore.export import sheet as sheets
from medcore.export.sheet import AMBER, GREY, INK, TEAL, Sheet
from medcore.export.wording import card_title, coded
from medcore.store import Read, ReportRow, ReportState, StudyRow
from medcore.types import Attribution, ModelCard, Report, Study

_IMAGE_MM = 84.0


def render(
    report_row: ReportRow,
    study_row: StudyRow,
    study: Study,
    card: ModelCard,
    reads: Sequence[Read],
    language: str,
    attribution: Attribution | None = None,
) -> bytes:
    """The report as PDF bytes in `language`; `attribution` is laid over the key image where one is given."""
    sheet = Sheet(language if language == "en" or fonts.cjk() else "en")  # labels no font can draw would say nothing
    sheet.set_title(f"Medcore {report_row.report_id[:8]}")  # no patient data in what a file manager shows
    sheet.add_page()
    _title(sheet, report_row, card)
    sheets.who(sheet, study_row)
    _result(sheet, report_row.report, card)
    _image(sheet, report_row.report, study, card, attribution)
    sheets.opinions(sheet, reads)
    sheets.signature(sheet, report_row)
    sheets.made(sheet, report_row.report, card)
    return bytes(sheet.output())


def _title(sheet: Sheet, row: ReportRow, card: ModelCard) -> None:
    sheet.write_line(sheet.t("pdf.title"), 16, bold=True)
    sheet.write_line(card_title(card, sheet.language), 10, GREY)
    signed = row.state == ReportState.SIGNED
    words = sheet.t("pdf.signed", who=sheets.by(sheet, row.signed_by, row.signed_at)) if signed else sheet.t("pdf.draft")
    sheet.write_line(words, 10, TEAL if signed else AMBER, bold=True)


def _result(sheet: Sheet, report: Report, card: ModelCard) -> None:
    sheet.heading(sheet.t("pdf.result"))
    shown = report.gate.passed or report.overridden
    if not shown:
        sheet.write_line(sheet.t("reading.refused"), 11, AMBER, bold=True)
    elif report.status == "indeterminate":
        sheet.write_line(sheet.t("reading.indeterminate"), 11, AMBER, bold=True)
        sheet.write_line(sheet.t("reading.indeterminate_detail", name=sheets.name(sheet, card, report.decision)))
    else:
        sheet.write_line(sheets.name(sheet, card, report.decision), 11, bold=True)
    reason = report.gate.reason if sheet.language == "en" and report.gate.reason else coded(sheet.language, "gate", report.gate.code)
    sheet.write_line(f"{sheet.t('pdf.gate')}: {reason}", 9, INK if report.gate.passed else AMBER)
    if report.overridden:
        sheet.write_line(sheet.t("pdf.overridden"), 9, AMBER, bold=True)
    if shown and report.findings:
        sheet.ln(1.5)
        sheets.findings(sheet, [one for one in report.findings if one.label.is_finding] or report.findings, card)


def _image(sheet: Sheet, report: Report, study: Study, card: ModelCard, attribution: Attribution | None) -> None:
    if report.series_index >= len(study.series):
        return
    series = study.series[report.series_index]
    sheet.ln(2.5)
    drawn = picture.key_image(series, report.slice_index, attribution)
    if sheet.get_y() + _IMAGE_MM + 8 > sheet.h - 20:
        sheet.add_page()
    sheet.image(BytesIO(drawn), x=sheet.l_margin, h=_IMAGE_MM, w=sheet.epw, keep_aspect_ratio=True)
    sheet.ln(1)
    words = [sheet.t("pdf.image", number=report.slice_index + 1, count=series.array.shape[1], series=report.series_index + 1)]
    words += [sheet.t("pdf.lossy")] if series.lossy else []
    if attribution is not None:
        method = coded(sheet.language, "method", attribution.method)
        words.append(sheet.t("pdf.saliency", method=method, name=sheets.name(sheet, card, attribution.label)))
    sheet.write_line(" · ".join(words), 8, GREY)
