"""All that the exports of glucose tell of a period, gathered once, so that PDF, CSV, text and FHIR cannot differ."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from medcore import registry
from medcore.errors import InputRejected
from medcore.export import glucose_warnings
from medcore.export import glucose_words as words
from medcore.export.glucose_warnings import Warned
from medcore.export.wording import say
from medcore.signals import glucose, glucose_ranges, limits
from medcore.signals.glucose_time import weights
from medcore.types import Measurement, ModelCard, Report, Study, Trace

Floats = NDArray[np.float64]
_ZONES = "ABCDE"  # of the glycaemia risk index
# GRI counts below 54 and 70 and above 180 and 250 mg/dL, and GMI's line was fitted without pregnancy: neither was made for it.
_LEFT_OUT = {"pregnancy": ("gmi", "gri", "gri_zone")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One range of the bar: `code` is its colour and name, `low` and `high` its limits in mg/dL (None open), `share` in percent."""

    code: str
    low: float | None
    high: float | None
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The days `first` to `last` of one trace, measured, judged by the goals of `population`, to be told in `unit`.

    `trace` holds the readings of the period alone, `whole` all; `limits` are the target's in mg/dL; `percentiles` (5, bins) mg/dL stand at
    `minutes` (bins,) of the day; `short` are codes of what the period lacks; `speaks` is whether the report's forecast may be told.
    """

    study: Study
    report: Report | None
    card: ModelCard | None  # of the report's task, where this installation has it
    trace: Trace
    whole: Trace
    first: date
    last: date
    population: str
    unit: str
    measured: tuple[Measurement, ...]
    goals: tuple[glucose.Judged, ...]
    parts: tuple[Part, ...]
    limits: tuple[float, float]
    minutes: Floats
    percentiles: Floats
    patterns: tuple[glucose.Pattern, ...]
    short: tuple[str, ...]
    warned: tuple[Warned, ...]

    def measurement(self, name: str) -> Measurement | None:
        """The measurement of that name, None where it could not be had."""
        return next((one for one in self.measured if one.name == name and np.isfinite(one.value)), None)

    def tells(self, name: str) -> bool:
        """Whether a measurement of that name was made for this population, so that it has a place even where it could not be had."""
        return name not in _LEFT_OUT.get(self.population, ())

    def label_name(self, label: str, language: str) -> str:
        """What the report calls one of its labels; the label itself where it has none of that name."""
        found = () if self.report is None else self.report.findings
        own = next((one.label for one in found if one.label.name == label), None)
        return label if own is None else own.title_zh if language == "zh" and own.title_zh else own.title

    @property
    def days(self) -> tuple[date, ...]:
        """The days of the period that have readings."""
        return glucose.days(self.trace)

    @property
    def speaks(self) -> bool:
        """Whether the report's findings may be told: its gate passed, or a named person asked to see them."""
        return self.report is not None and (self.report.gate.passed or self.report.overridden)

    @property
    def moment(self) -> datetime | None:
        """The wearer's clock at the reading that the report takes as "now"; None without a report or where it names no reading."""
        if self.report is None or not 0 <= self.report.slice_index < len(self.whole.clock_s):
            return None
        return words.clock(float(self.whole.clock_s[self.report.slice_index]))


def gathered(
    study: Study, report: Report | None, *, population: str, unit: str, first: date, last: date, trace: int | None = None
) -> Facts:
    """What the exports tell of the days `first` to `last`, both included, of the wearer's clock.

    Args:
        report: the reading of a trace, or None.
        trace: number of the trace; None is the one that the report read, and the first where there is no report.
        population: one of `glucose.POPULATIONS`.
        unit: "mg/dL" or "mmol/L".

    Raises:
        InputRejected: the study holds no sensor's trace, or no reading in the period.
        ValueError: no such unit or population, or a report of another trace: mistakes in our code.
    """
    number = trace if trace is not None else 0 if report is None else report.series_index
    if report is not None and number != report.series_index:
        raise ValueError("the report is of another trace")
    if not 0 <= number < len(study.traces):
        raise InputRejected("The study holds no recording of a glucose sensor.")
    if unit not in words.UNITS or population not in glucose.POPULATIONS:
        raise ValueError(f"no such unit or population: {unit}, {population}")
    card = None if report is None else registry.cards().get(report.task)
    whole = study.traces[number]
    part = glucose.cut(whole, first, last)
    curve = glucose.profile(part)
    return Facts(
        study=study, report=report, card=card, trace=part, whole=whole, first=first, last=last, population=population, unit=unit,
        measured=_measured(part, population), goals=glucose.judged(part, population), parts=_parts(part, population),
        limits=glucose.goals(population).target, minutes=curve.minutes.astype(np.float64), percentiles=curve.values.astype(np.float64),
        patterns=glucose.patterns(part), short=tuple(glucose.sufficient(part)), warned=_warned(whole, report, first, last),
    )  # fmt: skip


def _measured(trace: Trace, population: str) -> tuple[Measurement, ...]:
    """The measurements made for the population; the cited ranges of shares are most adults', so that others have their goals alone."""
    own = () if population == "adult" else tuple(one.name for one in glucose.goals("adult").goals if one.name != "cv")
    told = (one for one in glucose.measurements(trace) if one.name not in _LEFT_OUT.get(population, ()))
    return tuple(replace(one, reference=None) if one.name in own else one for one in told)


def _warned(whole: Trace, report: Report | None, first: date, last: date) -> tuple[Warned, ...]:
    if report is None or not (report.gate.passed or report.overridden):
        return ()
    return tuple(one for one in glucose_warnings.of_report(whole, report) if first <= one.moment.date() <= last)


def _parts(trace: Trace, population: str) -> tuple[Part, ...]:
    """The ranges of the bar from low to high; the highest is divided only where the population has a goal above it (not in pregnancy)."""
    goals = glucose.goals(population)
    low, high = goals.target
    least = limits.value("glucose_measures", "very_low")
    most = next((one.low for one in goals.goals if one.name == "tar2"), None)
    weight = weights(trace)

    def share(inside: NDArray[np.bool_]) -> float:
        return glucose_ranges.share(inside, weight)

    under, over = glucose_ranges.below(trace, low), glucose_ranges.above(trace, high)
    lowest = glucose_ranges.below(trace, least)
    parts = [
        Part(code="very_low", low=None, high=least, share=share(lowest)),
        Part(code="low", low=least, high=low, share=share(under & ~lowest)),
        Part(code="target", low=low, high=high, share=share(~under & ~over)),
    ]
    if most is None:
        return (*parts, Part(code="high", low=high, high=None, share=share(over)))
    highest = glucose_ranges.above(trace, most)
    parts.append(Part(code="high", low=high, high=most, share=share(over & ~highest)))
    return (*parts, Part(code="very_high", low=most, high=None, share=share(highest)))


def told_value(facts: Facts, one: Measurement, language: str) -> str:
    """A measurement's value with its unit; GRI with the letter of its zone, and the zone as that letter."""
    zone = facts.measurement("gri_zone")
    if one.name == "gri" and zone is not None and 1 <= zone.value <= len(_ZONES):
        return f"{one.value:.0f} ({_ZONES[int(zone.value) - 1]})"
    if one.name == "gri_zone" and 1 <= one.value <= len(_ZONES):
        return _ZONES[int(one.value) - 1]
    if one.unit in ("/week", "1/week"):
        return say(language, "glucose_report.a_week", count=f"{one.value:.1f}")
    return words.value_words(one, facts.unit)
