"""The recipe of a forecaster from files to weights: folds, calibration, operating points of the warning, figures on every set.

What is measured of a subject was said by the one network that never saw it, calibrated and thresholded on the other folds. What ships
are the folds' networks together.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from medcore import calibrate, registry
from medcore.calibrate import Calibration
from medcore.networks.device import use_threads
from medcore.networks.foresight import Foreseer
from medcore.settings import PROJECT
from medcore.signals.glucose_warning import Tally, tally
from medcore.tasks import forecaster, warning
from medcore.tasks.forecaster import LAGS, Task
from medcore.tasks.kinds import forecast_figures as figures
from medcore.tasks.kinds.forecaster import HORIZONS
from medcore.tasks.warning import WITHIN, Odds, evidence
from medcore.tasks.windows import Windows, ahead, lows, windows
from medcore.training import install
from medcore.training.forecast import Recipe, drawn, fit, hide
from medcore.training.forecast_sets import Examples, Subject, examples, folds, load, thinned
from medcore.types import ModelCard, Trace

log = logging.getLogger(__name__)
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
POINTS = {"half_a_day": 0.5, "one_a_day": 1.0, "two_a_day": 2.0}  # false warnings in 24 hours
ROWS = 20_000  # of which a calibration is fitted
PATH = tuple(5.0 * k for k in range(1, 13))  # minutes: the hour whose error GlucoBench takes the median of


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A task's recipe. `counted`: the sets of people with diabetes, on whom the warning's operating points are chosen."""

    recipe: Recipe
    counted: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One subject's trace, as recorded or thinned, and what the network that never saw the subject foresees at each of its N readings.

    `quantiles` (N, H, 5) mg/dL before anything personal, `evidence` (N, 2, F) of a low, `low` (N, 2) truth, `lines` (N, H) change by the
    pooled line of the other folds.
    """

    number: int
    set: str
    fold: int
    trace: Trace
    thin: bool
    quantiles: Floats
    evidence: Floats
    low: Floats
    lines: Floats


def run(task: str, plan: Plan, data: Path, *, resume: bool, seed: int, into: bool) -> Path:
    """Preprocess, train, calibrate, measure; return where the weights are."""
    use_threads()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    folder, card, module = PROJECT / "runs" / task, registry.card(task), registry.task_module(task)
    subjects = load(data)
    fold = folds(subjects, plan.recipe.folds, seed)
    pool = examples(subjects, module.HORIZONS)
    nets = [trained(module, plan.recipe, subjects, pool, fold, number, seed, folder, resume) for number in range(plan.recipe.folds)]
    result, weights = measure(card, module, plan, subjects, pool, fold, nets)
    result |= {"task": task, "command": f"python -m medcore train {task} --data {data.name} --seed {seed}"}
    return install.write(folder, card, weights, result, golden(module, weights), into=into)


def trained(
    module: Task,
    recipe: Recipe,
    subjects: Sequence[Subject],
    pool: Examples,
    fold: Ints,
    number: int,
    seed: int,
    folder: Path,
    resume: bool,
) -> Foreseer:
    """The network of one fold: it sees the subjects of all the others."""
    checkpoint = folder / f"seed{seed}-fold{number}.pt"
    if not resume:
        checkpoint.unlink(missing_ok=True)
    log.info("fold %d of %d", number + 1, recipe.folds)
    weights = drawn(pool, [one.set for one in subjects], recipe) * (fold[pool.subject] != number)
    return fit(module.network, pool, weights, recipe, module.HORIZONS, seed * recipe.folds + number, checkpoint)


def lines(pool: Examples, kept: NDArray[np.bool_], subjects: Sequence[Subject]) -> Floats:
    """(2, H, 1 + LAGS) the pooled straight lines of 5-minute and of 15-minute readings, least squares on the moments `kept`."""
    interval = np.array([one.trace.interval_min for one in subjects])[pool.subject] * pool.step
    found = np.zeros((2, pool.came.shape[1], 1 + LAGS))
    for which, (step, own) in enumerate(((1, interval == 5), (3, interval == 15))):
        rows = np.flatnonzero(kept & own)
        x = forecaster.lagged(pool.seen.rows(rows), step)
        for horizon in range(pool.came.shape[1]):
            y = (pool.came[rows, horizon] - pool.now[rows]).astype(np.float64)
            known = ~np.isnan(y)
            if known.sum() > 10 * x.shape[1]:
                found[which, horizon] = np.linalg.lstsq(x[known], y[known], rcond=None)[0]
    return found


def tracks(
    subjects: Sequence[Subject], fold: Ints, nets: Sequence[Foreseer], straight: Sequence[Floats], without: str | None = None
) -> list[Track]:
    """Every subject as recorded, and those with a 5-minute sensor also as a 15-minute one would have recorded them."""
    out = []
    for number, one in enumerate(subjects):
        variants = [(one.trace, np.arange(len(one.trace.minutes)), False)]
        if one.trace.interval_min == 5:
            variants.append((*thinned(one.trace, 3, 0), True))
        own = f"{one.set}, {one.trace.interval_min:g} min"
        for trace, kept, thin in variants:
            seen = windows(trace, np.arange(len(trace.minutes)))
            shown = seen if without is None else hidden(seen, without)
            change, logits = forecaster.forward([nets[fold[number]]], shown)
            weights = straight[fold[number]]
            by_line, now = forecaster.straight(weights, seen), trace.glucose.astype(np.float64)
            quantiles = change + now[:, None, None]
            out.append(
                Track(
                    number=number, set=f"{own} thinned to 15" if thin else own, fold=int(fold[number]), trace=trace, thin=thin,
                    quantiles=quantiles, evidence=evidence(now, quantiles, logits, by_line, seen), lines=by_line,
                    low=np.stack([lows(one.trace, kept, within) for within in WITHIN], axis=1).astype(np.float64),
                )
            )  # fmt: skip
    return out


def hidden(seen: Windows, what: str) -> Windows:
    """`seen` without `what`: networks learned to do without it now and then, so this measures what it brings."""
    near, far, now = (torch.from_numpy(array.astype(np.float32)) for array in (seen.near, seen.far, seen.now))
    hide(near, far, now, what, torch.ones(len(near), dtype=torch.bool))
    return Windows(near=near.numpy(), far=far.numpy(), now=now.numpy())


def said(track: Track, horizon: float, p_low: Floats, *, personal: bool) -> figures.Said:
    """What a track foresees of one horizon at the moments that a reading followed."""
    trace = track.trace
    origins = np.arange(len(trace.minutes))
    place = round(horizon / 5) - 1
    came = ahead(trace, origins, horizon, trace.interval_min / 2)
    rows = np.flatnonzero(came >= 0)
    quantiles = track.quantiles[:, place]
    if personal:
        quantiles = personally(track, horizon)
    within = WITHIN.index(horizon) if horizon in WITHIN else 0
    now = trace.glucose.astype(np.float64)
    return figures.Said(
        subject=np.full(len(rows), track.number), now=now[rows], line=(now + track.lines[:, place])[rows], quantiles=quantiles[rows],
        p_low=p_low[rows, within], observed=now[came[rows]], low=track.low[rows, within],
    )  # fmt: skip


def personally(track: Track, horizon: float) -> Floats:
    """(N, 5) quantiles made personal, as at the bedside."""
    origins = np.arange(len(track.trace.minutes))
    return forecaster.personal(track.trace, origins, track.quantiles[:, round(horizon / 5) - 1], horizon)


def weighed(found: Sequence[Track], fold: int | None) -> Odds:
    """The odds of a low, fitted on the tracks of the folds other than `fold` (None: of all)."""
    own = [track for track in found if track.fold != fold]
    rows = [np.concatenate(parts) for parts in zip(*((track.evidence, track.low, track.trace.glucose) for track in own), strict=True)]
    return warning.fit(rows[0], rows[1], rows[2].astype(np.float64))


def calibrated(found: Sequence[Track], log_odds: Sequence[Floats], names: Sequence[str], fold: int | None, draws: int) -> list[Calibration]:
    """The calibration of both warnings' log odds (N, 2) a track on those of the folds other than `fold` (None: of all)."""
    own = [(track, odds) for track, odds in zip(found, log_odds, strict=True) if track.fold != fold]
    rng = np.random.default_rng(0)
    out = []
    for within in range(len(WITHIN)):
        logits = np.concatenate([odds[:, within] for _, odds in own])
        low = np.concatenate([track.low[:, within] for track, _ in own])
        group = np.concatenate([np.full(len(odds), track.number) for track, odds in own])
        known = np.flatnonzero(~np.isnan(low))
        rows = rng.choice(known, min(ROWS, len(known)), replace=False)
        pair = np.stack([np.zeros(len(rows)), logits[rows]], axis=1)
        out.append(calibrate.fit(pair, low[rows].astype(np.int64), [names[k] for k in group[rows]], draws=draws))
    return out


