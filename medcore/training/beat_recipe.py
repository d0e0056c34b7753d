"""The recipe of the beat finder: a teacher, what it and a formula agree on, networks that each miss some records, figures, files.

The teacher learns from hand-marked leads alone and has never seen the records that the figures are of. Each of the folds' networks
misses some of those records and a fifth of the hand-marked subjects; what ships is trained in the same way on all. All begin with the
teacher's weights.
"""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medcore import registry
from medcore.metrics import bootstrap
from medcore.networks.device import use_threads
from medcore.networks.recurrent import Segmenter
from medcore.settings import PROJECT
from medcore.tasks import beat_finding, beats
from medcore.tasks.beat_finding import Found
from medcore.tasks.beats import Model, Task
from medcore.training import beat_sets, install
from medcore.training.beat_sets import Record
from medcore.training.beats import Pool, Recipe, Traced, fit
from medcore.training.ectopy import UNKNOWN, planted
from medcore.types import BEATS, Recording

log = logging.getLogger(__name__)
Floats = NDArray[np.float64]
WITHIN_S = 0.150  # a beat is found if it lies this near (ANSI/AAMI EC57)
SHOWN = ("sensitivity", "ppv", "sensitivity_one_lead", "ppv_one_lead", "sensitivity_V", "ppv_V")
V = BEATS.index("V")
RIDGE = 30.0  # of the ventricular odds, on standardised features, beside weights that sum to a thousand
USUAL = 0.8  # share of a record's beats that are surely not ventricular, for beats to be planted among them
PLANTED = 240  # records of planted beats that the odds are learned from
SHARES = {"leads": 7 / 32, "cardiologists": 8 / 32, "ecg_rhythm": 11 / 32, "ecg_12lead": 6 / 32}  # of a batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A recipe, and which records (by their place in the manifest) each fold's network misses."""

    teacher: Recipe
    recipe: Recipe
    folds: tuple[tuple[int, ...], ...]
    parts: int = 5  # of the hand-marked subjects; the first is what the teacher and the folds do not see


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counts of one record: beats found, missed and invented by all leads and by one lead alone, and of ventricular ones."""

    counts: dict[str, NDArray[np.int64]] = field(default_factory=dict)  # (found, missed, invented) by name


def run(task: str, plan: Plan, data: Path, *, resume: bool, seed: int, into: bool) -> Path:
    """Train on data/manifest.csv with ../ecg_delineation, ../ecg_rhythm and ../ecg_12lead; return where the weights are."""
    use_threads()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    folder, card, module = PROJECT / "runs" / task, registry.card(task), registry.task_module(task)
    records = beat_sets.of_cardiologists(module, data)
    subjects = beat_sets.of_leads(module, data.parent / "ecg_delineation")
    part = np.array([place % plan.parts for place in np.random.default_rng(seed).permutation(len(subjects))])
    seen = [lead for k in np.flatnonzero(part != 0).tolist() for lead in subjects[k]]
    if not resume:
        for old in folder.glob(f"seed{seed}-*.pt"):
            old.unlink()
    teacher = fit(module.network, [Pool(records=seen, share=1.0)], plan.teacher, seed, folder / f"seed{seed}-teacher.pt")
    agreed = {
        name: beat_sets.of_two_detectors(module, data.parent / name, teacher, folder / f"{name}.npz")
        for name in ("ecg_rhythm", "ecg_12lead")
    }

    def network(missed: Sequence[int], leads: Sequence[Traced], name: str) -> Segmenter:
        own = [record.traced for k, record in enumerate(records) if k not in missed]
        sets: dict[str, Sequence[Traced]] = {"leads": leads, "cardiologists": own, **agreed}
        pools = [Pool(records=sets[kind], share=share) for kind, share in SHARES.items()]
        return fit(module.network, pools, plan.recipe, seed, folder / f"seed{seed}-{name}.pt", start=teacher)

    nets = {missed: network(missed, seen, f"without-{'-'.join(records[k].name for k in missed)}") for missed in plan.folds}
    net = network((), [lead for subject in subjects for lead in subject], "all")
    result, weight, bias = measured(module, nets, records, agreed["ecg_rhythm"], seed)
    result["leads_unseen"] = on_leads(module, list(nets.values()), [lead for k in np.flatnonzero(part == 0) for lead in subjects[k]])
    weights = beats.dump(net, weight, bias)
    result |= {"thresholds": dict.fromkeys(BEATS, beat_finding.VENTRICULAR), "margins": dict.fromkeys(BEATS, 0.0)}
    result |= {"task": task, "shown": list(SHOWN), "command": f"python -m medcore train {task} --data {data.name} --seed {seed}"}
    return install.write(folder, card, weights, result, golden(module, weights), into=into)


def plain(net: Segmenter, weight: Floats | None = None, bias: float = 0.0) -> Model:
    """A network as a model; without odds, before they are learned."""
    return Model(net=net, weight=np.zeros(0) if weight is None else weight, bias=bias, lock=threading.Lock())


def measured(
    module: Task, nets: dict[tuple[int, ...], Segmenter], records: Sequence[Record], rhythm: Sequence[Traced], seed: int
) -> tuple[dict[str, Any], Floats, float]:
    """Figures on the records that each network missed, with intervals by record; and the ventricular odds, learned on planted beats.

    Of the records four have few ventricular beats: odds that learn from them too do worse on the fifth.
    """
    found: dict[int, Found] = {}
    ectopic: list[tuple[NDArray[np.floating], NDArray[np.bool_]]] = []
    tallies = {}
    for missed, net in nets.items():
        model = plain(net)
        for k in missed:
            record = records[k].recording
            found[k] = beat_finding.find(module, model, record, range(len(record.leads)), lambda share: None)
            alone = [beat_finding.find(module, model, record, [lead], lambda share: None) for lead in range(len(record.leads))]
            tallies[k] = _tally(records[k], found[k], alone)
            log.info("%s: %s", records[k].name, {name: counts.tolist() for name, counts in tallies[k].counts.items()})
        ectopic.append(planted_features(module, model, rhythm, seed))
    weight, bias = odds(ectopic)
    for k, one in found.items():
        _add_kinds(tallies[k], records[k], one, weight, bias)
    rows = [tallies[k] for k in sorted(tallies)]
    return {"n": len(rows), "figures": _figures(rows), "records": _per_record(records, tallies)}, weight, bias


def match(truth: Floats, said: Floats, within: float) -> NDArray[np.int64]:
    """(n, 2) places of ascending `truth` and `said` that are one beat: nearest of those within reach, in order."""
    pairs, i, j = [], 0, 0
    while i < len(truth) and j < len(said):
        if abs(truth[i] - said[j]) <= within:
            if j + 1 < len(said) and abs(truth[i] - said[j + 1]) < abs(truth[i] - said[j]):
                j += 1
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif truth[i] < said[j]:
            i += 1
        else:
            j += 1
    return np.array(pairs, np.int64).reshape(-1, 2)


def _matched(record: Record, found: Found) -> tuple[Floats, NDArray[np.int64]]:
    """The record's true beats in its own samples, and how they pair with the found ones."""
    rate = record.recording.sampling_rate_hz
    truth = record.traced.beats.peak * (record.recording.signal.shape[1] / record.traced.leads.shape[1])
    return truth, match(truth, found.peak, WITHIN_S * rate)


