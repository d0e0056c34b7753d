"""The recipe of an ECG classifier: folds, their networks together as one model, calibration, operating points, gate, figures, files.

A tenth of the groups stays out of everything. What ships is the five folds' networks, whose logits are averaged. Calibration and
operating points come from what each fold's network says of its own fold, so that the tenth is a clean, if small, test of the
very model that ships.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from medcore import calibrate, registry
from medcore.calibrate import Calibration
from medcore.errors import BadManifest
from medcore.networks.device import use_threads
from medcore.networks.recurrent import SequenceClassifier
from medcore.settings import PROJECT
from medcore.tables import open_table
from medcore.tasks import ecg_classifier as kind
from medcore.tasks.ecg_classifier import Task
from medcore.tasks.gate import learn
from medcore.tasks.kinds import figures
from medcore.training import ecg_sanity, install, signals
from medcore.training.sequence import Pool, Recipe, among, fit, separate
from medcore.training.splits import stratified
from medcore.types import ModelCard, Recording

log = logging.getLogger(__name__)
BAND = 0.05  # share of records that the indeterminate band holds
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A second set that teaches one class of the task: a row's label says whether it is that class or any other."""

    folder: str  # beside the data's own
    column: str  # 0 or 1
    label: str
    share: float  # of a batch
    leads: tuple[float, ...]  # how often each lead of the standard twelve is drawn
    prepare: Callable[[Recording], NDArray[np.float32]]
    positives: float = 1 / 3  # of its share


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Where another network, trained before, tells of each signal: what is trained is the inner network, on signals it was told of."""

    tell: Callable[[Sequence[NDArray[np.float16]]], list[NDArray[np.float16]]]
    inner: Callable[[], SequenceClassifier]
    whole: Callable[[SequenceClassifier], kind.Net]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A task's recipe."""

    recipe: Recipe
    counted: tuple[str, ...]  # labels whose mean F1 the operating points are chosen by
    beside: Beside | None = None
    told: Told | None = None
    draw: float = 0.5  # classes are drawn by this power of one over their count: 0 as they come, 1 equally often


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Prepared records with their targets (N, K) and how they are split."""

    signals: Sequence[NDArray[np.float16]]
    inner: Sequence[NDArray[np.float16]]  # the same as the network that is trained sees them
    targets: NDArray[np.float32]
    groups: tuple[str, ...]
    held: Bools
    fold: NDArray[np.int64]


def run(task: str, plan: Plan, data: Path, *, resume: bool, seed: int, into: bool) -> Path:
    """Preprocess, train, calibrate, measure; return where the weights are."""
    use_threads()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    folder, card, module = PROJECT / "runs" / task, registry.card(task), registry.task_module(task)
    own = load(card, module, plan, data, folder, seed)
    other = load_beside(card, plan.beside, data.parent, folder, plan.recipe.folds, seed) if plan.beside else None
    nets = [
        kind.rounded(_fold(card, module, plan, own, other, number, seed, folder / f"seed{seed}-fold{number}.pt", resume))
        for number in range(plan.recipe.folds)
    ]
    result, weights = measure(card, module, plan, nets, own, seed)
    if other is not None and plan.beside is not None:
        result["transfer"] = _transfer(card, nets, other, plan.beside)
    result |= {"task": task, "command": f"python -m medcore train {task} --data {data.name} --seed {seed}"}
    return install.write(folder, card, weights, result, ecg_sanity.golden(module, weights), into=into)


def load(card: ModelCard, module: Task, plan: Plan, data: Path, folder: Path, seed: int) -> Data:
    """Every readable, labelled record of data/manifest.csv.

    Raises:
        BadManifest: a column is missing or a label is unknown.
    """
    names = [label.name for label in card.labels]
    table = open_table(data / "manifest.csv", ("record", *(("label",) if card.exclusive else names)))
    prepared = signals.load(table, module.prepare, folder / "signals.npz")
    if card.exclusive:
        unknown = {row["label"] for row in prepared.rows} - set(names)
        if unknown:
            raise BadManifest("The manifest has a label that the task does not know.")
        targets = np.eye(len(names), dtype=np.float32)[[names.index(row["label"]) for row in prepared.rows]]
        strata = [row["label"] for row in prepared.rows]
    else:
        targets = np.array([[float(row[name]) for name in names] for row in prepared.rows], np.float32)
        strata = ["+".join(name for name, there in zip(names, row, strict=True) if there) or "none" for row in targets]
    groups = tuple(row.get(table.group or "") or row["record"] for row in prepared.rows)
    held, fold = stratified(strata, groups, plan.recipe.folds, seed)
    inner = plan.told.tell(prepared.signals) if plan.told else prepared.signals
    return Data(signals=prepared.signals, inner=inner, targets=targets, groups=groups, held=held, fold=fold)


def load_beside(card: ModelCard, beside: Beside, parent: Path, folder: Path, folds: int, seed: int) -> Data | None:
    """The second set, where its folder is there; its targets allow one class, or all the others."""
    manifest = parent / beside.folder / "manifest.csv"
    if not manifest.is_file():
        log.warning("there is no %s beside the data: trained without it", beside.folder)
        return None
    table = open_table(manifest, ("record", beside.column))
    prepared = signals.load(table, beside.prepare, folder / "beside.npz")
    there = np.array([row[beside.column] == "1" for row in prepared.rows])
    one = np.array([label.name == beside.label for label in card.labels], np.float32)
    groups = tuple(row.get(table.group or "") or row["record"] for row in prepared.rows)
    held, fold = stratified(["there" if yes else "without" for yes in there], groups, folds, seed)
    return Data(
        signals=prepared.signals,
        inner=prepared.signals,
        targets=np.where(there[:, None], one, 1 - one),
        groups=groups,
        held=held,
        fold=fold,
    )


def _fold(
    card: ModelCard, module: Task, plan: Plan, own: Data, other: Data | None, number: int, seed: int, checkpoint: Path, resume: bool
) -> SequenceClassifier:
    if not resume:
        for old in checkpoint.parent.glob(f"{checkpoint.stem}-cycle*.pt"):
            old.unlink()
    log.info("fold %d of %d", number + 1, plan.recipe.folds)
    beside = plan.beside if other is not None else None
    pools = [_pool(plan, own, 1.0 - (beside.share if beside else 0.0)).rows(~own.held & (own.fold != number))]
    if beside and other is not None:
        yes = other.targets.sum(axis=1) == 1
        drawn = np.where(yes, beside.positives / yes.sum(), (1 - beside.positives) / (~yes).sum())
        pool = Pool(signals=other.signals, targets=other.targets, weights=drawn, share=beside.share, leads=np.array(beside.leads))
        pools.append(pool.rows(~other.held & (other.fold != number)))
    loss = among if card.exclusive else separate
    inner = plan.told.inner if plan.told else cast(Callable[[], SequenceClassifier], module.network)
    return fit(inner, pools, plan.recipe, loss, seed * plan.recipe.folds + number, checkpoint)


def _pool(plan: Plan, own: Data, share: float) -> Pool:
    """Records drawn by the rarest of their labels."""
    count = own.targets.sum(axis=0)
    rarity = (own.targets * (len(own.targets) / count) ** plan.draw).max(axis=1)
    return Pool(signals=own.inner, targets=own.targets, weights=np.maximum(rarity, 1.0), share=share)


def measure(
    card: ModelCard, module: Task, plan: Plan, nets: Sequence[SequenceClassifier], own: Data, seed: int
) -> tuple[dict[str, Any], bytes]:
    """All that the card needs, and the weights file."""
    inside = np.flatnonzero(~own.held)
    logits = np.zeros(own.targets.shape)
    for number, net in enumerate(nets):
        rows = np.flatnonzero(own.fold == number)
        logits[rows] = kind.forward([net], [own.inner[k] for k in rows.tolist()])[0]
        log.info("fold %d of %d measured", number + 1, len(nets))
    groups = [own.groups[k] for k in inside]
    calibrations = calibrated(card, logits[inside], own.targets[inside], groups)
    thresholds = choose(card, plan, kind.calibrated(calibrations, logits[inside])[0], own.targets[inside])
    crossed = _crossed(card, plan, logits, own, inside)
    descriptors = kind.forward(nets[:1], [own.inner[k] for k in inside.tolist()])[1]
    whole = [plan.told.whole(net) for net in nets] if plan.told else nets
    weights = kind.dump(whole, calibrations, learn(descriptors))
    model = module.load(weights)
    return crossed | _shipped(card, module, model, thresholds, own, logits, calibrations, inside, seed), weights


def calibrated(card: ModelCard, logits: Floats, targets: NDArray[np.float32], groups: Sequence[str]) -> tuple[Calibration, ...]:
    """One calibration of classes that exclude each other, or one for each label."""
    if card.exclusive:
        return (calibrate.fit(logits, targets.argmax(axis=1), groups),)
    return tuple(calibrate.fit(kind.two(logits[:, k]), targets[:, k].astype(np.int64), groups) for k in range(logits.shape[1]))


def choose(card: ModelCard, plan: Plan, probabilities: Floats, targets: NDArray[np.float32]) -> Floats:
    """(K,) thresholds of the best mean F1 of the counted labels; see `decided` for what a threshold means."""
    names = [label.name for label in card.labels]
    counted = [names.index(name) for name in plan.counted]
    truth = targets > 0.5

    def score(at: Floats) -> float:
        said = decided(card, probabilities, at)
        hits = (said & truth).sum(axis=0)[counted]
        return float(np.mean(2 * hits / np.maximum(said.sum(axis=0) + truth.sum(axis=0), 1)[counted]))

    at = np.full(len(names), 0.4)
    for _ in range(4):
        for k in range(len(names)):
            tried = [np.where(np.arange(len(names)) == k, value, at) for value in np.geomspace(0.04, 0.9, 45)]
            scores = np.array([score(one) for one in tried])
            best = np.flatnonzero(scores >= scores.max() - 5e-4)  # the middle of the plateau is what survives another hospital
            at = tried[int(best[len(best) // 2])]
    return at


def decided(card: ModelCard, probabilities: Floats, at: Floats) -> Bools:
    """(N, K) which labels are decided on."""
    ratio = probabilities / at
    return np.arange(len(at)) == ratio.argmax(axis=1)[:, None] if card.exclusive else ratio >= 1


def _figures(card: ModelCard, probabilities: Floats, targets: NDArray[np.float32], said: Bools, groups: Sequence[str]) -> dict[str, Any]:
    names = [label.name for label in card.labels]
    if card.exclusive:
        return figures.measured(probabilities, targets.argmax(axis=1), said.argmax(axis=1), names, groups)
    return figures.separate(probabilities, targets.astype(np.float64), said, names, groups)


def _crossed(card: ModelCard, plan: Plan, logits: Floats, own: Data, inside: NDArray[np.int64]) -> dict[str, Any]:
    """Cross-validated figures: each fold at the calibration and the operating points that the other folds give."""
    probabilities, said = np.zeros(logits.shape), np.zeros(logits.shape, bool)
    for number in range(plan.recipe.folds):
        others = inside[own.fold[inside] != number]
        rows = np.flatnonzero(own.fold == number)
        calibrations = calibrated(card, logits[others], own.targets[others], [own.groups[k] for k in others])
        at = choose(card, plan, kind.calibrated(calibrations, logits[others])[0], own.targets[others])
        probabilities[rows] = kind.calibrated(calibrations, logits[rows])[0]
        said[rows] = decided(card, probabilities[rows], at)
    groups = [own.groups[k] for k in inside]
    out = _figures(card, probabilities[inside], own.targets[inside], said[inside], groups)
    counted = float(np.mean([out["figures"][f"f1_{name}"]["value"] for name in plan.counted]))
    return {
        "n": len(inside),
        "groups": len(set(groups)),
        "folds": plan.recipe.folds,
        "f1_counted": round(counted, 4),
        "counted": plan.counted,
    } | out


def _shipped(
    card: ModelCard, module: Task, model: kind.Model, at: Floats, own: Data, logits: Floats, calibrations: Sequence[Calibration],
    inside: NDArray[np.int64], seed: int,
) -> dict[str, Any]:  # fmt: skip
    """What the networks together give on the groups kept out, and what the card says of decisions and gate."""
    names = [label.name for label in card.labels]
    rows = np.flatnonzero(own.held)
    kept = [own.signals[k].astype(np.float32) for k in rows.tolist()]
    said = module.predict(model, kept)
    groups = [own.groups[k] for k in rows]
    clean = _figures(card, said.probabilities, own.targets[rows], decided(card, said.probabilities, at), groups)
    folds = kind.calibrated(calibrations, logits[inside])[0]
    margins = np.clip(np.quantile(np.abs(folds - at), BAND, axis=0), 0.02, 0.2)
    truth = own.targets[inside] > 0.5
    points = [
        calibrate.point(label.operating_point, label.name, float(at[k]), folds[:, k], truth[:, k])
        for k, label in enumerate(card.labels)
        if label.is_finding
    ]
    return {
        "kept_out": {"n": len(rows), "groups": len(set(groups)), "figures": clean["figures"]},
        "temperature": round(float(np.median([one.temperature for one in calibrations])), 4),
        "thresholds": {name: round(float(value), 4) for name, value in zip(names, at, strict=True)},
        "margins": {name: round(float(value), 4) for name, value in zip(names, margins, strict=True)},
        "operating_points": [
            {field: getattr(point, field) for field in ("name", "label", "threshold", "sensitivity", "specificity")} for point in points
        ],
        "gate": ecg_sanity.gate_table(module, model, kept, seed),
        "saliency": ecg_sanity.saliency_table(module, model, kept, seed),
    }


def _transfer(card: ModelCard, nets: Sequence[SequenceClassifier], other: Data, beside: Beside) -> dict[str, Any]:
    """How the one class is told in the second set, lead by lead, each record read by the network that did not see it."""
    from medcore.metrics import auroc, bootstrap

    k = [label.name for label in card.labels].index(beside.label)
    rows = np.flatnonzero(~other.held)
    truth = other.targets[rows].sum(axis=1) == 1
    out: dict[str, Any] = {"set": beside.folder, "label": beside.label, "n": len(rows), "positives": int(truth.sum())}
    for lead, name in ((0, "I"), (1, "II")):
        share = np.zeros(len(other.targets))
        for number, net in enumerate(nets):
            own = np.flatnonzero(other.fold == number)
            share[own] = calibrate.softmax(kind.forward([net], [other.signals[j][lead : lead + 1] for j in own.tolist()])[0])[:, k]
        scores = share[rows]
        interval = bootstrap(lambda w, s=scores: {"auroc": auroc(s, truth, w)}, [other.groups[j] for j in rows])["auroc"]  # type: ignore[misc]
        out[f"auroc_lead_{name}"] = {"value": round(auroc(scores, truth), 4), "low": round(interval[0], 4), "high": round(interval[1], 4)}
    return out


def state_of(checkpoint: Path) -> dict[str, torch.Tensor]:
    """The averaged weights in a checkpoint."""
    state = torch.load(checkpoint, weights_only=True)["average"]
    return {name.removeprefix("module."): value for name, value in state.items() if name.startswith("module.")}
