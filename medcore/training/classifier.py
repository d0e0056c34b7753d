"""The recipe of an image classifier: folds, one averaged network, calibration, gate, figures, files.

A tenth of the patients (in runs spread over the numbering) stays out of every fold. The folds give the cross-validated
figures. What ships is the mean of the folds' weights, trained a little further on all of them at a larger size;
temperature, operating points and the gate's limit are set on the tenth that it never saw, and the same tenth
gives it a second, smaller report.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.networks.nets.efficientnet import EfficientNet
from numpy.typing import NDArray

from medcore import calibrate, registry
from medcore.calibrate import Calibration
from medcore.networks.device import autocast, device, use_threads
from medcore.settings import PROJECT
from medcore.tasks import classifier, gate
from medcore.tasks.classifier import Model, Task
from medcore.tasks.kinds.figures import measured
from medcore.training import frames, install, sanity
from medcore.training.augment import Augmentation, augment
from medcore.training.loop import Recipe, Sample, finish, fit, soup
from medcore.training.splits import blocks
from medcore.types import Label, ModelCard, OperatingPoint

log = logging.getLogger(__name__)
BAND = 0.05  # share of validation patients that the indeterminate band holds
SALIENCY = 100  # validation images for the deletion and insertion areas


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A task's recipe and the columns of its manifest."""

    recipe: Recipe
    order: str  # column whose number tells the order of acquisition
    stratum: str | None = None  # column that divides classes further, for balanced batches
    runs: int = 50  # contiguous runs of groups, of which every tenth is kept out; 10 where neighbours are slices of one patient


def run(task: str, plan: Plan, data: Path, *, resume: bool, seed: int, into: bool) -> Path:
    """Preprocess, train, calibrate, measure; return where the weights are.

    Args:
        resume: go on from checkpoints; otherwise start anew.
        into: put the results in place of the shipped ones.
    """
    use_threads()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    folder, card, module = PROJECT / "runs" / task, registry.card(task), registry.task_module(task)
    classes = [label.name for label in card.labels]
    images = frames.load(module, data, classes, folder, stored=plan.recipe.stored, stratum=plan.stratum, order=plan.order)
    held, fold = split(images, classes, plan)
    sample = _sample(images)
    nets = list(_folds(sample, held, fold, len(classes), plan.recipe, seed, folder, resume))
    crossed = _crossed(card, nets, images, held, fold)
    last = folder / f"seed{seed}-finish.pt"
    if not resume:
        last.unlink(missing_ok=True)
    rest = _rows(sample, np.flatnonzero(~held))
    net = classifier.rounded(finish(soup(nets), rest, plan.recipe, seed, last))
    weights = classifier.dump(net, _calibration(net, images, held), gate.learn(_descriptors(net, images.frames[~held], seed)))
    shipped = classifier.load(weights, len(classes))  # what is measured below is what ships
    result = crossed | _shipped(card, module, shipped, images, held, data, seed)
    result["saliency"] = _saliency(shipped, images.frames[held], seed, folder)
    result |= {"task": task, "command": f"python -m medcore train {task} --data {data.name} --seed {seed}"}
    return install.write(folder, card, weights, result, sanity.golden(card, weights), into=into)


def split(images: frames.Labelled, classes: list[str], plan: Plan) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """(N,) whether a row is kept out of every fold, and (N,) its fold, -1 where kept out."""
    labels = [classes[target] for target in images.targets]
    held = blocks(labels, images.groups, images.order, plan.runs) % 10 == 4
    rest = np.flatnonzero(~held)
    fold = np.full(len(labels), -1)
    fold[rest] = blocks([labels[k] for k in rest], [images.groups[k] for k in rest], [images.order[k] for k in rest], plan.recipe.folds)
    return held, fold


def _sample(images: frames.Labelled) -> Sample:
    x, y, strata = (torch.from_numpy(array) for array in (images.stored, images.targets, images.strata))
    return Sample(images=x[:, None], targets=y, strata=strata)


