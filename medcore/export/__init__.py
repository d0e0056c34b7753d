"""What leaves the house: PDF reports and CSV whose cells a spreadsheet cannot run."""

from __future__ import annotations

from typing import Any

from medcore.tables import safe_cell as csv_cell

__all__ = ["csv_cell", "ecg_pdf", "pdf"]


def pdf(*arguments: Any, **options: Any) -> bytes:
    """`medcore.export.pdf.render`, imported when first used: a page that needs only the wording starts faster."""
    from medcore.export.document import render

    return render(*arguments, **options)


def ecg_pdf(*arguments: Any, **options: Any) -> bytes:
    """`medcore.export.ecg_document.render`, imported when first used."""
    from medcore.export.ecg_document import render

    return render(*arguments, **options)
