"""The Models page's plots, from the committed results of a task. Colours are the theme's; each has words for those who cannot see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st
from plotly.graph_objs._figure import Figure

from medcore.ui.text import coded, t

Results = dict[str, Any]
Named = Callable[[str], str]
_HEIGHT = 300
_FEW, _LINE = 4, 20  # curves whose names fit beside each other, and the height of a name
_CONFIG = {"displayModeBar": False, "responsive": True}


def show(results: Results, named: Named, key: str) -> None:
    """Every plot that `results` holds the numbers for, two a row."""
    drawn = [(name, draw(results, named)) for name, draw in _DRAWN.items() if _held(results, name)]
    for at in range(0, len(drawn), 2):
        for column, (name, figure) in zip(st.columns(2, gap="medium"), drawn[at : at + 2], strict=False):
            with column.container(key=f"card-{key}-{name}"):
                st.markdown(f"#### {t(f'chart.{name}')}")
                st.plotly_chart(figure, config=_CONFIG, key=f"{key}-{name}", alt=t(f"chart.{name}_alt"))


def _held(results: Results, name: str) -> bool:
    """Whether there are numbers to draw."""
    return bool(results[name]["matrix"] if name == "confusion" and results.get(name) else results.get(name))


def _figure(x: str, y: str) -> Figure:
    figure = Figure()  # type: ignore[no-untyped-call]  # plotly has no types
    figure.update_layout(
        height=_HEIGHT, margin={"l": 8, "r": 8, "t": 8, "b": 8}, xaxis_title=x, yaxis_title=y,
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0, "font": {"size": 12}}, hovermode="closest",
    )  # fmt: skip
    return figure


def _diagonal(figure: Figure, name: str) -> None:
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", name=name, line={"dash": "dot", "width": 1, "color": "#808A94"}, hoverinfo="skip")


def roc(results: Results, named: Named) -> Figure:
    """One curve a class, and what chance would give."""
    figure = _figure(t("chart.fpr"), t("chart.tpr"))
    if len(results["roc"]) > _FEW:
        figure.update_layout(height=_HEIGHT + _LINE * len(results["roc"]), legend={"orientation": "v"})  # names one below the other
    for name, curve in results["roc"].items():
        figure.add_scatter(x=curve["fpr"], y=curve["tpr"], mode="lines", name=named(name), line={"width": 2})
    _diagonal(figure, t("chart.chance"))
    return figure


def reliability(results: Results, _named: Named) -> Figure:
    """Observed frequency against predicted probability, a marker as large as its bin is full."""
    bins = [one for one in results["reliability"] if one["n"]]
    most = max((one["n"] for one in bins), default=1)
    figure = _figure(t("chart.confidence"), t("chart.observed"))
    figure.add_scatter(
        x=[one["confidence"] for one in bins], y=[one["observed"] for one in bins], mode="lines+markers", name=t("chart.observed"),
        marker={"size": [6 + 12 * (one["n"] / most) ** 0.5 for one in bins]}, customdata=[one["n"] for one in bins],
        hovertemplate="%{x:.2f} · %{y:.2f} · n=%{customdata}<extra></extra>",
    )  # fmt: skip
    _diagonal(figure, t("chart.perfect"))
    figure.update_xaxes(range=[0, 1.02])
    figure.update_yaxes(range=[0, 1.02])
    return figure


def confusion(results: Results, named: Named) -> Figure:
    """Counts by true and decided class, the number in each cell."""
    labels = [named(name) for name in results["confusion"]["labels"]]
    matrix = results["confusion"]["matrix"]
    figure = _figure(t("chart.decided"), t("chart.truth"))
    figure.add_heatmap(
        z=[[value / max(1, sum(row)) for value in row] for row in matrix], x=labels, y=labels, colorscale="Cividis", zmin=0, zmax=1,
        text=matrix, texttemplate="%{text}", textfont={"size": 14}, showscale=True, xgap=2, ygap=2,
        hovertemplate="%{y} → %{x}: %{text}<extra></extra>",
        colorbar={"thickness": 10, "tickformat": ".0%"},
    )  # fmt: skip
    figure.update_yaxes(autorange="reversed")
    return figure


def gate(results: Results, _named: Named) -> Figure:
    """Distances to the training data of suitable and unsuitable inputs, and the limit between them."""
    held = results["gate"]
    figure = _figure(t("chart.distance"), t("chart.share"))
    figure.update_layout(height=_HEIGHT + _LINE * max(0, len(held["outside"]) - _FEW))
    cut = held["limit"] * 4  # far ones would squeeze the part that matters; they gather in the last bar
    bins = {"start": 0, "end": cut * 1.001, "size": cut / 60}
    groups = [(t("chart.inside"), held["inside"]), *((foreign(name), values) for name, values in held["outside"].items())]
    for name, values in groups:
        clipped = [min(value, cut) for value in values]
        figure.add_histogram(x=clipped, name=name, histnorm="probability", opacity=0.65, xbins=bins)
    figure.update_layout(barmode="overlay")
    figure.add_vline(x=held["limit"], line={"width": 1.5, "dash": "dash", "color": "#808A94"}, annotation_text=t("chart.limit"))
    return figure


def foreign(name: str) -> str:
    """What a foreign kind of input is called; a modality by its own name."""
    code = name.lower().replace(" ", "_").replace("-", "_")
    text = coded("foreign", code)
    return coded("modality", name) if text == code else text


_DRAWN: dict[str, Callable[[Results, Named], Figure]] = {"roc": roc, "reliability": reliability, "confusion": confusion, "gate": gate}