def _rows(sample: Sample, rows: NDArray[np.int64]) -> Sample:
    index = torch.from_numpy(rows)
    return Sample(images=sample.images[index], targets=sample.targets[index], strata=sample.strata[index])


def _folds(
    sample: Sample, held: NDArray[np.bool_], fold: NDArray[np.int64], labels: int, recipe: Recipe, seed: int, folder: Path, resume: bool
) -> Iterator[EfficientNet]:
    for number in range(recipe.folds):
        checkpoint = folder / f"seed{seed}-fold{number}"
        if not resume:
            for old in folder.glob(f"{checkpoint.name}-stage*.pt"):
                old.unlink()
        log.info("fold %d of %d", number + 1, recipe.folds)
        yield fit(_rows(sample, np.flatnonzero(~held & (fold != number))), labels, recipe, seed * recipe.folds + number, checkpoint)


def _scores(net: EfficientNet, pixels: NDArray[np.uint8], *, quick: bool = False) -> tuple[NDArray[np.float64], torch.Tensor]:
    """(N, K) logits and (N, D) descriptors of (N, S, S) frames; `quick` in bfloat16, for networks that do not ship."""
    net.eval()
    with torch.inference_mode(), autocast(device()) if quick else nullcontext():
        parts = [classifier.forward(net, classifier.tensor(pixels[first : first + 16])) for first in range(0, len(pixels), 16)]
    return torch.cat([part[0] for part in parts]).double().numpy(), torch.cat([part[1] for part in parts])


def _calibration(net: EfficientNet, images: frames.Labelled, held: NDArray[np.bool_]) -> Calibration:
    """Fitted on the patients kept out."""
    groups = [group for group, out in zip(images.groups, held, strict=True) if out]
    return calibrate.fit(_scores(net, images.frames[held])[0], images.targets[held], groups)


MILD = Augmentation(rotate=5, zoom=(0.9, 1.1), aspect=0.1, shift=0.04, flip=True, gamma=0.25, window=0.06, blur=0.5, noise=4, patches=0)
DESCRIBED = 1500  # training images that the gate is learned from, each as it is and mildly changed


def _descriptors(net: EfficientNet, pixels: NDArray[np.uint8], seed: int) -> torch.Tensor:
    """Of training frames as they are and mildly changed, since the next hospital's films are framed and exposed a little otherwise."""
    picked = pixels[np.random.default_rng(seed).permutation(len(pixels))[:DESCRIBED]]
    return torch.cat([_scores(net, part)[1] for part in (picked, _mild(picked, seed))])


