"""Measurements of a glucose sensor's trace, by formula, each citing its source: what the page, the exports and the command line ask for.

NumPy only. Ranges, episodes, profile, patterns, goals and the gate live beside this module and are named here. Days and times of day go by
the wearer's clock, episodes and excursions by elapsed time. Limits, sources and reference ranges: reference/glucose_*.toml.
"""

from __future__ import annotations

import math
import tomllib
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from medcore.signals import glucose_indices as index
from medcore.signals import limits
from medcore.signals.glucose_episodes import KINDS as EPISODES
from medcore.signals.glucose_episodes import episodes, prolonged, stretches
from medcore.signals.glucose_excursions import mage
from medcore.signals.glucose_goals import POPULATIONS, Goal, Goals, Judged, goals, judged
from medcore.signals.glucose_patterns import KINDS as PATTERNS
from medcore.signals.glucose_patterns import Pattern, patterns
from medcore.signals.glucose_plausible import plausible
from medcore.signals.glucose_profile import LEVELS, Profile, profile
from medcore.signals.glucose_ranges import MG_DL_PER_MMOL, above, below, between, share
from medcore.signals.glucose_time import DAY_MIN, Bools, Floats, cut, day_numbers, days, hours_of_day, recent, weights
from medcore.types import Measurement, Trace

__all__ = [
    "EPISODES",
    "LEVELS",
    "MG_DL_PER_MMOL",
    "PATTERNS",
    "POPULATIONS",
    "Goal",
    "Goals",
    "Judged",
    "Pattern",
    "Profile",
    "active",
    "cut",
    "days",
    "episodes",
    "goals",
    "judged",
    "measurements",
    "patterns",
    "plausible",
    "profile",
    "prolonged",
    "recent",
    "sufficient",
]

_FILE = "glucose_measures"
_limit = partial(limits.value, _FILE)


def measurements(trace: Trace, by_time: bool = True) -> tuple[Measurement, ...]:
    """Every measurement that the trace allows, in the order of reference/glucose_measures.toml; what cannot be had is left out.

    Shares, means and risks are over time, which is over readings where these are evenly spaced (`glucose_time.weights`); with `by_time`
    False every reading counts the same however dense, as iglu has it.
    """
    glucose = trace.glucose.astype(np.float64)
    weight = weights(trace) if by_time else np.ones(len(glucose))
    values = _moments(glucose, weight) | _shares(trace, weight) | _rates(trace, weight)
    low, high = index.blood_glucose_indices(glucose, weight)
    values |= {"lbgi": low, "hbgi": high, "adrr": index.adrr(glucose, day_numbers(trace))}
    values |= {"mage": mage(trace), "modd": index.modd(trace), "conga": index.conga(trace)}
    values |= {"active": active(trace), "days": float(len(days(trace))), "readings": float(len(glucose))}
    return tuple(_measurement(name, values[name]) for name in _measures() if math.isfinite(values.get(name, math.nan)))


def active(trace: Trace) -> float:
    """Percent of the readings that the sensor could have given between the first and the last (Danne 2017, doi 10.2337/dc17-1600)."""
    span = float(trace.minutes[-1]) - float(trace.minutes[0])
    return min(100.0, 100 * float(weights(trace).sum()) / (round(span / trace.interval_min) + 1))


def sufficient(trace: Trace) -> tuple[str, ...]:
    """Codes of what speaks against taking the trace for three months: few_days, little_data (Battelino 2019, doi 10.2337/dci19-0028)."""
    few = len(days(trace)) < _limit("enough_days")
    little = active(trace) < _limit("enough_active")
    return ("few_days",) * few + ("little_data",) * little


def _moments(glucose: Floats, weight: Floats) -> dict[str, float]:
    mean, sd = index.mean(glucose, weight), index.sd(glucose, weight)
    values = {"mean": mean, "sd": sd, "cv": 100 * sd / mean if mean > 0 else math.nan, "gmi": index.gmi(mean), "ea1c": index.ea1c(mean)}
    return values | {"j_index": index.j_index(mean, sd)}


def _shares(trace: Trace, weight: Floats) -> dict[str, float]:
    """Shares of time in %, over all, by day and by night, and the index that is made of them."""
    inside = {
        "tir": between(trace, _limit("low"), _limit("high")),
        "tbr": below(trace, _limit("low")),
        "tar": above(trace, _limit("high")),
    }
    values = {name: share(rows, weight) for name, rows in inside.items()}
    values["titr"] = share(between(trace, _limit("low"), _limit("tight")), weight)
    values["tbr2"], values["tar2"] = share(below(trace, _limit("very_low")), weight), share(above(trace, _limit("very_high")), weight)
    values["tbr1"], values["tar1"] = values["tbr"] - values["tbr2"], values["tar"] - values["tar2"]
    night: Bools = hours_of_day(trace) < _limit("night_end")
    for name, rows in inside.items():
        values[f"{name}_day"], values[f"{name}_night"] = share(rows, weight, ~night), share(rows, weight, night)
    values["gri"] = index.gri(values["tbr2"], values["tbr1"], values["tar2"], values["tar1"])
    values["gri_zone"] = float(index.gri_zone(values["gri"]))
    return values


def _rates(trace: Trace, weight: Floats) -> dict[str, float]:
    """Episodes a week of readings; none below a day of them."""
    observed = float(weight.sum()) * trace.interval_min
    if observed < DAY_MIN:
        return {}
    return {f"episodes_{kind}": len(stretches(trace, kind)) * 7 * DAY_MIN / observed for kind in EPISODES}


@cache
def _measures() -> MappingProxyType[str, dict[str, Any]]:
    path = Path(__file__).resolve().parent.parent / "reference" / f"{_FILE}.toml"
    return MappingProxyType({row["name"]: row for row in tomllib.loads(path.read_text(encoding="utf-8"))["measure"]})


def _measurement(name: str, value: float) -> Measurement:
    row = _measures()[name]
    low, high = row.get("reference", (None, None))
    reference = None if low is None else (float(low), float(high))
    return Measurement(name=name, value=float(f"{value:.6g}"), unit=row["unit"], reference=reference, citation=row["citation"])