def _tally(record: Record, found: Found, alone: Sequence[Found]) -> Tally:
    truth, pairs = _matched(record, found)
    out = Tally(counts={"QRS": np.array([len(pairs), len(truth) - len(pairs), len(found.peak) - len(pairs)])})
    each = [(len(_matched(record, one)[1]), len(one.peak)) for one in alone]
    out.counts["QRS_one_lead"] = np.sum([(hit, len(truth) - hit, all_ - hit) for hit, all_ in each], axis=0)
    return out


def _add_kinds(tally: Tally, record: Record, found: Found, weight: Floats, bias: float) -> None:
    """Ventricular beats of the record, found, missed and invented among the beats of any other known kind; and the table of kinds."""
    _, pairs = _matched(record, found)
    truth = record.traced.beats.kind[pairs[:, 0]]
    said = beat_finding.kinds_by(weight, bias, found)[0][pairs[:, 1]]
    v = truth == V
    tally.counts["V"] = np.array([(v & (said == V)).sum(), (v & (said != V)).sum(), (~v & (said == V)).sum()])
    tally.counts["kinds"] = np.array([[((truth == a) & (said == b)).sum() for b in range(len(BEATS))] for a in range(len(BEATS))])


def planted_features(module: Task, model: Model, rhythm: Sequence[Traced], seed: int) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """Features of beats in records with planted ones, and which of them are ventricular."""
    draw = np.random.default_rng(seed)
    usual = [k for k, one in enumerate(rhythm) if (one.beats.kind == 0).mean() >= USUAL]
    parts = []
    for k in draw.permutation(np.array(usual))[:PLANTED]:
        signal, marked = planted(rhythm[k].leads[0].astype(np.float32), rhythm[k].beats, module.RATE_HZ, draw)
        recording = Recording(signal=signal[None], unit="NU", sampling_rate_hz=module.RATE_HZ, leads=("I",))
        found = beat_finding.find(module, model, recording, [0], lambda share: None)
        pairs = match(marked.peak, found.peak, WITHIN_S * module.RATE_HZ)
        pairs = pairs[marked.kind[pairs[:, 0]] != UNKNOWN]
        parts.append((beat_finding.features(found)[pairs[:, 1]], marked.kind[pairs[:, 0]] == V))
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def odds(found: Sequence[tuple[NDArray[np.floating], NDArray[np.bool_]]]) -> tuple[Floats, float]:
    """Log odds of a ventricular beat: a ridge logistic regression in which ventricular beats together weigh a third of all."""
    x, ventricular = (np.concatenate([one[part] for one in found]) for part in (0, 1))
    share = np.where(ventricular, 0.35 / max(int(ventricular.sum()), 1), 0.65 / max(int((~ventricular).sum()), 1))
    return _ridge(x.astype(np.float64), ventricular.astype(np.float64), 1000 * share)


