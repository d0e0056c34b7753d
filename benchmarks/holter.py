"""`python benchmarks/holter.py`: how long a day of one lead takes, and how much memory, written to benchmarks/results/holter.json.

The day is generated: sinus rhythm whose rate wanders, an hour of atrial fibrillation, ventricular beats, pauses, noise. It is read as the
worker reads it, by `pipeline.diagnose`, in a process of its own; memory is what that process holds beyond what it held with its networks
loaded and warm. The same hour is given to neurokit2.ecg_process in the same run. neurokit2 needs pandas below 3, so it lives in another
environment: MEDCORE_NEUROKIT names its python, e.g. after `python -m venv /tmp/nk && /tmp/nk/bin/pip install neurokit2`.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

RATE = 250
TASK = "ecg_beats"
NEUROKIT = os.environ.get("MEDCORE_NEUROKIT", "/tmp/nk/bin/python")
_NEUROKIT_CODE = """
import sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np, neurokit2
lead = np.load(sys.argv[1])
neurokit2.ecg_process(lead[:15000].astype(float), sampling_rate=250)
started = time.perf_counter()
neurokit2.ecg_process(lead.astype(float), sampling_rate=250)
print(time.perf_counter() - started, neurokit2.__version__)
"""


def day(hours: float, seed: int = 0) -> tuple[np.ndarray, dict[str, float]]:
    """(N,) float32 in mV at RATE, and what is in it."""
    rng = np.random.default_rng(seed)
    seconds = hours * 3600
    rr = 60 / (70 + 15 * np.sin(np.arange(int(seconds * 2)) / 4000)) * (1 + 0.02 * rng.normal(size=int(seconds * 2)))
    times = np.cumsum(rr)
    af = (times > seconds * 0.5) & (times < seconds * (0.5 + 1 / 24))
    rr = np.where(af, rng.uniform(0.35, 0.95, len(rr)), rr)
    ectopic = ~af & (rng.random(len(rr)) < 0.004)
    early = np.roll(ectopic, 1) & ~ectopic
    rr = np.where(ectopic, 0.6 * rr, np.where(early, 1.35 * rr, rr))
    paused = ~af & ~ectopic & (rng.random(len(rr)) < 8 / len(rr))
    rr = np.where(paused, 3.6, rr)
    times = np.cumsum(rr)
    kept = times < seconds - 1
    signal = 0.02 * rng.normal(size=int(seconds * RATE)).astype(np.float32)
    signal += (0.1 * np.sin(2 * np.pi * 0.25 * np.arange(len(signal)) / RATE)).astype(np.float32)
    t = np.arange(int(0.8 * RATE)) / RATE - 0.3

    def bell(at: float, width: float, height: float) -> np.ndarray:
        return height * np.exp(-0.5 * ((t - at) / width) ** 2)

    qrs = bell(-0.025, 0.008, -0.12) + bell(0, 0.011, 1.2) + bell(0.03, 0.009, -0.25) + bell(0.27, 0.05, 0.3)
    shapes = {"N": qrs + bell(-0.16, 0.022, 0.15), "AF": qrs, "V": bell(0, 0.045, 1.6) - bell(0.1, 0.04, 0.5) - bell(0.33, 0.07, 0.5)}
    which = {"N": kept & ~af & ~ectopic, "AF": kept & af, "V": kept & ectopic}
    for kind, beats in which.items():
        for at in (times[beats] * RATE).astype(int) - int(0.3 * RATE):
            low, high = max(at, 0), min(at + len(t), len(signal))
            signal[low:high] += shapes[kind][low - at : high - at].astype(np.float32)
    return signal, {
        "beats": int(kept.sum()),
        "ventricular": int(which["V"].sum()),
        "pauses": int((kept & paused).sum()),
        "af_percent": 100 / 24,
    }


def read(path: Path) -> dict[str, Any]:
    """In a child: read the lead at `path` twice, and say how long it took, what memory it took, and what was found."""
    import psutil

    from medcore import pipeline
    from medcore.networks.device import use_threads
    from medcore.types import Patient, Recording, Study

    threads = use_threads()

    def diagnose(lead: np.ndarray) -> Any:
        recording = Recording(signal=lead[None], unit="mV", sampling_rate_hz=float(RATE), leads=("II",))
        study = Study(study_uid=None, patient=Patient(), series=(), sources=(), recordings=(recording,))
        return pipeline.diagnose(TASK, study)

    diagnose(day(0.1, seed=1)[0])
    process = psutil.Process()
    idle = most = process.memory_info().rss
    done = threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.02):
            most = max(most, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    started = time.perf_counter()
    report = diagnose(np.load(path))
    seconds = time.perf_counter() - started
    done.set()
    watcher.join()
    found = {one.name: one.value for one in report.measurements}
    beats = report.ecg.marks
    return {
        "seconds": round(seconds, 2),
        "threads": threads,
        "idle_mb": round(idle / 1e6),
        "above_idle_mb": round((most - idle) / 1e6),
        "found": {
            "beats": len(beats.peak),
            "ventricular": int((beats.beat == 1).sum()),
            "pauses": found.get("pauses"),
            "af_percent": found.get("af_burden"),
            "events": len(report.ecg.holter.events),
        },
    }


def _child(path: Path) -> dict[str, Any]:
    out = subprocess.run([sys.executable, __file__, str(path)], capture_output=True, text=True, check=True, cwd=ROOT)
    answer: dict[str, Any] = json.loads(out.stdout.splitlines()[-1])
    return answer


def neurokit(path: Path) -> dict[str, Any] | None:
    """Seconds that neurokit2.ecg_process takes for the lead at `path`; None where there is no neurokit2."""
    if not Path(NEUROKIT).is_file():
        print(f"no neurokit2 at {NEUROKIT}: not compared", file=sys.stderr)
        return None
    out = subprocess.run([NEUROKIT, "-c", _NEUROKIT_CODE, str(path)], capture_output=True, text=True, check=True)
    seconds, version = out.stdout.split()[-2:]
    return {"seconds": round(float(seconds), 2), "version": version}


def main() -> None:
    """Measure everything and write benchmarks/results/holter.json."""
    result: dict[str, Any] = {
        "machine": {"cpu_cores": os.cpu_count(), "python": platform.python_version()},
        "command": "python benchmarks/holter.py",
    }
    with tempfile.TemporaryDirectory() as folder:
        whole, hour = Path(folder) / "day.npy", Path(folder) / "hour.npy"
        lead, truth = day(24)
        np.save(whole, lead)
        np.save(hour, lead[: 3600 * RATE])
        result["day"] = {"hours": 24, "sampling_rate_hz": RATE, "truth": truth} | _child(whole)
        print("day", result["day"], file=sys.stderr)
        result["hour"] = _child(hour)
        other = neurokit(hour)
        if other is not None:
            result["neurokit2_hour"] = other | {"ratio": round(other["seconds"] / result["hour"]["seconds"], 2)}
        print("hour", result["hour"], other, file=sys.stderr)
    (ROOT / "benchmarks" / "results" / "holter.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(read(Path(sys.argv[1]))))
    else:
        main()
