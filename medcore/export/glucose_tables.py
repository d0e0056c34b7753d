"""A period of glucose as CSV: its measurements with their sources, and the readings themselves. Cells are safe from formulas."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np

from medcore.export import glucose_said
from medcore.export import glucose_words as words
from medcore.export.glucose_facts import Facts, gathered
from medcore.export.wording import coded, say
from medcore.signals import glucose_time
from medcore.tables import safe_cell, write_csv
from medcore.types import EVENTS, Report, Study

MEASURED = ("kind", "code", "name", "value", "unit", "low", "high", "met", "first", "last", "source", "note")
READINGS = ("time", "minutes", "kind", "value", "unit", "beyond", "note")
_UNITS = {"carbs": "g", "bolus": "U", "basal": "U", "basal_rate": "U/h"}
_BEYOND = {-1: "LOW", 0: "", 1: "HIGH"}
Row = dict[str, str]


def glucose_csv(
    study: Study, report: Report | None, *, population: str, unit: str, first: date, last: date, language: str, trace: int | None = None
) -> bytes:
    """Measurements, goals and patterns of the days `first` to `last`, one a row, UTF-8; levels in `unit`, the rest in its own unit.

    `kind` is measurement, goal or pattern; `low` and `high` the cited range, the goal, or the pattern's hours; `met` yes, no or empty;
    `source` the citation, of a pattern its days. The research line stands in `note` of the first row.

    Raises:
        InputRejected: no sensor's trace, or no reading in the period.
    """
    facts = gathered(study, report, population=population, unit=unit, first=first, last=last, trace=trace)
    rows = [*_measured(facts, language), *_goals(facts, language), *_patterns(facts, language)]
    return _written(MEASURED, [{**row, "first": facts.first.isoformat(), "last": facts.last.isoformat()} for row in rows], language)


def glucose_readings_csv(
    study: Study, report: Report | None, *, population: str, unit: str, first: date, last: date, language: str, trace: int | None = None
) -> bytes:
    """Every reading, meal and dose of the days `first` to `last` on the wearer's clock, in order of time, UTF-8; levels in `unit`.

    `kind` is reading or one of EVENTS (in g, U, U/h); `beyond` is LOW or HIGH where the sensor gave its limit and no value; `minutes` are
    elapsed since the first reading of the period. The research line stands in `note` of the first row.

    Raises:
        InputRejected: no sensor's trace, or no reading in the period.
    """
    facts = gathered(study, report, population=population, unit=unit, first=first, last=last, trace=trace)
    rows = sorted([*_readings(facts), *_events(facts)], key=lambda pair: pair[0])
    return _written(READINGS, [row for _, row in rows], language)


def _written(columns: tuple[str, ...], rows: list[Row], language: str) -> bytes:
    full = [{name: safe_cell(row.get(name, "")) for name in columns} for row in rows]
    if full:
        full[0]["note"] = say(language, "app.research")
    return ("\ufeff" + write_csv(columns, full)).encode("utf-8")  # the mark tells Excel that it is UTF-8


def _number(value: float) -> str:
    return f"{value:.6g}" if np.isfinite(value) else ""


def _measured(facts: Facts, language: str) -> Iterator[Row]:
    for one in facts.measured:
        level = one.unit == words.UNITS[0]
        ends = one.reference or (float("nan"), float("nan"))
        value, low, high = (words.converted(number, facts.unit) if level else number for number in (one.value, *ends))
        yield {
            "kind": "measurement", "code": one.name, "name": coded(language, "measurement", one.name), "value": _number(value),
            "unit": facts.unit if level else one.unit, "low": _number(low), "high": _number(high), "source": one.citation or "",
        }  # fmt: skip


def _goals(facts: Facts, language: str) -> Iterator[Row]:
    for one in facts.goals:
        limit = _number(one.goal.percent)
        yield {
            "kind": "goal", "code": one.name, "name": glucose_said.goal_name(one, facts.unit, language), "value": _number(one.share),
            "unit": "%", "low": limit if one.goal.at_least else "", "high": "" if one.goal.at_least else limit,
            "met": {True: "yes", False: "no", None: ""}[one.met], "source": one.goal.citation,
        }  # fmt: skip


def _patterns(facts: Facts, language: str) -> Iterator[Row]:
    for one in facts.patterns:
        days = " ".join(day.isoformat() for day in one.days)
        yield {
            "kind": "pattern", "code": one.kind, "name": say(language, f"glucose_report.pattern_{one.kind}"),
            "value": str(one.nights_or_days), "unit": f"/{one.of}", "low": words.hour_words(one.start_hour),
            "high": words.hour_words(one.end_hour), "source": days,
        }  # fmt: skip


def _readings(facts: Facts) -> Iterator[tuple[float, Row]]:
    trace = facts.trace
    for at, clock, level, beyond in zip(trace.minutes, trace.clock_s, trace.glucose, trace.beyond, strict=True):
        told = words.converted(float(level), facts.unit)
        value = f"{told:.1f}" if facts.unit != words.UNITS[0] else f"{told:.6g}"
        row = {"kind": "reading", "value": value, "unit": facts.unit, "beyond": _BEYOND[int(beyond)]}
        yield float(at), {**row, **_when(float(clock), float(at))}


def _events(facts: Facts) -> Iterator[tuple[float, Row]]:
    trace = facts.trace
    for at, clock, kind, value in zip(
        trace.event_minutes, glucose_time.event_clock(trace), trace.event_kind, trace.event_value, strict=True
    ):
        name = EVENTS[int(kind)]
        yield float(at), {"kind": name, "value": _number(float(value)), "unit": _UNITS[name], **_when(float(clock), float(at))}


def _when(clock: float, minutes: float) -> Row:
    return {"time": words.clock(round(clock)).isoformat(timespec="seconds"), "minutes": f"{minutes:.2f}".removesuffix(".00")}
