"""Heart rate, intervals, corrected QT and axes of an ECG, by formula from fused marks, each with its normal range where one is cited.

Ectopic, paced and unclassified beats are left out of every median (Kligfield 2007, doi 10.1016/j.jacc.2007.01.024). QTc, with QT in ms
and RR in s: Bazett 1920 QT / RR^(1/2); Fridericia 1920 QT / RR^(1/3); Framingham (Sagie 1992, doi 10.1016/0002-9149(92)90562-D)
QT + 154 (1 - RR); Hodges 1983 (J Am Coll Cardiol 1:694) QT + 1.75 (rate - 60).
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medcore.signals.ecg_fuse import fuse
from medcore.signals.ecg_intervals import Intervals, intervals
from medcore.signals.filters import baseline
from medcore.types import FUSED, Marks, Measurement, Patient, Recording

Floats = NDArray[np.float64]

_RANGES = Path(__file__).resolve().parent.parent / "reference" / "ecg_intervals.toml"
_SMOOTH_BEATS = 4  # the extremes of a recording of more than a minute are those of four beats together, not of one early beat
_MINUTE_S = 60.0
_LEVEL_S = 0.016  # before a wave, where its zero is taken
_AVF_SCALE = 2 / np.sqrt(3)  # augmented leads are smaller than bipolar ones (Novosel 1999, Croat Med J 40:76)
_AXIS_BEATS = 500  # of a long recording, evenly taken


def measurements(marks: Marks, recording: Recording, patient: Patient) -> tuple[Measurement, ...]:
    """What can be measured, in the order it is read out; what cannot is absent. Names are codes, units bpm, ms and deg.

    `marks` without fused ones are fused first. A normalised recording (unit NU) has no axes, its leads having lost their proportions.
    """
    rate = recording.sampling_rate_hz
    if not (marks.lead == FUSED).any():
        marks = fuse(marks, rate)
    found = intervals(marks, rate)
    values = {**_rates(found, recording.seconds), **_durations(found)}
    if recording.unit != "NU":
        values |= _axes(found, marks, recording)
    return tuple(
        Measurement(name=name, value=round(value, 1), unit=unit, **_reference(name, patient))
        for name, (value, unit) in values.items()
        if np.isfinite(value)
    )


def qt_corrected(qt_ms: float, rr_ms: float) -> dict[str, float]:
    """QT in ms at a rate of 60, by four formulas (sources in the module's docstring)."""
    rr = rr_ms / 1000
    return {
        "qtc_bazett": qt_ms / rr**0.5,
        "qtc_fridericia": qt_ms / rr ** (1 / 3),
        "qtc_framingham": qt_ms + 154 * (1 - rr),
        "qtc_hodges": qt_ms + 1.75 * (60 / rr - 60),
    }


def _rates(found: Intervals, seconds: float) -> dict[str, tuple[float, str]]:
    """Heart rate over all beats, its extremes over normal ones, RR as between normal beats."""
    rr = found.rr_ms[np.isfinite(found.rr_ms)]
    if not rr.size:
        return {}
    normal = found.rr_between_normal
    spans = normal if normal.size else rr
    if seconds > _MINUTE_S and spans.size >= _SMOOTH_BEATS:
        spans = np.convolve(spans, np.full(_SMOOTH_BEATS, 1 / _SMOOTH_BEATS), "valid")
    out = {
        "heart_rate": (60_000 / float(rr.mean()), "bpm"),
        "heart_rate_min": (60_000 / float(spans.max()), "bpm"),
        "heart_rate_max": (60_000 / float(spans.min()), "bpm"),
        "rr_mean": (float(rr.mean()), "ms"),
    }
    if normal.size > 1:
        out["rr_sd"] = (float(normal.std(ddof=1)), "ms")
    return out


def _durations(found: Intervals) -> dict[str, tuple[float, str]]:
    out = {
        "p_duration": found.median("p_ms"),
        "pr_interval": found.median("pr_ms"),
        "qrs_duration": found.median("qrs_ms"),
        "qt_interval": found.median("qt_ms"),
    }
    rr = found.rr_ms[np.isfinite(found.rr_ms)]
    if rr.size and np.isfinite(out["qt_interval"]):
        out |= qt_corrected(out["qt_interval"], float(rr.mean()))
    return {name: (value, "ms") for name, value in out.items()}


def _axes(found: Intervals, marks: Marks, recording: Recording) -> dict[str, tuple[float, str]]:
    """Frontal axes from the net areas of I and aVF; aVF from I and II where it was not recorded (Einthoven, Goldberger)."""
    leads = recording.leads
    if "I" not in leads or not ({"aVF", "II"} & set(leads)):
        return {}
    x = np.asarray(recording.signal, np.float64)[[leads.index("I"), leads.index("aVF" if "aVF" in leads else "II")]]
    if "aVF" not in leads:
        x[1] -= x[0] / 2
    if recording.seconds > _MINUTE_S:
        x = x - baseline(x, recording.sampling_rate_hz)
    normal = found.normal
    return {
        name: (_axis(x, marks, rows[normal], zeros[normal], recording.sampling_rate_hz), "deg")
        for name, rows, zeros in (
            ("p_axis", found.p, found.p),
            ("qrs_axis", found.qrs, found.qrs),
            ("t_axis", found.t, found.qrs),  # the level before the QRS is T's zero too
        )
    }


def _axis(x: Floats, marks: Marks, rows: NDArray[Any], zeros: NDArray[Any], rate: float) -> float:
    """The angle in (-180, 180] of the median net area of (I, aVF) (2, N) over marks `rows`.

    Zero is the level before the onset of the marks `zeros`. NaN without a wave of known bounds.
    """
    usable = np.flatnonzero((rows >= 0) & (zeros >= 0))
    usable = usable[(marks.onset[zeros[usable]] > 0) & (marks.onset[rows[usable]] > 0)]
    usable = usable[marks.offset[rows[usable]] > marks.onset[rows[usable]]]
    before, areas = max(1, round(_LEVEL_S * rate)), []
    for at in usable[:: max(1, len(usable) // _AXIS_BEATS)].tolist():
        start, stop, zero = int(marks.onset[rows[at]]), int(marks.offset[rows[at]]), int(marks.onset[zeros[at]])
        level = x[:, max(zero - before, 0) : zero].mean(axis=1, keepdims=True)
        area = (x[:, start : stop + 1] - level).sum(axis=1)
        if np.isfinite(area).all():
            areas.append(area)
    if not areas:
        return float("nan")
    one, foot = np.median(areas, axis=0)
    return float(np.degrees(np.arctan2(foot * _AVF_SCALE, one))) if np.hypot(one, foot) > 0 else float("nan")


@cache
def _ranges() -> tuple[dict[str, Any], ...]:
    return tuple(tomllib.loads(_RANGES.read_text(encoding="utf-8"))["range"])


def _reference(name: str, patient: Patient) -> dict[str, Any]:
    """The normal range for this patient's age and sex. An unknown age has the range of adults, which its citation then says."""
    age, note = (40.0, "; adults, the age being unknown") if patient.age_years is None else (patient.age_years, "")
    for row in _ranges():
        first, last = row["age_years"]
        if name in row["names"] and first <= age < last and row["sex"] in ("any", patient.sex):
            return {"reference": (float(row["low"]), float(row["high"])), "citation": row["citation"] + note}
    return {}
