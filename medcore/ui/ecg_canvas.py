"""The paper: what the canvas is told of a recording, of its marks, of the influence over it, and of a long one in summary."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from medcore.export.ecg_words import event_value
from medcore.export.wording import age_words
from medcore.store import ReportRow, StudyRow
from medcore.types import Array, Event, Holter, Recording, Study
from medcore.ui import components, ecg_samples, session
from medcore.ui.text import coded, language, person_name, t, texts
from medcore.ui.viewing import Overlay
from medcore.ui.worklist import class_title

_RENEW_S = 600  # a grant lives a quarter of an hour, a long recording is scrolled for longer
_EVENT_ICON = {"unreadable": "refused", "ectopy": "indeterminate"}


def paper(row: StudyRow, study: Study, index: int, report: ReportRow | None, overlay: Overlay | None) -> None:
    """Mount the paper for recording `index`; a report of another recording brings neither marks nor influence."""
    recording = study.recordings[index]
    told = report if report is not None and report.report.series_index == index else None

    @st.fragment(run_every=_RENEW_S)
    def mounted() -> None:
        with st.container(key="viewer"):
            components.show("ecg", _data(row, recording, index, told, overlay), "ecg-canvas")

    mounted()


def _data(row: StudyRow, recording: Recording, index: int, report: ReportRow | None, overlay: Overlay | None) -> dict[str, Any]:
    reading = report.report.ecg if report else None
    marked = report is not None and reading is not None and reading.marks is not None
    return {
        "identity": f"{row.study_id}/{index}",
        "url": session.grant("recording", row.study_id, index),
        "meta": _meta(row.study_id, index, recording),
        "marks": session.grant("marks", report.report_id) if report and marked else None,
        "beat": session.grant("beat", report.report_id, index) if report and marked else None,
        "saliency": _saliency(report, overlay) if report and overlay else None,
        "holter": _holter(reading.holter) if reading and reading.holter else None,
        "patient": _patient(row),
        "study": [part for part in (row.study_date, recording.device) if part],
        "alt": t("ecg.alt", count=len(recording.leads), leads=", ".join(recording.leads), seconds=f"{recording.seconds:.0f}"),
        "texts": texts("ecg_paper"),
    }


def _meta(study_id: str, index: int, recording: Recording) -> dict[str, Any]:
    """What the canvas needs to know besides the samples, kept for the session: the resting levels cost a look at the signal."""
    kept: dict[tuple[str, int], dict[str, Any]] = st.session_state.setdefault("ecg-described", {})
    if (study_id, index) not in kept:
        rest, swing = ecg_samples.levels_of_rest(recording)
        kept.clear()
        kept[(study_id, index)] = {
            "leads": list(recording.leads),
            "rate": recording.sampling_rate_hz,
            "samples": recording.signal.shape[1],
            "seconds": recording.seconds,
            "unit": recording.unit,
            "rest": rest,
            "swing": swing,
            "started": recording.started_at,
        }
    filters = t("ecg.filters", filters=recording.filters) if recording.filters else t("ecg.filters_unknown")
    return {**kept[(study_id, index)], "filters": filters}


def _patient(row: StudyRow) -> list[str]:
    person = row.patient
    age = None if person.age_years is None else age_words(language(), person.age_years)
    about = " ".join(part for part in (coded("sex", person.sex) if person.sex else None, age) if part)
    return [part for part in (person_name(person.name) or t("value.unknown"), person.patient_id, about) if part]


def _holter(holter: Holter) -> dict[str, Any]:
    names = ("rate_mean", "rate_min", "rate_max", "af_share", "ectopic", "analysable")
    series = {name: _plain(getattr(holter, name)) for name in names}
    return {**series, "events": [_event(event) for event in holter.events]}


def _plain(values: Array) -> list[float | None]:
    """Numbers for JSON, which has no NaN."""
    return [round(float(value), 3) if np.isfinite(value) else None for value in np.asarray(values, dtype=float)]


def _event(event: Event) -> dict[str, Any]:
    return {
        "kind": event.kind,
        "icon": _EVENT_ICON.get(event.kind, "present"),
        "words": coded("ecg_event", event.kind),
        "start": event.start_s,
        "end": event.end_s,
        "value": event_value(event, language()),
    }


def _saliency(row: ReportRow, overlay: Overlay) -> dict[str, Any]:
    shown = overlay.attribution
    return {
        "url": session.grant("influence", row.report_id, overlay.number),
        "rows": shown.values.shape[0],
        "columns": shown.values.shape[1],
        "opacity": overlay.opacity,
        "threshold": overlay.threshold,
        "label": t("explain.bar", method=t(f"method.{shown.method}"), name=class_title(row.task, shown.label)),
        "stamp": t("explain.stamp"),
        "low": t("explain.low"),
        "high": t("explain.high"),
    }
