"""What the pages of one study have in common: who and what it is, how a reading is asked for, and the same patient's other studies."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from medcore import pipeline, registry
from medcore.checks import reads_recordings, reads_traces
from medcore.export.wording import age_words
from medcore.store import Job, Store, StudyRow
from medcore.types import ModelCard, Study
from medcore.ui import components, jobs, reading, session, shell
from medcore.ui.text import coded, language, person_name, t
from medcore.ui.worklist import flag_words, home, status_words


def about(row: StudyRow, study: Study, more: Sequence[Sequence[str]] = ()) -> None:
    """Patient, study and what the file warns of; `more` are further labelled facts."""
    person, unknown = row.patient, t("value.unknown")
    age = [t("fact.age"), age_words(language(), person.age_years)] if person.age_years is not None else [t("fact.age"), unknown, "unknown"]
    known = [[t("fact.patient_id"), person.patient_id], [t("fact.sex"), coded("sex", person.sex) if person.sex else None]]
    study_facts = [[t("column.date"), row.study_date], [t("column.modality"), row.modality], [t("column.study"), row.description]]
    facts = [[label, value or unknown, "" if value else "unknown"] for label, value in known] + [age]
    facts += [[label, value or unknown, "" if value else "unknown"] for label, value in study_facts]
    facts += [list(one) for one in more]
    with st.container(key="card-about"):
        status = status_words(row)
        components.facts(
            "about", title=person_name(person.name) or unknown, chips=[[status["icon"], status["words"]]], facts=facts, dense=True
        )
        lines = [line for one in study.series for line in one.warnings] + [line for one in study.recordings for line in one.warnings]
        lines += [line for one in study.traces for line in one.warnings]
        warnings = dict.fromkeys((*study.warnings, *lines))
        if warnings:
            components.notice("indeterminate", t("image.warnings"), "warnings", [("", warning) for warning in warnings])


def unread(store: Store, row: StudyRow, study: Study, ledger: tuple[Job, ...]) -> None:
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
    page = home(row)
    names = [name for name, card in cards.items() if _page_of(card) == page]
    if not names:
        st.caption(t("models.none"))
        return
    first = names.index(task) if task in names else 0
    key = f"task-{language()}"  # a kept choice keeps its words, whatever the language
    titles = {name: reading.title(cards[name]) for name in names}
    chosen = st.selectbox(t("image.task"), names, index=first, format_func=titles.__getitem__, key=key)
    if st.button(t("image.read"), type="primary", key="read-now"):
        store.enqueue("diagnose", row.study_id, chosen, {"override": False}, session.actor())
        st.rerun()


def _page_of(card: ModelCard) -> str:
    """The page that shows what a task reads."""
    return "glucose" if reads_traces(card) else "ecg" if reads_recordings(card) else "image"


def again(store: Store, row: StudyRow, task: str) -> None:
    """Have it read by another model."""
    with st.popover(t("image.other_task"), icon=":material/swap_horiz:", key="other-task"):
        _ask(store, row, task)


def priors(store: Store, row: StudyRow) -> None:
    """The same patient's other studies, each on its own page."""
    others = [one for one in store.priors(row.study_id) if one.study_id != row.study_id]
    if not others:
        return
    with st.container(key="card-priors"):
        st.markdown(f"#### {t('image.priors')}")
        for one in others[:8]:
            words = flag_words(one)
            with st.container(horizontal=True, vertical_alignment="center"):
                title = " · ".join(part for part in (one.study_date or t("value.unknown"), one.modality, one.description) if part)
                components.facts(f"prior-{one.study_id}", chips=[[words["icon"], words["words"]]], title=title)
                if st.button(t("image.open"), key=f"prior-open-{one.study_id}"):
                    shell.open_study(home(one), one.study_id)
