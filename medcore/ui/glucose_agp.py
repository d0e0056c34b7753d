"""The one-page profile as the consensus draws it (Battelino 2019, doi 10.2337/dci19-0028), alone or beside an earlier one; the days."""

from __future__ import annotations

from datetime import date

import numpy as np
import streamlit as st

from medcore.export import glucose_words as words
from medcore.export.glucose_facts import Facts
from medcore.ui import components, glucose_figures, glucose_panels, glucose_said
from medcore.ui.text import language, t

SHOWN_DAYS = 14
ALL = "all"


def show(facts: Facts, before: Facts | None) -> None:
    """Statistics, times in ranges with goals, the profile, the days; with `before`, both profiles and the differences."""
    left, right = st.columns([1, 1.55], gap="small")
    with left:
        glucose_said.statistics(facts)
    with right:
        glucose_said.ranges(facts)
    if before is None:
        with st.container(key="card-agp"):
            _profile(facts, 330)
    else:
        _both(facts, before)
    _days(facts)


def _profile(facts: Facts, height: int, name: str = "agp", top: float | None = None) -> None:
    head = t("glucose_report.profile") if name == "agp" else glucose_said.days_words(facts.first, facts.last)
    st.markdown(f"#### {head}")
    if not np.isfinite(facts.percentiles).any():
        components.notice("info", t("glucose_report.profile_few"), f"{name}-few")
        return
    figure = glucose_figures.agp(facts.minutes, facts.percentiles, facts.limits, facts.unit, height, top)
    low, high = (words.level(one, facts.unit) for one in facts.limits)
    glucose_figures.draw(figure, f"glucose-{name}", t("glucose.agp_alt", days=len(facts.days), low=low, high=high, unit=facts.unit))
    st.caption(t("glucose_report.profile_note"))


def _both(facts: Facts, before: Facts) -> None:
    """Both profiles on one scale, the later one at the right, as time goes."""
    top = max(glucose_figures.top_of(one.percentiles) for one in (facts, before))
    left, right = st.columns(2, gap="small")
    with left, st.container(key="card-agp-before"):
        _profile(before, 290, "before", top)
    with right, st.container(key="card-agp-now"):
        _profile(facts, 290, "now", top)
    glucose_said.differences(facts, before)


def _days(facts: Facts) -> None:
    shown = facts.days[-SHOWN_DAYS:]
    with st.container(key="card-days"):
        st.markdown(f"#### {t('glucose_report.days')}")
        titles = [glucose_said.day_title(day) for day in shown]
        figure = glucose_panels.small_days(facts.trace, shown, facts.limits, facts.unit, titles)
        glucose_figures.draw(figure, "glucose-small-days", t("glucose.days_alt", count=len(shown)))
        low, high = (words.level(one, facts.unit) for one in facts.limits)
        notes = [t("glucose_report.days_note", low=low, high=high)]
        if len(facts.days) > len(shown):
            notes.insert(0, t("glucose_report.days_last", count=len(shown), all=len(facts.days)))
        st.caption(" · ".join(notes))


def days(facts: Facts) -> None:
    """Days over each other, one of them set apart on request, and the whole trace with what was eaten and injected."""
    shown = facts.days
    names = {ALL: t("glucose.all_days")} | {f"{day}": f"{day} {words.weekday(day, language())}" for day in reversed(shown)}
    options = list(names)
    key = f"glucose-day-{language()}"  # a kept choice keeps its words, whatever the language
    if "glucose-jump" in st.session_state or st.session_state.get(key) not in options:
        wanted = st.session_state.pop("glucose-jump", ALL)
        st.session_state[key] = wanted if wanted in options else ALL
    with st.container(key="card-overlay"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"#### {t('glucose.overlay')}")
            chosen = st.selectbox(
                t("glucose.day"), options, format_func=names.__getitem__, key=key, label_visibility="collapsed", width=200
            )
            st.button(
                "", icon=":material/chevron_left:", key="day-before", help=t("glucose.day_before"), on_click=_step, args=(key, options, 1)
            )
            st.button(
                "", icon=":material/chevron_right:", key="day-after", help=t("glucose.day_after"), on_click=_step, args=(key, options, -1)
            )
        day = None if chosen == ALL else date.fromisoformat(str(chosen))
        figure = glucose_panels.overlay(facts.trace, shown, day, facts.limits, facts.unit)
        glucose_figures.draw(figure, "glucose-overlay", t("glucose.overlay_alt", count=len(shown)))
    with st.container(key="card-whole"):
        st.markdown(f"#### {t('glucose.whole')}")
        drawn = glucose_figures.whole(facts.whole, facts.limits, facts.unit, facts.first, facts.last)
        glucose_figures.draw(drawn, "glucose-whole", t("glucose.whole_alt"), glucose_figures.ZOOMED)
        st.caption(t("glucose.whole_note"))


def _step(key: str, options: list[str], by: int) -> None:
    """The next day with readings, or the one before; from all days, the last one."""
    at = options.index(str(st.session_state[key]))
    st.session_state[key] = options[min(len(options) - 1, max(1, at + by))] if len(options) > 1 else ALL
