"""Glucose indices by formula, one function each, as their papers say; where a choice is left, as iglu makes it (docs/glucose.md).

A reading beyond the sensor's limits counts as the limit: means are a little too near the middle then, ranges are not.
"""

from __future__ import annotations

import numpy as np

from medcore.signals.glucose_time import DAY_MIN, Floats, Ints, clock_minutes, elapsed_minutes, even, steps
from medcore.types import Trace

ADRR_READINGS = 3  # Kovatchev 2006 asks for three readings of a day
_SCALE, _POWER, _SHIFT = 1.509, 1.084, 5.381  # Kovatchev 1997, mg/dL


def mean(glucose: Floats, weight: Floats) -> float:
    """Mean in mg/dL over time."""
    return float((glucose * weight).sum() / weight.sum())


def sd(glucose: Floats, weight: Floats) -> float:
    """Standard deviation in mg/dL over time, of a sample (n - 1); NaN for a single reading."""
    total = weight.sum()
    if total <= 1:
        return float("nan")
    return float(np.sqrt((weight * np.square(glucose - mean(glucose, weight))).sum() / (total - 1)))


def gmi(mean_mg_dl: float) -> float:
    """Glucose management indicator in % (Bergenstal 2018, doi 10.2337/dc18-1581)."""
    return 3.31 + 0.02392 * mean_mg_dl


def ea1c(mean_mg_dl: float) -> float:
    """HbA1c in % that goes with the mean (Nathan 2008, doi 10.2337/dc08-0545)."""
    return (46.7 + mean_mg_dl) / 28.7


def j_index(mean_mg_dl: float, sd_mg_dl: float) -> float:
    """0.001 (mean + SD)^2 (Wojcicki 1995, doi 10.1055/s-2007-979906)."""
    return 0.001 * (mean_mg_dl + sd_mg_dl) ** 2


def gri(tbr2: float, tbr1: float, tar2: float, tar1: float) -> float:
    """Glycemia risk index of the four shares in %, at most 100 (Klonoff 2022, doi 10.1177/19322968221085273)."""
    return min(3.0 * tbr2 + 2.4 * tbr1 + 1.6 * tar2 + 0.8 * tar1, 100.0)


def gri_zone(value: float) -> int:
    """1 to 5 for zones A to E: 20 % each (Klonoff 2022)."""
    return min(max(int(np.ceil(value / 20)), 1), 5)


def risk(glucose: Floats) -> Floats:
    """(N,) 1.509 (ln(G)^1.084 - 5.381), 0 near 112.5 mg/dL (Kovatchev 1997, doi 10.2337/diacare.20.11.1655)."""
    return np.asarray(_SCALE * (np.log(np.maximum(glucose, 1.0)) ** _POWER - _SHIFT))


def blood_glucose_indices(glucose: Floats, weight: Floats) -> tuple[float, float]:
    """LBGI and HBGI: means of 10 risk^2 over its negative and its positive side (Kovatchev 2006, doi 10.2337/dc06-1085)."""
    signed = risk(glucose)
    low, high = 10 * np.square(np.minimum(signed, 0)), 10 * np.square(np.maximum(signed, 0))
    return mean(low, weight), mean(high, weight)


def adrr(glucose: Floats, day: Ints, least: int = ADRR_READINGS) -> float:
    """Average daily risk range: the day's worst low and worst high risk, summed, over days of `least` readings (Kovatchev 2006)."""
    signed = risk(glucose)
    start = np.flatnonzero(np.r_[True, np.diff(day) != 0])
    enough = np.diff(np.r_[start, len(day)]) >= least
    if not enough.any():
        return float("nan")
    low = 10 * np.square(np.minimum(np.minimum.reduceat(signed, start), 0))
    high = 10 * np.square(np.maximum(np.maximum.reduceat(signed, start), 0))
    return float((low + high)[enough].mean())


def modd(trace: Trace) -> float:
    """Mean of daily differences in mg/dL: |G(t) - G(t - 24 h)| by the wearer's clock (Service 1980, doi 10.2337/diacare.3.1.58)."""
    differences = _lagged(*clock_minutes(trace), trace.interval_min, DAY_MIN)
    return float(np.abs(differences).mean()) if differences.size else float("nan")


def conga(trace: Trace, hours: float = 24) -> float:
    """SD in mg/dL of G(t) - G(t - hours), in elapsed time (McDonnell 2005, doi 10.1089/dia.2005.7.253); NaN below two differences."""
    differences = _lagged(*elapsed_minutes(trace), trace.interval_min, hours * 60)
    return float(differences.std(ddof=1)) if differences.size > 1 else float("nan")


def _lagged(times: Floats, glucose: Floats, interval_min: float, lag_min: float) -> Floats:
    """What is known of G(t) - G(t - lag) at even steps of the sensor's interval."""
    if times[-1] - times[0] < lag_min:
        return np.empty(0)
    grid = steps(times, interval_min)
    differences = even(times, glucose, grid) - even(times, glucose, grid - lag_min)
    return np.asarray(differences[np.isfinite(differences)])
