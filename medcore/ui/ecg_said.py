"""What is said of an ECG beside its findings: quality, the alarm, rules beside the network, measurements against their ranges."""

from __future__ import annotations

from typing import Any

import streamlit as st

from medcore import registry
from medcore.export import ecg_words
from medcore.export.ecg_words import Beside
from medcore.types import Measurement, Report, Status
from medcore.ui import components, reading
from medcore.ui.text import coded, language, t

_SIDE_ICON = {"within": "absent", "below": "present", "above": "present"}


def duration(seconds: float) -> str:
    """A length as a person says it: seconds, minutes or hours."""
    if seconds < 90:
        return t("ecg.seconds", value=f"{seconds:g}" if seconds < 10 else f"{seconds:.0f}")
    return t("ecg.minutes", value=f"{seconds / 60:.0f}") if seconds < 5400 else t("ecg.hours", value=f"{seconds / 3600:.1f}")


def quality(report: Report) -> None:
    """Before anything else: which leads can be read, and how much of the recording."""
    held = report.ecg
    if held is None:
        return
    with st.container(key="card-quality"):
        st.markdown(f"#### {t('ecg.quality')}")
        chips = [["absent" if one.usable else "refused", ecg_words.quality_words(language(), one)] for one in held.quality]
        components.facts("quality", facts=[[t("ecg.analysable"), f"{held.analysable:.0%}", "num"]], chips=chips, tight=True)
        if held.lead_reversal:
            components.notice("indeterminate", coded("ecg_reversal", held.lead_reversal), "reversal")


def alarm(report: Report) -> None:
    """Review now: what may not wait, whether the reading itself or a companion of it says so."""
    codes = dict.fromkeys(one.alarm for one in (report, *report.also) if one.alarm)
    for number, code in enumerate(codes):
        components.notice("failed", t("ecg.review_now", reason=coded("ecg_alarm", code)), f"alarm-{number}")


def decision(report: Report) -> dict[str, str]:
    """Icon, words and one explaining sentence; a finding of a machine is a possible one."""
    plain = reading.decision(report)
    found = ecg_words.decided(report, language())
    undecided = plain["icon"] == "indeterminate" and registry.card(report.task).exclusive  # else one label may be sure beside another
    if plain["icon"] == "refused" or undecided or not found:
        return plain
    return {"icon": "present", "words": t("ecg.and").join(found), "detail": t("reading.present_detail")}


def rules(report: Report) -> None:
    """Rules on the measurements beside the networks, and where the two do not agree."""
    rows = ecg_words.beside(report, report.ecg) if report.ecg and reading.speaks(report) else ()
    if not rows:
        return
    with st.container(key="card-rules"):
        st.markdown(f"#### {t('ecg.rules')}")
        apart = [ecg_words.named(report, one.statement.label, language()) for one in rows if one.agrees is False]
        if apart:
            components.notice("indeterminate", t("ecg.disagree", names=", ".join(apart)), "disagree")
        sources = list(dict.fromkeys(one.statement.citation for one in rows))
        components.cells(
            "rules", [t("ecg.finding"), t("ecg.network"), t("ecg.rule")], [_rule(report, one, sources) for one in rows],
            sources=sources, sources_title=t("ecg.sources"), caption=t("ecg.rules"),
        )  # fmt: skip


def _rule(report: Report, one: Beside, sources: list[str]) -> list[dict[str, Any]]:
    label = ecg_words.named(report, one.statement.label, language())
    name = {"words": label, "style": "strong" if one.agrees is False else "", "note": t("ecg.apart") if one.agrees is False else ""}
    finding, holds = one.finding, one.statement.holds
    if finding is None:
        network: dict[str, Any] = {"icon": "none", "words": t("ecg.not_said")}
    else:
        words = t(f"ecg.network_{finding.status}")
        icon = str(finding.status) if finding.status != Status.ABSENT else "none"
        network = {"icon": icon, "words": words, "note": f"{finding.probability:.2f} / {finding.label.threshold:.2f}"}
    key = "unknown" if holds is None else "holds" if holds else "not"
    icon = "indeterminate" if holds is None else "present" if holds else "none"
    note = f"{one.statement.because} [{sources.index(one.statement.citation) + 1}]"
    return [name, network, {"icon": icon, "words": t(f"ecg.rule_{key}"), "note": note}]


def measurements(report: Report) -> None:
    """Intervals, axis and rate against their ranges; or why none is given; heart rate variability on demand."""
    held = report.ecg
    if held is None:
        return
    plain = [one for one in report.measurements if not ecg_words.is_variability(one)]
    variability = [one for one in report.measurements if ecg_words.is_variability(one)]
    with st.container(key="card-measurements"):
        st.markdown(f"#### {t('ecg.measurements')}")
        if held.withheld:
            components.notice("refused", coded("ecg_withheld", held.withheld), "withheld")
        if plain:
            _table("measurements", plain)
        elif not held.withheld:
            st.caption(t("ecg.no_measurements"))
        if variability:
            with st.expander(t("ecg.hrv")):
                st.caption(t("ecg.hrv_note"))
                _table("hrv", variability)


def _table(key: str, measured: list[Measurement]) -> None:
    sources = list(dict.fromkeys(one.citation for one in measured if one.citation))
    components.cells(
        key, [t("ecg.name"), t("ecg.value"), t("ecg.range")], [_measured(one, sources) for one in measured],
        sources=sources, sources_title=t("ecg.sources"), caption=t("ecg.measurements"),
    )  # fmt: skip


def _measured(one: Measurement, sources: list[str]) -> list[Any]:
    cited = f" [{sources.index(one.citation) + 1}]" if one.citation else ""
    stands = ecg_words.side(one)
    value = {"words": ecg_words.value_words(one.value, one.unit), "style": "strong"}
    told: Any = f"–{cited}"
    if stands:
        told = {"icon": _SIDE_ICON[stands], "words": t(f"ecg.{stands}"), "note": f"{ecg_words.range_words(one)}{cited}"}
    return [ecg_words.measured_name(language(), one), value, told]