def probabilities(calibrations: Sequence[Calibration], logits: Floats) -> Floats:
    """(N, 2) log odds -> (N, 2) calibrated probabilities of a low."""
    pairs = [np.stack([np.zeros(len(logits)), logits[:, k]], axis=1) for k in range(len(WITHIN))]
    p = np.stack([one.probabilities(pair)[:, 1] for one, pair in zip(calibrations, pairs, strict=True)], axis=1)
    p[:, 1] = np.maximum(p[:, 0], p[:, 1])
    return p


def measure(
    card: ModelCard, module: Task, plan: Plan, subjects: Sequence[Subject], pool: Examples, fold: Ints, nets: Sequence[Foreseer]
) -> tuple[dict[str, Any], bytes]:
    """All that the card needs, and the weights file."""
    names = [f"{one.set} {one.name}" for one in subjects]
    straight = [lines(pool, fold[pool.subject] != number, subjects) for number in range(plan.recipe.folds)]
    found = tracks(subjects, fold, nets, straight)
    by_fold = {number: weighed(found, number) for number in range(plan.recipe.folds)}
    log_odds = [by_fold[track.fold].log_odds(track.evidence, track.trace.glucose.astype(np.float64)) for track in found]
    crossed = {number: calibrated(found, log_odds, names, number, 0) for number in range(plan.recipe.folds)}
    p_low = [probabilities(crossed[track.fold], odds) for track, odds in zip(found, log_odds, strict=True)]
    final = calibrated(found, log_odds, names, None, calibrate.DRAWS)
    weights = forecaster.dump(nets, weighed(found, None), final, lines(pool, np.ones(len(pool.now), bool), subjects))
    result = _forecasts(found, p_low)
    counted = [k for k, track in enumerate(found) if not track.thin and subjects[track.number].set in plan.counted]
    result |= _warnings(card, [found[k] for k in counted], [p_low[k] for k in counted], final, plan.recipe.folds)
    shown = [f"{name}_{horizon}" for horizon in HORIZONS for name in ("rmse", "skill", "coverage", "clarke_ab", "auroc_low", "ece_low")]
    return result | {
        "shown": shown,
        "groups": len(subjects),
        "folds": plan.recipe.folds,
        "temperature": round(final[1].temperature, 4),
    }, weights


