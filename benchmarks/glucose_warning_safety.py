"""`python benchmarks/glucose_warning_safety.py FOLDER`: the low-glucose warning on virtual patients, judged by their true glucose.

FOLDER holds the tables of `python benchmarks/virtual_patients.py FOLDER --days 10`, made in an environment of its own: thirty patients who
overdose, forget, exercise and sleep through too much insulin. The shipped network sees what a sensor showed, `evaluate glucose_forecast`
says what it foresaw, and plasma, which no file of a real wearer holds, says what came. Beside it, at as many false warnings, two straight
lines on the last twelve readings: the one that ships with the network, of the same real wearers, and one fitted to fifteen of these
patients, others than the one judged, whom the network never saw: a harder rival.

A true low is plasma below 70 mg/dL for 15 minutes or more after half an hour without; it was foreseen if a warning stood when it began,
and shown if no warning stood but the sensor itself had read below 70 within the horizon. A warning is false if plasma does not fall below
70 within the horizon. What is written to benchmarks/results/glucose_warning_safety.json says nothing of people: a simulator's lows are
more regular than theirs.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from medcore import metrics, registry  # noqa: E402
from medcore.signals.glucose_warning import LOW, warnings  # noqa: E402
from medcore.tasks import traces  # noqa: E402
from medcore.types import OperatingPoint  # noqa: E402

TASK = "glucose_forecast"
RESULT = ROOT / "benchmarks" / "results" / "glucose_warning_safety.json"
SETS = {"5 min": ("readings", True), "5 min, nothing logged": ("readings", False), "15 min": ("readings_15min", True)}
HORIZONS = {"low_30": 30.0, "low_60": 60.0}
LEAST, APART = 15.0, 30.0  # minutes: of a true low, and without one before it
LAGS = 12
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wearer:
    """One patient: what the sensor showed at `minutes` (N,), and `true` (M,) plasma in mg/dL at `true_minutes` with the day's scenario."""

    subject: str
    minutes: Floats
    glucose: Floats
    times: tuple[str, ...]
    true_minutes: Floats
    true: Floats
    scenario: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What warnings were worth to one patient; `fates` are (scenario, foreseen or shown or missed) of each true low."""

    lows: int
    foreseen: int
    shown: int
    raised: int
    false: int
    days: float
    lead_min: tuple[float, ...]
    fates: tuple[tuple[str, str], ...]


def table(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def wearers(folder: Path, readings: str) -> list[Wearer]:
    """Every patient of the tables in `folder`."""
    shown: dict[str, list[dict[str, str]]] = {}
    truth: dict[str, list[dict[str, str]]] = {}
    for name, own in ((f"{readings}.csv", shown), ("truth.csv", truth)):
        for row in table(folder / name):
            own.setdefault(row["subject"], []).append(row)
    found = []
    for subject, rows in shown.items():
        true = truth[subject]
        first = traces.instants([true[0]["time"]])[0]
        found.append(
            Wearer(
                subject=subject,
                minutes=(traces.instants([row["time"] for row in rows]) - first) / 60,
                glucose=traces.numbers_of([row["glucose_mg_dl"] for row in rows]),
                times=tuple(row["time"] for row in rows),
                true_minutes=(traces.instants([row["time"] for row in true]) - first) / 60,
                true=traces.numbers_of([row["true_mg_dl"] for row in true]),
                scenario=tuple(row["scenario"] for row in true),
            )
        )
    return found


def true_lows(one: Wearer) -> list[int]:
    """Numbers of the true values with which a low begins."""
    low = one.true < LOW
    edges = np.flatnonzero(np.diff(np.concatenate([[0], low.astype(np.int8), [0]])))
    begun, ended = -np.inf, -np.inf
    found = []
    for a, b in zip(edges[::2], edges[1::2], strict=True):
        begun, fresh = one.true_minutes[a], one.true_minutes[a] - ended > APART
        ended = one.true_minutes[b - 1]
        if fresh and a > 0 and ended - begun >= LEAST - 5:  # so many minutes hold one true value fewer
            found.append(int(a))
    return found


def counted(one: Wearer, score: Floats, threshold: float, horizon: float) -> Count:
    """What warnings at scores (N,) of `threshold` and above were worth."""
    raised = one.minutes[warnings(one.minutes, one.glucose, score, threshold, horizon)]
    low_at = one.true_minutes[one.true < LOW]
    after = np.searchsorted(low_at, raised)
    came = np.append(low_at, np.inf)[after]
    shown_at = one.minutes[one.glucose < LOW]
    lead, fates = [], []
    for start in true_lows(one):
        at = one.true_minutes[start]
        before = raised[(raised < at) & (raised >= at - horizon)]
        seen = ((shown_at < at) & (shown_at >= at - horizon)).any()
        fates.append((one.scenario[start], "foreseen" if len(before) else "shown" if seen else "missed"))
        if len(before):
            lead.append(float(at - before[-1]))
    fate = [name for _, name in fates]
    return Count(
        lows=len(fate), foreseen=fate.count("foreseen"), shown=fate.count("shown"), raised=len(raised),
        false=int((came > raised + horizon).sum()), days=float(np.diff(one.minutes)[np.diff(one.minutes) <= APART].sum()) / 1440,
        lead_min=tuple(lead), fates=tuple(fates),
    )  # fmt: skip


def figures(counts: Sequence[Count]) -> dict[str, Any]:
    """Pooled over patients, with 95 % intervals over patients."""
    columns = {
        name: np.array([getattr(one, name) for one in counts], np.float64) for name in ("lows", "foreseen", "shown", "false", "days")
    }

    def figure(weights: Floats) -> dict[str, float]:
        total = {name: float(weights @ column) for name, column in columns.items()}
        lows = total["lows"] or float("nan")
        return {
            "sensitivity": total["foreseen"] / lows,
            "foreseen_or_shown": (total["foreseen"] + total["shown"]) / lows,
            "false_a_day": total["false"] / total["days"],
        }

    spans = metrics.bootstrap(figure, [str(k) for k in range(len(counts))])
    leads = [lead for one in counts for lead in one.lead_min]
    found: dict[str, Any] = {
        name: {"value": round(value, 3), "low": round(spans[name][0], 3), "high": round(spans[name][1], 3)}
        for name, value in figure(np.ones(len(counts))).items()
    }
    found |= {"lead_min": round(float(np.median(leads)), 1) if leads else None}
    return found | {"lows": sum(one.lows for one in counts), "warnings": sum(one.raised for one in counts)}


# Scores


def foreseen(people: Sequence[Wearer], rows: Sequence[dict[str, str]], horizon: float) -> list[Floats]:
    """What the network said at each reading, from OUT.csv: the probability of a low; -1 at the last readings, which no reading follows."""
    said = {(row["subject"], row["time"]): float(row["p_low"]) for row in rows if float(row["horizon_min"]) == horizon}
    return [np.array([said.get((one.subject, time), -1.0) for time in one.times]) for one in people]


def by_shipped_line(folder: Path, readings: str, horizon: float) -> list[Floats]:
    """Minus what the straight line that ships with the network foresees."""
    from medcore.tasks import forecaster
    from medcore.tasks.windows import windows

    model = registry.task_module(TASK).load(registry.checked_weights(TASK))
    place = model.horizons.index(horizon)
    found = []
    for one in traces.of_table(table(folder / f"{readings}.csv"), ()):
        seen = windows(one.trace, np.arange(len(one.trace.minutes)))
        now = one.trace.glucose.astype(np.float64)
        found.append(-(now + forecaster.straight(model.lines, seen)[:, place]))
    return found


def by_own_line(people: Sequence[Wearer], horizon: float) -> list[Floats]:
    """Minus what a straight line on twelve readings foresees, fitted to every second of the patients, never to the one it is asked about."""
    steps = round(horizon / float(np.median(np.diff(people[0].minutes))))
    pairs = [_lagged(one.glucose) for one in people]
    found = []
    for number, (_, seen) in enumerate(zip(people, pairs, strict=True)):
        others = [k for k in range(len(people)) if k % 2 != number % 2]
        x = np.concatenate([pairs[k][LAGS:-steps] for k in others])
        y = np.concatenate([people[k].glucose[LAGS + steps :] for k in others])
        weights = np.linalg.lstsq(x, y, rcond=None)[0]
        found.append(-(seen @ weights))
    return found


def _lagged(glucose: Floats) -> Floats:
    """(N, 1 + LAGS): one, and the last readings, the first reading standing for those before it."""
    padded = np.concatenate([np.full(LAGS - 1, glucose[0]), glucose])
    return np.column_stack([np.ones(len(glucose)), *(padded[LAGS - 1 - k : len(padded) - k] for k in range(LAGS))])


def equal(people: Sequence[Wearer], scores: Sequence[Floats], horizon: float, rate: float) -> float:
    """The lowest threshold with at most `rate` false warnings a day, searched as if these only fell as it rises."""
    grid = np.unique(np.concatenate(scores))
    low, high = 0, len(grid) - 1
    while low < high:
        middle = (low + high) // 2
        counts = [counted(one, score, grid[middle], horizon) for one, score in zip(people, scores, strict=True)]
        too_many = sum(one.false for one in counts) / sum(one.days for one in counts) > rate
        low, high = (middle + 1, high) if too_many else (low, middle)
    return float(grid[low])


# Together


def evaluated(folder: Path, out: Path, name: str) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """OUT.csv and OUT.json of `evaluate` on the set `name`; made only where they do not stand in `out`."""
    readings, logged = SETS[name]
    stem = name.replace(" ", "_").replace(",", "")
    rows, summary = out / f"{stem}.csv", out / f"{stem}.json"
    if not (rows.is_file() and summary.is_file()):
        command = [sys.executable, "-m", "medcore", "evaluate", TASK, "--manifest", str(folder / f"{readings}.csv")]
        command += ["--events", str(folder / "events.csv")] if logged else []
        subprocess.run([*command, "--predictions", str(rows), "--json", str(summary)], check=True, cwd=ROOT)
    return table(rows), json.loads(summary.read_text(encoding="utf-8"))


def warned(
    name: str, people: Sequence[Wearer], rows: Sequence[dict[str, str]], folder: Path, points: Sequence[OperatingPoint]
) -> list[dict[str, Any]]:
    """A row an operating point: the network, and both lines at as many false warnings."""
    found = []
    for label, horizon in HORIZONS.items():
        scores = foreseen(people, rows, horizon)
        lines = {"line": by_shipped_line(folder, SETS[name][0], horizon), "line_of_these_patients": by_own_line(people, horizon)}
        for point in [point for point in points if point.label == label]:
            counts = [counted(one, score, point.threshold, horizon) for one, score in zip(people, scores, strict=True)]
            row: dict[str, Any] = {
                "set": name,
                "label": label,
                "point": point.name,
                "threshold": point.threshold,
                "network": figures(counts),
            }
            rate = sum(one.false for one in counts) / sum(one.days for one in counts)
            for line, theirs in lines.items():
                at = equal(people, theirs, horizon, rate)
                row[line] = figures([counted(one, score, at, horizon) for one, score in zip(people, theirs, strict=True)])
            row["by_scenario"] = by_scenario(counts)
            found.append(row)
    return found


def by_scenario(counts: Sequence[Count]) -> dict[str, dict[str, int]]:
    """Of the day's scenario: how many lows began, and what became of them."""
    found: dict[str, dict[str, int]] = {}
    for scenario, fate in (fate for one in counts for fate in one.fates):
        row = found.setdefault(scenario, {"foreseen": 0, "shown": 0, "missed": 0})
        row[fate] += 1
    return dict(sorted(found.items()))


