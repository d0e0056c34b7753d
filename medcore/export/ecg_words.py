"""An ECG's reading in words, for the page and the PDF alike: measurements and ranges, rules beside the network, events, decisions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from medcore import registry
from medcore.export.wording import class_name, coded, has, say
from medcore.types import EcgReading, Event, Finding, LeadQuality, Measurement, Report, Statement, Status

_LONG_S = 90.0
_DIGITS = {"ms": 0, "bpm": 0, "1/min": 0, "/min": 0, "deg": 0, "°": 0, "mV": 2, "s": 2, "%": 1, "ms2": 0, "ms²": 0, "/h": 1}
_UNITS = {"deg": "°", "ms2": "ms²", "bpm": "/min", "1/min": "/min", "1": "", "share": ""}


def is_variability(one: Measurement) -> bool:
    """Whether it is a measure of heart rate variability, which is shown on demand."""
    return one.name.startswith("hrv_") or one.name == "sdann"


def measured_name(language: str, one: Measurement) -> str:
    """What a measurement is called; its own name where no text is known."""
    return coded(language, "measurement", one.name)


def value_words(value: float, unit: str) -> str:
    """A number with as many decimals as its unit is known to, and the unit; a dash for one that is missing."""
    if not math.isfinite(value):
        return "–"
    shown = _UNITS.get(unit, unit)
    counted = shown == "" and float(value).is_integer()
    number = f"{value:.{0 if counted else _DIGITS.get(unit, 2)}f}"
    return f"{number}{shown if shown in ('°', '%', '/min', '/h') else f' {shown}' if shown else ''}"


def range_words(one: Measurement) -> str:
    """The reference range, open where it has one end only; empty where none is cited."""
    if one.reference is None:
        return ""
    low, high = one.reference
    digits = _DIGITS.get(one.unit, 2)
    if not math.isfinite(low):
        return f"≤ {high:.{digits}f}"
    return f"{low:.{digits}f} – {high:.{digits}f}" if math.isfinite(high) else f"≥ {low:.{digits}f}"


def side(one: Measurement) -> str | None:
    """Where a value stands against its range: "within", "below", "above"; None where it cannot be told."""
    if one.reference is None or not math.isfinite(one.value):
        return None
    low, high = one.reference
    return "below" if one.value < low else "above" if one.value > high else "within"


def event_value(event: Event, language: str) -> str:
    """How much of it: seconds of a pause, minutes of what lasts, beats a minute of a rate."""
    if event.unit == "s" and event.value >= _LONG_S:
        return f"{event.value / 60:.0f} min"
    if event.unit == "beats":
        return say(language, "ecg.beats", count=f"{event.value:.0f}")
    return value_words(event.value, event.unit)


def clock(seconds: float, started_at: str | None) -> str:
    """The time of day where the recorder stated when it began (ISO 8601), else hours, minutes and seconds from the beginning."""
    try:
        start = datetime.fromisoformat(started_at) if started_at else None
    except ValueError:
        start = None
    if start is not None:
        return f"{start + timedelta(seconds=seconds):%H:%M:%S}"
    return f"{int(seconds // 3600)}:{int(seconds // 60 % 60):02d}:{int(seconds % 60):02d}"


def possible(language: str, name: str) -> str:
    """A machine's finding is a possibility until a person has read the ECG; a card may call it so already."""
    return say(language, "ecg.possible", name=bare(language, name))


def bare(language: str, name: str) -> str:
    """`name` without the word that calls it a possibility."""
    return name.removeprefix(say(language, "ecg.possible", name=""))


def named(report: Report, label: str, language: str) -> str:
    """What a label is called, bare, by the task among this report's and its companions' that knows it; by the text files otherwise."""
    cards = registry.cards()
    asked = [*(cards[one.task] for one in (report, *report.also) if one.task in cards), *cards.values()]
    card = next((card for card in asked if any(known.name == label for known in card.labels)), None)
    return coded(language, "ecg_label", label) if card is None else bare(language, class_name(card, label, language))


def decided(report: Report, language: str) -> tuple[str, ...]:
    """The findings that stand: the class decided on where one rules out the others, else all above their operating points."""
    card = registry.cards().get(report.task)
    alone = card is None or card.exclusive
    present = [
        one.label.name
        for one in report.findings
        if one.label.is_finding and (one.label.name == report.decision or (not alone and one.status == Status.PRESENT))
    ]
    return tuple(possible(language, named(report, name, language)) for name in present)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A rule beside the network. `agrees` is None where one of the two cannot be told."""

    statement: Statement
    finding: Finding | None
    agrees: bool | None


def beside(report: Report, reading: EcgReading) -> tuple[Beside, ...]:
    """Each rule with the finding of the same label, from this report or its companions that may speak."""
    speaking = [one for one in (report, *report.also) if one.gate.passed or one.overridden]
    found = {finding.label.name: finding for one in reversed(speaking) for finding in one.findings}
    return tuple(_beside(statement, found.get(statement.label)) for statement in reading.statements)


def _beside(statement: Statement, finding: Finding | None) -> Beside:
    if finding is None or statement.holds is None or finding.status == Status.INDETERMINATE:
        return Beside(statement=statement, finding=finding, agrees=None)
    return Beside(statement=statement, finding=finding, agrees=(finding.status == Status.PRESENT) == statement.holds)


def quality_words(language: str, one: LeadQuality) -> str:
    """A lead and what is the matter with it."""
    problems = ", ".join(say(language, f"ecg_problem.{code}") if has(f"ecg_problem.{code}") else code for code in one.problems)
    return f"{one.lead} · {problems}" if problems else one.lead
