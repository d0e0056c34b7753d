"""What a file does not say is asked of the person who brought it, never guessed."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from medcore.errors import MedcoreError, SamplingRateUnknown
from medcore.read.ecg.note import note
from medcore.read.glucose import note as table_note
from medcore.read.glucose import preview
from medcore.store import Store
from medcore.ui import components, intake, session
from medcore.ui.text import sentence, t

UNITS = ("mV", "uV", "NU")
GLUCOSE_UNITS = ("mg/dL", "mmol/L")
DATE_ORDERS = ("dmy", "mdy", "ymd")


def ask(store: Store, outcome: intake.Outcome) -> None:
    """Ask about the first file of `outcome` that does not say all, and read it again with what was said."""
    code = outcome.asking[0][2]
    if code == SamplingRateUnknown("").code:
        _rate(store, outcome)
    else:
        _table(store, outcome, code)


def _rate(store: Store, outcome: intake.Outcome) -> None:
    """Sampling rate and unit of an ECG."""
    name, data, _ = outcome.asking[0]
    turn = len(outcome.asking)  # a file's name may be a patient's, and keys stand in the page's HTML

    @st.dialog(t("ask_rate.title"), dismissible=False)
    def dialog() -> None:
        st.markdown(t("ask_rate.question"))
        components.facts("ask-file", facts=[[t("ask_rate.file"), name]])
        hertz = st.number_input(
            t("ask_rate.rate"), min_value=1.0, max_value=100_000.0, value=None, step=1.0, format="%g", key=f"rate-{turn}"
        )
        unit = st.selectbox(t("ask_rate.unit"), UNITS, index=None, format_func=_unit, key=f"unit-{turn}")
        if _answered(outcome, name, ready=hertz is not None and unit is not None):
            _again(store, outcome, (name, data), note(float(hertz or 0.0), str(unit)))

    dialog()


def _table(store: Store, outcome: intake.Outcome, code: str) -> None:
    """Columns, unit and order of dates of a table of glucose: what is wanted must be said, the rest may be."""
    name, data, _ = outcome.asking[0]
    turn = len(outcome.asking)

    @st.dialog(t("ask_table.title"), dismissible=False, width="large")
    def dialog() -> None:
        st.markdown(t(f"ask_table.{code}"))
        components.facts("ask-file", facts=[[t("ask_rate.file"), name]])
        rows = preview(data)
        if rows:
            components.cells("ask-rows", [str(number) for number in range(1, len(rows[0]) + 1)], [list(row) for row in rows])
        columns = _columns(rows, turn) if code == "columns_unknown" else {}
        unit = st.selectbox(t("ask_table.unit"), GLUCOSE_UNITS, index=None, key=f"glucose-unit-{turn}")
        order = st.selectbox(t("ask_table.date_order"), DATE_ORDERS, index=None, format_func=_date_order, key=f"date-order-{turn}")
        wanted: dict[str, list[object]] = {
            "columns_unknown": [columns.get("time_column"), columns.get("glucose_column"), unit, order],
            "date_order_unknown": [order],
        }
        ready = all(wanted.get(code, [unit])) and len({*columns.values()} - {None}) == sum(value is not None for value in columns.values())
        if _answered(outcome, name, ready=ready):
            _again(store, outcome, (name, data), table_note(unit=unit, date_order=order, **columns))

    dialog()


def _columns(rows: tuple[tuple[str, ...], ...], turn: int) -> dict[str, int | None]:
    """The columns that a person names, counted from 1."""
    numbers = list(range(1, len(rows[0]) + 1)) if rows else []

    def called(number: int) -> str:
        return f"{number} · {rows[0][number - 1]}" if rows else str(number)

    return {
        name: st.selectbox(t(f"ask_table.{name}"), numbers, index=None, format_func=called, key=f"{name}-{turn}")
        for name in ("time_column", "clock_column", "glucose_column")
    }


def _answered(outcome: intake.Outcome, name: str, *, ready: bool) -> bool:
    """The two buttons below a question; True when it was answered."""
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button(t("ask_rate.skip"), key="ask-skip"):
            st.session_state.outcome = _without(outcome, name, keep=True)
            st.rerun()
        return st.button(t("ask_rate.confirm"), type="primary", key="ask-confirm", disabled=not ready)


def _unit(unit: str) -> str:
    return t("ask_rate.unit_NU") if unit == "NU" else unit.replace("u", "µ")


def _date_order(order: str) -> str:
    return t(f"ask_table.{order}")


def _again(store: Store, outcome: intake.Outcome, file: tuple[str, bytes], said: bytes) -> None:
    try:
        told = intake.admit(store, [file, (f"{file[0]}.note.txt", said)], session.actor())
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
        asking=rest.asking + tuple(one for one in told.asking if one[2] != outcome.asking[0][2]),  # the next question, not the same again
    )
    st.rerun()


def _without(outcome: intake.Outcome, name: str, *, keep: bool) -> intake.Outcome:
    """`outcome` with one question less; `keep` leaves the refusal standing."""
    refused = outcome.refused if keep else tuple(one for one in outcome.refused if one[0] != name)
    return replace(outcome, asking=tuple(one for one in outcome.asking if one[0] != name), refused=refused)
