"""The exports of a period of glucose that a grant opens: the one-page PDF, tables, plain text, FHIR."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from medcore import export
from medcore.store import Store
from medcore.types import Study

KINDS = {
    "glucose-pdf": ("pdf", "application/pdf", ":material/picture_as_pdf:"),
    "glucose-full": ("pdf", "application/pdf", ":material/picture_as_pdf:"),
    "glucose-csv": ("csv", "text/csv; charset=utf-8", ":material/table:"),
    "glucose-readings": ("csv", "text/csv; charset=utf-8", ":material/table_rows:"),
    "glucose-text": ("txt", "text/plain; charset=utf-8", ":material/article:"),
    "glucose-fhir": ("json", "application/fhir+json", ":material/local_fire_department:"),
}


def made(kind: str, store: Store, study_id: str, study: Study, options: tuple[str, ...], language: str) -> tuple[bytes, str, str]:
    """Body, file name and media type of one export.

    Raises:
        MedcoreError: no such report or study, or no reading in the period. ValueError: options that this module did not make.
    """
    report_id, number, population, unit, first, last = options
    row = store.report(report_id) if report_id else None
    told = None if row is None else row.report
    if told is None or told.series_index != int(number):  # another trace than the one that was read
        told, row, study = None, None, replace(study, traces=(study.traces[int(number)],))
    asked: dict[str, Any] = {
        "population": population,
        "unit": unit,
        "first": date.fromisoformat(first),
        "last": date.fromisoformat(last),
        "language": language,
    }
    ending, media, _ = KINDS[kind]
    if kind in ("glucose-pdf", "glucose-full"):
        reads = store.reads(report_id) if row is not None else ()
        body = export.glucose_pdf(study, told, **asked, row=row, reads=reads, details=kind == "glucose-full")
    elif kind == "glucose-text":
        body = export.glucose_text(study, told, **asked).encode("utf-8")
    elif kind == "glucose-fhir":
        body = export.glucose_fhir(study, told, **asked, row=row)
    else:
        body = (export.glucose_csv if kind == "glucose-csv" else export.glucose_readings_csv)(study, told, **asked)
    return body, f"medcore-{kind}-{study_id[:8]}.{ending}", media
