"""`python benchmarks/delineation.py --data DIR --neurokit PYTHON`: our marks beside neurokit2's, written to benchmarks/results/delineation_peers.json.

Both read the same leads of the same subjects in one run: each subject is read by the fold network that did not see it (as it was
trained, runs/ecg_delineation), and lead by lead by neurokit2's `dwt` and `peak` methods after its own cleaning and R peaks. neurokit2
needs pandas below 3, so it lives in another environment (`python -m venv /tmp/nk && /tmp/nk/bin/pip install neurokit2`) and is called as a
process with arrays in a folder. A lead on which it fails counts as one where it found nothing.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

TASK, FOLDS, SEED = "ecg_delineation", 5, 0
METHODS = ("dwt", "peak")
_NEUROKIT_CODE = """
import sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np, neurokit2
KEYS = {
    "P": ("ECG_P_Onsets", "ECG_P_Peaks", "ECG_P_Offsets"),
    "QRS": ("ECG_R_Onsets", "R", "ECG_R_Offsets"),
    "T": ("ECG_T_Onsets", "ECG_T_Peaks", "ECG_T_Offsets"),
}

def beside(peaks, bounds, side):
    # the nearest bound on this side of each peak, before the next peak: the lists may lack entries, so that places do not match
    bounds = np.sort(bounds[~np.isnan(bounds)])
    out = np.full(len(peaks), np.nan)
    for k, peak in enumerate(peaks):
        if side < 0:
            own = bounds[(bounds < peak) & (bounds > (peaks[k - 1] if k else -np.inf))]
        else:
            own = bounds[(bounds > peak) & (bounds < (peaks[k + 1] if k + 1 < len(peaks) else np.inf))]
        if len(own):
            out[k] = own[-1] if side < 0 else own[0]
    return out

def marks(lead, rate, method):
    clean = neurokit2.ecg_clean(lead, sampling_rate=rate)
    r = neurokit2.ecg_peaks(clean, sampling_rate=rate)[1]["ECG_R_Peaks"]
    found = neurokit2.ecg_delineate(clean, r, sampling_rate=rate, method=method)[1]
    rows = []
    for kind, keys in enumerate(KEYS.values()):
        onsets, peaks, offsets = (np.asarray(r if key == "R" else found.get(key, []), float) for key in keys)
        peaks = np.sort(peaks[~np.isnan(peaks)])
        rows += zip([kind] * len(peaks), beside(peaks, onsets, -1), peaks, beside(peaks, offsets, 1))
    return np.array(rows, float).reshape(-1, 4)

method, source, target = sys.argv[1:]
given = np.load(source)
marks(given["lead0"].astype(float), int(given["rate"]), method)
out, failed, seconds = {}, 0, 0.0
for k in range(int(given["count"])):
    lead = given[f"lead{k}"].astype(float)
    started = time.perf_counter()
    try:
        out[f"lead{k}"] = marks(lead, int(given["rate"]), method)
    except Exception:
        out[f"lead{k}"] = np.zeros((0, 4))
        failed += 1
    seconds += time.perf_counter() - started
np.savez(target, version=neurokit2.__version__, failed=failed, seconds=seconds, **out)
"""
Found = list[NDArray[np.float64]]


def ours(module: Any, checkpoints: Path, subjects: Sequence[Any], recordings: Sequence[Any]) -> tuple[list[int], list[Found], float]:
    """The subjects that a fold network did not see, what it says of their leads, and how many seconds that took in all."""
    import torch

    from medcore.tasks.delineator import Model
    from medcore.training import delineation_recipe as recipe
    from medcore.training.ecg import state_of

    fold = recipe.dealt(len(subjects), FOLDS, SEED)
    rows: list[int] = []
    found: list[Found] = []
    seconds = 0.0
    torch.set_num_threads(1)
    for number, checkpoint in enumerate(sorted(checkpoints.glob(f"seed{SEED}-fold*.pt"))):
        net = module.network()
        net.load_state_dict(state_of(checkpoint))
        model = Model(nets=(recipe.rounded(net).eval(),), early_s=np.zeros((3, 2)), lock=threading.Lock())
        own = np.flatnonzero(fold == number).tolist()
        recipe.said(module, model, subjects[own[0]])
        for k in own:
            started = time.perf_counter()
            module.prepare(recordings[k])  # part of the work, though `said` takes what was prepared at loading
            found.append(recipe.said(module, model, subjects[k]))
            seconds += time.perf_counter() - started
        rows += own
    return rows, found, seconds


def theirs(python: str, method: str, recordings: Sequence[Any]) -> tuple[str, list[Found], int, float]:
    """neurokit2's version, its waves of each lead of each recording, on how many leads it failed, and its seconds in all."""
    leads = [lead for recording in recordings for lead in np.nan_to_num(recording.signal)]
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "leads.npz", Path(folder) / "marks.npz"
        arrays = {f"lead{k}": lead for k, lead in enumerate(leads)}
        np.savez(source, rate=round(recordings[0].sampling_rate_hz), count=len(leads), **arrays)
        subprocess.run([python, "-c", _NEUROKIT_CODE, method, str(source), str(target)], check=True)
        with np.load(target) as said:
            each = iter([said[f"lead{k}"] for k in range(len(leads))])
            found = [[next(each) for _ in recording.signal] for recording in recordings]
            return str(said["version"]), found, int(said["failed"]), float(said["seconds"])


