"""Marks that stand where they are put, for rules and measurements."""

from __future__ import annotations

import numpy as np

from medcore.types import FUSED, WAVES, Marks

Row = tuple[int, str, float, float, float, int]  # lead, wave, onset, peak, offset in seconds (negative: unknown), kind of beat


def marks(rows: list[Row], rate: float) -> Marks:
    """Rows in any order."""
    rows = sorted(rows, key=lambda row: (row[0], row[3]))
    seconds = np.array([row[2:5] for row in rows]).reshape(-1, 3)
    samples = np.where(seconds >= 0, np.rint(seconds * rate), -1).astype(np.int32)
    return Marks(
        lead=np.array([row[0] for row in rows], np.int16),
        wave=np.array([WAVES.index(row[1]) for row in rows], np.uint8),
        onset=samples[:, 0],
        peak=samples[:, 1],
        offset=samples[:, 2],
        beat=np.array([row[5] for row in rows], np.int8),
    )


def beats(
    times: np.ndarray, *, pr: float | None = 0.16, qrs: float = 0.09, qt: float = 0.38, kinds: list[int] | None = None, lead: int = FUSED
) -> list[Row]:
    """P, QRS and T about each R peak; `pr` None: no P waves."""
    rows: list[Row] = []
    for number, r in enumerate(times):
        onset = r - 0.4 * qrs
        if pr is not None:
            rows.append((lead, "P", onset - pr, onset - pr + 0.05, onset - pr + 0.1, -1))
        rows.append((lead, "QRS", onset, r, onset + qrs, kinds[number] if kinds else 0))
        rows.append((lead, "T", onset + qt - 0.18, onset + qt - 0.08, onset + qt, -1))
    return rows
