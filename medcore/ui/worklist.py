"""The worklist: rows in words, the rail where studies come in, and what happened to them."""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from medcore import registry, settings
from medcore.errors import MedcoreError, MixedPatients
from medcore.export.wording import class_name
from medcore.store import Store, StudyRow, StudyStatus, WorkerState
from medcore.types import CGM
from medcore.ui import asking, components, demo, intake, session, shell
from medcore.ui.text import language, person_name, sentence, t, texts

STATUS_ICON = {
    "new": "none", "queued": "queued", "running": "running", "failed": "failed", "cancelled": "cancelled",
    "ready": "info", "refused": "refused", "signed": "signed",
}  # fmt: skip
VERDICT_ICON = {"agree": "absent", "disagree": "failed", "amend": "indeterminate"}
FILTERS = ("all", "flagged", "active", "ready", "refused", "signed")
PAGE = 50
_WORKER_ICON = {"ready": "absent", "starting": "running", "down": "failed"}
_PAGE_OF = {"ECG": "ecg", CGM: "glucose"}  # of a demo case, by its modality
_EVERY_S, _WORKER_S = 0.4, 2.0


def home(row: StudyRow) -> str:
    """The page that shows a study: where there is no image in it, that of glucose for a sensor's trace, else that of ECGs."""
    if row.images:
        return "image"
    return "glucose" if CGM in (row.modality or "").split("/") else "ecg"


def rows(store: Store, search: str, chosen: str, limit: int) -> tuple[StudyRow, ...]:
    """The studies that match, most urgent first."""
    if chosen == "flagged":
        return store.studies(search, flagged=True, limit=limit)
    if chosen == "active":
        waiting = store.studies(search, status=StudyStatus.QUEUED, limit=limit)
        return store.studies(search, status=StudyStatus.RUNNING, limit=limit) + waiting
    if chosen in ("ready", "refused", "signed"):
        return store.studies(search, status=StudyStatus(chosen), limit=limit)
    return store.studies(search, limit=limit)


def status_words(row: StudyRow) -> dict[str, str]:
    """Icon and words of where a study stands."""
    name = str(row.status)
    words = t(f"status.{name}")
    if name == "running" and row.progress:
        words = t("status.running_percent", percent=round(row.progress * 100))
    return {"icon": STATUS_ICON[name], "words": words}


def flag_words(row: StudyRow) -> dict[str, str]:
    """Icon and words of what the model says, from the newest report."""
    if row.report_id is None:
        return {"icon": "none", "words": t("flag.none")}
    if row.alarm:
        return {"icon": "failed", "words": t("flag.alarm")}
    if row.gate_code not in (None, "in") and row.decision is None:
        return {"icon": "refused", "words": t("flag.refused")}
    if row.indeterminate:
        return {"icon": "indeterminate", "words": t("flag.indeterminate")}
    return {"icon": "present", "words": class_title(row.task, row.decision)} if row.flag else {"icon": "absent", "words": t("flag.absent")}


def class_title(task: str | None, name: str | None) -> str:
    """What a class of a task is called, in the language of the session."""
    return class_name(registry.cards().get(task or ""), name, language())


def _plain(row: StudyRow) -> dict[str, Any]:
    verdict = {"icon": VERDICT_ICON[str(row.verdict)], "words": t(f"verdict.{row.verdict}")} if row.verdict else None
    return {
        "id": row.study_id,
        "status": status_words(row),
        "patient": person_name(row.patient.name),
        "patient_id": row.patient.patient_id,
        "modality": row.modality,
        "description": row.description,
        "date": row.study_date,
        "flag": flag_words(row),
        "uncertainty": row.uncertainty,
        "verdict": verdict,
        "reader": row.reader,
        "demo": row.demo,
    }


def table(store: Store, search: str, chosen: str, page: str | None = None) -> None:
    """The table itself, or what to do when there is nothing in it; with `page`, only the studies at home there."""
    limit = int(st.session_state.get("worklist-limit", PAGE))
    found = tuple(row for row in rows(store, search, chosen, limit) if page in (None, home(row)))
    if not found and page:
        return
    if not found:
        _empty(bool(search) or chosen != FILTERS[0])
        return
    names = ("status", "patient", "modality", "study", "date", "flag", "uncertainty", "verdict")
    data = {"columns": [t(f"column.{name}") for name in names], "rows": [_plain(row) for row in found], "texts": texts("table")}
    result = components.show("worklist", data, "worklist-table", open=None, remove=None)
    opened = next((row for row in found if row.study_id == result.open), None)
    if opened:
        shell.open_study(home(opened), opened.study_id)
    if result.remove:
        confirm_delete(store, next((row for row in found if row.study_id == result.remove), None))
    if len(found) == limit:
        st.button(t("worklist.more"), on_click=lambda: st.session_state.update({"worklist-limit": limit + PAGE}))


def live(store: Store, search: str, chosen: str) -> None:
    """The table, drawn anew every moment while something is queued or running, and left alone otherwise."""
    busy = _busy(store)

    @st.fragment(run_every=_EVERY_S if busy else None)
    def look() -> None:
        if busy and not _busy(store):
            st.rerun()
        table(store, search, chosen)

    look()


def _busy(store: Store) -> bool:
    return any(store.count(status=state) for state in (StudyStatus.QUEUED, StudyStatus.RUNNING))


