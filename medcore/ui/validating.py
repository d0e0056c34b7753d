"""The Validate page: a hospital measures a model on its own labelled images or ECGs, as a job like any other."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import streamlit as st

from medcore import registry, settings
from medcore.checks import reads_recordings, reads_traces
from medcore.store import Job, Store
from medcore.types import Figure, ModelCard
from medcore.ui import charts, components, jobs, measured, models, reading, session
from medcore.ui.text import language, plain, t

DECIDES = ("image_classifier", "ecg_classifier")  # kinds whose manifests may hold labels to compare with


def ask(store: Store) -> None:
    """Choose a model, give manifest and files or a zip of them, start."""
    cards = registry.cards()
    if not cards:
        components.notice("info", t("models.none"), "no-models")
        return
    with st.container(key="card-validate"):
        task = st.selectbox(
            t("validate.task"), list(cards), index=list(cards).index(models.first(cards)),
            format_func=lambda name: reading.title(cards[name]), key=f"validate-task-{language()}",  # a kept choice keeps its words
        )  # fmt: skip
        for sentence in needed(cards[task]):
            st.caption(sentence)
        given = st.file_uploader(
            t("validate.upload"),
            type=None,
            accept_multiple_files=True,
            key=f"manifest-{st.session_state.get('validate-round', 0)}",
            max_upload_size=settings.number("MEDCORE_MAX_UPLOAD_MB"),
        )
        if st.button(t("validate.start"), type="primary", disabled=not given, key="validate-start") and given:
            store.enqueue("validate", None, task, {}, session.actor(), upload=packed([(one.name, one.getvalue()) for one in given]))
            st.session_state["validate-round"] = st.session_state.get("validate-round", 0) + 1
            st.rerun()


def columns(card: ModelCard) -> tuple[str, ...]:
    """The columns of a manifest that the model's kind reads, groups aside."""
    if reads_traces(card):
        return ("subject", "time", "glucose_mg_dl")
    first = "record" if reads_recordings(card) else "path"
    if card.kind not in DECIDES:
        return (first,)
    return (first, "label") if card.exclusive else (first, *(label.name for label in card.labels))


def needed(card: ModelCard) -> list[str]:
    """What a manifest for this model holds, in sentences."""
    sentences = [t("validate.columns", names=", ".join(columns(card)))]
    if reads_recordings(card):
        sentences.append(t("validate.record"))
    if reads_traces(card):
        sentences.append(t("validate.readings"))
    elif card.kind not in DECIDES:
        sentences.append(t("validate.measures"))
    elif card.exclusive:
        sentences.append(t("validate.classes", names=", ".join(label.name for label in card.labels)))
    else:
        sentences.append(t("validate.zero_one"))
    return sentences


def packed(files: Sequence[tuple[str, bytes]]) -> bytes:
    """What the worker is given: the zip that was dropped, or a zip of the manifest and images that were."""
    if len(files) == 1 and zipfile.is_zipfile(io.BytesIO(files[0][1])):
        return files[0][1]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in dict(files).items():
            archive.writestr(name, data)
    return out.getvalue()


def listed(store: Store) -> None:
    """Validations asked for so far, the newest first."""
    st.markdown(f"#### {t('validate.results')}")
    asked = store.jobs(None, kind="validate")
    if not asked:
        st.caption(t("validate.none"))
    for number, job in enumerate(asked):
        if not job.finished:
            jobs.watch(store, job)
            continue
        with st.expander(_title(job), expanded=number == 0):
            _result(store, job)


def _title(job: Job) -> str:
    card = registry.cards().get(job.task or "")
    return plain(t("validate.made", task=reading.title(card) if card else str(job.task), time=f"{job.created_at:%Y-%m-%d %H:%M}"))


def _result(store: Store, job: Job) -> None:
    if job.state != "done" or job.result is None:
        jobs.failure(job, f"failed-{job.job_id}")
    else:
        _measured(job, dict(job.result))
    with st.container(horizontal=True):
        if job.state == "done":
            st.link_button(t("validate.download"), session.grant("predictions", job.job_id), icon=":material/download:")
        st.button(
            t("validate.remove"), key=f"remove-{job.job_id}", type="tertiary", on_click=store.delete_job, args=(job.job_id, session.actor())
        )


def _measured(job: Job, result: dict[str, Any]) -> None:
    summary: dict[str, Any] = result["summary"]
    card = registry.cards().get(job.task or "")
    said = (
        "validate.n_recordings"
        if card and reads_recordings(card)
        else "validate.n_moments"
        if card and reads_traces(card)
        else "validate.n"
    )
    st.caption(t(said, n=summary["n"], refused=f"{summary['share_refused']:.1%}"))
    if summary.get("unreadable"):
        components.notice("refused", t("validate.unreadable", n=summary["unreadable"]), f"unreadable-{job.job_id}")
    rows = tuple(Figure(name=name, **one) for name, one in summary.get("figures", {}).items() if None not in (one["value"], one["low"]))
    if rows:
        st.caption(t("validate.groups", n=summary["groups"]) if summary["groups"] else t("validate.rows"))
        measured.figures(rows, card)
    elif card and card.kind in DECIDES:
        st.caption(t("validate.no_labels"))
    _counts(summary)
    if card:
        charts.show(summary, measured.named(card), f"job-{job.job_id}")


def _counts(summary: dict[str, Any]) -> None:
    """What a model that measures has marked: waves, or beats of each kind."""
    for section, kind in (("waves", "wave"), ("beats", "beat")):
        if section in summary:
            rows = [[t(f"{kind}.{'unknown' if name == '?' else name}"), str(count)] for name, count in summary[section].items()]
            measured.table([t(f"validate.{section}"), t("validate.count")], rows)
