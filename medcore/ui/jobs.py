"""Jobs that are under way: progress, time left, cancel. Polls only while something runs."""

from __future__ import annotations

import streamlit as st

from medcore.store import Job, Store
from medcore.ui import components, session
from medcore.ui.text import coded, language, t

_EVERY_S = 0.4


def running(jobs: tuple[Job, ...], kind: str | None = None) -> tuple[Job, ...]:
    """Those not finished yet, of one kind or all."""
    return tuple(job for job in jobs if not job.finished and kind in (None, job.kind))


def watch(store: Store, job: Job) -> None:
    """Show `job` until it has finished; then the whole page runs again and shows what it brought."""

    @st.fragment(run_every=_EVERY_S)
    def look() -> None:
        now = store.job(job.job_id)
        if now.finished:
            st.rerun()
        _bar(store, now)

    look()


def _bar(store: Store, job: Job) -> None:
    left = t("job.left", seconds=max(1, round(job.seconds_left))) if job.seconds_left is not None else ""
    words = t(f"job.{job.state}", kind=coded("kind", job.kind))
    with st.container(key=f"card-job-{job.job_id}"):
        st.progress(min(1.0, max(0.0, job.progress)), text=" ".join((words, left)))
        if st.button(t("job.cancel"), key=f"cancel-{job.job_id}", disabled=job.cancel_requested):
            store.cancel(job.job_id, session.actor())
            st.rerun()


def failure(job: Job, key: str) -> None:
    """Why `job` brought nothing, in one sentence."""
    if job.state == "cancelled":
        components.notice("info", t("job.was_cancelled"), key)
    elif language() == "en" and job.error:
        components.notice("failed", job.error, key)
    else:
        components.notice("failed", coded("error", job.error_code or "medcore_error"), key)