def _empty(filtered: bool) -> None:
    with st.container(key="card-empty", horizontal_alignment="center"):
        st.space("medium")
        st.markdown(f"#### {t('worklist.no_match_title' if filtered else 'worklist.empty_title')}", text_alignment="center")
        st.caption(t("worklist.no_match" if filtered else "worklist.empty"), text_alignment="center")
        st.space("medium")


def confirm_delete(store: Store, row: StudyRow | None) -> None:
    """Ask before a study and its readings go."""
    if row is None:
        return

    @st.dialog(t("delete.title"))
    def ask() -> None:
        st.markdown(t("delete.question"))
        facts = [
            [t("column.patient"), person_name(row.patient.name) or t("value.unknown")],
            [t("fact.patient_id"), row.patient.patient_id or t("value.unknown")],
        ]
        components.facts("delete-facts", facts=[*facts, [t("column.date"), row.study_date or t("value.unknown")]])
        with st.container(horizontal=True, horizontal_alignment="right"):
            if st.button(t("delete.keep")):
                st.rerun()
            person = session.actor()
            if st.button(t("delete.confirm"), type="primary", key="confirm-delete", on_click=store.delete, args=(row.study_id, person)):
                st.rerun()

    ask()


def rail(store: Store, page: str | None = None) -> None:
    """Where studies come in: drop zone, what became of the last upload, demo cases (with `page`, those it shows), the worker."""
    with st.container(key="card-upload"):
        st.markdown(f"#### {t('upload.title')}")
        _uploader(store)
        told(store)
    with st.container(key="card-demo"):
        st.markdown(f"#### {t('demo.title')}")
        for case in demo.cases():
            if page and page != _PAGE_OF.get(case.modality, "image"):
                continue
            with st.container(key=f"demo-{case.name}"):
                label = f"**{t(f'demo.{case.name}_title')}** · {t(f'demo.{case.name}')}"
                st.button(label, key=f"demo-button-{case.name}", width="stretch", on_click=_demo, args=(store, case))
    _worker(store)


def _uploader(store: Store) -> None:
    folder = st.segmented_control(
        t("upload.kind"), ("files", "folder"), default="files", required=True, format_func=lambda kind: t(f"upload.{kind}"),
        label_visibility="collapsed", key="upload-kind",
    )  # fmt: skip
    with st.container(key=f"zone-{language()}"):
        given = _dropped(folder == "folder")
    st.caption(t("upload.hint", size=settings.number("MEDCORE_MAX_UPLOAD_MB")))
    if given:
        with st.spinner(t("upload.reading", count=len(given))):
            st.session_state.outcome = intake.admit(store, [(file.name, file.getvalue()) for file in given], session.actor())
        st.session_state["upload-round"] = st.session_state.get("upload-round", 0) + 1
        st.rerun()


def _dropped(folder: bool) -> list[UploadedFile]:
    given = st.file_uploader(
        t("upload.label_folder" if folder else "upload.label"),
        type=None,  # DICOM often has no extension: what a file is, its bytes say
        accept_multiple_files="directory" if folder else True,
        key=f"upload-{folder}-{st.session_state.get('upload-round', 0)}",
        max_upload_size=settings.number("MEDCORE_MAX_UPLOAD_MB"),
    )
    return list(given or ())


def _demo(store: Store, case: demo.Case) -> None:
    try:
        st.session_state.outcome = intake.admit(store, demo.upload(case), session.actor(), demo=True)
    except MedcoreError as error:
        st.session_state.outcome = intake.Outcome(refused=((case.name, error),))


def told(store: Store) -> None:
    """What became of the last upload: one sentence a refusal, and a way to what was added."""
    outcome: intake.Outcome | None = st.session_state.get("outcome")
    if outcome is None:
        return
    if outcome.asking:
        asking.ask(store, outcome)
    for number, (name, error) in enumerate(outcome.refused[:8]):
        components.notice("failed", sentence(error), f"refused-{number}", [(name, ""), *_both(error)])
    if len(outcome.refused) > 8:
        components.notice("failed", t("upload.more_refused", count=len(outcome.refused) - 8), "refused-more")
    if outcome.added:
        components.notice("absent", t("upload.added", count=len(outcome.added)), "added")
    if outcome.existed:
        components.notice("info", t("upload.existed", count=len(outcome.existed)), "existed")
    if outcome.unread:
        components.notice("refused", t("upload.unread", count=len(outcome.unread)), "unread")
    stored = (*outcome.added, *outcome.existed)
    with st.container(horizontal=True):
        if stored and st.button(t("upload.open"), type="primary", key="open-added"):
            del st.session_state["outcome"]
            shell.open_study(home(store.study(stored[0])), stored[0])
        st.button(t("upload.dismiss"), key="dismiss", type="tertiary", on_click=lambda: st.session_state.pop("outcome", None))


def _both(error: MedcoreError) -> list[tuple[str, str]]:
    """Both patients of a mixed study, literally: the person who uploaded must see which two were mixed."""
    patients = error.patient_ids if isinstance(error, MixedPatients) else ()
    return [(t("fact.patient_id"), str(patient)) for patient in patients]


def _worker(store: Store) -> None:
    state = store.worker_state()

    @st.fragment(run_every=None if state == WorkerState.READY else _WORKER_S)
    def look() -> None:
        now = store.worker_state()
        if now != state:
            st.rerun()
        components.facts("worker", chips=[[_WORKER_ICON[str(now)], t(f"worker.{now}")]])

    look()