def _forecasts(found: Sequence[Track], p_low: Sequence[Floats]) -> dict[str, Any]:
    """Figures over all subjects as recorded, of each set apart, without what is personal, and the medians."""
    sets: dict[str, Any] = {}
    whole: dict[int, list[figures.Said]] = {horizon: [] for horizon in HORIZONS}
    plain: dict[int, list[figures.Said]] = {horizon: [] for horizon in HORIZONS}
    for name in sorted({track.set for track in found}):
        own = [k for k, track in enumerate(found) if track.set == name]
        parts = {horizon: [said(found[k], horizon, p_low[k], personal=True) for k in own] for horizon in HORIZONS}
        raw = {horizon: [said(found[k], horizon, p_low[k], personal=False) for k in own] for horizon in HORIZONS}
        sets[name] = _of_set(parts, raw) | {"subjects": len(own), "readings": sum(len(found[k].trace.minutes) for k in own)}
        for horizon in HORIZONS:
            whole[horizon] += [one for one, k in zip(parts[horizon], own, strict=True) if not found[k].thin]
            plain[horizon] += [one for one, k in zip(raw[horizon], own, strict=True) if not found[k].thin]
    joined = {horizon: figures.joined(parts) for horizon, parts in whole.items()}
    return {
        "figures": figures.measured(joined),
        "n": len(joined[HORIZONS[0]].now),
        "sets": sets,
        "without_personal": figures.measured({horizon: figures.joined(parts) for horizon, parts in plain.items()}),
        "median_over_subjects": figures.by_subject(joined),
        "median_path": _paths([track for track in found if not track.thin]),
    }


