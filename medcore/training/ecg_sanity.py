"""What an ECG task's gate refuses, whether its attributions deserve a look, and its golden answer."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from medcore import cardiology
from medcore.explain import SIGNAL_METHODS, beat_deletion_insertion, beat_numbers, similarity
from medcore.read.ecg.leads import STANDARD
from medcore.tasks.ecg_classifier import Model, Net, Signal, Task, Together, beats_of
from medcore.training.waveforms import Wear, worn
from medcore.types import Recording

EACH = 60  # made-up signals of each foreign kind
EXPLAINED, COMPARED = 40, 10
MILD = Wear(flip=0.0, gain=0.2, filtered=0.3, tilt=0.15, noise=0.06, wander=0.15, bursts=0.0, holes=0.0)
_RATE_HZ, _SECONDS = 250.0, 12


def foreign(rng: np.random.Generator) -> Iterator[tuple[str, list[NDArray[np.float32]]]]:
    """(name, signals) at 250 Hz in mV of what is no ECG: noise, walks, sines, pulse waves, EEG-like rhythms, a bare electrode."""
    t = np.arange(int(_SECONDS * _RATE_HZ)) / _RATE_HZ

    def pink(power: float) -> NDArray[np.float64]:
        f = np.maximum(np.fft.rfftfreq(len(t), 1 / _RATE_HZ), 0.3)
        shaped = np.fft.irfft(np.fft.rfft(rng.normal(size=len(t))) / f**power, len(t))
        return np.asarray(shaped / shaped.std())

    def pulse() -> NDArray[np.float64]:
        phase = np.cumsum(rng.uniform(0.8, 1.8) * (1 + 0.05 * pink(1.0))) / _RATE_HZ
        at = phase % 1
        return np.exp(-0.5 * ((at - 0.25) / 0.1) ** 2) + 0.4 * np.exp(-0.5 * ((at - 0.6) / 0.12) ** 2)

    def eeg() -> NDArray[np.float64]:
        return 0.05 * (pink(0.7) + rng.uniform(0.5, 2) * (1 + 0.5 * pink(1.0)) * np.sin(2 * np.pi * rng.uniform(8, 12) * t))

    made: dict[str, Callable[[], NDArray[np.float64]]] = {
        "white noise": lambda: rng.normal(size=len(t)),
        "random walks": lambda: np.cumsum(rng.normal(size=len(t))) * 0.05,
        "sines": lambda: np.sin(2 * np.pi * rng.uniform(0.5, 30) * t),
        "pulse waves": pulse,
        "EEG-like rhythms": eeg,
        "mains on a bare electrode": lambda: np.sin(2 * np.pi * 50 * t) + 0.05 * pink(1.0),
    }
    for name, make in made.items():
        yield name, [np.asarray(make(), np.float32) for _ in range(EACH)]


def gate_table(task: Task, model: Model, kept: Sequence[Signal], seed: int) -> dict[str, Any]:
    """The limit of distance, and what share is refused inside and outside, by quality and distance together as at the bedside."""
    rng = np.random.default_rng(seed)
    generator = torch.Generator().manual_seed(seed)
    changed = [worn(torch.from_numpy(np.float32(s))[None], task.RATE_HZ, MILD, generator)[0].numpy() for s in kept]
    inside = task.predict(model, kept).distance
    limit = float(np.quantile(np.concatenate([inside, task.predict(model, changed).distance]), 0.995))
    channels = kept[0].shape[0]
    distances, refused = {}, {}
    for name, signals in foreign(rng):
        recordings = [_recording(signals, k, channels) for k in range(EACH)]
        distances[name] = task.predict(model, [task.prepare(one) for one in recordings]).distance
        bad = np.array([not cardiology.look(one).gate.passed for one in recordings])
        refused[name] = round(float((bad | (distances[name] > limit)).mean()), 4)
    return {
        "limit": round(limit, 4),
        "inside": [round(float(v), 3) for v in inside],
        "outside": {name: [round(float(v), 3) for v in values] for name, values in distances.items()},
        "refused_inside": round(float((inside > limit).mean()), 4),
        "refused_outside": refused,
    }


def _recording(signals: Sequence[NDArray[np.float32]], number: int, channels: int) -> Recording:
    leads = STANDARD if channels > 1 else ("II",)
    rows = np.stack([signals[(number + k) % len(signals)] for k in range(len(leads))])
    return Recording(signal=rows, unit="mV", sampling_rate_hz=_RATE_HZ, leads=leads)


def saliency_table(task: Task, model: Model, kept: Sequence[Signal], seed: int) -> dict[str, dict[str, float]]:
    """For each method: deletion and insertion areas by beats beside a random order, and likeness to the maps of random weights."""
    rng = np.random.default_rng(seed)
    net, stranger = Together(model.nets[:1]), Together([randomised(task, seed)])
    areas: dict[str, list[tuple[float, float]]] = {name: [] for name in (*SIGNAL_METHODS, "random")}
    alike: dict[str, list[float]] = {name: [] for name in SIGNAL_METHODS}
    for number, k in enumerate(rng.permutation(len(kept))[:EXPLAINED]):
        signal = np.asarray(kept[k][:, : int(10 * task.RATE_HZ)], np.float32)
        beats = beats_of(signal, task.RATE_HZ)
        x = torch.from_numpy(signal)[None]
        with torch.no_grad():
            target = int(net(x).argmax())
        part = beat_numbers(signal.shape[1], beats)
        count = int(part.max()) + 1
        if count < 4:
            continue
        areas["random"].append(beat_deletion_insertion(net, x, target, beats, rng.permutation(count)))
        for name, method in SIGNAL_METHODS.items():
            values = method(net, x, target, beats).values.sum(axis=0)
            order = np.argsort(-np.bincount(part, values), kind="stable")
            areas[name].append(beat_deletion_insertion(net, x, target, beats, order))
            if number < COMPARED:
                alike[name].append(similarity(values, method(stranger, x, target, beats).values.sum(axis=0)))
    return {name: _row(areas[name], areas["random"], alike[name]) for name in SIGNAL_METHODS}


def _row(areas: list[tuple[float, float]], chance: list[tuple[float, float]], alike: list[float]) -> dict[str, float]:
    deletion, insertion = np.nanmedian(areas, axis=0)
    random_deletion, random_insertion = np.nanmedian(chance, axis=0)
    return {
        "n": len(areas),
        "deletion": round(float(deletion), 4),
        "insertion": round(float(insertion), 4),
        "random_deletion": round(float(random_deletion), 4),
        "random_insertion": round(float(random_insertion), 4),
        "randomisation_similarity": round(float(np.mean(np.abs(alike))), 4),
    }


def randomised(task: Task, seed: int) -> Net:
    """The task's network with random weights."""
    torch.manual_seed(seed)
    return task.network().eval()


def golden(task: Task, weights: bytes) -> bytes:
    """A made-up signal and what the networks say of it; holds nothing of the training data."""
    model = task.load(weights)
    channels = model.nets[0].channels
    t = np.arange(int(10 * task.RATE_HZ)) / task.RATE_HZ
    beat = np.exp(-0.5 * (((t % 0.8) - 0.4) / 0.02) ** 2) + 0.2 * np.exp(-0.5 * (((t % 0.8) - 0.65) / 0.05) ** 2)
    signal = (beat[None] * np.linspace(0.5, 1.5, channels)[:, None]).astype(np.float32)
    said = task.predict(model, [signal])
    out = io.BytesIO()
    np.savez(out, signal=signal, logits=said.logits, probabilities=said.probabilities, distance=said.distance)
    return out.getvalue()