def _mild(pixels: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    rng = torch.Generator().manual_seed(seed)
    changed: NDArray[np.uint8] = (
        augment(torch.from_numpy(pixels)[:, None], pixels.shape[-1], MILD, rng)[:, 0].round().to(torch.uint8).numpy()
    )
    return changed


def _crossed(
    card: ModelCard, nets: list[EfficientNet], images: frames.Labelled, held: NDArray[np.bool_], fold: NDArray[np.int64]
) -> dict[str, Any]:
    """Cross-validated figures: each fold read by the network that did not see it, at its own calibration and operating points."""
    probabilities = np.zeros((len(fold), len(card.labels)))
    decisions = np.zeros(len(fold), np.int64)
    groups = [group for group, out in zip(images.groups, held, strict=True) if out]
    for number, net in enumerate(nets):
        rows = np.flatnonzero(fold == number)
        aside = _scores(net, images.frames[held], quick=True)[0]
        calibration = calibrate.fit(aside, images.targets[held], groups)
        probabilities[rows] = calibration.probabilities(_scores(net, images.frames[rows], quick=True)[0])
        at = _thresholds(_points(card, calibration.probabilities(aside), images.targets[held]), images.targets[held])
        decisions[rows] = (probabilities[rows] / at).argmax(axis=1)
        log.info("fold %d of %d measured", number + 1, len(nets))
    inside = ~held
    groups = [group for group, out in zip(images.groups, held, strict=True) if not out]
    names = [label.name for label in card.labels]
    out = measured(probabilities[inside], images.targets[inside], decisions[inside], names, groups)
    return {"n": int(inside.sum()), "groups": len(set(groups)), "folds": len(nets)} | out


def _points(card: ModelCard, probabilities: NDArray[np.float64], targets: NDArray[np.int64]) -> list[tuple[OperatingPoint, OperatingPoint]]:
    """(balanced, screening) of every class against the others."""
    return [calibrate.operating_points(label.name, probabilities[:, k], targets == k) for k, label in enumerate(card.labels)]


def _thresholds(points: list[tuple[OperatingPoint, OperatingPoint]], targets: NDArray[np.int64]) -> NDArray[np.float64]:
    """What each class's probability is measured against.

    Two classes: the balanced point of the second, and its complement, so that a decision has one meaning. More: the root of each
    class's share, scaled to sum to 1, which lies halfway in log odds between the likeliest class and the balanced one; with
    a handful of patients in the rarest class a threshold chosen on them would be noise.
    """
    if len(points) == 2:
        at = points[1][0].threshold
        return np.array([1 - at, at])
    root = np.sqrt(np.bincount(targets, minlength=len(points)))
    return np.asarray(root / root.sum())


def _own(label: Label, threshold: float, score: NDArray[np.float64], positive: NDArray[np.bool_]) -> list[OperatingPoint]:
    """The point that a label is read at, where that is none of the two chosen on patients."""
    if label.operating_point in ("balanced", "screening"):
        return []
    return [calibrate.point(label.operating_point, label.name, threshold, score, positive)]


def _shipped(
    card: ModelCard, module: Task, model: Model, images: frames.Labelled, held: NDArray[np.bool_], data: Path, seed: int
) -> dict[str, Any]:
    """What the averaged network gives on the patients kept out, and all that its card needs."""
    targets, pixels = images.targets[held], images.frames[held]
    logits, descriptors = _scores(model.net, pixels)
    probabilities = model.calibration.probabilities(logits)
    points = _points(card, probabilities, targets)
    at = _thresholds(points, targets)
    distance = model.neighbourhood.distance(descriptors).double().numpy()
    changed = model.neighbourhood.distance(_scores(model.net, _mild(pixels, seed))[1]).double().numpy()
    limit = float(np.quantile(np.concatenate([distance, changed]), 0.99))
    names = [label.name for label in card.labels]
    groups = [group for group, out in zip(images.groups, held, strict=True) if out]
    margins = np.clip(np.quantile(np.abs(probabilities - at), BAND, axis=0), 0.02, 0.2)
    own = measured(probabilities, targets, (probabilities / at).argmax(axis=1), names, groups)
    return {
        "kept_out": {"n": int(held.sum()), "groups": len(set(groups)), "figures": own["figures"]},
        "temperature": round(model.calibration.temperature, 4),
        "thresholds": {name: round(float(value), 4) for name, value in zip(names, at, strict=True)},
        "margins": {name: round(float(value), 4) for name, value in zip(names, margins, strict=True)},
        "operating_points": [
            {field: getattr(point, field) for field in ("name", "label", "threshold", "sensitivity", "specificity")}
            for k, (label, pair) in enumerate(zip(card.labels, points, strict=True))
            if label.is_finding
            for point in (*pair, *_own(label, float(at[k]), probabilities[:, k], targets == k))
        ],
        "gate": sanity.gate_table(module, model, data, distance, limit, seed),
    }


def _saliency(model: Model, pixels: NDArray[np.uint8], seed: int, folder: Path) -> dict[str, dict[str, float]]:
    """The saliency table, which takes minutes: kept in `folder` under the digest of the network that it is of."""
    digest = hashlib.sha256(b"".join(value.numpy().tobytes() for value in model.net.state_dict().values())).hexdigest()
    path = folder / f"saliency-{digest[:16]}.json"
    if not path.exists():
        rows = np.random.default_rng(seed).choice(len(pixels), min(SALIENCY, len(pixels)), replace=False)
        path.write_text(json.dumps(sanity.saliency_table(model, sanity.randomised(model.net, seed), pixels[rows], seed)))
    table: dict[str, dict[str, float]] = json.loads(path.read_text())
    return table
