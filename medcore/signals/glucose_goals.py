"""Goals for the share of time in each range, by population, as data: medcore/reference/glucose_goals.toml, each with its source."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from medcore.signals import glucose_indices, glucose_ranges
from medcore.signals.glucose_time import Bools, weights
from medcore.types import Trace

POPULATIONS = ("adult", "older", "pregnancy", "child")
_FILE = Path(__file__).resolve().parent.parent / "reference" / "glucose_goals.toml"
_DAY_MIN = 1440.0  # of readings, below which no share of a day can be judged


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One goal: the share of readings `above` and `below` these edges (mg/dL, None: open) is to be `at_least` or at most `percent`.

    `name` is tir, tbr, tbr2, tar, tar2, or cv, which has no edges. A tir includes its edges, the others exclude theirs.
    """

    name: str
    low: float | None
    high: float | None
    at_least: bool
    percent: float
    citation: str
    certain: bool  # False: little evidence, or taken from a secondary source


@dataclass(frozen=True, slots=True, kw_only=True)
class Goals:
    """The goals of one population, in the order of the report: lowest range last."""

    population: str
    target: tuple[float, float]  # mg/dL, of the shading
    goals: tuple[Goal, ...]
    citation: str
    note: str  # a code of what must be said beside them; empty where nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One goal beside what was measured, in %: `met` None where less than a day of readings cannot say."""

    goal: Goal
    name: str
    share: float
    met: bool | None


@cache
def goals(population: str) -> Goals:
    """The goals of one of POPULATIONS.

    Raises:
        KeyError: no such population.
    """
    data = tomllib.loads(_FILE.read_text(encoding="utf-8"))["population"][population]
    rows = tuple(
        Goal(
            name=row["name"],
            low=row.get("low"),
            high=row.get("high"),
            at_least=row["at_least"],
            percent=float(row["percent"]),
            citation=row.get("citation", data["citation"]),
            certain=row.get("certain", data["certain"]),
        )
        for row in data["goal"]
    )
    low, high = data["target"]
    return Goals(population=population, target=(float(low), float(high)), goals=rows, citation=data["citation"], note=data["note"])


def judged(trace: Trace, population: str) -> tuple[Judged, ...]:
    """Each goal of `population` beside the trace's share, in the order of the goals."""
    weight = weights(trace)
    enough = float(weight.sum()) * trace.interval_min >= _DAY_MIN
    out = []
    for goal in goals(population).goals:
        share = _cv(trace) if goal.name == "cv" else glucose_ranges.share(_inside(trace, goal), weight)
        met = None
        if enough and np.isfinite(share):
            met = share > goal.percent if goal.at_least else _at_most(share, goal)
        out.append(Judged(goal=goal, name=goal.name, share=float(f"{share:.6g}"), met=met))
    return tuple(out)


def _at_most(share: float, goal: Goal) -> bool:
    """Shares are to stay below their limit, the CV may reach it (Battelino 2019: <4 %, but <=36 %)."""
    return share <= goal.percent if goal.name == "cv" else share < goal.percent


def _inside(trace: Trace, goal: Goal) -> Bools:
    if goal.low is not None and goal.high is not None:
        return glucose_ranges.between(trace, goal.low, goal.high)
    if goal.high is not None:
        return glucose_ranges.below(trace, goal.high)
    if goal.low is not None:
        return glucose_ranges.above(trace, goal.low)
    raise ValueError(f"the goal {goal.name} has no edge")


def _cv(trace: Trace) -> float:
    glucose, weight = trace.glucose.astype(np.float64), weights(trace)
    mean = glucose_indices.mean(glucose, weight)
    return 100 * glucose_indices.sd(glucose, weight) / mean if mean > 0 else float("nan")
