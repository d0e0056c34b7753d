"""Fewer points for a browser to draw, none of them invented: of each stretch its lowest and highest reading stay."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MOST_POINTS = 20_000

Ints = NDArray[np.int64]


def kept(values: NDArray[np.floating], most: int = MOST_POINTS) -> Ints:
    """The numbers, ascending, of at most `most` of the (N,) `values`: first, last, and of each even stretch the least and the greatest.

    All where there are no more than `most`, so that a spike is never lost. Values are finite.
    """
    total = len(values)
    if total <= most:
        return np.arange(total, dtype=np.int64)
    width = int(np.ceil(total / max(1, (most - 2) // 2)))
    whole = total // width * width
    blocks = values[:whole].reshape(-1, width)
    starts = np.arange(len(blocks)) * width
    found = [starts + blocks.argmin(axis=1), starts + blocks.argmax(axis=1), [0, total - 1]]
    if whole < total:
        rest = values[whole:]
        found.append([whole + int(rest.argmin()), whole + int(rest.argmax())])
    return np.unique(np.concatenate([np.asarray(one, np.int64) for one in found]))
