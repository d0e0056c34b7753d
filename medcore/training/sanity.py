"""What a gate refuses and whether attributions deserve a look: the measurements behind two tables of a card."""

from __future__ import annotations

import copy
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.networks.nets.efficientnet import EfficientNet
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from medcore import registry
from medcore.explain import METHODS, deletion_insertion, similarity
from medcore.networks.device import autocast, device
from medcore.read import read_each
from medcore.tables import open_table
from medcore.tasks.classifier import Model, Task, load, predict, tensor
from medcore.types import ModelCard, Series, Study

Grey = NDArray[np.uint8]
EACH = 120  # images of each foreign kind


def outside(task: Task, data: Path, seed: int) -> Iterator[tuple[str, Grey]]:
    """(name, frames (N, S, S)) of what is not the task's: the folders beside `data`, photographs, noise, screenshots."""
    rng = np.random.default_rng(seed)
    for manifest in sorted(data.parent.glob("*/manifest.csv")):
        rows = open_table(manifest, ()).rows
        if manifest.parent.name == data.name or "path" not in rows[0]:
            continue
        picked = [rows[k]["path"] for k in rng.choice(len(rows), min(EACH, len(rows)), replace=False)]
        studies = read_each([(path, (manifest.parent / path).read_bytes()) for path in picked])
        yield manifest.parent.name, _frames(task, [grey(study.series[0]) for study in studies if isinstance(study, Study)])
    yield "photographs", _frames(task, list(_photographs(rng)))
    yield "noise", _frames(task, list(_noise(rng)))
    yield "screenshots", _frames(task, list(_screens(rng)))


def grey(series: Series) -> Grey:
    """A series' first slice as grey uint8, colour given up: the gate is to know more than colour."""
    return np.asarray(series.array[:, 0].mean(axis=0)).astype(np.uint8)


def _frames(task: Task, images: Sequence[Grey]) -> Grey:
    return np.stack([task.prepare(Series(array=image[None, None].copy(), unit="grey", modality=None), 0).pixels for image in images])


def _photographs(rng: np.random.Generator) -> Iterator[Grey]:
    """Crops of scikit-image's own pictures (a development dependency), which are of everyday things."""
    from skimage import color, data

    names = ("astronaut", "camera", "cat", "chelsea", "coffee", "rocket", "coins", "page", "text")
    pictures = [getattr(data, name)() for name in names]
    for number in range(EACH):
        picture = pictures[number % len(pictures)]
        plain = (color.rgb2gray(picture) * 255).astype(np.uint8) if picture.ndim == 3 else picture
        side = int(rng.uniform(0.5, 1.0) * min(plain.shape))
        top, left = (int(rng.integers(length - side + 1)) for length in plain.shape)
        yield plain[top : top + side, left : left + side]


def _noise(rng: np.random.Generator) -> Iterator[Grey]:
    """White noise, and noise smoothed to blobs of 2 to 64 pixels."""
    for number in range(EACH):
        side = 256 >> (number % 7)
        values = rng.integers(0, 256, (side, side), dtype=np.uint8)
        yield np.asarray(Image.fromarray(values).resize((256, 256), Image.Resampling.BICUBIC))


def _screens(rng: np.random.Generator) -> Iterator[Grey]:
    """Pages of text and boxes, dark on light or light on dark, as a screenshot of a report has them."""
    for number in range(EACH):
        picture = Image.new("L", (640, 480), 250 if number % 2 else 20)
        draw = ImageDraw.Draw(picture)
        for line in range(int(rng.integers(5, 28))):
            words = "".join(rng.choice(list("abcdefghijklmno    "), int(rng.integers(5, 80))))
            draw.text((int(rng.integers(10, 60)), 12 + line * 16), words, fill=20 if number % 2 else 230)
        left, top, width, height = (int(v) for v in rng.integers(10, (300, 300, 300, 160)))
        draw.rectangle((left, top, left + width, top + height), outline=128, fill=int(rng.integers(256)))
        yield np.asarray(picture)


