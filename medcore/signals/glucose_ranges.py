"""The edges of glucose ranges and the share of time between them.

The consensus (Battelino 2019, doi 10.2337/dci19-0028) draws each edge twice, in mg/dL and in mmol/L, and the two are not the same number:
10.0 mmol/L is 180.16 mg/dL, and in range. A trace that is mmol/L to one decimal is therefore divided at the edges in mmol/L.
"""

from __future__ import annotations

import numpy as np

from medcore.signals.glucose_time import Bools, Floats
from medcore.types import Trace

MG_DL_PER_MMOL = 18.016  # molar mass of glucose 180.156 g/mol
_MMOL = {54.0: 3.0, 63.0: 3.5, 70.0: 3.9, 140.0: 7.8, 180.0: 10.0, 250.0: 13.9}  # Battelino 2019, figure 1 and table 4
_TENTHS = 0.99  # share of readings that must lie on a tenth of a mmol/L


def in_tenths(trace: Trace) -> bool:
    """Whether the trace is mmol/L to one decimal, as a sensor shows it; one converted from mg/dL with all its digits is not."""
    if trace.unit != "mmol/L":
        return False
    tenths = trace.glucose.astype(np.float64) / MG_DL_PER_MMOL * 10
    return bool((np.abs(tenths - np.round(tenths)) < 0.1).mean() >= _TENTHS)


def below(trace: Trace, edge: float) -> Bools:
    """(N,) readings below `edge` mg/dL, the edge itself not."""
    half = 0.05 if in_tenths(trace) and edge in _MMOL else None
    limit = edge if half is None else (_MMOL[edge] - half) * MG_DL_PER_MMOL
    return np.asarray(trace.glucose.astype(np.float64) < limit)


def above(trace: Trace, edge: float) -> Bools:
    """(N,) readings above `edge` mg/dL, the edge itself not."""
    half = 0.05 if in_tenths(trace) and edge in _MMOL else None
    limit = edge if half is None else (_MMOL[edge] + half) * MG_DL_PER_MMOL
    return np.asarray(trace.glucose.astype(np.float64) > limit)


def between(trace: Trace, low: float, high: float) -> Bools:
    """(N,) readings from `low` to `high` mg/dL, both included."""
    return ~below(trace, low) & ~above(trace, high)


def share(inside: Bools, weight: Floats, where: Bools | None = None) -> float:
    """Percent of the time; NaN where there is none."""
    weight = weight if where is None else weight * where
    total = float(weight.sum())
    return float(100 * (weight * inside).sum() / total) if total > 0 else float("nan")
