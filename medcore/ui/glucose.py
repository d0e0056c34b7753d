"""The Glucose page: what was measured at once, what the network foresees when it has read it, and on the right what people say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import streamlit as st

from medcore import registry
from medcore.errors import InputRejected
from medcore.export import glucose_words as words
from medcore.export.glucose_facts import Facts, gathered
from medcore.signals import glucose as signals
from medcore.store import Job, ReportRow, Store, StudyRow
from medcore.types import Report, Study, Trace
from medcore.ui import (
    components,
    glucose_agp,
    glucose_asked,
    glucose_forecast,
    glucose_links,
    glucose_said,
    jobs,
    reading,
    record,
    shell,
    worklist,
)
from medcore.ui.glucose_asked import Asked
from medcore.ui.study import about, again, priors, unread
from medcore.ui.text import coded, t

_KEPT = 4  # periods whose measurements a session keeps


def nothing_open(store: Store) -> None:
    """No study in the address: say so, take an export in, and offer the traces that are there."""
    main, rail = st.columns([33, 10], gap="medium")
    with rail:
        worklist.rail(store, "glucose")
    with main:
        with st.container(key="card-nothing"):
            st.markdown(f"#### {t('glucose.nothing_title')}")
            st.caption(t("glucose.nothing"))
            st.page_link(shell.page("worklist"), label=t("image.to_worklist"), icon=":material/list_alt:")
        worklist.table(store, "", worklist.FILTERS[0], "glucose")


def show(store: Store, study_id: str) -> None:
    """The whole page of one study."""
    row = store.study(study_id)
    study = store.load(study_id)
    if not study.traces:  # an old link, or one written by hand
        shell.open_study(worklist.home(row), study_id)
    reports, ledger = store.reports(study_id), store.jobs(study_id)
    with st.container(key="glucose-page"):
        left, right = st.columns([2.9, 1], gap="small")
    with right:
        report = _choose(study.traces, reports)
    with left:
        number = _trace(study, report)
        told = report if report is not None and report.report.series_index == number else None
        asked = glucose_asked.controls(study.traces[number])
        facts = _facts(study, number, told, asked, asked.first, asked.last)
        if facts is not None:
            _head(facts)
            _view(store, row, told, facts, asked, study, number)
    with right:
        _panel(store, row, study, report, ledger, None if facts is None else (number, asked))


def _trace(study: Study, report: ReportRow | None) -> int:
    """Which trace is shown: the one the report read, unless the reader picks another."""
    if len(study.traces) == 1:
        return 0
    names = [f"{number + 1} · {one.device or one.file_format or t('value.unknown')}" for number, one in enumerate(study.traces)]
    first = report.report.series_index if report else 0
    return st.selectbox(t("glucose.trace"), range(len(names)), index=first, format_func=lambda number: names[number], key="which-trace")


def _facts(study: Study, number: int, report: ReportRow | None, asked: Asked, first: date, last: date) -> Facts | None:
    """What is told of a period, kept for the session; None after one sentence where the period holds no reading."""
    made = None if report is None else report.report
    key = (study.traces[number].source_sha256, number, report.report_id if report else "", first, last, asked.population)
    kept: dict[object, Facts] = st.session_state.setdefault("glucose-facts", {})
    if key not in kept:
        only = replace(study, traces=(study.traces[number],)) if made is None else study
        try:
            found = gathered(only, made, population=asked.population, unit=asked.unit, first=first, last=last)
        except InputRejected:
            components.notice("refused", t("glucose.no_readings"), "no-readings")
            return None
        while len(kept) >= _KEPT:
            kept.pop(next(iter(kept)))
        kept[key] = found
    return replace(kept[key], unit=asked.unit)


def _head(facts: Facts) -> None:
    """The period in one line, and what it lacks before any number."""
    active = facts.measurement("active")
    chips = [
        glucose_said.days_words(facts.first, facts.last),
        t("glucose_report.day_count", count=len(facts.days)),
        *([t("glucose_report.active", share=words.share(active.value))] if active else []),
        t("glucose_report.interval", minutes=f"{facts.trace.interval_min:g}"),
        t("glucose_report.readings", count=len(facts.trace.glucose)),
    ]
    components.facts("glucose-head", title=" · ".join(chips))
    for code in facts.short:
        components.notice("refused", coded("glucose_report", code), f"short-{code}")


def _view(store: Store, row: StudyRow, report: ReportRow | None, facts: Facts, asked: Asked, study: Study, number: int) -> None:
    """The part of the page that the reader chose; only that one is computed."""
    if "glucose-jump" in st.session_state:  # a pattern's day was clicked in the run before
        st.session_state["view"] = st.query_params["view"] = "days"
    views = {name: t(f"glucose_view.{name}") for name in glucose_asked.VIEWS}
    view = glucose_asked.remembered("view", t("glucose.view"), views, glucose_asked.VIEWS[0], label_visibility="collapsed")
    shown: dict[str, Callable[[], None]] = {
        "agp": lambda: glucose_agp.show(facts, _before(study, number, report, asked)),
        "days": lambda: glucose_agp.days(facts),
        "patterns": lambda: _patterns(facts),
        "forecast": lambda: glucose_forecast.show(store, row, facts, report, asked.unit),
        "measurements": lambda: _measurements(facts, _before(study, number, report, asked)),
    }
    shown[view]()


def _before(study: Study, number: int, report: ReportRow | None, asked: Asked) -> Facts | None:
    return None if asked.before is None else _facts(study, number, report, asked, *asked.before)


def _patterns(facts: Facts) -> None:
    day = glucose_said.patterns(facts)
    if day is not None:
        st.session_state["glucose-jump"] = day.isoformat()
        st.rerun()


def _measurements(facts: Facts, before: Facts | None) -> None:
    glucose_said.measurements(facts)
    if before is not None:
        glucose_said.differences(facts, before)


def _choose(traces: tuple[Trace, ...], reports: tuple[ReportRow, ...]) -> ReportRow | None:
    """The newest report, or another one where there are several: each has a "now" of its own."""
    if len(reports) < 2:
        return reports[0] if reports else None

    def name(number: int) -> str:
        """Told apart by its number: Streamlit knows an option by its words."""
        one = reports[number]
        return f"{len(reports) - number} · {decision(one.report)['words']} · {_now(traces, one.report)}"

    return reports[st.selectbox(t("image.report"), range(len(reports)), format_func=name, label_visibility="collapsed", key="which-report")]


def _now(traces: tuple[Trace, ...], report: Report) -> str:
    """The wearer's clock at the reading that the report takes as now."""
    if report.series_index >= len(traces) or report.slice_index >= len(traces[report.series_index].clock_s):
        return t("value.unknown")
    return f"{words.clock(float(traces[report.series_index].clock_s[report.slice_index])):%Y-%m-%d %H:%M}"


