"""The Models page: what each model is for, what was measured, where it fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from medcore import registry
from medcore.export.wording import class_name
from medcore.types import ModelCard
from medcore.ui import charts, components, reading
from medcore.ui.explaining import METHODS
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
    try:
        results = registry.results(card.task)
    except OSError:
        results = {}
    with st.container(key="card-figures"):
        st.markdown(f"#### {t('models.figures')}")
        if "n" in results:
            st.caption(t("models.patients", n=results["n"], groups=results.get("groups", results["n"])))
        if card.figures:
            figures(card.figures, card)
        else:
            components.notice("refused", t("models.no_results"), "no-figures")
    if not card.operating_points:
        return
    with st.container(key="card-points"):
        st.markdown(f"#### {t('models.points')}")
        if "kept_out" in results:
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
        table([t(f"models.{name}") for name in names], rows)


def plots(card: ModelCard) -> None:
    """The curves behind the figures, and how far the explanations can be trusted."""
    try:
        results = registry.results(card.task)
    except OSError:
        components.notice("refused", t("models.no_results"), "no-results")
        return
    charts.show(results, named(card), "model")
    _sanity(results)
    if "command" in results:
        with st.expander(t("models.command")):
            st.code(str(results["command"]), language=None)


def chosen() -> ModelCard | None:
    """The card that the page shows."""
    cards = registry.cards()
    return cards.get(st.session_state.get(f"model-{language()}") or (first(cards) if cards else ""))


def named(card: ModelCard) -> Callable[[str], str]:
    """How this card calls its classes, in the language of the session."""
    return lambda name: class_name(card, name, language())


def figure_name(name: str, card: ModelCard | None) -> str:
    """What a figure is called; that of one class names the class."""
    for label in card.labels if card else ():
        if name.endswith(f"_{label.name}"):
            return f"{t('figure_of.' + name.removesuffix('_' + label.name))} · {class_name(card, label.name, language())}"
    return coded("figure", name)


def figures(rows: tuple[Any, ...], card: ModelCard | None) -> None:
    """Value, interval and trivial baseline of each figure of a model."""
    heads = [t(f"models.{name}") for name in ("figure", "value", "interval", "baseline")]
    body = [
        [
            figure_name(one.name, card),
            f"{one.value:.3f}",
            f"{one.low:.3f} – {one.high:.3f}",
            "–" if one.baseline is None else f"{one.baseline:.3f}",
        ]
        for one in rows
    ]
    table(heads, body)


def table(heads: list[str], rows: list[list[str]]) -> None:
    """A small table of our own words and numbers."""
    st.table({head: [row[at] for row in rows] for at, head in enumerate(heads)}, border="horizontal", hide_index=True)


def _sanity(results: dict[str, Any]) -> None:
    measured = results.get("saliency")
    if not measured:
        return
    names = ("randomisation_similarity", "deletion", "random_deletion", "insertion", "random_insertion")
    with st.container(key="card-sanity"):
        st.markdown(f"#### {t('sanity.title')}")
        rows = [[t(f"method.{method}"), *(f"{measured[method][name]:.2f}" for name in names)] for method in METHODS if method in measured]
        table([t("sanity.method"), *(t(f"sanity.{name}") for name in names)], rows)
        st.caption(t("sanity.note"))
