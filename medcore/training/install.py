"""Where a training's results go: weights, golden answers, measurements, and the measured part of the card."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import re
from pathlib import Path
from typing import Any

import numpy as np

from medcore import registry
from medcore.settings import PROJECT
from medcore.tasks import classifier
from medcore.types import ModelCard

log = logging.getLogger(__name__)
SHOWN = ("auroc", "balanced_accuracy", "sensitivity", "specificity", "f1", "ece", "brier", "accuracy")
HEADING = "# Written by `train --install`; the same figures stand in the results file.\n[measured]"


def write(folder: Path, card: ModelCard, weights: bytes, result: dict[str, Any], *, into: bool) -> Path:
    """Write weights, golden.npz and results into `folder`, and with `into` also over the shipped ones; return the weights' path."""
    digest = hashlib.sha256(weights).hexdigest()
    files = {
        "weights.safetensors": weights,
        "golden.npz": _golden(card, weights),
        "results.json": (json.dumps(result | {"weights_sha256": digest}, indent=1) + "\n").encode(),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    if not into:
        log.info("Not installed; --install puts these weights in place of the shipped ones.")
        return folder / "weights.safetensors"
    home = registry.weights_path(card.task).parent
    for name in ("weights.safetensors", "golden.npz"):
        (home / name).write_bytes(files[name])
    (PROJECT / card.results).parent.mkdir(parents=True, exist_ok=True)
    (PROJECT / card.results).write_bytes(files["results.json"])
    _rewrite(home / "card.toml", result, digest)
    return home / "weights.safetensors"


def _golden(card: ModelCard, weights: bytes) -> bytes:
    """A made-up frame and what the network says of it; holds nothing of the training data."""
    model = classifier.load(weights, len(card.labels))
    size = registry.task_module(card.task).SIZE
    y, x = np.mgrid[0:size, 0:size] / size
    frame = (127 + 60 * np.sin(9 * x) * np.cos(7 * y) + 50 * np.exp(-20 * ((x - 0.5) ** 2 + (y - 0.4) ** 2))).astype(np.uint8)
    said = classifier.predict(model, frame[None])
    out = io.BytesIO()
    np.savez(out, frame=frame, logits=said.logits, probabilities=said.probabilities, distance=said.distance)
    return out.getvalue()


def _rewrite(path: Path, result: dict[str, Any], digest: str) -> None:
    """Replace the [measured] part of a card, which is its end."""
    text = path.read_text(encoding="utf-8")
    head = re.split(r"^# Written by `train --install`.*$|^\[measured\]$", text, maxsplit=1, flags=re.MULTILINE)[0]
    path.write_text(head + measured_toml(result, digest), encoding="utf-8")


def measured_toml(result: dict[str, Any], digest: str) -> str:
    """The [measured] part: thresholds first, then figures with interval and baseline."""
    lines = [
        HEADING,
        f'weights_sha256 = "{digest}"',
        f"temperature = {result['temperature']}",
        f"gate_limit = {result['gate']['limit']}",
        "",
        *_table("thresholds", result["thresholds"]),
        *_table("margins", result["margins"]),
    ]
    for point in result["operating_points"]:
        lines += ["[[measured.operating_points]]", *(f"{key} = {json.dumps(value)}" for key, value in point.items()), ""]
    for name in SHOWN:
        figure = result["figures"][name]
        lines += _table(f"figures.{name}", {key: value for key, value in figure.items() if value is not None})
    return "\n".join(lines)


def _table(name: str, values: dict[str, float]) -> list[str]:
    return [f"[measured.{name}]", *(f"{key} = {value}" for key, value in values.items()), ""]
