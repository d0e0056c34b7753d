"""A report in words and on its scales: decision, findings against operating points, gate, and who made it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from medcore.export.wording import card_title
from medcore.store import ReportRow
from medcore.types import Finding, Gate, ModelCard, Report, Status
from medcore.ui import components
from medcore.ui.text import coded, language, t, texts
from medcore.ui.worklist import class_title


def show(row: ReportRow, card: ModelCard) -> None:
    """The reading of one report; where the gate refused and nobody overrode it, the reason and no finding."""
    said(row.report, card, decision(row.report), "reading")


def said(report: Report, card: ModelCard, decided: dict[str, str], key: str, findings: tuple[Finding, ...] | None = None) -> None:
    """The reading under `decided`, its icon, words and explaining sentence; `findings` are those to show on their scales, else all told."""
    shown = told(report) if findings is None else findings
    data = {
        "decision": decided,
        "findings": [_finding(report, finding) for finding in shown] if speaks(report) else [],
        "others": _others(report) if speaks(report) else [],
        "made": made(report, card),
        "texts": texts("reading"),
    }
    components.show("reading", data, key)


def speaks(report: Report) -> bool:
    """Whether the findings may be shown: the gate let them pass, or a named person overrode it."""
    return report.gate.passed or report.overridden


def told(report: Report) -> tuple[Finding, ...]:
    """The findings on their scales: those that say something is there; the class that says nothing is there is their complement."""
    return tuple(finding for finding in report.findings if finding.label.is_finding) or report.findings


def gate_sentence(gate: Gate) -> str:
    """Why the task will not speak, in the language of the session."""
    return gate.reason if language() == "en" and gate.reason else coded("gate", gate.code)


def decision(report: Report) -> dict[str, str]:
    """Icon, words and one explaining sentence."""
    if not speaks(report):
        return {"icon": "refused", "words": t("reading.refused"), "detail": gate_sentence(report.gate)}
    title = t("flag.absent") if report.decision is None else class_title(report.task, report.decision)
    if report.status == "indeterminate":
        near = next((one.label.name for one in report.findings if one.status == Status.INDETERMINATE), report.decision)
        detail = t("reading.indeterminate_detail", name=class_title(report.task, report.decision or near))
        return {"icon": "indeterminate", "words": t("reading.indeterminate"), "detail": detail}
    label = next((finding.label for finding in report.findings if finding.label.name == report.decision), None)
    found = label is not None and label.is_finding
    if found:
        return {"icon": "present", "words": title, "detail": t("reading.present_detail")}
    return {"icon": "absent", "words": title, "detail": t("reading.absent_detail")}


def _finding(report: Report, finding: Finding) -> dict[str, Any]:
    label = finding.label
    values = {
        "name": class_title(report.task, label.name),
        "value": f"{finding.probability:.2f}",
        "low": f"{finding.low:.2f}",
        "high": f"{finding.high:.2f}",
        "threshold": f"{label.threshold:.2f}",
        "from_": f"{max(0.0, label.threshold - label.margin):.2f}",
        "to": f"{min(1.0, label.threshold + label.margin):.2f}",
        "hundred": round(finding.probability * 100),
        "point": coded("operating_point", label.operating_point),
        "words": t(f"finding.{finding.status}"),
    }
    return {
        "title": values["name"],
        "status": str(finding.status) if label.is_finding or finding.status == "indeterminate" else "none",
        "words": values["words"],
        "probability": finding.probability,
        "low": finding.low,
        "high": finding.high,
        "threshold": label.threshold,
        "margin": label.margin,
        "interval": t("finding.interval", **values),
        "point": t("finding.point", **values),
        "meaning": t("finding.meaning", **values),
        "spoken": t("finding.spoken", **values),
        "source": label.citation,
    }


def _others(report: Report) -> list[tuple[str, float, float | None]]:
    """Every class with its probability and operating point, where there are more than the findings already show."""
    if len(report.probabilities) <= 2:
        return []
    points = {finding.label.name: finding.label.threshold for finding in report.findings if finding.label.is_finding}
    return [(class_title(report.task, name), value, points.get(name)) for name, value in report.probabilities]


def made(report: Report, card: ModelCard) -> str:
    """Model, version, weights and time: enough to make the report again."""
    source = report.provenance
    return t(
        "reading.made", title=title(card), version=source.model_version, weights=source.weights_sha256[:12],
        code=source.code_version, time=f"{source.created_at:%Y-%m-%d %H:%M}",
    )  # fmt: skip


def title(card: ModelCard) -> str:
    """The card's title in the language of the session."""
    return card_title(card, language())


def gate_facts(gate: Gate) -> list[list[str]]:
    """The gate as labelled facts: its word and, where one was measured, the distance against its limit."""
    facts = [[t("gate_fact.result"), t("gate_fact.passed" if gate.passed else "gate_fact.refused")]]
    if gate.distance is not None and gate.limit is not None:
        facts.append([t("gate_fact.distance"), t("gate_fact.of_limit", distance=f"{gate.distance:.2f}", limit=f"{gate.limit:.2f}")])
    return facts


def model_facts(card: ModelCard) -> None:
    """The drawer: what a clinician must know before trusting the number."""
    with st.expander(t("card.drawer"), icon=":material/description:"):
        components.facts(f"facts-{card.task}", facts=card_facts(card))


def card_facts(card: ModelCard) -> list[list[str]]:
    """The card in labelled sentences."""
    age = t("card.years", low=f"{card.age_years[0]:g}", high=f"{card.age_years[1]:g}") if card.age_years else t("card.any_age")
    return [
        [t("card.use"), card.intended_use],
        [t("card.not_for"), card.not_for, "warn"],
        [t("card.population"), card.population],
        [t("card.age"), age],
        [t("card.data"), card.data],
        [t("card.preprocessing"), card.preprocessing],
        [t("card.failures"), card.known_failures],
        [t("card.licence"), card.licence],
        [t("card.version"), " · ".join(part for part in (card.version, card.weights_sha256[:12]) if part), "mono"],
    ]
