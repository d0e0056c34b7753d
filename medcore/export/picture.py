"""The key image of a report: the slice that was read, as the page shows it, the influence map over it if asked for."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from medcore.read import display
from medcore.types import Attribution, Series

_LONGEST = 1100
# cividis (Nunez, Anderton, Renslow 2018, doi 10.1371/journal.pone.0199239) at ten even steps
_CIVIDIS = ("00224e", "123570", "3b496c", "575d6d", "707173", "8a8678", "a59c74", "c3b369", "e1cc55", "fee838")
_OPACITY, _FROM = 0.5, 0.3


def key_image(series: Series, index: int, attribution: Attribution | None = None) -> bytes:
    """A JPEG of slice `index`, at most 1100 pixels on the long side, with `attribution` over it where given."""
    image = Image.fromarray(_grey(series, index)).convert("RGB")
    if attribution is not None:
        image = _overlaid(image, attribution)
    image.thumbnail((_LONGEST, _LONGEST), Image.Resampling.LANCZOS)
    out = BytesIO()
    image.save(out, "JPEG", quality=88)
    return out.getvalue()


def cividis(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(...) of 0..1 -> (..., 3) colours."""
    stops = np.array([[int(code[at : at + 2], 16) for at in (0, 2, 4)] for code in _CIVIDIS], dtype=np.float32)
    place = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(values, place, stops[:, channel]) for channel in range(3)], axis=-1).astype(np.uint8)


def _grey(series: Series, index: int) -> NDArray[np.uint8]:
    if series.array.shape[0] == 3:
        return np.ascontiguousarray(np.moveaxis(series.array[:, index], 0, -1), dtype=np.uint8)
    return display.to_grey(series, index)


def _overlaid(image: Image.Image, attribution: Attribution) -> Image.Image:
    values = np.asarray(attribution.values, dtype=np.float32).clip(0, 1)
    colours = cividis(values)
    mask = np.where(values >= _FROM, int(255 * _OPACITY), 0).astype(np.uint8)
    over = Image.fromarray(colours).resize(image.size, Image.Resampling.BILINEAR)  # the map may be coarser; it covers the whole image
    return Image.composite(over, image, Image.fromarray(mask).resize(image.size, Image.Resampling.BILINEAR))