def _ridge(x: Floats, y: Floats, w: Floats) -> tuple[Floats, float]:
    """Newton's method for the weighted logistic loss with a ridge on standardised features."""
    mean, spread = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-6)
    z = np.c_[(x - mean) / spread, np.ones(len(x))]
    ridge = RIDGE * np.eye(z.shape[1])
    ridge[-1, -1] = 1e-6
    beta = np.zeros(z.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-z @ beta))
        slope = z.T @ (w * (p - y)) + ridge @ beta
        beta -= np.linalg.solve((z * (w * p * (1 - p))[:, None]).T @ z + ridge, slope)
    weight = beta[:-1] / spread
    return weight, float(beta[-1] - weight @ mean)


def _figures(rows: Sequence[Tally]) -> dict[str, dict[str, float | None]]:
    def all_of(weights: Floats) -> dict[str, float]:
        out = {}
        for name, end in (("QRS", ""), ("QRS_one_lead", "_one_lead"), ("V", "_V")):
            hit, missed, invented = (float(weights @ np.array([row.counts[name][k] for row in rows])) for k in range(3))
            out[f"sensitivity{end}"] = hit / (hit + missed) if hit + missed else float("nan")
            out[f"ppv{end}"] = hit / (hit + invented) if hit + invented else float("nan")
        return out

    values, ends = all_of(np.ones(len(rows))), bootstrap(all_of, [str(k) for k in range(len(rows))], replicates=300)
    return {
        name: {"value": round(value, 4), "low": round(ends[name][0], 4), "high": round(ends[name][1], 4), "baseline": None}
        for name, value in values.items()
    }


def _per_record(records: Sequence[Record], tallies: dict[int, Tally]) -> dict[str, Any]:
    """Counts of each record: found, missed, invented; and true kinds in rows against those said."""
    return {records[k].name: {name: counts.tolist() for name, counts in tally.counts.items()} for k, tally in sorted(tallies.items())}


def on_leads(module: Task, nets: Sequence[Segmenter], leads: Sequence[Traced]) -> dict[str, float]:
    """Sensitivity and PPV of QRS on single hand-marked leads that no network saw, between their first and last marks."""
    hit = missed = invented = 0
    for net in nets:
        for one in leads:
            recording = Recording(signal=one.leads.astype(np.float32), unit="NU", sampling_rate_hz=module.RATE_HZ, leads=("I",))
            peaks = beat_finding.find(module, plain(net), recording, [0], lambda share: None).peak
            first, last = one.beats.unclear[0, 1], one.beats.unclear[1, 0]
            pairs = match(one.beats.peak, peaks, WITHIN_S * module.RATE_HZ)
            hit, missed = hit + len(pairs), missed + len(one.beats.peak) - len(pairs)
            free = np.delete(peaks, pairs[:, 1])
            invented += int(((free >= first) & (free <= last)).sum())
    return {
        "leads": len(leads), "sensitivity_QRS": round(hit / max(hit + missed, 1), 4), "ppv_QRS": round(hit / max(hit + invented, 1), 4)
    }  # fmt: skip


def golden(module: Task, weights: bytes) -> bytes:
    """A made-up lead and the network's scores of it; holds nothing of the training data."""
    model = module.load(weights)
    t = np.arange(int(30 * module.RATE_HZ)) / module.RATE_HZ
    beat = np.exp(-0.5 * (((t % 0.8) - 0.4) / 0.02) ** 2) + 0.25 * np.exp(-0.5 * (((t % 0.8) - 0.65) / 0.05) ** 2)
    lead = beat.astype(np.float32)
    said = beats.scores(model, lead, module.RATE_HZ)
    out = io.BytesIO()
    np.savez(out, lead=lead, share=said.share, peak=said.peak, kind=said.kind)
    return out.getvalue()
