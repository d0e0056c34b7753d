"""Finds tasks by their cards. Reads TOML and JSON only: a card can be shown without loading its network."""

from __future__ import annotations

import hashlib
import json
import tomllib
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from medcore.errors import ModelUnavailable, TaskNotFound
from medcore.settings import PROJECT
from medcore.types import Figure, Label, ModelCard, OperatingPoint

TASKS = Path(__file__).parent / "tasks"


@cache
def cards() -> dict[str, ModelCard]:
    """Every task's card by the task's name, in alphabetical order. A malformed card is a KeyError: a mistake in our code."""
    return {path.parent.name: _card(path) for path in sorted(TASKS.glob("*/card.toml"))}


def card(task: str) -> ModelCard:
    """One task's card.

    Raises:
        TaskNotFound: there is no such task; the message names those there are.
    """
    if task not in cards():
        raise TaskNotFound(f"There is no task of that name; there are {', '.join(cards())}.")
    return cards()[task]


def task_module(task: str) -> ModuleType:
    """The task's model.py, which imports torch: for the worker and the command line only."""
    return import_module(f"medcore.tasks.{card(task).task}.model")


def kind_module(task: str) -> ModuleType:
    """What the tasks of this one's kind share: examine and evaluate."""
    return import_module(f"medcore.tasks.kinds.{card(task).kind}")


def weights_path(task: str) -> Path:
    """The task's weights file, which `load_checked` compares with the card before anything reads it."""
    return TASKS / card(task).task / "weights.safetensors"


def checked_weights(task: str) -> bytes:
    """The bytes of the weights, if they are those that the card pins.

    Raises:
        ModelUnavailable: missing or altered; other tasks are not affected.
    """
    path = weights_path(task)
    if not path.is_file():
        raise ModelUnavailable(f"The weights of {card(task).title} are missing.")
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != card(task).weights_sha256:
        raise ModelUnavailable(f"The weights of {card(task).title} are not those that its card names, so they are not used.")
    return data


def results(task: str) -> dict[str, Any]:
    """The committed measurements behind the card's figures: curves, confusion, gate and saliency tables."""
    loaded: dict[str, Any] = json.loads((PROJECT / card(task).results).read_text(encoding="utf-8"))
    return loaded


def _card(path: Path) -> ModelCard:
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    measured = raw.pop("measured", None) or _untrained([label["name"] for label in raw.get("labels", ())])
    points = tuple(OperatingPoint(**point) for point in measured.pop("operating_points", ()))
    figures = tuple(Figure(name=name, **figure) for name, figure in measured.pop("figures").items())
    thresholds, margins = measured.pop("thresholds"), measured.pop("margins")
    labels = tuple(Label(**label, threshold=thresholds[label["name"]], margin=margins[label["name"]]) for label in raw.pop("labels", ()))
    for name in ("modality", "body_part", "age_years"):
        raw[name] = tuple(raw[name]) if name in raw else None
    for name in ("leads", "seconds", "also"):
        if name in raw:
            raw[name] = tuple(raw[name])
    return ModelCard(task=path.parent.name, labels=labels, operating_points=points, figures=figures, **raw, **measured)


def _untrained(labels: list[str]) -> dict[str, Any]:
    """What stands in for [measured] before the first training: not numbers, and no weights that could pass for checked."""
    unknown = dict.fromkeys(labels, float("nan"))
    return {
        "operating_points": [],
        "figures": {},
        "thresholds": unknown,
        "margins": unknown,
        "temperature": float("nan"),
        "gate_limit": float("nan"),
        "weights_sha256": "",
    }
