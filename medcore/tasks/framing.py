"""Grey pictures brought to one frame: what an image task sees, in training and at the bedside alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Grey = NDArray[np.uint8]
Box = tuple[int, int, int, int]  # top, left, bottom, right; the last two are one past the end

_FLAT = 6  # grey levels: a border row whose 5th and 95th percentile are this close holds no anatomy
_MOST = 0.3  # never trim more than this share from one side


def trim_box(image: Grey) -> Box:
    """The part of `image` (H, W) within the flat margins that collimators, scanners and screen captures leave."""
    top, bottom = _margins(image)
    left, right = _margins(image.T)
    return top, left, bottom, right


def _margins(image: Grey) -> tuple[int, int]:
    """First and one past the last row of `image` that is not flat."""
    step = max(1, image.shape[1] // 128)
    low, high = np.percentile(image[:, ::step], (5, 95), axis=1)
    busy = np.flatnonzero(high - low > _FLAT)
    rows = image.shape[0]
    most = int(rows * _MOST)
    if busy.size == 0:
        return 0, rows
    return min(int(busy[0]), most), max(int(busy[-1]) + 1, rows - most)


def crop(box: Box, share: float) -> Box:
    """`box` less `share` of each side: where side markers and borders stand."""
    top, left, bottom, right = box
    rows, columns = int((bottom - top) * share), int((right - left) * share)
    return top + rows, left + columns, bottom - rows, right - columns


def stretch(image: Grey, low: float = 1.0, high: float = 99.0) -> Grey:
    """`image` with its `low` and `high` percentiles at 0 and 255, so that exposure says nothing about the class."""
    step = max(1, image.shape[0] // 256), max(1, image.shape[1] // 256)
    first, last = np.percentile(image[:: step[0], :: step[1]], (low, high))
    table = (np.arange(256) - first) * (255.0 / max(float(last - first), 1.0))
    table_uint8: Grey = np.clip(np.rint(table), 0, 255).astype(np.uint8)
    return table_uint8[image]


def resize(image: Grey, size: int) -> Grey:
    """`image` as (size, size), anti-aliased; the aspect ratio is not kept, as in the public training files."""
    picture = Image.fromarray(np.ascontiguousarray(image))
    return np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=3.0))


def square(image: Grey, box: Box) -> tuple[Grey, Box]:
    """The pixels of `box` centred on a square of their darkest corner, and the square's own box, which may reach beyond the image."""
    top, left, bottom, right = box
    height, width = bottom - top, right - left
    side = max(height, width)
    part = image[top:bottom, left:right]
    padded = np.full((side, side), part[[0, 0, -1, -1], [0, -1, 0, -1]].min(), np.uint8)
    above, before = (side - height) // 2, (side - width) // 2
    padded[above : above + height, before : before + width] = part
    return padded, (top - above, left - before, top - above + side, left - before + side)
