"""What people say to a reading: agree, disagree, amend; sign; add to it; take it along as a PDF."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from medcore.store import Actor, Job, ReportRow, ReportState, Store
from medcore.types import Report
from medcore.ui import components, session
from medcore.ui.reading import gate_facts, speaks
from medcore.ui.text import language, t
from medcore.ui.worklist import VERDICT_ICON

VERDICTS = ("agree", "disagree", "amend")
_FRESH_S = 600


def gate(store: Store, row: ReportRow, jobs: tuple[Job, ...]) -> None:
    """The gate's answer, and the override with its reason where it refused."""
    report = row.report
    with st.container(key="card-gate"):
        st.markdown(f"#### {t('gate_fact.title')}")
        components.facts("gate", facts=gate_facts(report.gate))
        if report.overridden:
            made_by = next((job for job in jobs if job.report_id == row.report_id and job.kind == "diagnose"), None)
            who = _person(made_by.created_by) if made_by else t("value.unknown")
            reason = str(made_by.params.get("reason", "")) if made_by else ""
            components.notice("refused", t("override.shown", who=who), "overridden", [(t("override.reason"), reason)])
        if not speaks(report) and row.state == ReportState.DRAFT:
            _override(store, row.study_id, report)


def _override(store: Store, study_id: str, report: Report) -> None:
    with st.popover(t("override.button"), icon=":material/lock_open:", key="override"):
        st.caption(t("override.warning"))
        with st.form("override-form", border=False):
            name = st.text_input(t("who.name"), value=session.typed_name(), disabled=session.actor().verified, max_chars=80)
            reason = st.text_area(t("override.reason"), max_chars=500)
            asked = st.form_submit_button(t("override.confirm"), type="primary")
        if not asked:
            return
        if not reason.strip() or not (name.strip() or session.actor().verified):
            components.notice("failed", t("override.missing"), "override-missing")
            return
        st.session_state.signer = name if not session.actor().verified else ""
        params = {"override": True, "reason": reason.strip(), "series_index": report.series_index, "slice_index": report.slice_index}
        store.audit("gate_override", study_id, session.actor(), {"task": report.task, "gate": report.gate.code})
        store.enqueue("diagnose", study_id, report.task, params, session.actor())
        st.rerun()


def opinion(store: Store, row: ReportRow) -> None:
    """Agree, disagree or amend with a note; every entry stays and is shown with its author."""
    with st.container(key="card-opinion"):
        st.markdown(f"#### {t('opinion.title')}")
        with st.form("opinion-form", border=False, clear_on_submit=True):
            verdict = st.segmented_control(
                t("opinion.verdict"), VERDICTS, format_func=lambda name: t(f"verdict.{name}"), label_visibility="collapsed", key="verdict"
            )
            note = st.text_area(t("opinion.note"), max_chars=2000, height=70, placeholder=t("opinion.placeholder"))
            kept = st.form_submit_button(t("opinion.save"))
        if kept:
            _keep(store, row, verdict, note.strip())
        history = [
            {
                "icon": VERDICT_ICON[str(read.verdict)],
                "title": t(f"verdict.{read.verdict}"),
                "meta": _by(read.actor, read.created_at),
                "text": read.note,
            }
            for read in store.reads(row.report_id)
        ]
        if history:
            components.facts("opinions", history=history)
        else:
            st.caption(t("opinion.none"))


def _keep(store: Store, row: ReportRow, verdict: str | None, note: str) -> None:
    if not verdict:
        components.notice("failed", t("opinion.choose"), "opinion-choose")
    elif not session.named():
        components.notice("failed", t("who.first"), "opinion-who")
    elif verdict != VERDICTS[0] and not note:
        components.notice("failed", t("opinion.note_needed"), "opinion-note")
    else:
        store.add_read(row.report_id, verdict, note, session.actor())


def sign_off(store: Store, row: ReportRow, shown: int | None, *, pdf: bool = True) -> None:
    """Draft or signed, by whom; sign, add to it, and the PDF, with the attribution of that number where one is on the page.

    `pdf` is False where the page has exports of its own.
    """
    with st.container(key="card-sign"):
        st.markdown(f"#### {t('sign.title')}")
        if row.state == ReportState.DRAFT:
            _draft(store, row)
        else:
            _signed(store, row)
        if pdf:
            _pdf(row, shown)


def _draft(store: Store, row: ReportRow) -> None:
    components.facts("state", chips=[["info", t("sign.draft")]])
    if not session.named():
        st.caption(t("who.first"))
    if st.button(t("sign.button"), type="primary", disabled=not session.named(), key="sign", icon=":material/draw:"):
        _confirm(store, row)


def _confirm(store: Store, row: ReportRow) -> None:
    @st.dialog(t("sign.confirm_title"))
    def ask() -> None:
        st.markdown(t("sign.confirm"))
        components.facts("signing-as", facts=[[t("sign.as"), _person(session.actor())]])
        with st.container(horizontal=True, horizontal_alignment="right"):
            if st.button(t("sign.back")):
                st.rerun()
            person = session.actor()
            if st.button(t("sign.button"), type="primary", key="confirm-sign", on_click=_sign, args=(store, row.report_id, person)):
                st.rerun()

    ask()


def _sign(store: Store, report_id: str, person: Actor) -> None:
    store.sign(report_id, person)


def _signed(store: Store, row: ReportRow) -> None:
    who = _by(row.signed_by, row.signed_at) if row.signed_by and row.signed_at else t("value.unknown")
    components.facts("state", notice={"kind": "signed", "text": t("sign.signed", who=who), "lines": []})
    history = [{"title": t("addendum.entry"), "meta": _by(one.actor, one.created_at), "text": one.text} for one in row.addenda]
    if history:
        components.facts("addenda", history=history)
    with st.form("addendum-form", border=False, clear_on_submit=True):
        text = st.text_area(t("addendum.title"), max_chars=2000, height=70)
        asked = st.form_submit_button(t("addendum.save"))
    if asked and not session.named():
        components.notice("failed", t("who.first"), "addendum-who")
    elif asked and text.strip():
        store.addendum(row.report_id, text.strip(), session.actor())
        st.rerun()


def _pdf(row: ReportRow, shown: int | None) -> None:
    @st.fragment(run_every=_FRESH_S)
    def fresh() -> None:
        """The link is good for a quarter of an hour; a page left open renews it."""
        st.link_button(
            t("pdf.button"),
            session.grant("pdf", row.report_id, 0 if shown is None else shown + 1, language()),
            icon=":material/picture_as_pdf:",
        )

    fresh()


def _person(actor: Actor) -> str:
    return actor.name if actor.verified else t("who.named_unverified", name=actor.name)


def _by(actor: Actor, when: datetime) -> str:
    return f"{_person(actor)} · {when:%Y-%m-%d %H:%M}"