def _of_set(parts: dict[int, list[figures.Said]], raw: dict[int, list[figures.Said]]) -> dict[str, Any]:
    joined = {horizon: figures.joined(own) for horizon, own in parts.items()}
    return {
        "figures": figures.measured(joined),
        "without_personal": {
            f"{name}_{horizon}": value["value"]
            for horizon in HORIZONS
            for name, value in (
                (key.rsplit("_", 1)[0], one) for key, one in figures.measured({horizon: figures.joined(raw[horizon])}).items()
            )
            if name in ("rmse", "coverage")
        },
        "median_over_subjects": figures.by_subject(joined),
    }


def _paths(found: Sequence[Track]) -> dict[str, Any]:
    """The median over moments of the error along the next hour, per set, by the sensor's steps, as GlucoBench (arXiv 2410.05780)."""
    out: dict[str, list[Floats]] = {}
    for track in found:
        steps = [horizon for horizon in PATH if horizon % track.trace.interval_min == 0]
        now, origins = track.trace.glucose.astype(np.float64), np.arange(len(track.trace.minutes))
        error = np.full((len(now), len(steps)), np.nan)
        for k, horizon in enumerate(steps):
            came = ahead(track.trace, origins, horizon, track.trace.interval_min / 2)
            error[:, k] = np.where(came >= 0, now[came] - personally(track, horizon)[:, 2], np.nan)
        out.setdefault(track.set, []).append(np.sqrt((error**2).mean(axis=1)))
    return {name: round(float(np.nanmedian(np.concatenate(parts))), 2) for name, parts in out.items()}


def _warnings(card: ModelCard, found: Sequence[Track], p_low: Sequence[Floats], final: Sequence[Calibration], count: int) -> dict[str, Any]:
    """Operating points by false warnings a day, chosen on the other folds where they are measured, beside a threshold on the line."""
    points, thresholds, margins = [], {}, {}
    table = []
    for within, (label, horizon) in enumerate(zip(card.labels, WITHIN, strict=True)):
        scores = [p[:, within] for p in p_low]
        by_line = [-(track.trace.glucose + track.lines[:, round(horizon / 5) - 1]) for track in found]
        for name, rate in POINTS.items():
            ours, theirs = (_crossed(found, one, horizon, rate, count) for one in (scores, by_line))
            at = _threshold(found, scores, horizon, rate)
            quiet = np.concatenate([score[track.low[:, within] == 0] for track, score in zip(found, scores, strict=True)])
            points.append(
                {"name": name, "label": label.name, "threshold": round(at, 4), "sensitivity": round(ours.sensitivity, 4),
                 "specificity": round(float((quiet < at).mean()), 4)}
            )  # fmt: skip
            table.append({"label": label.name, "point": name, "network": _row(ours), "line": _row(theirs)})
            if name == label.operating_point:
                thresholds[label.name], margins[label.name] = round(at, 4), round(_margin(final[within], at), 4)
    return {"operating_points": points, "thresholds": thresholds, "margins": margins, "warnings": table}


