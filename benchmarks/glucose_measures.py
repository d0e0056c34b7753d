"""`python benchmarks/glucose_measures.py [--data DATA]`: our glucose measures beside iglu-python's, equality and speed in one run.

iglu-python lives in an environment of its own, since it brings pandas and matplotlib: MEDCORE_IGLU names its python, e.g. after
`python3 -m venv /tmp/iglu && /tmp/iglu/bin/pip install iglu-python==0.4.3`. Writes benchmarks/results/glucose_measures.json: 90 days at 5 min
(medians of seconds for all measures that both have), and the largest differences on generated traces and, with DATA (a folder of tables
`subject,time,glucose_mg_dl`, which stay where they are), on real ones. `--fixture` writes what iglu says of the generated traces to
tests/signals/glucose_iglu.json, which tests/signals/test_glucose_iglu.py compares with.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from glucose_plausible import wearers, worn_trace  # noqa: E402

from medcore.signals import glucose  # noqa: E402
from medcore.signals.glucose_episodes import KINDS, counted_as_iglu  # noqa: E402
from medcore.types import Trace  # noqa: E402
from tests.signals.glucose_traces import CASES, case, trace, worn  # noqa: E402

IGLU = os.environ.get("MEDCORE_IGLU", "/tmp/iglu/bin/python")
RESULT = ROOT / "benchmarks" / "results" / "glucose_measures.json"
FIXTURE = ROOT / "tests" / "signals" / "glucose_iglu.json"
DAYS = 90
IGLU_CODE = """
import json, sys, time, warnings
from importlib.metadata import version
warnings.simplefilter("ignore")
import contextlib, io
import numpy as np, pandas as pd, iglu_python as iglu

def measure(clock_s, gl, interval):
    frame = pd.DataFrame({"id": "a", "time": pd.to_datetime(clock_s, unit="s"), "gl": gl})
    seconds, out = {}, {}
    def take(name, call, *picks):
        begun = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            said = call(frame.copy())
        seconds[name] = time.perf_counter() - begun
        for ours, theirs in picks:
            out[ours] = float(theirs(said) if callable(theirs) else said[theirs].iloc[0])
    dt0 = int(interval)
    take("mean", iglu.mean_glu, ("mean", "mean"))
    take("sd", iglu.sd_glu, ("sd", "SD"))
    take("cv", iglu.cv_glu, ("cv", "CV"))
    take("gmi", iglu.gmi, ("gmi", "GMI"))
    take("ea1c", iglu.ea1c, ("ea1c", "eA1C"))
    take("in_range", lambda f: iglu.in_range_percent(f, [[70, 180], [70, 140]]), ("tir", "in_range_70_180"), ("titr", "in_range_70_140"))
    take("below", lambda f: iglu.below_percent(f, [54, 70]), ("tbr2", "below_54"), ("tbr", "below_70"))
    take("above", lambda f: iglu.above_percent(f, [180, 250]), ("tar", "above_180"), ("tar2", "above_250"))
    take("gri", iglu.gri, ("gri", "GRI"))
    take("j_index", iglu.j_index, ("j_index", "J_index"))
    take("lbgi", iglu.lbgi, ("lbgi", "LBGI"))
    take("hbgi", iglu.hbgi, ("hbgi", "HBGI"))
    take("adrr", iglu.adrr, ("adrr", "ADRR"))
    take("modd", iglu.modd, ("modd", "MODD"))
    take("conga", iglu.conga, ("conga", "CONGA"))
    take("mage", iglu.mage, ("mage", "MAGE"))
    take("active", iglu.active_percent, ("active", "active_percent"))
    def of(kind, level):
        return lambda said: said[(said.type == kind) & (said.level == level)].total_episodes.iloc[0]
    take("episodes", iglu.episode_calculation, ("low", of("hypo", "lv1")), ("very_low", of("hypo", "lv2")),
         ("high", of("hyper", "lv1")), ("very_high", of("hyper", "lv2")))
    return out, seconds

data = np.load(sys.argv[1])
names = sorted({name.rsplit("|", 1)[0] for name in data})
repeats = int(sys.argv[2])
answer = {"iglu_python": version("iglu-python"), "values": {}, "seconds": {}}
for name in names:
    runs = []
    for _ in range(repeats):
        values, seconds = measure(data[name + "|clock"], data[name + "|glucose"], float(data[name + "|interval"]))
        runs.append(seconds)
    answer["values"][name] = values
    answer["seconds"][name] = runs
