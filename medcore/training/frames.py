"""A folder of labelled images as arrays: read by the sandbox, framed by the task, kept between runs."""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medcore.errors import BadManifest, InputRejected
from medcore.read import read_each
from medcore.tables import open_table
from medcore.tasks.classifier import Task

log = logging.getLogger(__name__)
CHUNK = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """N images: (N, S, S) uint8 at the training side and at the network's, with what is known of each."""

    stored: NDArray[np.uint8]
    frames: NDArray[np.uint8]
    targets: NDArray[np.int64]
    strata: NDArray[np.int64]  # what batches are balanced over
    groups: tuple[str, ...]
    order: tuple[float, ...]  # of acquisition, as far as the numbering tells


def load(task: Task, data: Path, classes: list[str], cache: Path, *, stored: int, stratum: str | None, order: str) -> Labelled:
    """Every labelled row of data/manifest.csv.

    Args:
        stored: side of the training images, in pixels.
        stratum: a column that divides classes further for balancing, where the manifest has it.
        order: the column whose number tells the order of acquisition.

    Raises:
        BadManifest: a column is missing, a label is unknown, or an image cannot be read (with its row).
    """
    table = open_table(data / "manifest.csv", ("path", "label", order))
    for number, row in enumerate(table.rows, start=2):
        if row["label"] not in classes:
            raise BadManifest(f"Line {number} of the manifest has a label that the task does not know.")
    paths = [row["path"] for row in table.rows]
    kinds = [row["label"] + (row.get(stratum, "") if stratum else "") for row in table.rows]
    strata = np.unique(kinds, return_inverse=True)[1]
    small, frames = _prepared(task, data, paths, stored, cache)
    return Labelled(
        stored=small,
        frames=frames,
        targets=np.array([classes.index(row["label"]) for row in table.rows]),
        strata=strata.astype(np.int64),
        groups=table.groups(),
        order=tuple(float(re.sub(r"^.*?(\d+)\D*$", r"\1", row[order])) for row in table.rows),
    )


def _prepared(task: Task, data: Path, paths: list[str], stored: int, cache: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images at both sides, from the cache if it was made of the same manifest by the same framing code."""
    code = Path(task.__file__).read_bytes() + (Path(__file__).parent.parent / "tasks" / "framing.py").read_bytes()  # type: ignore[attr-defined]
    digest = hashlib.sha256((data / "manifest.csv").read_bytes() + code + f"{stored} {task.SIZE}".encode()).hexdigest()[:16]
    path = cache / f"frames-{digest}.npz"
    if not path.exists():
        pairs = [pair for first in range(0, len(paths), CHUNK) for pair in _read(task, data, paths[first : first + CHUNK], first, stored)]
        cache.mkdir(parents=True, exist_ok=True)
        np.savez(path, stored=np.stack([pair[0] for pair in pairs]), frames=np.stack([pair[1] for pair in pairs]))
        log.info("%d images read", len(paths))
    with np.load(path) as kept:
        return kept["stored"], kept["frames"]


def _read(task: Task, data: Path, paths: list[str], first: int, stored: int) -> list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    answers = read_each([(path, (data / path).read_bytes()) for path in paths])
    pairs = []
    for number, study in enumerate(answers, start=first + 2):
        if isinstance(study, InputRejected):
            raise BadManifest(f"Line {number} of the manifest: {study}")
        series = study.series[0]
        index = series.array.shape[1] // 2
        pairs.append((task.prepare(series, index, stored).pixels, task.prepare(series, index).pixels))
    return pairs
