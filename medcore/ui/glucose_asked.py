"""What the reader asked to see of a sensor's trace: which days, in which unit, by whose goals, beside which earlier days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import streamlit as st

from medcore.export.glucose_words import UNITS
from medcore.signals import glucose
from medcore.types import Trace
from medcore.ui import components
from medcore.ui.text import language, t

PERIODS = ("14", "7", "30", "90", "all", "custom")
VIEWS = ("agp", "days", "patterns", "forecast", "measurements")
_ORDER = ("7", "14", "30", "90", "all", "custom")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Days `first` to `last` of the wearer's clock, both included, and where asked for the days `before` to compare with."""

    first: date
    last: date
    unit: str
    population: str
    before: tuple[date, date] | None = None

    @property
    def length(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1


def controls(trace: Trace) -> Asked:
    """One row over the page: period, unit, population, comparison; the answer as it stands now."""
    worn = glucose.days(trace)
    with st.container(key="glucose-controls", horizontal=True, vertical_alignment="bottom", gap="small"):
        names = {name: t(f"period.{name}") if name in ("all", "custom") else t("period.days", count=name) for name in _ORDER}
        period = remembered("period", t("glucose.period"), names, PERIODS[0])
        unit = remembered("unit", t("glucose.unit"), {name: name for name in UNITS}, trace.unit if trace.unit in UNITS else UNITS[0])
        population = _population()
        compared = st.toggle(t("glucose.compare"), key="compare")
    first, last = _custom(worn) if period == "custom" else period_of(worn, period)
    before = _before(worn, first, last) if compared else None
    if compared and before is None:
        components.notice("info", t("glucose.no_before"), "no-before")
    return Asked(first=first, last=last, unit=unit, population=population, before=before)


def remembered(name: str, label: str, options: dict[str, str], first: str, **more: Any) -> str:
    """One of `options` (code: words), kept in the address under `name`, so that a reload and a link bring the same page."""
    asked = st.query_params.get(name)

    def keep() -> None:
        st.query_params[name] = st.session_state[name]

    chosen = st.segmented_control(
        label, tuple(options), default=asked if asked in options else first, required=True, key=name, on_change=keep,
        format_func=options.__getitem__, **more,
    )  # fmt: skip
    return str(chosen)


def _population() -> str:
    """Whose goals: kept for the session, whatever its language, since Streamlit knows an option by its words."""
    kept = st.session_state.get("glucose-population", glucose.POPULATIONS[0])
    names = {name: t(f"glucose_report.population_{name}") for name in glucose.POPULATIONS}
    chosen = st.selectbox(
        t("glucose.population"), glucose.POPULATIONS, index=glucose.POPULATIONS.index(kept), width=190, key=f"population-{language()}",
        format_func=names.__getitem__,
    )  # fmt: skip
    st.session_state["glucose-population"] = chosen
    return str(chosen)


def period_of(worn: tuple[date, ...], period: str) -> tuple[date, date]:
    """First and last day of the last `period` days of the calendar, or of all; never before the first day with a reading."""
    if period == "all":
        return worn[0], worn[-1]
    return max(worn[0], worn[-1] - timedelta(days=int(period) - 1)), worn[-1]


def _custom(worn: tuple[date, ...]) -> tuple[date, date]:
    start = period_of(worn, PERIODS[0])
    chosen = st.date_input(
        t("glucose.custom"), value=start, min_value=worn[0], max_value=worn[-1], format="YYYY-MM-DD", key="custom-days", width=280
    )
    if isinstance(chosen, tuple) and len(chosen) == 2:
        return chosen
    return start  # while only the first of the two days has been clicked


def _before(worn: tuple[date, ...], first: date, last: date) -> tuple[date, date] | None:
    """As many days just before, where any of them has a reading."""
    start, end = first - (last - first) - timedelta(days=1), first - timedelta(days=1)
    return (start, end) if any(start <= day <= end for day in worn) else None
