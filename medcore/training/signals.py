"""Prepared signals of a manifest, kept in `runs/` between trainings."""

from __future__ import annotations

import hashlib
import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medcore.read import read_records
from medcore.tables import Table
from medcore.tasks import waveform
from medcore.tasks.records import files_of
from medcore.types import Recording, Study

log = logging.getLogger(__name__)
Signals = list[NDArray[np.float16]]
_PARCEL = 256  # records for one reading child


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Rows of a manifest that could be read, with their (C, N) signals."""

    rows: tuple[Mapping[str, str], ...]
    signals: Signals


def load(table: Table, prepare: Callable[[Recording], NDArray[np.float32]], path: Path) -> Prepared:
    """Every readable record of `table` as `prepare` frames it, from the cache at `path` where that is of the same records and code."""
    key = hashlib.sha256(
        "\n".join((*(row["record"] for row in table.rows), inspect.getsource(waveform), inspect.getsource(prepare))).encode()
    )
    digest = key.hexdigest()
    if path.exists():
        with np.load(path) as kept:
            if str(kept["digest"]) == digest:
                return _unpacked(table, kept["flat"], kept["shapes"])
    signals = _read(table, prepare)
    shapes = np.array([(0, 0) if signal is None else signal.shape for signal in signals])
    flat = np.concatenate([signal.reshape(-1) for signal in signals if signal is not None])
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, flat=flat, shapes=shapes, digest=digest)
    return _unpacked(table, flat, shapes)


def _unpacked(table: Table, flat: NDArray[np.float16], shapes: NDArray[np.int64]) -> Prepared:
    ends = np.cumsum(shapes.prod(axis=1))
    kept = [k for k, shape in enumerate(shapes) if shape[0]]
    signals = [flat[ends[k] - shapes[k].prod() : ends[k]].reshape(shapes[k]) for k in kept]
    return Prepared(rows=tuple(table.rows[k] for k in kept), signals=signals)


def _read(table: Table, prepare: Callable[[Recording], NDArray[np.float32]]) -> Sequence[NDArray[np.float16] | None]:
    found: list[NDArray[np.float16] | None] = []
    for first in range(0, len(table.rows), _PARCEL):
        records = [files_of(row["record"], table.fetch) for row in table.rows[first : first + _PARCEL]]
        for study in read_records(records):
            readable = isinstance(study, Study) and study.recordings
            found.append(prepare(study.recordings[0]).astype(np.float16) if isinstance(study, Study) and readable else None)
        log.info("%d of %d records read", len(found), len(table.rows))
    lost = sum(signal is None for signal in found)
    if lost:
        log.warning("%d records could not be read and are left out", lost)
    return found
