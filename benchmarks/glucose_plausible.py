"""`python benchmarks/glucose_plausible.py DATA`: what the gate says of real traces and of series that are no glucose.

DATA is a folder of tables `subject,time,glucose_mg_dl`, which stay where they are; only shares are written, to
benchmarks/results/glucose_plausible.json. Real traces are asked whole, by day, and both thinned to 15 min; foreign ones are generated anew,
40 of each kind and length.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from medcore.signals.glucose_plausible import plausible  # noqa: E402
from medcore.types import Trace  # noqa: E402
from tests.signals.glucose_traces import FOREIGN, LOOKALIKE, foreign, trace, worn  # noqa: E402

SEEDS = 40
EPOCH = datetime(1970, 1, 1)


def wearers(path: Path) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Subject, times in minutes and glucose in mg/dL of each, sorted, the first of equal times."""
    rows: dict[str, list[tuple[float, float]]] = {}
    with path.open(encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            at = (datetime.fromisoformat(row["time"]) - EPOCH).total_seconds() / 60
            rows.setdefault(row["subject"], []).append((at, float(row["glucose_mg_dl"])))
    for subject, readings in rows.items():
        times, first = np.unique([at for at, _ in readings], return_index=True)
        yield subject, times, np.array([glucose for _, glucose in readings])[first]


def worn_trace(times: np.ndarray, glucose: np.ndarray, thin: bool) -> Trace:
    """A trace at the sensor's interval, or at every 15 min."""
    steps = np.diff(times)
    interval = 15.0 if np.median(steps[steps > 0.5]) > 10 or (np.round(steps) == 15).mean() > 0.2 else 5.0
    if thin:
        keep = [0]
        for row in range(1, len(times)):
            if times[row] - times[keep[-1]] >= 14:
                keep.append(row)
        times, glucose, interval = times[keep], glucose[keep], 15.0
    return trace(glucose, times, interval=interval, clock_s=times * 60)


def pieces(times: np.ndarray, glucose: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each day with readings."""
    days = np.floor(times / 1440)
    for day in np.unique(days):
        yield times[days == day], glucose[days == day]


def real(folder: Path) -> dict[str, dict[str, object]]:
    """How many traces pass, and which do not, by set and form."""
    out: dict[str, dict[str, object]] = {}
    for path in sorted(folder.glob("*.csv")):
        if "events" in path.name:
            continue
        for thin in (False, True):
            whole, daily, refused = Counter(), Counter(), []
            for subject, times, glucose in wearers(path):
                said = plausible(worn_trace(times, glucose, thin))
                whole[said or "in"] += 1
                if said:
                    refused.append([subject, said])
                parts = pieces(times, glucose)
                mine = Counter(plausible(worn_trace(t, g, thin)) or "in" for t, g in parts if len(t) > 1)
                daily.update({f"{code} (refused subject)" if said else code: n for code, n in mine.items()})
            out[f"{path.stem}, {'every 15 min' if thin else 'as recorded'}"] = {
                "subjects": dict(whole),
                "refused": refused,
                "days": dict(daily),
            }
    return out


def generated() -> dict[str, dict[str, dict[str, int]]]:
    """What is said of each foreign kind, by length and interval."""
    out: dict[str, dict[str, dict[str, int]]] = {}
    for kind in ("worn", *FOREIGN, *LOOKALIKE):
        for days, interval in ((14, 5.0), (1, 5.0), (3, 15.0)):
            make = worn if kind == "worn" else lambda seed, *rest, kind=kind: foreign(kind, seed, *rest)
            said = Counter(plausible(trace(make(seed, days, interval), interval=interval)) or "in" for seed in range(SEEDS))
            out.setdefault(kind, {})[f"{days} d at {interval:g} min"] = dict(said)
    return out


def main() -> None:
    """Measure and write the shares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of tables subject,time,glucose_mg_dl")
    arguments = parser.parse_args()
    result = {"command": "python benchmarks/glucose_plausible.py DATA", "real": real(arguments.data), "generated": generated()}
    (ROOT / "benchmarks" / "results" / "glucose_plausible.json").write_text(json.dumps(result, indent=1) + "\n")
    for name, row in (result["real"] | result["generated"]).items():
        print(name, row, file=sys.stderr)


if __name__ == "__main__":
    main()
