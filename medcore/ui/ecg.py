"""The ECG page: the paper on the left; on the right quality first, then what is said of it, by networks and by rules, and by people."""

from __future__ import annotations

import streamlit as st

from medcore import registry
from medcore.store import Job, ReportRow, Store, StudyRow
from medcore.types import Recording, Report, Status, Study
from medcore.ui import components, ecg_canvas, ecg_said, explaining, jobs, reading, record, shell, worklist
from medcore.ui.study import about, again, priors, unread
from medcore.ui.text import t
from medcore.ui.viewing import Overlay

METHODS = ("integrated_gradients", "beat_occlusion")
MAPS = ("cividis",)


def nothing_open(store: Store) -> None:
    """No study in the address: say so, take one in, and offer the most urgent ECGs."""
    main, rail = st.columns([33, 10], gap="medium")
    with rail:
        worklist.rail(store, "ecg")
    with main:
        with st.container(key="card-nothing"):
            st.markdown(f"#### {t('ecg.nothing_title')}")
            st.caption(t("ecg.nothing"))
            st.page_link(shell.page("worklist"), label=t("image.to_worklist"), icon=":material/list_alt:")
        worklist.table(store, "", worklist.FILTERS[0], "ecg")


def show(store: Store, study_id: str) -> None:
    """The whole page of one study."""
    row = store.study(study_id)
    study = store.load(study_id)
    if not study.recordings:  # an old link, or one written by hand
        shell.open_study("image", study_id)
    reports, ledger = store.reports(study_id), store.jobs(study_id)
    with st.container(key="ecg-page"):
        left, right = st.columns([2.5, 1], gap="small")
    with right:
        report = _choose(reports)
        overlay = _panel(store, row, study, report, ledger)
    with left:
        ecg_canvas.paper(row, study, _recording(study, report), report, overlay)
        if report is not None:
            _numbers(report.report)


def _recording(study: Study, report: ReportRow | None) -> int:
    """Which recording is on the paper: the one the report read, unless the reader picks another."""
    if len(study.recordings) == 1:
        return 0
    names = [f"{number + 1} · {_size(one)}" for number, one in enumerate(study.recordings)]
    first = report.report.series_index if report and report.report.ecg is not None else 0
    return st.selectbox(
        t("ecg.recording"), range(len(names)), index=first, format_func=lambda number: names[number], label_visibility="collapsed"
    )


def _size(one: Recording) -> str:
    return t("ecg.size", leads=len(one.leads), rate=f"{one.sampling_rate_hz:g}", seconds=ecg_said.duration(one.seconds))


def _choose(reports: tuple[ReportRow, ...]) -> ReportRow | None:
    """The newest report, or another one where there are several."""
    if len(reports) < 2:
        return reports[0] if reports else None
    cards = registry.cards()

    def name(number: int) -> str:
        """Told apart by its number: Streamlit knows an option by its words."""
        one = reports[number]
        title = reading.title(cards[one.task]) if one.task in cards else one.task
        return f"{len(reports) - number} · {ecg_said.decision(one.report)['words']} · {one.created_at:%Y-%m-%d %H:%M} · {title}"

    return reports[st.selectbox(t("image.report"), range(len(reports)), format_func=name, label_visibility="collapsed", key="which-report")]


def _panel(store: Store, row: StudyRow, study: Study, report: ReportRow | None, ledger: tuple[Job, ...]) -> Overlay | None:
    for job in jobs.running(ledger, "diagnose"):
        jobs.watch(store, job)
    if report is None:
        _about(row, study, 0)
        unread(store, row, study, ledger)
        priors(store, row)
        return None
    ecg_said.quality(report.report)
    ecg_said.alarm(report.report)
    _readings(report.report)
    if not report.report.gate.passed:
        record.gate(store, report, ledger)
    with st.container(key="ecg-rest"):
        overlay = explaining.controls(store, report, METHODS, MAPS) if reading.speaks(report.report) else None
        record.opinion(store, report)
        record.sign_off(store, report, overlay.number if overlay else None)
        _about(row, study, report.report.series_index)
        again(store, row, report.task)
        priors(store, row)
    return overlay


def _readings(report: Report) -> None:
    """What the networks say, the companions of the reading after it, all under the line that asks for a person."""
    with st.container(key="card-reading"):
        components.notice("info", t("ecg.overread"), "overread")
        for number, one in enumerate((report, *report.also)):
            card = registry.card(one.task)
            if report.also:
                st.markdown(f"#### {reading.title(card)}")
            raised = tuple(finding for finding in reading.told(one) if finding.status != Status.ABSENT)
            reading.said(one, card, ecg_said.decision(one), f"reading-{number}" if number else "reading", raised)
            reading.model_facts(card)


def _numbers(report: Report) -> None:
    """Under the paper: what was measured, and what rules make of it beside the networks."""
    with st.container(key="ecg-numbers"):
        left, right = st.columns(2, gap="small")
    with left:
        ecg_said.measurements(report)
    with right:
        ecg_said.rules(report)


def _about(row: StudyRow, study: Study, index: int) -> None:
    one = study.recordings[min(index, len(study.recordings) - 1)]
    unknown = t("value.unknown")
    facts = [(t("ecg.recording"), _size(one)), (t("ecg.format"), one.file_format), (t("ecg.device"), one.device)]
    facts.append((t("ecg.unit"), t("ecg.normalised") if one.unit == "NU" else one.unit))
    about(row, study, [[label, value or unknown, "" if value else "unknown"] for label, value in facts])
