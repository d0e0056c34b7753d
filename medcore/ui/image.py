"""The image diagnosis page: image on the left, what is said of it on the right."""

from __future__ import annotations

import streamlit as st

from medcore import pipeline, registry
from medcore.export.wording import age_words
from medcore.store import Job, ReportRow, Store, StudyRow
from medcore.types import Study
from medcore.ui import components, explaining, jobs, reading, record, session, shell, viewing, worklist
from medcore.ui.text import coded, language, person_name, t
from medcore.ui.worklist import flag_words, status_words


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
    _about(row, study)
    for job in jobs.running(ledger, "diagnose"):
        jobs.watch(store, job)
    if report is None:
        _unread(store, row, study, ledger)
        _priors(store, row)
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
    _again(store, row, report.task)
    _priors(store, row)
    return overlay


def _about(row: StudyRow, study: Study) -> None:
    person, unknown = row.patient, t("value.unknown")
    age = [t("fact.age"), age_words(language(), person.age_years)] if person.age_years is not None else [t("fact.age"), unknown, "unknown"]
    known = [[t("fact.patient_id"), person.patient_id], [t("fact.sex"), coded("sex", person.sex) if person.sex else None]]
    study_facts = [[t("column.date"), row.study_date], [t("column.modality"), row.modality], [t("column.study"), row.description]]
    facts = [[label, value or unknown, "" if value else "unknown"] for label, value in known] + [age]
    facts += [[label, value or unknown, "" if value else "unknown"] for label, value in study_facts]
    with st.container(key="card-about"):
        status = status_words(row)
        components.facts(
            "about", title=person_name(person.name) or unknown, chips=[[status["icon"], status["words"]]], facts=facts, dense=True
        )
        warnings = dict.fromkeys((*study.warnings, *(line for one in study.series for line in one.warnings)))
        if warnings:
            components.notice("indeterminate", t("image.warnings"), "warnings", [("", warning) for warning in warnings])


def _unread(store: Store, row: StudyRow, study: Study, ledger: tuple[Job, ...]) -> None:
    """No report yet: the last failure, or the choice of a model."""
    asked = [job for job in ledger if job.kind == "diagnose"]
    if asked and not asked[0].finished:
        return
    with st.container(key="card-unread"):
        if asked:
            jobs.failure(asked[0], "last-failure")
        elif not pipeline.candidates(study):
            components.notice("refused", t("image.no_task"), "no-task")
        _ask(store, row, asked[0].task if asked else None)


def _ask(store: Store, row: StudyRow, task: str | None) -> None:
    cards = registry.cards()
    names = list(cards)
    if not names:
        st.caption(t("models.none"))
        return
    first = names.index(task) if task in names else 0
    key = f"task-{language()}"  # a kept choice keeps its words, whatever the language
    chosen = st.selectbox(t("image.task"), names, index=first, format_func=lambda name: reading.title(cards[name]), key=key)
    if st.button(t("image.read"), type="primary", key="read-now"):
        store.enqueue("diagnose", row.study_id, chosen, {"override": False}, session.actor())
        st.rerun()


def _again(store: Store, row: StudyRow, task: str) -> None:
    with st.popover(t("image.other_task"), icon=":material/swap_horiz:", key="other-task"):
        _ask(store, row, task)


def _priors(store: Store, row: StudyRow) -> None:
    priors = [one for one in store.priors(row.study_id) if one.study_id != row.study_id]
    if not priors:
        return
    with st.container(key="card-priors"):
        st.markdown(f"#### {t('image.priors')}")
        for one in priors[:8]:
            words = flag_words(one)
            with st.container(horizontal=True, vertical_alignment="center"):
                title = " · ".join(part for part in (one.study_date or t("value.unknown"), one.modality, one.description) if part)
                components.facts(f"prior-{one.study_id}", chips=[[words["icon"], words["words"]]], title=title)
                if st.button(t("image.open"), key=f"prior-open-{one.study_id}"):
                    st.query_params["study"] = one.study_id
                    st.rerun()
