"""`make bench`: how fast, as ratios to the bare forward pass in the same run, written to benchmarks/results/speed.json.

Warm figures are medians of repeated runs on generated films; nothing here is a test.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.tasks.films import dicom, film  # noqa: E402

TASK = "chest_xray_pneumonia"
FILMS = 256


def median_ms(action: Callable[[], Any], repeats: int = 15) -> float:
    """Median wall time in ms after two warm-up calls."""
    action(), action()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return round(statistics.median(times) * 1000, 1)


def latency() -> dict[str, float]:
    """Bytes of a 2000 x 2000 CR DICOM to a report, without and with each saliency method."""
    from medcore import pipeline
    from medcore.read import read

    data = dicom(film(0, 2000).astype(np.uint16) << 4, BitsStored=12, HighBit=11, WindowCenter=2048, WindowWidth=4096)
    out = {"read_ms": median_ms(lambda: read("film", data))}
    out["report_ms"] = median_ms(lambda: pipeline.diagnose(TASK, read("film", data), override=True))
    for method in ("gradcam", "integrated_gradients", "occlusion"):
        call = lambda method=method: pipeline.diagnose(TASK, read("film", data), methods=(method,), override=True)  # noqa: E731
        out[f"report_with_{method}_ms"] = median_ms(call, 5)
    return out


def throughput() -> dict[str, float]:
    """Images a second of `evaluate` on JPEG files, and of the bare forward pass on tensors already in memory."""
    import torch
    from PIL import Image

    from medcore import pipeline, registry
    from medcore.tables import open_table
    from medcore.tasks.classifier import forward, tensor

    with tempfile.TemporaryDirectory() as folder:
        names = []
        for number in range(FILMS):
            Image.fromarray(film(number, 224)).save(Path(folder) / f"{number}.jpg", quality=90)
            names.append(f"{number}.jpg,{'normal' if number % 2 else 'pneumonia'}")
        (Path(folder) / "manifest.csv").write_text("path,label\n" + "\n".join(names) + "\n")
        table = open_table(Path(folder) / "manifest.csv", ("path",))
        tools = pipeline.loaded(TASK)
        frames = tensor(np.stack([np.zeros((tools.module.SIZE, tools.module.SIZE), np.uint8)] * 64))
        whole, bare = [], []
        for _ in range(4):  # the first of each warms up
            started = time.perf_counter()
            tools.kind.predict_all(
                tools.module, tools.model, registry.card(TASK), pipeline.header_gate(registry.card(TASK)), table, lambda share: None
            )
            whole.append(FILMS / (time.perf_counter() - started))
            started = time.perf_counter()
            with torch.inference_mode():
                for _ in range(FILMS // 64):
                    forward(tools.model.net, frames)
            bare.append(FILMS / (time.perf_counter() - started))
    pair = [w / b for w, b in zip(whole[1:], bare[1:], strict=True)]
    return {
        "diagnose_images_per_second": round(statistics.median(whole[1:]), 1),
        "bare_forward_images_per_second": round(statistics.median(bare[1:]), 1),
        "ratio": round(statistics.median(pair), 3),
    }


def start_up() -> dict[str, float]:
    """Seconds to `import medcore`, and from starting the server to its first answer and first painted page."""
    imports = []
    for _ in range(5):
        code = "import time; t = time.perf_counter(); import medcore; print(time.perf_counter() - t)"
        imports.append(float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout))
    return {"import_medcore_s": round(statistics.median(imports), 4)} | first_paint()


def first_paint() -> dict[str, float]:
    """From navigation to the worklist's text on a warm server, in headless Chromium, in seconds; empty without a browser."""
    import shutil
    import socket

    from playwright.sync_api import sync_playwright

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), "--server.headless", "true"]
        started = time.perf_counter()
        server = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | {"MEDCORE_DATA_DIR": folder}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 0.2).close()
                    break
                except OSError:
                    time.sleep(0.05)
            serving = time.perf_counter() - started
            paints = []
            with sync_playwright() as play:
                browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
                for _ in range(4):
                    page = browser.new_context().new_page()
                    begun = time.perf_counter()
                    page.goto(f"http://127.0.0.1:{port}/")
                    page.get_by_test_id("stFileUploader").first.wait_for(timeout=30_000)
                    paints.append(time.perf_counter() - begun)
                browser.close()
        finally:
            server.terminate()
            server.wait(20)
    return {
        "server_answers_s": round(serving, 2),
        "page_cold_s": round(paints[0], 2),
        "page_warm_s": round(statistics.median(paints[1:]), 2),
    }


def glucose() -> None:
    """All glucose measures beside iglu-python's, where its environment is (benchmarks/glucose_measures.py says how to get it)."""
    done = subprocess.run([sys.executable, "benchmarks/glucose_measures.py"], cwd=ROOT, capture_output=True, text=True)
    print("glucose", done.stderr.strip().splitlines()[-1], file=sys.stderr)


def main() -> None:
    """Measure everything and write benchmarks/results/speed.json and glucose_measures.json."""
    from medcore.networks.device import use_threads

    threads = use_threads()
    result = {"machine": {"cpu_cores": os.cpu_count(), "threads": threads, "python": platform.python_version()}, "command": "make bench"}
    for part in (latency, throughput, start_up):
        result[part.__name__] = part()
        print(part.__name__, result[part.__name__], file=sys.stderr)
    (ROOT / "benchmarks" / "results" / "speed.json").write_text(json.dumps(result, indent=1) + "\n")
    glucose()


if __name__ == "__main__":
    main()
