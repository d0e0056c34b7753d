"""Where a training's results go: weights, golden answers, measurements, and the measured part of the card."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from pathlib import Path
from typing import Any

from medcore import registry
from medcore.settings import PROJECT
from medcore.types import ModelCard

log = logging.getLogger(__name__)
SHOWN = ("auroc", "balanced_accuracy", "sensitivity", "specificity", "f1", "ece", "brier", "accuracy")
HEADING = "# Written by `train --install`; the same figures stand in the results file.\n[measured]"


def write(folder: Path, card: ModelCard, weights: bytes, result: dict[str, Any], golden: bytes, *, into: bool) -> Path:
    """Write weights, golden.npz and results into `folder`, and with `into` also over the shipped ones; return the weights' path.

    `result` holds figures with intervals, and where the task decides: thresholds, margins, temperature, operating points, gate.
    """
    digest = hashlib.sha256(weights).hexdigest()
    files = {
        "weights.safetensors": weights,
        "golden.npz": golden,
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
        f"temperature = {result.get('temperature', 'nan')}",
        f"gate_limit = {result.get('gate', {}).get('limit', 'nan')}",
        "",
        *_table("thresholds", result.get("thresholds", {})),
        *_table("margins", result.get("margins", {})),
    ]
    for point in result.get("operating_points", []):
        lines += ["[[measured.operating_points]]", *(f"{key} = {json.dumps(value)}" for key, value in point.items()), ""]
    for name in result.get("shown", SHOWN):
        figure = result["figures"][name]
        lines += _table(f"figures.{name}", {key: value for key, value in figure.items() if value is not None})
    return "\n".join(lines)


def _table(name: str, values: dict[str, float]) -> list[str]:
    return [f"[measured.{name}]", *(f"{_key(key)} = {value}" for key, value in values.items()), ""]


def _key(name: str) -> str:
    """A name as TOML wants a key: bare where it may be."""
    return name if re.fullmatch(r"[\w-]+", name, re.ASCII) else json.dumps(name)