def measured(folder: Path, out: Path) -> dict[str, Any]:
    """Everything that is written."""
    card = registry.cards()[TASK]
    result: dict[str, Any] = {
        "command": "python benchmarks/glucose_warning_safety.py FOLDER",
        "model_version": card.version,
        "weights_sha256": card.weights_sha256,
        "sets": {},
        "warnings": [],
    }
    for name, (readings, _) in SETS.items():
        rows, summary = evaluated(folder, out, name)
        people = wearers(folder, readings)
        result["sets"][name] = {
            "patients": len(people),
            "days": round(sum(float(one.minutes[-1]) for one in people) / 1440, 1),
            "below_70": round(float(np.mean(np.concatenate([one.true for one in people]) < LOW)), 4),
            "share_refused": summary["share_refused"],
            "figures": {key: one for key, one in summary["figures"].items() if key.rpartition("_")[0] in KEPT},
        }
        result["warnings"] += warned(name, people, rows, folder, card.operating_points)
    return result


KEPT = ("rmse", "persistence_rmse", "line_rmse", "skill", "coverage", "auroc_low", "brier_low", "ece_low")


def main(arguments: Sequence[str]) -> None:
    """Measure, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, help="where evaluate's answers are kept, and taken from if they stand there")
    parser.add_argument("--result", type=Path, default=RESULT)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        out = given.out or Path(scratch)
        out.mkdir(parents=True, exist_ok=True)
        result = measured(given.folder, out)
    given.result.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
