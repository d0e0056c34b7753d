"""What a file does not say is asked of the person who brought it, never guessed."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from medcore.errors import MedcoreError
from medcore.read.ecg.note import note
from medcore.store import Store
from medcore.ui import components, intake, session
from medcore.ui.text import sentence, t

UNITS = ("mV", "uV", "NU")


def rate(store: Store, outcome: intake.Outcome) -> None:
    """Ask for sampling rate and unit of the first ECG of `outcome` that states none, and read it again with what was said."""
    name, data = outcome.asking[0]
    turn = len(outcome.asking)  # a file's name may be a patient's, and keys stand in the page's HTML

    @st.dialog(t("ask_rate.title"), dismissible=False)
    def ask() -> None:
        st.markdown(t("ask_rate.question"))
        components.facts("ask-file", facts=[[t("ask_rate.file"), name]])
        hertz = st.number_input(
            t("ask_rate.rate"), min_value=1.0, max_value=100_000.0, value=None, step=1.0, format="%g", key=f"rate-{turn}"
        )
        unit = st.selectbox(t("ask_rate.unit"), UNITS, index=None, format_func=_unit, key=f"unit-{turn}")
        with st.container(horizontal=True, horizontal_alignment="right"):
            if st.button(t("ask_rate.skip"), key="ask-skip"):
                st.session_state.outcome = _without(outcome, name, keep=True)
                st.rerun()
            if st.button(t("ask_rate.confirm"), type="primary", key="ask-confirm", disabled=hertz is None or unit is None):
                _again(store, outcome, (name, data), float(hertz or 0.0), str(unit))

    ask()


def _unit(unit: str) -> str:
    return t("ask_rate.unit_NU") if unit == "NU" else unit.replace("u", "µ")


def _again(store: Store, outcome: intake.Outcome, file: tuple[str, bytes], hertz: float, unit: str) -> None:
    try:
        told = intake.admit(store, [file, (f"{file[0]}.note.txt", note(hertz, unit))], session.actor())
    except MedcoreError as error:
        components.notice("failed", sentence(error), "ask-failed")
        return
    rest = _without(outcome, file[0], keep=False)
    st.session_state.outcome = replace(
        rest,
        added=rest.added + told.added,
        existed=rest.existed + told.existed,
        unread=rest.unread + told.unread,
        refused=rest.refused + told.refused,
    )
    st.rerun()


def _without(outcome: intake.Outcome, name: str, *, keep: bool) -> intake.Outcome:
    """`outcome` with one question less; `keep` leaves the refusal standing."""
    refused = outcome.refused if keep else tuple(one for one in outcome.refused if one[0] != name)
    return replace(outcome, asking=tuple(one for one in outcome.asking if one[0] != name), refused=refused)