def scored(subjects: Sequence[Any], found: Sequence[Found]) -> dict[str, dict[str, float]]:
    """The figures of issue and card, with intervals by subject."""
    from medcore.metrics import bootstrap
    from medcore.training.delineation_figures import Tally, figures
    from medcore.training.delineation_recipe import compared
    from medcore.types import WAVES

    tallies: dict[str, list[Tally]] = {wave: [] for wave in WAVES}
    groups: list[str] = []
    for subject, leads in zip(subjects, found, strict=True):
        for marks, said in zip(subject.marks, leads, strict=True):
            groups.append(subject.name)
            for wave, one in compared(marks, said, subject.rate_hz).items():
                tallies[wave].append(one)
    with np.errstate(invalid="ignore"):
        intervals = bootstrap(lambda weights: figures(tallies, weights), groups, replicates=300)
    return {
        name: {"value": _round(value), "low": _round(intervals[name][0]), "high": _round(intervals[name][1])}
        for name, value in figures(tallies).items()
    }


def _round(value: float) -> float | None:
    """None where a method gives no such bound."""
    return None if np.isnan(value) else round(float(value), 4)


def main(data: Path, checkpoints: Path, neurokit: str) -> None:
    """Measure all three and write the results file."""
    from medcore import registry
    from medcore.read import read_records
    from medcore.tables import open_table
    from medcore.tasks.records import files_of
    from medcore.training import delineation_recipe
    from medcore.types import Study

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    module = registry.task_module(TASK)
    table = open_table(data / "manifest.csv", ("record", "subject"))
    studies = read_records([files_of(row["record"], table.fetch) for row in table.rows])
    recordings = [study.recordings[0] for study in studies if isinstance(study, Study)]
    subjects = delineation_recipe.load(module, data)
    rows, found, seconds = ours(module, checkpoints, subjects, recordings)
    read, given = [subjects[k] for k in rows], [recordings[k] for k in rows]
    methods = {"medcore": {"failed_leads": 0, "seconds_a_record": round(seconds / len(rows), 4), "figures": scored(read, found)}}
    logging.info("medcore: %s", methods["medcore"])
    version = ""
    for method in METHODS:
        version, found, failed, seconds = theirs(neurokit, method, given)
        methods[method] = {"failed_leads": failed, "seconds_a_record": round(seconds / len(rows), 4), "figures": scored(read, found)}
        logging.info("neurokit2 %s: %s", method, methods[method])
    result = {
        "n": len(read),
        "leads": sum(len(subject.marks) for subject in read),
        "neurokit2": version,
        "methods": methods,
        "machine": {"cpu_cores": os.cpu_count(), "threads": 1, "python": platform.python_version()},
        "command": f"python benchmarks/delineation.py --data {data.name} --neurokit PYTHON",
    }
    (ROOT / "benchmarks" / "results" / "delineation_peers.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of manifest.csv (record, subject) and the marked records")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / TASK, help="where the fold networks stand")
    parser.add_argument("--neurokit", default="/tmp/nk/bin/python", help="the python of an environment with neurokit2")
    given = parser.parse_args()
    main(given.data, given.runs, given.neurokit)
