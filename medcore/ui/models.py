"""The Models page: what each model is for, what was measured, where it fails."""

from __future__ import annotations

from typing import Any

import streamlit as st

from medcore import registry
from medcore.export.wording import class_name
from medcore.types import ModelCard
from medcore.ui import charts, components, measured, reading
from medcore.ui.text import coded, language, t


def show() -> None:
    """One card at a time, chosen above it."""
    cards = registry.cards()
    if not cards:
        components.notice("info", t("models.none"), "no-models")
        return
    task = st.segmented_control(
        t("models.choose"), list(cards), default=first(cards), required=True, label_visibility="collapsed", key=f"model-{language()}",
        format_func=lambda name: reading.title(cards[name]),
    )  # fmt: skip
    card = cards[task or first(cards)]
    if card.experimental:
        components.notice("indeterminate", t("models.weak"), "weak")
    left, right = st.columns([1, 1.15], gap="medium")
    with left.container(key="card-facts"):
        st.markdown(f"#### {t('models.facts')}")
        components.facts("model-facts", title=reading.title(card), facts=reading.card_facts(card))
    with right:
        _measured(card)


def first(cards: dict[str, ModelCard]) -> str:
    """The model shown first: one that is not experimental, where there is one."""
    return next((name for name, card in cards.items() if not card.experimental), next(iter(cards)))


def _measured(card: ModelCard) -> None:
    results = results_of(card) or {}
    with st.container(key="card-figures"):
        st.markdown(f"#### {t('models.figures')}")
        if card.figures:
            measured.show(card, results)
        else:
            components.notice("refused", t("models.no_results"), "no-figures")
    if card.operating_points:
        _points(card, results)


def _points(card: ModelCard, results: dict[str, Any]) -> None:
    with st.container(key="card-points"):
        st.markdown(f"#### {t('models.points')}")
        if card.kind == "ecg_classifier":
            st.caption(t("models.points_of_folds"))
        elif "kept_out" in results:
            st.caption(t("models.kept_out", n=results["kept_out"]["n"]))
        names = ("label", "point", "threshold", "sensitivity", "specificity")
        rows = [
            [
                class_name(card, one.label, language()),
                coded("operating_point", one.name),
                *(f"{value:.3f}" for value in (one.threshold, one.sensitivity, one.specificity)),
            ]
            for one in card.operating_points
        ]
        measured.table([t(f"models.{name}") for name in names], rows)


def results_of(card: ModelCard) -> dict[str, Any] | None:
    """The committed measurements; None where they are not on this machine."""
    try:
        return registry.results(card.task)
    except OSError:
        return None


def plots(card: ModelCard) -> None:
    """The tables and curves behind the figures, and how far the explanations can be trusted."""
    results = results_of(card)
    if results is None:
        components.notice("refused", t("models.no_results"), "no-results")
        return
    measured.more(card, results)
    charts.show(results, measured.named(card), "model")
    measured.sanity(card, results)
    if "command" in results:
        with st.expander(t("models.command")):
            st.code(str(results["command"]), language=None)


def chosen() -> ModelCard | None:
    """The card that the page shows."""
    cards = registry.cards()
    return cards.get(st.session_state.get(f"model-{language()}") or (first(cards) if cards else ""))
