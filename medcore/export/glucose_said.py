"""What the report of a period says in lines, the same in the PDF and in the plain text."""

from __future__ import annotations

from medcore.export import glucose_warnings
from medcore.export import glucose_words as words
from medcore.export.glucose_facts import Facts, told_value
from medcore.export.sheet import AMBER, INK, RED
from medcore.export.wording import coded, say
from medcore.signals import glucose
from medcore.types import Finding

Colour = tuple[int, int, int]
_STATISTICS = ("active", "mean", "gmi", "cv", "sd", "gri", "episodes_low", "episodes_very_low", "episodes_high")
_MET = {True: ("✓", "glucose_report.met"), False: ("✗", "glucose_report.not_met"), None: ("–", "glucose_report.not_judged")}
_MEALS = "after_meal_high"


def period(facts: Facts, language: str) -> str:
    """First and last day, how many days have readings, and how much of the time the sensor was active."""
    told = [f"{facts.first:%Y-%m-%d} – {facts.last:%Y-%m-%d}", say(language, "glucose_report.day_count", count=len(facts.days))]
    active = facts.measurement("active")
    if active is not None:
        told.append(say(language, "glucose_report.active", share=words.share(active.value)))
    return " · ".join((*told, say(language, "glucose_report.readings", count=len(facts.trace.glucose))))


def sensor(facts: Facts, language: str) -> str:
    """Where the readings are from and how the file was understood."""
    trace = facts.trace
    told = [trace.device, trace.file_format, say(language, "glucose_report.interval", minutes=f"{trace.interval_min:g}")]
    told.append(say(language, "glucose_report.unit_found", unit=trace.unit))
    if trace.date_order:
        told.append(say(language, "glucose_report.dates_read", order=trace.date_order))
    told.append(say(language, "glucose_report.clock", zone=trace.time_zone or say(language, "value.unknown")))
    return " · ".join(part for part in told if part)


def statistics(facts: Facts, language: str) -> tuple[tuple[str, str, str, Colour], ...]:
    """Name, value, cited range and colour of the statistics that the consensus puts first; what could not be had is a dash."""
    rows = []
    for name in filter(facts.tells, _STATISTICS):
        one = facts.measurement(name)
        told = words.DASH if one is None else told_value(facts, one, language)
        beside = "" if one is None else words.reference_words(one, facts.unit)
        colour = RED if one is not None and words.side(one) in ("below", "above") else INK
        rows.append((say(language, f"glucose_report.stat_{name}"), told, beside, AMBER if one is None else colour))
    return tuple(rows)


def met(one: glucose.Judged, language: str) -> tuple[str, str]:
    """A sign and a word for whether a goal is met."""
    sign, key = _MET[one.met]
    return sign, say(language, key)


def goal_name(one: glucose.Judged, unit: str, language: str) -> str:
    """What a goal is of, with its range."""
    name = say(language, f"glucose_report.goal_{one.name}")
    edges = words.range_words(one.goal.low, one.goal.high, unit)
    return f"{name} {edges} {unit}" if edges else name


def goal_words(one: glucose.Judged, language: str) -> str:
    """The goal itself: "goal >70%"; marked where its source calls the evidence limited."""
    sign = ">" if one.goal.at_least else "≤" if one.name == "cv" else "<"
    told = say(language, "glucose_report.goal", limit=f"{sign}{one.goal.percent:g}%")
    return told if one.goal.certain else f"{told} *"


def goals_note(facts: Facts, language: str) -> str:
    """What must be said beside the goals of this population; empty where nothing."""
    code = glucose.goals(facts.population).note
    return say(language, f"glucose_note.{code}") if code else ""


def patterns(facts: Facts, language: str) -> tuple[str, ...]:
    """Each pattern with its hours and on how many of how many days it was seen."""
    found = tuple(_pattern(one, language) for one in facts.patterns)
    return found or (say(language, "glucose_report.no_patterns"),)


def evidence(facts: Facts, language: str) -> tuple[tuple[str, str], ...]:
    """Each pattern and the days that show it, for the pages behind the report."""
    found = tuple((_pattern(one, language), ", ".join(day.isoformat() for day in one.days)) for one in facts.patterns)
    return found or ((say(language, "glucose_report.no_patterns"), ""),)


def _pattern(one: glucose.Pattern, language: str) -> str:
    what = say(language, f"glucose_report.pattern_{one.kind}")
    if one.other is not None:
        counts = {"count": one.nights_or_days, "of": one.of, "other_count": one.other[0], "other_of": one.other[1]}
        return say(language, "glucose_report.pattern_week", what=what, p=f"{one.p:.2g}", **counts)
    unit = say(language, f"glucose_report.unit_{'meals' if one.kind == _MEALS else 'nights' if one.night else 'days'}")
    return say(
        language, "glucose_report.pattern_window", what=what, start=words.hour_words(one.start_hour), end=words.hour_words(one.end_hour),
        count=one.nights_or_days, of=one.of, unit=unit,
    )  # fmt: skip


def forecast(facts: Facts, language: str) -> tuple[str, ...]:
    """The forecast's probabilities at its "now", and its warnings in the period counted; why there is none, where there is none.

    That it was not made for pregnancy comes first where that is the population.
    """
    report = facts.report
    if report is None:
        return (say(language, "glucose_report.no_report"),)
    refused = () if report.gate.passed else (_refused(facts, language),)
    if not facts.speaks:
        return refused
    unfit = (say(language, "glucose_report.not_pregnancy"),) if facts.population == "pregnancy" else ()
    told = [*unfit, *refused, *((say(language, "pdf.overridden"),) if report.overridden else ())]
    if facts.moment is not None and report.findings:
        told.append(say(language, "glucose_report.at", time=f"{facts.moment:%Y-%m-%d %H:%M}"))
    told += [_finding(facts, one, language) for one in report.findings]
    told += [_counted(facts, one.label.name, language) for one in report.findings if one.label.name in glucose_warnings.LABELS]
    return tuple(told) or (say(language, "glucose_report.no_report"),)


def _refused(facts: Facts, language: str) -> str:
    gate = facts.report.gate if facts.report is not None else None
    reason = "" if gate is None else gate.reason if language == "en" and gate.reason else coded(language, "gate", gate.code)
    return f"{say(language, 'reading.refused')}. {reason}"


def _finding(facts: Facts, one: Finding, language: str) -> str:
    return say(
        language, "glucose_report.finding", name=facts.label_name(one.label.name, language), probability=f"{one.probability:.2f}",
        low=f"{one.low:.2f}", high=f"{one.high:.2f}", threshold=f"{one.label.threshold:.2f}", status=say(language, f"finding.{one.status}"),
    )  # fmt: skip


def _counted(facts: Facts, label: str, language: str) -> str:
    all_, right, unknown = glucose_warnings.counted(facts.warned, label)
    told = say(language, "glucose_report.warned", name=facts.label_name(label, language), count=all_, right=right)
    return told + (say(language, "glucose_report.warned_unknown", count=unknown) if unknown else "")
