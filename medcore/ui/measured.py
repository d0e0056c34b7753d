"""What was measured of a model, as tables in the words of its kind: figures, labels, waves, records, transfer, explanations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from medcore.export.wording import class_name
from medcore.types import WAVES, Figure, ModelCard
from medcore.ui.text import coded, language, t

Results = Mapping[str, Any]
OF_A_LABEL = ("auroc", "f1", "sensitivity", "specificity")
MARKS = ("onset", "peak", "offset")
_UNKNOWN = "–"
_TENTHS = ("sd_ms", "mean_ms", "rmse", "mae", "width", "persistence_rmse", "line_rmse")  # milliseconds, mg/dL


def show(card: ModelCard, results: Results) -> None:
    """The figures of a model that a reader looks at first, under a line that says on what they were measured."""
    if "n" in results:
        st.caption(caption(card, results))
    if card.kind == "ecg_delineator" and "figures" in results:
        waves(results["figures"])
        return
    kept = results.get("kept_out", {}) if card.kind == "ecg_classifier" else {}
    figures(card.figures, card, kept.get("figures", {}))
    if kept:
        st.caption(t("models.clean", n=kept["n"]))
    if "counted" in results:
        names = " · ".join(class_name(card, name, language()) for name in results["counted"])
        st.caption(t("models.counted", names=names, value=f"{results['f1_counted']:.3f}"))


def caption(card: ModelCard, results: Results) -> str:
    """How many of what were read by networks that had not seen them."""
    if card.kind == "ecg_delineator":
        return t("models.subjects", n=results["n"], leads=results["leads"])
    if card.kind == "ecg_beats":
        return t("models.records", n=results["n"])
    if card.kind == "forecaster":
        return t("models.moments", n=results["n"], groups=results["groups"])
    key = "models.recordings" if card.kind == "ecg_classifier" else "models.patients"
    return t(key, n=results["n"], groups=results.get("groups", results["n"]))


def more(card: ModelCard, results: Results) -> None:
    """The tables that need the width of the page: each label, each record, another device."""
    if card.kind == "ecg_classifier":
        _labels(card, results.get("figures", {}))
    if card.kind == "forecaster":
        _sets(results.get("sets", {}))
        _warnings(card, results.get("warnings", ()))
    if "records" in results:
        _records(results["records"])
    if results.get("transfer"):
        _transfer(card, results["transfer"])


def named(card: ModelCard) -> Callable[[str], str]:
    """How this card calls its classes, in the language of the session."""
    return lambda name: class_name(card, name, language())


def figure_name(name: str, card: ModelCard | None) -> str:
    """What a figure is called; that of one class names the class, that of one wave the wave and its mark."""
    for label in card.labels if card else ():
        if name.endswith(f"_{label.name}"):
            return f"{t('figure_of.' + name.removesuffix('_' + label.name))} · {class_name(card, label.name, language())}"
    if card and card.kind == "forecaster" and name.rpartition("_")[2].isdigit():
        kind, _, minutes = name.rpartition("_")
        return f"{t(f'figure_of.{kind}')} · {t('models.minutes', n=minutes)}"
    for wave in WAVES:
        kind, found, mark = name.partition(f"_{wave}")
        if found:
            where = t(f"wave.{wave}") if not mark else f"{t(f'wave.{wave}')}, {t(f'wave.{mark[1:]}')}"
            return f"{t(f'figure_of.{kind}')} · {where}"
    if card and card.kind == "ecg_beats" and name in ("sensitivity", "ppv"):  # of every beat, whatever its kind
        return f"{t(f'figure_of.{name}')} · {t('wave.QRS')}"
    return coded("figure", name)


def figures(rows: Sequence[Figure], card: ModelCard | None, kept: Mapping[str, Mapping[str, float]] | None = None) -> None:
    """Value, interval and trivial baseline of each figure; beside them those of the shipped model on what was `kept` out."""
    heads = ["figure", "value", "interval"]
    trivial = any(one.baseline is not None for one in rows)
    heads += (["baseline"] if trivial else []) + (["shipped"] if kept else [])
    body = []
    for one in rows:
        row = [figure_name(one.name, card), number(one.name, one.value), f"{number(one.name, one.low)} – {number(one.name, one.high)}"]
        row += [_UNKNOWN if one.baseline is None else number(one.name, one.baseline)] if trivial else []
        row += [with_interval(one.name, kept.get(one.name))] if kept else []
        body.append(row)
    table([t(f"models.{name}") for name in heads], body)


def number(name: str, value: float) -> str:
    """A value with the digits that its figure deserves: milliseconds to a tenth."""
    return f"{value:.1f}" if name.startswith(_TENTHS) else f"{value:.3f}"


def with_interval(name: str, figure: Mapping[str, float | None] | None) -> str:
    """Value and interval in one cell, a dash where nothing was measured."""
    value, low, high = (figure.get(part) if figure else None for part in ("value", "low", "high"))
    if value is None:
        return _UNKNOWN
    if low is None or high is None:
        return number(name, value)
    return f"{number(name, value)} ({number(name, low)}\u00a0–\u00a0{number(name, high)})"  # a cell breaks before an interval, not in it


def waves(measured: Mapping[str, Mapping[str, float]]) -> None:
    """Of P, QRS and T: how many are found, and how far their marks are from a cardiologist's."""

    def cell(name: str) -> str:
        return with_interval(name, measured.get(name))

    def error(wave: str, mark: str) -> str:
        mean = measured.get(f"mean_ms_{wave}_{mark}", {}).get("value")
        return f"{_UNKNOWN if mean is None else f'{mean:+.1f}'}\u00a0±\u00a0{cell(f'sd_ms_{wave}_{mark}')}"

    table(
        [t("wave.wave"), t("figure_of.sensitivity"), t("figure_of.ppv")],
        [[t(f"wave.{wave}"), cell(f"sensitivity_{wave}"), cell(f"ppv_{wave}")] for wave in WAVES],
    )
    st.caption(t("models.within"))
    table(
        [t("wave.wave"), *(t(f"wave.{mark}") for mark in MARKS)],
        [[t(f"wave.{wave}"), *(error(wave, mark) for mark in MARKS)] for wave in WAVES],
    )
    st.caption(t("models.errors"))