def _row(one: Tally) -> dict[str, Any]:
    lead = float(np.median(one.lead_min)) if one.lead_min else float("nan")
    return {
        "sensitivity": round(one.sensitivity, 4), "false_a_day": round(one.false_a_day, 3), "lead_min": round(lead, 1), "lows": one.lows,
        "warnings": one.warnings, "days": round(one.days, 1),
    }  # fmt: skip


def _crossed(found: Sequence[Track], scores: Sequence[Floats], horizon: float, rate: float, count: int) -> Tally:
    """The tally of each fold at the threshold that gives `rate` false warnings a day on the others."""
    total = Tally(lows=0, foreseen=0, lead_min=(), warnings=0, false=0, days=0.0)
    for number in range(count):
        others = [k for k, track in enumerate(found) if track.fold != number]
        at = _threshold([found[k] for k in others], [scores[k] for k in others], horizon, rate)
        for track, score in zip(found, scores, strict=True):
            if track.fold == number:
                total = total + _tally(track, score, at, horizon)
    return total


def _tally(track: Track, score: Floats, threshold: float, horizon: float) -> Tally:
    return tally(track.trace.minutes.astype(np.float64), track.trace.glucose.astype(np.float64), score, threshold, horizon)


def _threshold(found: Sequence[Track], scores: Sequence[Floats], horizon: float, rate: float) -> float:
    """The lowest of a grid of thresholds at which there are at most `rate` false warnings a day."""
    grid = np.unique(np.quantile(np.concatenate(scores), 1 - np.geomspace(0.3, 3e-4, 1000)))
    low, high = 0, len(grid) - 1
    while low < high:  # false warnings fall as the threshold rises, but for noise
        middle = (low + high) // 2
        total = sum((_tally(track, score, grid[middle], horizon) for track, score in zip(found, scores, strict=True)), start=_NONE)
        low, high = (low, middle) if total.false_a_day <= rate else (middle + 1, high)
    return float(grid[low])


_NONE = Tally(lows=0, foreseen=0, lead_min=(), warnings=0, false=0, days=0.0)


def _margin(calibration: Calibration, threshold: float) -> float:
    """Half the interval that the calibration leaves about the threshold: nearer, a probability is on neither side of it."""
    logit = (np.log(threshold / (1 - threshold)) - (calibration.bias[0, 1] - calibration.bias[0, 0])) / calibration.scale[0]
    low, high = calibration.interval(np.array([[0.0, logit]]))
    return float((high - low)[0, 1] / 2)


def golden(module: Task, weights: bytes) -> bytes:
    """Made-up windows and what the networks say of them, so that another machine can be compared."""
    rng = np.random.default_rng(0)
    minutes = 5.0 * np.arange(0.0, 200)
    level = (140 + 45 * np.sin(minutes / 150) + rng.normal(size=200)).astype(np.float32)
    none = np.zeros(0)
    trace = Trace(
        minutes=minutes, clock_s=60 * minutes, glucose=level, beyond=np.zeros(200, np.int16), event_minutes=none,
        event_kind=none.astype(np.uint8), event_value=none.astype(np.float32), interval_min=5.0, unit="mg/dL",
    )  # fmt: skip
    seen = windows(trace, np.array([0, 20, 199]))
    said_ = forecaster.predict(module.load(weights), seen, level[[0, 20, 199]].astype(np.float64))
    out = io.BytesIO()
    np.savez(out, near=seen.near, far=seen.far, now=seen.now, level=level[[0, 20, 199]], quantiles=said_.quantiles, p_low=said_.p_low)
    return out.getvalue()
