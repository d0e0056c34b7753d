"""A sheet of paper and what every report prints on it: who, findings, opinions, sign-off, provenance, the research line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from fpdf import FPDF
from fpdf.enums import TableBordersLayout, XPos, YPos
from fpdf.fonts import FontFace

from medcore.export import fonts
from medcore.export.wording import age_words, class_name, coded, person_name, say
from medcore.store import Actor, Read, ReportRow, ReportState, StudyRow
from medcore.types import Finding, ModelCard, Report

MARGIN_MM, LINE_MM = 16.0, 5.0
INK, GREY, LINE, RED, AMBER, TEAL = (24, 34, 45), (78, 91, 104), (207, 215, 223), (180, 35, 24), (138, 90, 0), (0, 105, 92)
_STATUS_COLOUR = {"present": RED, "indeterminate": AMBER, "absent": TEAL}


class Sheet(FPDF):
    """A4 pages with the research line and the page number on each."""

    def __init__(self, language: str, landscape: bool = False) -> None:
        super().__init__(orientation="landscape" if landscape else "portrait", format="A4")
        self.language, self.boxed = language, False
        self.set_margins(MARGIN_MM, 14, MARGIN_MM)
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
        self.write_line(self.t("app.research"), size=8.5, colour=AMBER, bold=True)
        if self.boxed:
            self.write_line(self.t("pdf.glyphs"), size=7, colour=GREY)
        self.set_y(-15)
        self.type_(8, GREY)
        self.cell(0, 4, self.t("pdf.page", number=self.page_no(), count="{nb}"), align="R")

    def type_(self, size: float, colour: tuple[int, int, int] = INK, bold: bool = False) -> None:
        self.font_family = ""  # after a glyph of the fallback font fpdf2 takes the wrong font for the current one
        self.set_font("body", "B" if bold else "", size)
        self.set_text_color(*colour)

    def write_line(self, text: str, size: float = 9, colour: tuple[int, int, int] = INK, bold: bool = False, width: float = 0) -> None:
        self.type_(size, colour, bold)
        self.multi_cell(width, size * 0.5, self.safe(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def heading(self, text: str) -> None:
        self.ln(2.5)
        self.write_line(text, 10.5, INK, bold=True)
        self.set_draw_color(*LINE)
        self.line(self.l_margin, self.get_y() + 0.6, self.w - self.r_margin, self.get_y() + 0.6)
        self.ln(1.8)


def by(sheet: Sheet, actor: Actor | None, when: datetime | None) -> str:
    """A person, unverified where nobody vouches for the name, and the time."""
    if actor is None:
        return sheet.t("value.unknown")
    person = actor.name if actor.verified else sheet.t("who.named_unverified", name=actor.name)
    return f"{person}, {when:%Y-%m-%d %H:%M} UTC" if when else person


def facts(sheet: Sheet, pairs: Sequence[tuple[str, str | None]]) -> None:
    """Label and value, two pairs a line."""
    unknown = sheet.t("value.unknown")
    for at in range(0, len(pairs), 2):
        for label, value in pairs[at : at + 2]:
            sheet.type_(8.5, GREY)
            sheet.cell(27, LINE_MM, sheet.safe(label))
            sheet.type_(8.5)
            sheet.cell(62, LINE_MM, fitted(sheet, sheet.safe(value or unknown), 61))
        sheet.ln(LINE_MM)


def fitted(sheet: Sheet, text: str, width_mm: float) -> str:
    """`text` cut to `width_mm` with an ellipsis."""
    if sheet.get_string_width(text) <= width_mm:
        return text
    while text and sheet.get_string_width(text + "…") > width_mm:
        text = text[:-1]
    return text + "…"


def who(sheet: Sheet, row: StudyRow) -> None:
    """Patient and study; what the file does not say is said to be unknown."""
    person = row.patient
    age = None if person.age_years is None else age_words(sheet.language, person.age_years)
    sex = None if person.sex is None else coded(sheet.language, "sex", person.sex)
    sheet.heading(f"{sheet.t('pdf.patient')} · {sheet.t('pdf.study')}")
    facts(
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


def name(sheet: Sheet, card: ModelCard, label: str | None) -> str:
    """What a class is called in the language of the sheet."""
    return class_name(card, label, sheet.language)


def findings(sheet: Sheet, told: Sequence[Finding], card: ModelCard) -> None:
    """Probability, interval and operating point of each finding."""
    heads = ("finding", "probability", "interval", "point", "status")
    sheet.type_(8.5)
    sheet.set_draw_color(*LINE)
    with sheet.table(
        col_widths=(40, 24, 34, 44, 36), line_height=5.2, borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        headings_style=FontFace(emphasis="BOLD", color=GREY), text_align="LEFT",
    ) as table:  # fmt: skip
        header = table.row()
        for head in heads:
            header.cell(sheet.t(f"pdf.column_{head}"))
        for finding in told:
            label, row = finding.label, table.row()
            row.cell(sheet.safe(name(sheet, card, label.name)))
            row.cell(f"{finding.probability:.2f}")
            row.cell(f"{finding.low:.2f} – {finding.high:.2f}")
            row.cell(
                sheet.safe(
                    f"{label.threshold:.2f} ± {label.margin:.2f} ({coded(sheet.language, 'operating_point', label.operating_point)})"
                )
            )
            row.cell(sheet.t(f"finding.{finding.status}"), style=FontFace(color=_STATUS_COLOUR[str(finding.status)]))


def opinions(sheet: Sheet, reads: Sequence[Read]) -> None:
    """What readers said of the report, the oldest entry included."""
    sheet.heading(sheet.t("pdf.opinions"))
    if not reads:
        sheet.write_line(sheet.t("pdf.none"), 9, GREY)
    for read in reads:
        note = f": {read.note}" if read.note else ""
        sheet.write_line(f"{sheet.t(f'verdict.{read.verdict}')} · {by(sheet, read.actor, read.created_at)}{note}")


def signature(sheet: Sheet, row: ReportRow) -> None:
    """Draft or signed, and the addenda."""
    sheet.heading(sheet.t("pdf.sign"))
    signed = row.state == ReportState.SIGNED
    sheet.write_line(sheet.t("pdf.signed", who=by(sheet, row.signed_by, row.signed_at)) if signed else sheet.t("pdf.draft"))
    if row.addenda:
        sheet.heading(sheet.t("pdf.addenda"))
    for one in row.addenda:
        sheet.write_line(f"{by(sheet, one.actor, one.created_at)}: {one.text}")


def made(sheet: Sheet, report: Report, card: ModelCard) -> None:
    """Model, versions and hashes: enough to make the report again."""
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
        sheet.type_(8, GREY)
        sheet.cell(34, 4.4, sheet.safe(label))
        sheet.write_line(value, 8)
