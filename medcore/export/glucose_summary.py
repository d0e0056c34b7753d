"""A period of glucose as plain text, one screen of it: what a clinician pastes into a record."""

from __future__ import annotations

from datetime import date

from medcore.export import glucose_said
from medcore.export import glucose_words as words
from medcore.export.glucose_facts import Facts, gathered
from medcore.export.wording import coded, say
from medcore.types import Report, Study

_LINES = 6  # of patterns
_A_LINE = 5  # statistics


def glucose_text(
    study: Study, report: Report | None, *, population: str, unit: str, first: date, last: date, language: str, trace: int | None = None
) -> str:
    """The days `first` to `last` in lines: period, ranges against goals, statistics, patterns as counts, the forecast, the research line.

    No name and no number of the patient: it is pasted where these already are.

    Raises:
        InputRejected: no sensor's trace, or no reading in the period.
    """
    facts = gathered(study, report, population=population, unit=unit, first=first, last=last, trace=trace)
    lines = [
        f"{say(language, 'glucose_report.title')} · {glucose_said.period(facts, language)}",
        glucose_said.sensor(facts, language),
        *(coded(language, "glucose_report", code) for code in facts.short),
        *_ranges(facts, language),
        *_statistics(facts, language),
        f"{say(language, 'glucose_report.patterns')}:",
        *(f"  {line}" for line in _shortened(facts, language)),
        f"{say(language, 'glucose_report.forecast')}:",
        *(f"  {line}" for line in glucose_said.forecast(facts, language)),
        f"{say(language, 'glucose_report.overread')} {say(language, 'app.research')} {_made(facts)}",
    ]
    return "\n".join(lines) + "\n"


def _ranges(facts: Facts, language: str) -> list[str]:
    """Each goal with its share; the ranges that have none are in the sum."""
    population = coded(language, "glucose_report", f"population_{facts.population}")
    lines = [f"{say(language, 'glucose_report.goals')} ({population}):"]
    for one in facts.goals:
        sign, word = glucose_said.met(one, language)
        name, goal = glucose_said.goal_name(one, facts.unit, language), glucose_said.goal_words(one, language)
        lines.append(f"  {name}: {words.share(one.share, beside=one.goal.percent)} ({goal}) {sign} {word}")
    note = glucose_said.goals_note(facts, language)
    return [*lines, f"  {note}"] if note else lines


def _statistics(facts: Facts, language: str) -> list[str]:
    rows = glucose_said.statistics(facts, language)
    told = [f"{name} {value}" for name, value, _, _ in rows if value != words.DASH]
    return ["; ".join(told[at : at + _A_LINE]) for at in range(0, len(told), _A_LINE)]


def _shortened(facts: Facts, language: str) -> tuple[str, ...]:
    lines = glucose_said.patterns(facts, language)
    left = len(lines) - _LINES
    return lines if left <= 0 else (*lines[:_LINES], say(language, "glucose_report.more", count=left))


def _made(facts: Facts) -> str:
    if facts.report is None:
        return ""
    source = facts.report.provenance
    return f"{source.task} {source.model_version}, {source.weights_sha256[:12]}"
