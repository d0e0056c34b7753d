"""The image diagnosis page: image on the left, what is said of it on the right."""

from __future__ import annotations

import streamlit as st

from medcore import registry
from medcore.store import Job, ReportRow, Store, StudyRow
from medcore.types import Study
from medcore.ui import explaining, jobs, reading, record, session, shell, viewing, worklist
from medcore.ui.study import about, again, priors, unread
from medcore.ui.text import t


def nothing_open(store: Store) -> None:
    """No study in the address: say so, and offer the most urgent ones."""
    with st.container(key="card-nothing"):
        st.markdown(f"#### {t('image.nothing_title')}")
        st.caption(t("image.nothing"))
        st.page_link(shell.page("worklist"), label=t("image.to_worklist"), icon=":material/list_alt:")
    if store.count():  # an empty table's words speak of the worklist page
        worklist.table(store, "", worklist.FILTERS[0])


def show(store: Store, study_id: str) -> None:
    """The whole page of one study."""
    row = store.study(study_id)
    study = store.load(study_id)
    if not study.series:  # an old link, or one written by hand
        shell.open_study(worklist.home(row), study_id)
    reports, ledger = store.reports(study_id), store.jobs(study_id)
    left, right = st.columns([1.62, 1], gap="medium")
    with right:
        report = _choose(reports)
        overlay = _panel(store, row, study, report, ledger)
    with left:
        index = _series(study, report)
        wanted = viewing.viewer(row, study, index, report, overlay)
    if wanted is not None and report is not None:
        params = {"override": False, "series_index": index, "slice_index": wanted}
        store.enqueue("diagnose", study_id, report.task, params, session.actor())
        st.rerun()


def _series(study: Study, report: ReportRow | None) -> int:
    """Which series is on the canvas: the one the report read, unless the reader picks another."""
    if len(study.series) == 1:
        return 0
    names = [" · ".join(part for part in (str(n + 1), one.modality, one.description) if part) for n, one in enumerate(study.series)]
    first = report.report.series_index if report else 0
    return st.selectbox(
        t("image.series"), range(len(study.series)), index=first, format_func=lambda n: names[n], label_visibility="collapsed"
    )


def _choose(reports: tuple[ReportRow, ...]) -> ReportRow | None:
    """The newest report, or another one where there are several."""
    if len(reports) < 2:
        return reports[0] if reports else None
    cards = registry.cards()

    def name(number: int) -> str:
        """Told apart by its number: Streamlit knows an option by its words."""
        one = reports[number]
        title = reading.title(cards[one.task]) if one.task in cards else one.task
        words = reading.decision(one.report)["words"]
        read = f"{t('viewer.slice')} {one.report.slice_index + 1}"
        return f"{len(reports) - number} · {words} · {read} · {one.created_at:%Y-%m-%d %H:%M} · {title}"

    return reports[st.selectbox(t("image.report"), range(len(reports)), format_func=name, label_visibility="collapsed", key="which-report")]


def _panel(store: Store, row: StudyRow, study: Study, report: ReportRow | None, ledger: tuple[Job, ...]) -> viewing.Overlay | None:
    about(row, study)
    for job in jobs.running(ledger, "diagnose"):
        jobs.watch(store, job)
    if report is None:
        unread(store, row, study, ledger)
        priors(store, row)
        return None
    card = registry.card(report.task)
    with st.container(key="card-reading"):
        reading.show(report, card)
        reading.model_facts(card)
    if not report.report.gate.passed:
        record.gate(store, report, ledger)
    overlay = explaining.controls(store, report) if reading.speaks(report.report) else None
    record.opinion(store, report)
    record.sign_off(store, report, overlay.number if overlay else None)
    again(store, row, report.task)
    priors(store, row)
    return overlay
