"""The four sets that the beat finder learns from, read through medcore and brought to one form."""

from __future__ import annotations

import ast
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from medcore.errors import BadManifest
from medcore.networks.device import device
from medcore.networks.recurrent import Segmenter
from medcore.read import read_records
from medcore.tables import Table, open_table
from medcore.tasks.beats import Task, levelled
from medcore.tasks.records import files_of
from medcore.training import signals
from medcore.training.annotations import marks_of
from medcore.training.beat_truth import agreed, named, of_lead, of_record
from medcore.training.beats import Traced
from medcore.training.ectopy import UNKNOWN
from medcore.types import BEATS, Recording, Study

log = logging.getLogger(__name__)
_TOGETHER = 24  # records of nearly one length in one pass
_FEWEST = 4  # beats that a record must have to teach any
ECTOPIC, PACED = frozenset(("PVC", "BIGU", "TRIGU", "WPW", "VTACH")), "PACE"  # SCP-ECG statements of PTB-XL


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record whose beats a cardiologist named: as the network sees it, and as it was recorded."""

    name: str
    traced: Traced
    recording: Recording


def of_cardiologists(module: Task, data: Path) -> list[Record]:
    """data/manifest.csv (record), each record with its annotations beside it, `.atr`.

    Raises:
        BadManifest: a record cannot be read.
    """
    table = open_table(data / "manifest.csv", ("record",))
    found = []
    for row, study in zip(table.rows, _studies(table), strict=True):
        if not isinstance(study, Study) or not study.recordings:
            raise BadManifest("A record of the manifest cannot be read.")
        recording = study.recordings[0]
        beats = of_record(marks_of(table.fetch(f"{row['record']}.atr")), module.RATE_HZ / recording.sampling_rate_hz)
        name = row["record"].rpartition("/")[2]
        found.append(Record(name=name, traced=Traced(leads=module.prepare(recording), beats=beats), recording=recording))
    return found


def of_leads(module: Task, data: Path) -> list[list[Traced]]:
    """For each subject of data/manifest.csv (record) its leads, hand-marked one by one in annotation files called after them."""
    table = open_table(data / "manifest.csv", ("record",))
    found = []
    for row, study in zip(table.rows, _studies(table), strict=True):
        if isinstance(study, Study) and study.recordings:
            recording = study.recordings[0]
            leads, factor = module.prepare(recording), module.RATE_HZ / recording.sampling_rate_hz
            marks = [marks_of(table.fetch(f"{row['record']}.{lead}")) for lead in recording.lead_names or recording.leads]
            found.append(
                [Traced(leads=leads[k : k + 1], beats=of_lead(one, factor, leads.shape[1])) for k, one in enumerate(marks)]
            )  # fmt: skip
    return found


def _studies(table: Table) -> Sequence[object]:
    return read_records([files_of(row["record"], table.fetch) for row in table.rows])


def of_two_detectors(module: Task, data: Path, teacher: Segmenter, cache: Path) -> list[Traced]:
    """data/manifest.csv (record, and `label` or `scp_codes` where they are known), its beats where teacher and formula agree."""
    prepared = signals.load(open_table(data / "manifest.csv", ("record",)), module.prepare, cache)
    found = []
    for row, leads, score in zip(prepared.rows, prepared.signals, _scores(teacher, prepared.signals, module.RATE_HZ), strict=True):
        wide = leads.astype(np.float32)
        beats = agreed(wide, score[1], score[0], module.RATE_HZ)
        if len(beats.peak) >= _FEWEST:
            found.append(Traced(leads=leads, beats=replace(beats, kind=_kinds(row, named(wide, beats, module.RATE_HZ)))))
    log.info("%d of %d records of %s have beats that both detectors see", len(found), len(prepared.rows), data.name)
    return found


def _kinds(row: Mapping[str, str], by_formula: NDArray[np.int64]) -> NDArray[np.int64]:
    """Kinds as the record's own label says; by formula where it says nothing of them."""
    codes = ast.literal_eval(row["scp_codes"]) if row.get("scp_codes") else None
    if codes is not None and PACED in codes:
        return np.full(len(by_formula), BEATS.index("?"))
    if row.get("label") == "normal" or (codes is not None and not ECTOPIC & set(codes)):
        return np.zeros(len(by_formula), np.int64)
    return np.full(len(by_formula), UNKNOWN) if row.get("label") == "noisy" else by_formula


@torch.inference_mode()
def _scores(net: Segmenter, records: Sequence[NDArray[np.float16]], rate_hz: float) -> list[NDArray[np.float32]]:
    """(2, N) share and peak of each record, the mean over its leads."""
    out: list[NDArray[np.float32]] = [np.empty(0, np.float32)] * len(records)
    order = sorted(range(len(records)), key=lambda k: records[k].shape[1])
    for first in range(0, len(order), _TOGETHER):
        rows = order[first : first + _TOGETHER]
        length = max(records[k].shape[1] for k in rows)
        x = torch.zeros(len(rows), records[0].shape[0], length + -length % net.multiple)
        for row, k in enumerate(rows):
            x[row, :, : records[k].shape[1]] = torch.from_numpy(records[k].astype(np.float32))
        logits = net(levelled(x.flatten(0, 1)[:, None], rate_hz).to(device()))
        mean = logits[:, :2].float().sigmoid().cpu().unflatten(0, (len(rows), -1)).mean(dim=1).numpy()
        for row, k in enumerate(rows):
            out[k] = mean[row, :, : records[k].shape[1]]
    return out