def _labels(card: ModelCard, measured: Mapping[str, Mapping[str, float]]) -> None:
    with st.container(key="card-labels"):
        st.markdown(f"#### {t('models.each_label')}")
        rows = [
            [class_name(card, label.name, language()), *(with_interval(name, measured.get(f"{name}_{label.name}")) for name in OF_A_LABEL)]
            for label in card.labels
        ]
        table([t("models.label"), *(t(f"figure_of.{name}") for name in OF_A_LABEL)], rows)


def _sets(sets: Mapping[str, Any]) -> None:
    with st.container(key="card-sets"):
        st.markdown(f"#### {t('models.each_set')}")
        shown = ("rmse", "persistence_rmse", "line_rmse", "skill", "coverage")
        rows = [
            [name, minutes, *(with_interval(kind, one["figures"][f"{kind}_{minutes}"]) for kind in shown)]
            for name, one in sets.items()
            for minutes in ("30", "60")
        ]
        table([t("models.set"), t("models.ahead"), *(t(f"figure_of.{kind}") for kind in shown)], rows)
        st.caption(t("models.sets_note"))


def _warnings(card: ModelCard, measured: Sequence[Mapping[str, Any]]) -> None:
    with st.container(key="card-warnings"):
        st.markdown(f"#### {t('models.warnings')}")
        rows = [
            [
                class_name(card, one["label"], language()),
                coded("operating_point", one["point"]),
                *(_worth(one[who]) for who in ("network", "line")),
            ]
            for one in measured
        ]
        table([t("models.label"), t("models.point"), t("models.by_network"), t("models.by_line")], rows)
        st.caption(t("models.warnings_note"))


def _worth(one: Mapping[str, float]) -> str:
    return t("models.worth", found=f"{one['sensitivity']:.0%}", false=f"{one['false_a_day']:.2f}", lead=f"{one['lead_min']:.0f}")


def _records(records: Mapping[str, Mapping[str, Sequence[int]]]) -> None:
    with st.container(key="card-records"):
        st.markdown(f"#### {t('models.each_record')}")
        kinds = (("QRS", "wave.QRS"), ("V", "beat.V"))
        counts = ("found", "missed", "invented")
        rows = [
            [name, *(str(value) for kind, _ in kinds for value in record.get(kind, (_UNKNOWN,) * len(counts)))]
            for name, record in records.items()
        ]
        table([t("models.record"), *(f"{t(words)}: {t(f'models.{count}')}" for _, words in kinds for count in counts)], rows)


def _transfer(card: ModelCard, held: Results) -> None:
    with st.container(key="card-transfer"):
        st.markdown(f"#### {t('models.transfer')}")
        leads = {name.removeprefix("auroc_lead_"): figure for name, figure in held.items() if name.startswith("auroc_lead_")}
        rows = [[lead, with_interval("auroc", figure)] for lead, figure in leads.items()]
        table([t("models.lead_name"), t("figure_of.auroc")], rows)
        name = class_name(card, held["label"], language())
        st.caption(t("models.transfer_note", name=name, n=held["n"], positives=held["positives"]))


def sanity(card: ModelCard, results: Results) -> None:
    """How far each method of explanation can be trusted."""
    measured = results.get("saliency")
    if not measured:
        return
    names = ("randomisation_similarity", "deletion", "random_deletion", "insertion", "random_insertion")
    with st.container(key="card-sanity"):
        st.markdown(f"#### {t('sanity.title')}")
        rows = [[coded("method", method), *(f"{row[name]:.2f}" for name in names)] for method, row in measured.items()]
        table([t("sanity.method"), *(t(f"sanity.{name}") for name in names)], rows)
        st.caption(t("sanity.note_beats" if card.kind == "ecg_classifier" else "sanity.note"))


def table(heads: list[str], rows: list[list[str]]) -> None:
    """A small table of our own words and numbers."""
    st.table({head: [row[at] for row in rows] for at, head in enumerate(heads)}, border="horizontal", hide_index=True)
