"""What is said of a sensor's trace beside its curves: statistics, ranges and goals, patterns with their days, measurements with sources."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import streamlit as st

from medcore.export import glucose_words as words
from medcore.export.glucose_facts import Facts, told_value
from medcore.signals import glucose, limits
from medcore.types import Measurement
from medcore.ui import components
from medcore.ui.text import coded, language, t, texts

STATISTICS = ("mean", "gmi", "cv", "sd", "gri", "active", "episodes_low", "episodes_very_low", "episodes_high")
COMPARED = ("mean", "gmi", "cv", "tir", "tbr", "tbr2", "tar", "tar2", "gri", "episodes_low", "episodes_very_low", "episodes_high", "active")
_SIDE_ICON = {"within": "absent", "below": "present", "above": "present"}
_MET_ICON = {True: "absent", False: "present", None: "none"}
_MET_WORD = {True: "met", False: "not_met", None: "not_judged"}
_LOWS = ("low", "very_low", "weekend_low", "weekday_low")
_MEALS = "after_meal_high"
_EDGES: dict[str, tuple[str | None, str | None]] = {  # of a share of time or an episode, as reference/glucose_measures.toml names them
    "tir": ("low", "high"), "titr": ("low", "tight"), "tbr": (None, "low"), "tbr1": ("very_low", "low"), "tbr2": (None, "very_low"),
    "tar": ("high", None), "tar1": ("high", "very_high"), "tar2": ("very_high", None), "episodes_low": (None, "low"),
    "episodes_very_low": (None, "very_low"), "episodes_high": ("high", None), "episodes_very_high": ("very_high", None),
}  # fmt: skip


def value(facts: Facts, one: Measurement) -> str:
    """A measurement's value with its unit, as in the exports; days in words."""
    if one.unit == "d":
        return t("glucose.days_count", count=f"{one.value:.0f}")
    return told_value(facts, one, language())


def name(one: str, unit: str) -> dict[str, str]:
    """What a measurement is called, the range that it counts below it, in the reader's unit."""
    low, high = (None if edge is None else limits.value("glucose_measures", edge) for edge in _EDGES.get(one, (None, None)))
    edges = words.range_words(low, high, unit)
    return {"words": t(f"measurement.{one}"), "note": f"{edges} {unit}" if edges else ""}


def _stands(one: Measurement, unit: str, cited: str = "") -> Any:
    stands = words.side(one)
    if stands is None:
        return {"words": f"–{cited}"}
    return {"icon": _SIDE_ICON[stands], "words": t(f"ecg.{stands}"), "note": f"{words.reference_words(one, unit)}{cited}"}


def statistics(facts: Facts) -> None:
    """The statistics that the consensus puts first, each against its range where one is cited."""
    rows: list[list[Any]] = []
    for code in filter(facts.tells, STATISTICS):
        one = facts.measurement(code)
        told = words.DASH if one is None else value(facts, one)
        beside = {"words": words.DASH} if one is None else _stands(one, facts.unit)
        rows.append([t(f"glucose_report.stat_{code}"), {"words": told, "style": "strong"}, beside])
    with st.container(key="card-statistics"):
        st.markdown(f"#### {t('glucose_report.statistics')}")
        components.cells(
            "glucose-statistics", [t("ecg.name"), t("ecg.value"), t("ecg.range")], rows, caption=t("glucose_report.statistics")
        )


def ranges(facts: Facts) -> None:
    """The bar of times in ranges, and each goal of the population with whether it is met."""
    parts = [
        {
            "code": one.code,
            "name": t(f"glucose_report.range_{one.code}"),
            "range": words.range_words(one.low, one.high, facts.unit),
            "share": one.share if np.isfinite(one.share) else 0.0,
            "told": words.share(one.share),
            "time": words.time_a_day(one.share, language()),
        }
        for one in facts.parts
    ]
    told = glucose.goals(facts.population)
    data = {
        "parts": parts, "unit": facts.unit, "goals": [_goal(one, facts.unit) for one in facts.goals], "texts": texts("glucose_ranges"),
        "alt": t("glucose.ranges_alt", parts=", ".join(f"{one['name']} {one['told']}" for one in parts)),
        "source": told.citation,
        "notes": [coded("glucose_note", told.note)] if told.note else [],
        "limited": t("glucose_report.limited") if not all(one.goal.certain for one in facts.goals) else "",
    }  # fmt: skip
    with st.container(key="card-ranges"):
        st.markdown(f"#### {t('glucose_report.ranges')} · {t(f'glucose_report.population_{facts.population}')}")
        components.show("ranges", data, "glucose-ranges")


def _goal(one: glucose.Judged, unit: str) -> dict[str, Any]:
    edges = words.range_words(one.goal.low, one.goal.high, unit)
    sign = ">" if one.goal.at_least else "≤" if one.name == "cv" else "<"
    limit = f"{sign}{one.goal.percent:g}%" + ("" if one.goal.certain else " *")
    return {
        "name": t(f"glucose_report.goal_{one.name}"), "range": edges, "goal": limit, "share": words.share(one.share),
        "icon": _MET_ICON[one.met], "words": t(f"glucose_report.{_MET_WORD[one.met]}"), "met": one.met,
    }  # fmt: skip


