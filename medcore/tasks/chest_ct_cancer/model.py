"""Lung cancer on one axial chest CT slice: how a slice is framed, and the three verbs."""

from __future__ import annotations

from medcore.read.display import PRESETS, to_grey
from medcore.tasks import classifier as kind
from medcore.tasks.framing import resize, square, trim_box
from medcore.types import Series

SIZE = 224


def prepare(series: Series, index: int, size: int = SIZE) -> kind.Frame:
    """The slice in the lung window, without flat margins, on a square that keeps its aspect ratio.

    A picture file has no Hounsfield units: it is taken as it was windowed.
    """
    grey = to_grey(series, index, PRESETS["lung"] if series.unit == "HU" else None)
    pixels, box = square(grey, trim_box(grey))
    return kind.Frame(resize(pixels, size), box)


def load(weights: bytes) -> kind.Model:
    """The classifier with its classes benign, malignant and normal."""
    return kind.load(weights, labels=3)


predict = kind.predict
attribute = kind.attribute
