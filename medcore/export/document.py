"""The PDF report: one or two A4 pages that state what was read, by which model, and who stands by it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from io import BytesIO

from fpdf import FPDF
from fpdf.enums import TableBordersLayout, XPos, YPos
from fpdf.fonts import FontFace

from medcore.export import fonts, picture
from medcore.export.wording import age_words, card_title, class_name, coded, person_name, say
from medcore.store import Actor, Read, ReportRow, ReportState, StudyRow
from medcore.types import Attribution, Finding, ModelCard, Report, Study

_MARGIN_MM, _LINE_MM, _IMAGE_MM = 16.0, 5.0, 84.0
_INK, _GREY, _LINE, _RED, _AMBER, _TEAL = (24, 34, 45), (78, 91, 104), (207, 215, 223), (180, 35, 24), (138, 90, 0), (0, 105, 92)
_STATUS_COLOUR = {"present": _RED, "indeterminate": _AMBER, "absent": _TEAL}


class _Sheet(FPDF):
    """A4 pages with the research line and the page number on each."""

    def __init__(self, language: str) -> None:
        super().__init__(format="A4")
        self.language, self.boxed = language, False
        self.set_margins(_MARGIN_MM, 14, _MARGIN_MM)
        self.set_auto_page_break(True, 20)
        self.add_font("body", "", fonts.latin().path)
        self.add_font("body", "B", fonts.latin(True).path)
        chinese = fonts.cjk()
        if chinese is not None:
            self.add_font("cjk", "", chinese.path, collection_font_number=chinese.number)
            self.set_fallback_fonts(["cjk"], exact_match=False)

    def t(self, key: str, **values: object) -> str:
        return say(self.language, key, **values)

    def safe(self, text: str) -> str:
        """`text` as this machine can print it; remembers whether something had to become a box."""
        shown, boxed = fonts.drawable(text)
        self.boxed = self.boxed or boxed
        return shown

    def footer(self) -> None:
        self.set_y(-15)
        self.write_line(self.t("app.research"), size=8.5, colour=_AMBER, bold=True)
        if self.boxed:
            self.write_line(self.t("pdf.glyphs"), size=7, colour=_GREY)
        self.set_y(-15)
        self.type_(8, _GREY)
        self.cell(0, 4, self.t("pdf.page", number=self.page_no(), count="{nb}"), align="R")

    def type_(self, size: float, colour: tuple[int, int, int] = _INK, bold: bool = False) -> None:
        self.font_family = ""  # after a glyph of the fallback font fpdf2 takes the wrong font for the current one
        self.set_font("body", "B" if bold else "", size)
        self.set_text_color(*colour)

    def write_line(self, text: str, size: float = 9, colour: tuple[int, int, int] = _INK, bold: bool = False, width: float = 0) -> None:
        self.type_(size, colour, bold)
        self.multi_cell(width, size * 0.5, self.safe(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def heading(self, text: str) -> None:
        self.ln(2.5)
        self.write_line(text, 10.5, _INK, bold=True)
        self.set_draw_color(*_LINE)
        self.line(self.l_margin, self.get_y() + 0.6, self.w - self.r_margin, self.get_y() + 0.6)
        self.ln(1.8)


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
    sheet = _Sheet(language if language == "en" or fonts.cjk() else "en")  # labels no font can draw would say nothing
    sheet.set_title(f"Medcore {report_row.report_id[:8]}")  # no patient data in what a file manager shows
    sheet.add_page()
    _title(sheet, report_row, card)
    _who(sheet, study_row)
    _result(sheet, report_row.report, card)
    _image(sheet, report_row.report, study, card, attribution)
    _opinions(sheet, reads)
    _signature(sheet, report_row)
    _made(sheet, report_row.report, card)
    return bytes(sheet.output())


def _title(sheet: _Sheet, row: ReportRow, card: ModelCard) -> None:
    sheet.write_line(sheet.t("pdf.title"), 16, bold=True)
    sheet.write_line(card_title(card, sheet.language), 10, _GREY)
    signed = row.state == ReportState.SIGNED
    words = sheet.t("pdf.signed", who=_by(sheet, row.signed_by, row.signed_at)) if signed else sheet.t("pdf.draft")
    sheet.write_line(words, 10, _TEAL if signed else _AMBER, bold=True)


def _by(sheet: _Sheet, actor: Actor | None, when: datetime | None) -> str:
    if actor is None:
        return sheet.t("value.unknown")
    name = actor.name if actor.verified else sheet.t("who.named_unverified", name=actor.name)
    return f"{name}, {when:%Y-%m-%d %H:%M} UTC" if when else name


def _facts(sheet: _Sheet, facts: Sequence[tuple[str, str | None]]) -> None:
    """Label and value, two pairs a line."""
    unknown = sheet.t("value.unknown")
    for at in range(0, len(facts), 2):
        for label, value in facts[at : at + 2]:
            sheet.type_(8.5, _GREY)
            sheet.cell(27, _LINE_MM, sheet.safe(label))
            sheet.type_(8.5)
            sheet.cell(62, _LINE_MM, _fitted(sheet, sheet.safe(value or unknown), 61))
        sheet.ln(_LINE_MM)


def _fitted(sheet: _Sheet, text: str, width_mm: float) -> str:
    """`text` cut to `width_mm` with an ellipsis."""
    if sheet.get_string_width(text) <= width_mm:
        return text
    while text and sheet.get_string_width(text + "…") > width_mm:
        text = text[:-1]
    return text + "…"


def _who(sheet: _Sheet, row: StudyRow) -> None:
    person = row.patient
    age = None if person.age_years is None else age_words(sheet.language, person.age_years)
    sex = None if person.sex is None else coded(sheet.language, "sex", person.sex)
    sheet.heading(f"{sheet.t('pdf.patient')} · {sheet.t('pdf.study')}")
    _facts(
        sheet,
        [
            (sheet.t("pdf.name"), person_name(person.name)),
            (sheet.t("fact.patient_id"), person.patient_id),
            (sheet.t("pdf.birth"), person.birth_date),
            (sheet.t("fact.sex"), sex),
            (sheet.t("fact.age"), age),
            (sheet.t("column.date"), row.study_date),
            (sheet.t("column.modality"), row.modality),
            (sheet.t("column.study"), row.description),
        ],
    )


def _name(sheet: _Sheet, card: ModelCard, name: str | None) -> str:
    return class_name(card, name, sheet.language)


def _result(sheet: _Sheet, report: Report, card: ModelCard) -> None:
    sheet.heading(sheet.t("pdf.result"))
    shown = report.gate.passed or report.overridden
    if not shown:
        sheet.write_line(sheet.t("reading.refused"), 11, _AMBER, bold=True)
    elif report.status == "indeterminate":
        sheet.write_line(sheet.t("reading.indeterminate"), 11, _AMBER, bold=True)
        sheet.write_line(sheet.t("reading.indeterminate_detail", name=_name(sheet, card, report.decision)))
    else:
        sheet.write_line(_name(sheet, card, report.decision), 11, bold=True)
    reason = report.gate.reason if sheet.language == "en" and report.gate.reason else coded(sheet.language, "gate", report.gate.code)
    sheet.write_line(f"{sheet.t('pdf.gate')}: {reason}", 9, _INK if report.gate.passed else _AMBER)
    if report.overridden:
        sheet.write_line(sheet.t("pdf.overridden"), 9, _AMBER, bold=True)
    if shown and report.findings:
        sheet.ln(1.5)
        _findings(sheet, [one for one in report.findings if one.label.is_finding] or report.findings, card)


def _findings(sheet: _Sheet, findings: Sequence[Finding], card: ModelCard) -> None:
    heads = ("finding", "probability", "interval", "point", "status")
    sheet.type_(8.5)
    sheet.set_draw_color(*_LINE)
    with sheet.table(
        col_widths=(40, 24, 34, 44, 36), line_height=5.2, borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        headings_style=FontFace(emphasis="BOLD", color=_GREY), text_align="LEFT",
    ) as table:  # fmt: skip
        header = table.row()
        for head in heads:
            header.cell(sheet.t(f"pdf.column_{head}"))
        for finding in findings:
            label, row = finding.label, table.row()
            row.cell(sheet.safe(_name(sheet, card, label.name)))
            row.cell(f"{finding.probability:.2f}")
            row.cell(f"{finding.low:.2f} – {finding.high:.2f}")
            row.cell(
                sheet.safe(
                    f"{label.threshold:.2f} ± {label.margin:.2f} ({coded(sheet.language, 'operating_point', label.operating_point)})"
                )
            )
            row.cell(sheet.t(f"finding.{finding.status}"), style=FontFace(color=_STATUS_COLOUR[str(finding.status)]))


def _image(sheet: _Sheet, report: Report, study: Study, card: ModelCard, attribution: Attribution | None) -> None:
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
        words.append(sheet.t("pdf.saliency", method=method, name=_name(sheet, card, attribution.label)))
    sheet.write_line(" · ".join(words), 8, _GREY)


def _opinions(sheet: _Sheet, reads: Sequence[Read]) -> None:
    sheet.heading(sheet.t("pdf.opinions"))
    if not reads:
        sheet.write_line(sheet.t("pdf.none"), 9, _GREY)
    for read in reads:
        note = f": {read.note}" if read.note else ""
        sheet.write_line(f"{sheet.t(f'verdict.{read.verdict}')} · {_by(sheet, read.actor, read.created_at)}{note}")


def _signature(sheet: _Sheet, row: ReportRow) -> None:
    sheet.heading(sheet.t("pdf.sign"))
    signed = row.state == ReportState.SIGNED
    sheet.write_line(sheet.t("pdf.signed", who=_by(sheet, row.signed_by, row.signed_at)) if signed else sheet.t("pdf.draft"))
    if row.addenda:
        sheet.heading(sheet.t("pdf.addenda"))
    for one in row.addenda:
        sheet.write_line(f"{_by(sheet, one.actor, one.created_at)}: {one.text}")


def _made(sheet: _Sheet, report: Report, card: ModelCard) -> None:
    source = report.provenance
    sheet.heading(sheet.t("pdf.made"))
    lines = (
        (
            sheet.t("pdf.model"),
            f"{card.task} {source.model_version} · Medcore {source.code_version} · {source.created_at:%Y-%m-%d %H:%M} UTC",
        ),
        (sheet.t("pdf.weights"), source.weights_sha256),
        (sheet.t("pdf.input"), source.input_sha256),
    )
    for label, value in lines:
        sheet.type_(8, _GREY)
        sheet.cell(34, 4.4, sheet.safe(label))
        sheet.write_line(value, 8)