def patterns(facts: Facts) -> date | None:
    """Each pattern as it was counted, with the days that are its evidence; the day that was clicked, if one was."""
    found = [
        {
            "kind": one.kind, "icon": "present" if one.kind in _LOWS else "indeterminate", "name": t(f"glucose_report.pattern_{one.kind}"),
            "counted": pattern_words(one), "days": [[day.isoformat(), f"{words.weekday(day, language())} {day:%m-%d}"] for day in one.days],
        }
        for one in facts.patterns
    ]  # fmt: skip
    with st.container(key="card-patterns"):
        st.markdown(f"#### {t('glucose_report.patterns')}")
        st.caption(t("glucose.patterns_note"))
        if not found:
            st.caption(t("glucose_report.no_patterns"))
            return None
        clicked = components.show("patterns", {"patterns": found, "texts": texts("glucose_patterns")}, "glucose-patterns", day=None).day
    return date.fromisoformat(clicked) if clicked else None


def pattern_words(one: glucose.Pattern) -> str:
    """When, and on how many days of how many: counts, no judgement."""
    if one.other is not None:
        counts = {"count": one.nights_or_days, "of": one.of, "other_count": one.other[0], "other_of": one.other[1]}
        return t("glucose.counted_week", p=f"{one.p:.2g}", **counts)
    unit = "meals" if one.kind == _MEALS else "nights" if one.night else "days"
    whole = one.end_hour - one.start_hour >= 24
    when = t("glucose.all_day") if whole else f"{words.hour_words(one.start_hour)}–{words.hour_words(one.end_hour)}"
    return t("glucose.counted", when=when, count=one.nights_or_days, of=one.of, unit=t(f"glucose_report.unit_{unit}"))


def measurements(facts: Facts) -> None:
    """Every measurement with its value, range and source."""
    sources = list(dict.fromkeys(one.citation for one in facts.measured if one.citation))
    rows = []
    for one in facts.measured:
        cited = f" [{sources.index(one.citation) + 1}]" if one.citation else ""
        rows.append([name(one.name, facts.unit), {"words": value(facts, one), "style": "strong"}, _stands(one, facts.unit, cited)])
    half = -(-len(rows) // 2)
    with st.container(key="card-measured"):
        st.markdown(f"#### {t('ecg.measurements')}")
        left, right = st.columns(2, gap="medium")
        for number, (column, part) in enumerate(((left, rows[:half]), (right, rows[half:]))):
            with column:
                components.cells(
                    f"glucose-measured-{number}", [t("ecg.name"), t("ecg.value"), t("ecg.range")], part, caption=t("ecg.measurements")
                )
        with st.expander(t("ecg.sources")):
            components.facts("glucose-sources", facts=[[f"[{number + 1}]", source] for number, source in enumerate(sources)])


def differences(now: Facts, before: Facts) -> None:
    """The same measurements of two periods, and how far they are apart."""
    rows: list[list[Any]] = []
    for code in filter(now.tells, COMPARED):
        one, other = now.measurement(code), before.measurement(code)
        told = [words.DASH if each is None else value(facts, each) for facts, each in ((now, one), (before, other))]
        rows.append(
            [
                name(code, now.unit),
                {"words": told[0], "style": "strong"},
                told[1],
                words.DASH if one is None or other is None else _apart(one, other, now.unit),
            ]
        )
    columns = [t("ecg.name"), days_words(now.first, now.last), days_words(before.first, before.last), t("glucose.difference")]
    with st.container(key="card-differences"):
        st.markdown(f"#### {t('glucose.compared')}")
        components.cells("glucose-differences", columns, rows, caption=t("glucose.compared"))


def _apart(one: Measurement, other: Measurement, unit: str) -> str:
    """The change, in percentage points where it is one of shares."""
    by = one.value - other.value
    if one.unit == words.UNITS[0]:
        return f"{_signed(words.converted(by, unit), 0 if unit == words.UNITS[0] else 1)} {unit}"
    return t("glucose.points", value=_signed(by, 1)) if one.unit == "%" else _signed(by, 1)


def _signed(value: float, digits: int) -> str:
    """With its sign; what is zero to so many digits has none."""
    told = f"{value:+.{digits}f}"
    return told if float(told) else told[1:]


def days_words(first: date, last: date) -> str:
    """A period as a person writes it."""
    return f"{first:%Y-%m-%d}" if first == last else f"{first:%Y-%m-%d} – {last:%Y-%m-%d}"


def day_title(day: date) -> str:
    """The day of the week and the date."""
    return f"{words.weekday(day, language())} {day:%m-%d}"


def missing(facts: Facts) -> int:
    """Days of the period without a reading."""
    return (facts.last - facts.first + timedelta(days=1)).days - len(facts.days)
