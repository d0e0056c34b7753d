"""What each input brings to the glucose forecast, how far its explanations can be trusted, and how fast it is.

    python benchmarks/glucose_forecast.py --data DIR

DIR is the folder of the training (subject, time, glucose_mg_dl tables). The folds' networks are taken from runs/glucose_forecast, where
`train` left them. Writes benchmarks/results/glucose_forecast_parts.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from medcore import explain, pipeline  # noqa: E402
from medcore.networks.device import use_threads  # noqa: E402
from medcore.tasks import forecaster  # noqa: E402
from medcore.tasks.glucose_forecast import model as module  # noqa: E402
from medcore.tasks.glucose_forecast.train import PLAN  # noqa: E402
from medcore.tasks.kinds import forecast_figures as figures  # noqa: E402
from medcore.tasks.kinds.forecaster import HORIZONS  # noqa: E402
from medcore.tasks.windows import windows  # noqa: E402
from medcore.training.forecast import HIDEABLE  # noqa: E402
from medcore.training.forecast_recipe import Track, lines, said, tracks, trained  # noqa: E402
from medcore.training.forecast_sets import Subject, examples, folds, load  # noqa: E402

OUT = ROOT / "benchmarks" / "results" / "glucose_forecast_parts.json"
MOMENTS = 120  # that explanations are tried on
SPANS = 16  # quarters of an hour in the past that a network sees


def main() -> None:
    """Measure and write; with `--only`, one part anew beside the others that stand."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--only", choices=("brings", "explanation", "speed"))
    arguments = parser.parse_args()
    use_threads()
    subjects = load(arguments.data)
    fold = folds(subjects, PLAN.recipe.folds, 0)
    pool = examples(subjects, module.HORIZONS)
    folder = ROOT / "runs" / "glucose_forecast"
    nets = [trained(module, PLAN.recipe, subjects, pool, fold, number, 0, folder, True) for number in range(PLAN.recipe.folds)]
    parts = {
        "brings": lambda: _all_brought(subjects, fold, nets, [lines(pool, fold[pool.subject] != k, subjects) for k in range(len(nets))]),
        "explanation": lambda: _explained(subjects, fold, nets),
        "speed": _speed,
    }
    result: dict[str, Any] = json.loads(OUT.read_text(encoding="utf-8")) if arguments.only else {}
    for name, measure in parts.items():
        if arguments.only in (None, name):
            result[name] = measure()
    result["command"] = f"python benchmarks/glucose_forecast.py --data {arguments.data.name}"
    OUT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def _all_brought(subjects: Sequence[Subject], fold: Any, nets: Sequence[Any], straight: Sequence[Any]) -> dict[str, Any]:
    """What is learned of the wearer, and each input."""
    whole = [track for track in tracks(subjects, fold, nets, straight) if not track.thin]
    told = [k for k, one in enumerate(subjects) if len(one.trace.event_minutes)]
    result = {"personal": _brings(whole, whole, [True, False], range(len(subjects)))}
    for what in HIDEABLE:
        without = [track for track in tracks(subjects, fold, nets, straight, what) if not track.thin]
        result[what] = _brings(whole, without, [True, True], told if what in ("events", "carbs", "insulin") else range(len(subjects)))
    return result


def _brings(one: Sequence[Track], other: Sequence[Track], personal: Sequence[bool], own: Sequence[int]) -> dict[str, Any]:
    """By how much the error rises without it, of the subjects numbered `own`."""
    out: dict[str, Any] = {"subjects": len(own)}
    for horizon in HORIZONS:
        parts = [
            [said(track, horizon, np.zeros((len(track.trace.minutes), 2)), personal=mine) for track in side if track.number in set(own)]
            for side, mine in zip((one, other), personal, strict=True)
        ]
        out[str(horizon)] = figures.compared(*parts)
    return out


def _explained(subjects: Sequence[Subject], fold: Any, nets: Sequence[Any]) -> dict[str, Any]:
    """Each method against a random order of quarter-hours, and in glucose against random weights, at moments of unseen subjects."""
    rng = np.random.default_rng(0)
    random_net, shipped = _random(), pipeline.loaded("glucose_forecast").model
    rows: dict[str, list[list[float]]] = {name: [] for name in explain.SEQUENCE_METHODS}
    for _ in range(MOMENTS):
        number = int(rng.integers(len(subjects)))
        trace = subjects[number].trace
        if len(trace.minutes) < 100:
            continue
        seen = windows(trace, np.array([int(rng.integers(60, len(trace.minutes)))]))
        own, blank = (replace(shipped, nets=(net,)) for net in (nets[fold[number]], random_net))
        for method in rows:
            found = forecaster.attribute(own, seen, 60.0, method).values
            other = forecaster.attribute(blank, seen, 60.0, method).values
            order = np.argsort(-found[0].reshape(SPANS, -1).sum(axis=1))
            rows[method].append(
                [*(_taken(own, seen, one) for one in (order, rng.permutation(SPANS))), explain.similarity(found[0], other[0])]
            )
    return {
        method: dict(
            zip(("deletion", "random_deletion", "randomisation_similarity"), np.round(np.nanmean(values, axis=0), 3).tolist(), strict=True)
        )
        for method, values in rows.items()
    }


def _random() -> Any:
    """A network whose every weight is random, those too that begin a training at zero."""
    net = module.network().eval()
    net.head.reset_parameters()
    net.line.reset_parameters()
    return net.requires_grad_(False)


def _taken(model: forecaster.Model, seen: Any, order: Any) -> float:
    """How much of the way from the forecast to that of a flat past is gone once a quarter of the hours is flat, in `order`; more is better."""
    near = np.repeat(seen.near, 3, axis=0)
    flat = near[0, 1] * 0.0
    near[1, 1], near[1, 0] = flat, near[0, 0, -1]
    for span in order[: SPANS // 4]:
        points = slice(3 * span, 3 * span + 3)
        near[2, 1, points], near[2, 0, points] = 0.0, near[0, 0, -1]
    copies = replace(seen, near=near, far=np.repeat(seen.far, 3, axis=0), now=np.repeat(seen.now, 3, axis=0))
    full, none, part = forecaster.forward(model.nets, copies)[0][:, module.HORIZONS.index(60.0), 2]
    return float(abs(full - part) / abs(full - none)) if abs(full - none) > 2.0 else float("nan")


def _speed() -> dict[str, Any]:
    """Two weeks of five-minute readings to a report, beside the networks' bare passes over the same moments."""
    from tests.tasks.glucose_made import study, trace

    one = trace(14 * 288)
    tools = pipeline.loaded("glucose_forecast")
    seen = windows(one, np.arange(len(one.minutes)))

    def seconds(action: Any) -> float:
        action()
        started = time.perf_counter()
        action()
        return time.perf_counter() - started

    report, bare = (
        seconds(lambda: pipeline.diagnose("glucose_forecast", study(one))),
        seconds(lambda: forecaster.forward(tools.model.nets, seen)),
    )
    return {"days": 14, "report_s": round(report, 2), "forward_s": round(bare, 2), "ratio": round(bare / report, 2)}


if __name__ == "__main__":
    main()
