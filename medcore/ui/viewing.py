"""The image: what the canvas is told of a series, and of the influence map over it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from medcore.export.wording import age_words
from medcore.read import display
from medcore.store import ReportRow, StudyRow
from medcore.types import Attribution, Series, Study
from medcore.ui import components, pixels, session
from medcore.ui.text import coded, language, person_name, t, texts
from medcore.ui.worklist import class_title

MAPS = ("cividis", "viridis")


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """Which influence map lies over the image, and how."""

    number: int  # among the report's attributions and attachments
    attribution: Attribution
    opacity: float
    threshold: float
    colours: str


def attributions(row: ReportRow) -> tuple[Attribution, ...]:
    """Those of the report, then those asked for later: the order that a grant's index counts in."""
    return (*row.report.attributions, *row.attachments)


def viewer(row: StudyRow, study: Study, index: int, report: ReportRow | None, overlay: Overlay | None) -> int | None:
    """Mount the canvas for series `index`; a slice number when the reader asked for a reading of that slice."""
    series = study.series[index]
    here = report.report.slice_index if report and report.report.series_index == index else series.array.shape[1] // 2
    data = {
        "identity": f"{row.study_id}/{index}",
        "url": session.grant("series", row.study_id, index),
        "meta": _meta(row.study_id, index, series),
        "index": here,
        "presets": _presets(series),
        "overlay": _corners(row, series, index, len(study.series)),
        "saliency": _saliency(report, overlay) if report and overlay else None,
        "choose_slice": series.array.shape[1] > 1 and report is not None,
        "alt": t("viewer.alt", modality=coded("modality", series.modality or "unknown"), count=series.array.shape[1]),
        "texts": texts("viewer"),
    }
    with st.container(key="viewer"):
        chosen = components.show("viewer", data, "viewer-canvas", read_slice=None)
    return None if chosen.read_slice is None else int(chosen.read_slice)


def _meta(study_id: str, index: int, series: Series) -> dict[str, object]:
    """`pixels.describe`, kept for the session: the range of a large stack costs a pass over it."""
    kept: dict[tuple[str, int], dict[str, object]] = st.session_state.setdefault("described", {})
    if (study_id, index) not in kept:
        kept.clear()
        kept[(study_id, index)] = {**pixels.describe(series), "window": _window(series)}
    return kept[(study_id, index)]


def _window(series: Series) -> dict[str, float] | None:
    """The series' own window, else the one that the PDF and the models use; None for colour and 8-bit grey, shown as they are."""
    if series.array.shape[0] != 1 or (series.window is None and series.array.dtype.name == "uint8"):
        return None
    return asdict(series.window or display.robust_window(series.array[0, series.array.shape[1] // 2]))


def _presets(series: Series) -> list[dict[str, Any]]:
    """The presets of CT, which alone has a scale of its own."""
    if series.unit != "HU":
        return []
    return [{"name": coded("preset", name), "width": window.width, "center": window.center} for name, window in display.PRESETS.items()]


def _corners(row: StudyRow, series: Series, index: int, count: int) -> dict[str, list[str | None]]:
    person = row.patient
    age = None if person.age_years is None else age_words(language(), person.age_years)
    about = " ".join(part for part in (person.sex, age) if part)
    number = t("viewer.series", number=index + 1, count=count) if count > 1 else None
    return {
        "patient": [person_name(person.name) or t("value.unknown"), person.patient_id, about or None],
        "study": [
            " ".join(part for part in (series.modality, series.view_position) if part),
            series.description or row.description,
            row.study_date,
            number,
        ],
    }


def _saliency(row: ReportRow, overlay: Overlay) -> dict[str, Any]:
    shown = overlay.attribution
    name = class_title(row.task, shown.label)
    return {
        "url": session.grant("influence", row.report_id, overlay.number),
        "index": shown.index,
        "rows": shown.values.shape[0],  # the map may be coarser than the image; it covers the whole of it
        "columns": shown.values.shape[1],
        "opacity": overlay.opacity,
        "threshold": overlay.threshold,
        "map": overlay.colours,
        "label": t("explain.bar", method=t(f"method.{shown.method}"), name=name),
        "stamp": t("explain.stamp"),
        "low": t("explain.low"),
        "high": t("explain.high"),
    }