def gate_table(task: Task, model: Model, data: Path, inside: NDArray[np.float64], limit: float, seed: int) -> dict[str, Any]:
    """Distances and shares refused, inside and outside. `inside`: distances of patients that nothing was fitted on."""
    far = {name: _distances(model, frames) for name, frames in outside(task, data, seed)}
    return {
        "limit": round(limit, 4),
        "inside": [round(float(v), 3) for v in inside],
        "outside": {name: [round(float(v), 3) for v in values] for name, values in far.items()},
        "refused_inside": round(float((inside > limit).mean()), 4),
        "refused_outside": {name: round(float((values > limit).mean()), 4) for name, values in far.items()},
    }


def _distances(model: Model, frames: Grey) -> NDArray[np.float64]:
    return np.concatenate([predict(model, frames[first : first + 64]).distance for first in range(0, len(frames), 64)])


def saliency_table(model: Model, stranger: EfficientNet, frames: Grey, seed: int, compared: int = 16) -> dict[str, dict[str, float]]:
    """For each method: deletion and insertion areas on `frames` beside a random order, and likeness to the maps of `stranger`.

    Args:
        stranger: the same network with random weights; a method whose maps survive that explains the picture, not the model.
        compared: how many frames the likeness is taken over.
    """
    rng = np.random.default_rng(seed)
    targets = np.concatenate([predict(model, frames[first : first + 64]).logits for first in range(0, len(frames), 64)]).argmax(axis=1)
    areas: dict[str, list[tuple[float, float]]] = {name: [] for name in (*METHODS, "random")}
    alike: dict[str, list[float]] = {name: [] for name in METHODS}
    with autocast(device()):
        for number, (frame, target) in enumerate(zip(frames, targets.tolist(), strict=True)):
            x = tensor(frame[None]).requires_grad_(True)
            areas["random"].append(deletion_insertion(model.net, x.detach(), target, rng.permutation(frame.size)))
            for name, method in METHODS.items():
                values = method(model.net, model.net._bn1, x, target).values
                order = np.argsort(-values, axis=None, kind="stable")
                areas[name].append(deletion_insertion(model.net, x.detach(), target, order))
                if number < compared:
                    alike[name].append(similarity(values, method(stranger, stranger._bn1, x, target).values))
    return {name: _row(areas[name], areas["random"], alike[name]) for name in METHODS}


def _row(areas: list[tuple[float, float]], chance: list[tuple[float, float]], alike: list[float]) -> dict[str, float]:
    deletion, insertion = np.mean(areas, axis=0)
    random_deletion, random_insertion = np.mean(chance, axis=0)
    return {
        "n": len(areas),
        "deletion": round(float(deletion), 4),
        "insertion": round(float(insertion), 4),
        "random_deletion": round(float(random_deletion), 4),
        "random_insertion": round(float(random_insertion), 4),
        "randomisation_similarity": round(float(np.mean(np.abs(alike))), 4),
    }


def randomised(net: EfficientNet, seed: int) -> EfficientNet:
    """A copy of `net` with every weight drawn anew."""
    torch.manual_seed(seed)
    stranger = copy.deepcopy(net)
    for module in stranger.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()  # type: ignore[operator]
    return stranger.eval()


def golden(card: ModelCard, weights: bytes) -> bytes:
    """A made-up frame and what the network says of it; holds nothing of the training data."""
    model = load(weights, len(card.labels))
    size = registry.task_module(card.task).SIZE
    y, x = np.mgrid[0:size, 0:size] / size
    frame = (127 + 60 * np.sin(9 * x) * np.cos(7 * y) + 50 * np.exp(-20 * ((x - 0.5) ** 2 + (y - 0.4) ** 2))).astype(np.uint8)
    said = predict(model, frame[None])
    out = io.BytesIO()
    np.savez(out, frame=frame, logits=said.logits, probabilities=said.probabilities, distance=said.distance)
    return out.getvalue()
