"""The recipe of a delineator: folds of subjects, their networks together as one model, figures on subjects that each did not see."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medcore import registry
from medcore.metrics import bootstrap
from medcore.networks.device import use_threads
from medcore.networks.recurrent import Segmenter
from medcore.read import read_records
from medcore.settings import PROJECT
from medcore.tables import Table, open_table
from medcore.tasks import delineator
from medcore.tasks.delineator import Model, Task
from medcore.tasks.records import files_of
from medcore.training import install
from medcore.training.annotations import marks_of
from medcore.training.delineation import Marked, Recipe, Wave, fit, truth, waves
from medcore.training.delineation_figures import Tally, figures, tally
from medcore.types import WAVES, Recording, Study

log = logging.getLogger(__name__)
SHOWN = tuple(f"{name}_{wave}" for wave in WAVES for name in ("sensitivity", "ppv")) + tuple(
    f"sd_ms_{wave}_{bound}" for wave in WAVES for bound in ("onset", "offset")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One subject: the recording, its prepared leads and classes, and the marks of each lead in samples of the recording."""

    name: str
    rate_hz: float
    marked: Marked
    marks: tuple[tuple[Wave, ...], ...]


def run(task: str, recipe: Recipe, folds: int, used: int, data: Path, *, resume: bool, seed: int, into: bool) -> Path:
    """Train on data/manifest.csv (record, subject; an annotation file a lead beside each record) and return where the weights are.

    Args:
        folds, used: subjects are dealt into `folds` folds, and the first `used` of them each get a network that does not see them.
    """
    use_threads()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    folder, card, module = PROJECT / "runs" / task, registry.card(task), registry.task_module(task)
    subjects = load(module, data)
    fold = dealt(len(subjects), folds, seed)
    nets = []
    for number in range(used):
        checkpoint = folder / f"seed{seed}-fold{number}.pt"
        if not resume:
            checkpoint.unlink(missing_ok=True)
        others = [subjects[k].marked for k in np.flatnonzero(fold != number).tolist()]
        nets.append(rounded(fit(module.network, module.context, others, recipe, seed * folds + number, checkpoint)))
    result, early = measured(module, nets, subjects, fold)
    weights = delineator.dump(nets, early)
    result |= {"task": task, "shown": list(SHOWN), "command": f"python -m medcore train {task} --data {data.name} --seed {seed}"}
    return install.write(folder, card, weights, result, golden(module, weights), into=into)


def dealt(count: int, folds: int, seed: int) -> NDArray[np.int64]:
    """(count,) the fold of each subject."""
    return np.array([place % folds for place in np.random.default_rng(seed).permutation(count)], np.int64)


def load(module: Task, data: Path) -> list[Subject]:
    """Every subject of the manifest that can be read."""
    table = open_table(data / "manifest.csv", ("record", "subject"))
    studies = read_records([files_of(row["record"], table.fetch) for row in table.rows])
    return [
        _subject(module, table, row["record"], row["subject"], study.recordings[0])
        for row, study in zip(table.rows, studies, strict=True)
        if isinstance(study, Study)
    ]


def _subject(module: Task, table: Table, record: str, name: str, recording: Recording) -> Subject:
    leads = module.prepare(recording)
    factor = module.RATE_HZ / recording.sampling_rate_hz
    marks = tuple(tuple(waves(marks_of(table.fetch(f"{record}.{lead}")))) for lead in recording.lead_names)
    marked = Marked(leads=leads, truth=np.stack([truth(one, factor, leads.shape[1]) for one in marks]))
    return Subject(name=name, rate_hz=recording.sampling_rate_hz, marked=marked, marks=marks)


def rounded(net: Segmenter) -> Segmenter:
    """`net` with its matrices rounded to half precision, as `dump` keeps them."""
    for weight in net.parameters():
        if weight.ndim >= 2:
            weight.data = weight.data.half().float()
    return net


def measured(
    module: Task, nets: Sequence[Segmenter], subjects: Sequence[Subject], fold: NDArray[np.int64]
) -> tuple[dict[str, Any], NDArray[np.float64]]:
    """Figures on the subjects of each network's own fold, with intervals by subject, and (3, 2) how early the bounds are, in s."""
    tallies: dict[str, list[Tally]] = {wave: [] for wave in WAVES}
    groups: list[str] = []
    for number, net in enumerate(nets):
        model = Model(nets=(net,), early_s=np.zeros((len(WAVES), 2)), lock=threading.Lock())
        for k in np.flatnonzero(fold == number).tolist():
            found = said(module, model, subjects[k])
            for lead, marks in enumerate(subjects[k].marks):
                groups.append(subjects[k].name)
                for wave, one in compared(marks, found[lead], subjects[k].rate_hz).items():
                    tallies[wave].append(one)
        log.info("fold %d of %d measured", number + 1, len(nets))
    plain = figures(tallies)
    intervals = bootstrap(lambda weights: figures(tallies, weights), groups, replicates=300)
    table = {
        name: {"value": round(value, 4), "low": round(intervals[name][0], 4), "high": round(intervals[name][1], 4), "baseline": None}
        for name, value in plain.items()
    }
    early = -np.array([[plain[f"mean_ms_{wave}_{bound}"] / 1000 for bound in ("onset", "offset")] for wave in WAVES])
    return {"n": len(set(groups)), "leads": len(groups), "folds": len(nets), "figures": table}, early


def said(module: Task, model: Model, subject: Subject) -> list[NDArray[np.float64]]:
    """For each lead (M, 4): the wave's number, onset, peak and offset in samples of the recording."""
    score = delineator.scores(model, delineator.inputs(subject.marked.leads, module.context), module.RATE_HZ)
    together, factor = score.mean(axis=0), subject.rate_hz / module.RATE_HZ
    return [
        np.array([[w.kind, w.onset * factor, w.peak * factor, w.offset * factor] for w in delineator.waves(one, module.RATE_HZ, together)])
        .reshape(-1, 4)
        for one in score
    ]  # fmt: skip


def compared(marks: Sequence[Wave], found: NDArray[np.float64], rate_hz: float) -> dict[str, Tally]:
    """One lead's waves against its marks, between the first and the last of them."""
    known = [mark for wave in marks for mark in (wave.onset, wave.peak, wave.offset) if mark is not None]
    span = (float(min(known)), float(max(known))) if known else (0.0, -1.0)
    out = {}
    for kind, wave in enumerate(WAVES):
        rows = [[_number(one.onset), float(one.peak), _number(one.offset)] for one in marks if one.kind == kind]
        out[wave] = tally(np.array(rows).reshape(-1, 3), found[found[:, 0] == kind, 1:], rate_hz, span)
    return out


def _number(mark: int | None) -> float:
    return float("nan") if mark is None else float(mark)


def golden(module: Task, weights: bytes) -> bytes:
    """A made-up pair of leads and the networks' scores of it; holds nothing of the training data."""
    model = module.load(weights)
    t = np.arange(int(4 * module.RATE_HZ)) / module.RATE_HZ
    beat = np.exp(-0.5 * (((t % 0.8) - 0.4) / 0.02) ** 2) + 0.25 * np.exp(-0.5 * (((t % 0.8) - 0.65) / 0.05) ** 2)
    leads = (beat * np.array([[1.0], [-0.6]])).astype(np.float32)
    out = io.BytesIO()
    np.savez(out, leads=leads, scores=delineator.scores(model, delineator.inputs(leads, module.context), module.RATE_HZ))
    return out.getvalue()