def decision(report: Report) -> dict[str, str]:
    """Icon, words and one explaining sentence; nothing found is said in the words of a forecast."""
    plain = reading.decision(report)
    if plain["icon"] == "absent":
        return {**plain, "words": t("glucose.no_warning"), "detail": t("glucose.no_warning_detail")}
    if plain["icon"] == "present":  # a forecast, not a finding
        return {**plain, "words": t("glucose.warned", name=plain["words"])}
    return plain


def _panel(
    store: Store, row: StudyRow, study: Study, report: ReportRow | None, ledger: tuple[Job, ...], shown: tuple[int, Asked] | None
) -> None:
    for job in jobs.running(ledger, "diagnose"):
        jobs.watch(store, job)
    if report is None:
        unread(store, row, study, ledger)
    else:
        _reading(study, report)
        if not report.report.gate.passed:
            record.gate(store, report, ledger)
        record.opinion(store, report)
        record.sign_off(store, report, None, pdf=False)
    if shown is not None:
        glucose_links.exports(row, report, *shown)
    _about(row, study, report.report.series_index if report else 0)
    if report is not None:
        again(store, row, report.task)
    priors(store, row)


def _reading(study: Study, report: ReportRow) -> None:
    """What the network says at its "now", under the line that asks for a person."""
    with st.container(key="card-reading"):
        components.notice("info", t("glucose_report.overread"), "overread")
        st.caption(t("glucose_report.at", time=_now(study.traces, report.report)))
        card = registry.card(report.task)
        reading.said(report.report, card, decision(report.report), "reading")
        reading.model_facts(card)


def _about(row: StudyRow, study: Study, index: int) -> None:
    one = study.traces[min(index, len(study.traces) - 1)]
    unknown = t("value.unknown")
    worn = signals.days(one)
    facts = [
        (t("glucose.worn"), glucose_said.days_words(worn[0], worn[-1])),
        (t("glucose.sensor"), one.device),
        (t("ecg.format"), one.file_format),
        (t("glucose.interval"), t("glucose_report.interval", minutes=f"{one.interval_min:g}")),
        (t("glucose.unit_found"), one.unit),
        (t("glucose.date_order"), coded("date_order", one.date_order) if one.date_order else t("glucose.date_order_plain")),
        (t("glucose.time_zone"), one.time_zone),
    ]
    about(row, study, [[label, value or unknown, "" if value else "unknown"] for label, value in facts])
