"""The explanation: off until asked for, never called a location, its sanity figures beside it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from medcore import registry
from medcore.checks import reads_recordings
from medcore.store import ReportRow, Store
from medcore.ui import components, jobs, session
from medcore.ui.text import t
from medcore.ui.viewing import MAPS, Overlay, attributions

METHODS = ("gradcam", "integrated_gradients", "occlusion")
OFF = "off"


def controls(store: Store, row: ReportRow, methods: tuple[str, ...] = METHODS, maps: tuple[str, ...] = MAPS) -> Overlay | None:
    """The section under the reading; what it says is to lie over the image or the trace."""
    with st.container(key="card-explain"):
        st.markdown(f"#### {t('explain.title')}")
        method = st.segmented_control(
            t("explain.method"), (OFF, *methods), default=OFF, required=True, label_visibility="collapsed",
            format_func=lambda name: t(f"method.{name}"), key=f"method-{row.report_id}", on_change=_ask, args=(store, row),
        )  # fmt: skip
        st.caption(t("explain.influence_trace" if row.report.ecg else "explain.influence"))
        if method in (None, OFF):
            return None
        found = _newest(row, str(method))
        if found is None:
            _pending(store, row, str(method))
            return None
        left, middle, right = st.columns([1, 1, 1.1] if len(maps) > 1 else [1, 1, 0.01])
        opacity = left.slider(t("explain.opacity"), 0.0, 1.0, 0.5, 0.05, key="opacity")
        threshold = middle.slider(t("explain.threshold"), 0.0, 1.0, 0.3, 0.05, key="threshold")
        colours = maps[0]
        if len(maps) > 1:
            colours = right.segmented_control(t("explain.colours"), maps, default=maps[0], required=True, key="colours") or maps[0]
        _sanity(row.task, str(method))
    number, attribution = found
    return Overlay(number=number, attribution=attribution, opacity=opacity, threshold=threshold, colours=colours)


def _newest(row: ReportRow, method: str) -> tuple[int, Any] | None:
    held = [(number, one) for number, one in enumerate(attributions(row)) if one.method == method]
    return held[-1] if held else None


def _ask(store: Store, row: ReportRow) -> None:
    """Queue the method just chosen, unless the report has it already."""
    method = str(st.session_state[f"method-{row.report_id}"])
    if method == OFF or _newest(row, method):
        return
    report = row.report
    label = report.decision or (report.probabilities[0][0] if report.probabilities else "")
    params = {
        "report_id": row.report_id, "method": method, "label": label, "override": report.overridden,
        "series_index": report.series_index, "slice_index": report.slice_index,
    }  # fmt: skip
    st.session_state[f"explain-{row.report_id}-{method}"] = store.enqueue("explain", row.study_id, row.task, params, session.actor())


def _pending(store: Store, row: ReportRow, method: str) -> None:
    job_id = st.session_state.get(f"explain-{row.report_id}-{method}")
    job = store.job(job_id) if job_id else None
    if job and not job.finished:
        jobs.watch(store, job)
    elif job and job.state != "done":
        jobs.failure(job, f"explain-failed-{method}")


def _sanity(task: str, method: str) -> None:
    """How far this method can be trusted, as measured on the validation images."""
    try:
        figures = registry.results(task).get("saliency", {}).get(method)
    except OSError:  # a model that was installed without its measurements
        figures = None
    if not figures:
        components.notice("refused", t("explain.unmeasured"), "sanity")
        return
    facts = [[t(f"sanity.{name}"), str(value) if isinstance(value, int) else f"{value:.2f}", "num"] for name, value in figures.items()]
    components.facts("sanity", facts=facts)
    st.caption(t("sanity.note_beats" if reads_recordings(registry.card(task)) else "sanity.note"))
