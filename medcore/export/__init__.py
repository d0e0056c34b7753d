"""What leaves the house: PDF reports, CSV whose cells a spreadsheet cannot run, and of glucose a summary as plain text and as FHIR."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from medcore.tables import safe_cell as csv_cell

if TYPE_CHECKING:
    from medcore.store import Read, ReportRow
    from medcore.types import Report, Study

__all__ = ["csv_cell", "ecg_pdf", "glucose_csv", "glucose_fhir", "glucose_pdf", "glucose_readings_csv", "glucose_text", "pdf"]


def pdf(*arguments: Any, **options: Any) -> bytes:
    """`medcore.export.pdf.render`, imported when first used: a page that needs only the wording starts faster."""
    from medcore.export.document import render

    return render(*arguments, **options)


def ecg_pdf(*arguments: Any, **options: Any) -> bytes:
    """`medcore.export.ecg_document.render`, imported when first used."""
    from medcore.export.ecg_document import render

    return render(*arguments, **options)


def glucose_pdf(
    study: Study, report: Report | None, *, population: str, unit: str, first: date, last: date, language: str, trace: int | None = None,
    row: ReportRow | None = None, reads: Sequence[Read] = (), details: bool = False,
) -> bytes:  # fmt: skip
    """The AGP report of the days `first` to `last`, both included, of the wearer's clock, on one A4 page.

    Args:
        report: the reading by a task, for its forecast and provenance; None where none was made: all else is measured from the trace.
        population: one of `glucose.POPULATIONS`, whose goals and target range are printed.
        unit: "mg/dL" or "mmol/L".
        language: "en" or "zh"; English where this machine has no Chinese font.
        trace: number of the study's trace; None is the one that the report read, and the first where there is no report.
        row: the kept report, for its sign-off and addenda; None prints a draft.
        reads: readers' opinions, printed with the details.
        details: add the pages of all measurements with their sources, the days of each pattern and the warnings one by one.

    Raises:
        InputRejected: no sensor's trace, or no reading in the period.
    """
    from medcore.export.glucose_document import render

    return render(
        study, report, population=population, unit=unit, first=first, last=last, language=language, trace=trace,
        row=row, reads=reads, details=details,
    )  # fmt: skip


def glucose_csv(study: Study, report: Report | None, **options: Any) -> bytes:
    """See `medcore.export.glucose_tables.glucose_csv`: population, unit, first, last, language, trace."""
    from medcore.export.glucose_tables import glucose_csv as made

    return made(study, report, **options)


def glucose_readings_csv(study: Study, report: Report | None, **options: Any) -> bytes:
    """See `medcore.export.glucose_tables.glucose_readings_csv`: population, unit, first, last, language, trace."""
    from medcore.export.glucose_tables import glucose_readings_csv as made

    return made(study, report, **options)


def glucose_text(study: Study, report: Report | None, **options: Any) -> str:
    """See `medcore.export.glucose_summary.glucose_text`: population, unit, first, last, language, trace."""
    from medcore.export.glucose_summary import glucose_text as made

    return made(study, report, **options)


def glucose_fhir(study: Study, report: Report | None, **options: Any) -> bytes:
    """See `medcore.export.glucose_bundle.glucose_fhir`: population, unit, first, last, language, trace, row, now."""
    from medcore.export.glucose_bundle import glucose_fhir as made

    return made(study, report, **options)