print(json.dumps(answer))
"""


def iglu(traces: dict[str, Trace], repeats: int = 1) -> dict[str, dict]:
    """What iglu-python says of `traces`, and the seconds of each function."""
    with tempfile.TemporaryDirectory() as folder:
        arrays = {}
        for name, made in traces.items():
            arrays |= {
                f"{name}|clock": made.clock_s,
                f"{name}|glucose": made.glucose.astype(np.float64),
                f"{name}|interval": made.interval_min,
            }
        np.savez(f"{folder}/traces.npz", **arrays)
        command = [IGLU, "-c", IGLU_CODE, f"{folder}/traces.npz", str(repeats)]
        done = subprocess.run(command, env=os.environ | {"TZ": "UTC"}, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def ours(made: Trace) -> dict[str, float]:
    """The same names; episodes as counts. What is "as iglu" counts each reading the same, episodes on the interpolated grid."""
    values = {row.name: row.value for row in glucose.measurements(made)}
    values |= {f"{row.name} as iglu": row.value for row in glucose.measurements(made, by_time=False)}
    found = glucose.episodes(made)
    counts = {kind: float(sum(event.kind == kind for event in found)) for kind in KINDS}
    return values | counts | {f"{kind} as iglu": float(counted_as_iglu(made, kind)) for kind in KINDS}


def speed() -> dict[str, object]:
    """Median seconds for all measures of 90 days at 5 min, both in this run, and the slowest of iglu's."""
    made = trace(worn(0, DAYS))
    glucose.measurements(made)
    times = []
    for _ in range(15):
        begun = time.perf_counter()
        glucose.measurements(made)
        times.append(time.perf_counter() - begun)
    said = iglu({"speed": made}, 3)
    runs = said["seconds"]["speed"]
    theirs = statistics.median(sum(run.values()) for run in runs)
    slowest = {name: round(statistics.median(run[name] for run in runs), 3) for name in runs[0]}
    return {
        "days": DAYS,
        "readings": len(made.glucose),
        "ours_seconds": round(statistics.median(times), 4),
        "iglu_seconds": round(theirs, 2),
        "ratio": round(theirs / statistics.median(times)),
        "iglu_seconds_by_function": dict(sorted(slowest.items(), key=lambda item: -item[1])[:5]),
        "ours_includes": "what iglu has not: shares by day and night, GRI zones, readings, days",
    }


def differences(traces: dict[str, Trace]) -> dict[str, dict[str, object]]:
    """Of each measure the median and the largest absolute difference, relative to iglu's value, and where the largest is."""
    said = iglu(traces)["values"]
    mine = {name: ours(made) for name, made in traces.items()}
    out: dict[str, dict[str, object]] = {}
    names = next(iter(said.values()))
    for measure in (*names, *(f"{name} as iglu" for name in names)):
        theirs = measure.removesuffix(" as iglu")
        rows = [
            (abs(mine[name][measure] - values[theirs]), abs(mine[name][measure] - values[theirs]) / max(abs(values[theirs]), 1e-9), name)
            for name, values in said.items()
            if measure in mine[name] and np.isfinite(values[theirs])
        ]
        if rows:
            worst = max(rows)
            out[measure] = {
                "traces": len(rows),
                "equal": sum(row[0] <= 1e-4 * max(abs(said[row[2]][theirs]), 1) for row in rows),
                "median": float(f"{statistics.median(row[0] for row in rows):.3g}"),
                "largest": float(f"{worst[0]:.3g}"),
                "largest_share": float(f"{worst[1]:.3g}"),
                "where": worst[2],
            }
    return out


def real(folder: Path) -> dict[str, Trace]:
    """Every wearer of the tables in `folder`."""
    return {
        f"{path.stem} {subject}": worn_trace(times, values, False)
        for path in sorted(folder.glob("*.csv"))
        if "events" not in path.name
        for subject, times, values in wearers(path)
    }


def main() -> None:
    """Measure, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of tables subject,time,glucose_mg_dl")
    parser.add_argument("--fixture", action="store_true", help="only write what iglu says of the generated traces")
    arguments = parser.parse_args()
    if not Path(IGLU).exists():
        sys.exit(f"iglu-python is not at {IGLU}; the docstring of this file says how to get it.")
    generated = {name: case(name) for name in CASES}
    if arguments.fixture:
        said = iglu(generated)
        FIXTURE.write_text(json.dumps({"iglu_python": said["iglu_python"], "values": said["values"]}, indent=1) + "\n")
        return
    result = {
        "machine": {"cpu_cores": os.cpu_count(), "python": platform.python_version()},
        "command": "python benchmarks/glucose_measures.py --data DATA",
        "iglu_python": iglu({"one": case(CASES[0])})["iglu_python"],
        "speed": speed(),
        "generated": differences(generated),
    }
    if RESULT.exists() and not arguments.data:
        result["real"] = json.loads(RESULT.read_text(encoding="utf-8"))["real"]
    if arguments.data:
        result["real"] = differences(real(arguments.data))
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["speed"]), file=sys.stderr)


if __name__ == "__main__":
    main()
