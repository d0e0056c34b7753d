"""Pneumonia on the frontal chest film of a child: how a film is framed, and the three verbs."""

from __future__ import annotations

from medcore.read.display import to_grey
from medcore.tasks import classifier as kind
from medcore.tasks.framing import crop, resize, stretch, trim_box
from medcore.types import Series

SIZE = 224  # pixels; 160 in training (see train.py)
MARGIN = 0.03  # of each side: side markers and collimator edges stand there, and tell normal from ill in the training set


def prepare(series: Series, index: int, size: int = SIZE) -> kind.Frame:
    """The film at its own window, without flat borders and markers, its 1st and 99th percentile at black and white."""
    grey = to_grey(series, index)
    box = crop(trim_box(grey), MARGIN)
    top, left, bottom, right = box
    return kind.Frame(resize(stretch(grey[top:bottom, left:right]), size), box)


def load(weights: bytes) -> kind.Model:
    """The classifier with its classes normal and pneumonia."""
    return kind.load(weights, labels=2)


predict = kind.predict
attribute = kind.attribute
