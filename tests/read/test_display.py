"""Windowing against PS3.3 C.11.2.1.2.1 worked out by hand, and the presets against clinical_ui.md."""

from __future__ import annotations

import time
import tomllib

import numpy as np
import pytest

from medcore.read.display import _TABLE, PRESETS, to_grey, windowed
from medcore.types import Series, Window


def series(array: np.ndarray, **fields: object) -> Series:
    """A series of one slice."""
    return Series(array=array[None, None] if array.ndim == 2 else array, unit="grey", modality="CT", **fields)  # type: ignore[arg-type]


def test_the_presets_are_those_of_the_viewers() -> None:
    """A fork of OHIF shipped lung as 150/-600."""
    expected = {"soft_tissue": (400, 40), "lung": (1500, -600), "liver": (150, 90), "bone": (2500, 480), "brain": (80, 40),
                "stroke": (40, 40), "subdural": (240, 80)}  # fmt: skip
    assert {name: (window.width, window.center) for name, window in PRESETS.items()} == expected
    assert list(PRESETS) == list(expected)  # the order of the keys 1 to 7
    rows = tomllib.loads(_TABLE.read_text(encoding="utf-8"))["window"]
    assert all(row["citation"] and row["unit"] == "HU" and row["population"] for row in rows)


@pytest.mark.parametrize("kind", [np.int16, np.uint16, np.float32, np.uint8])
@pytest.mark.parametrize("side", [8, 200])  # arithmetic, and the table
def test_the_linear_function(kind: type, side: int) -> None:
    values = np.resize(np.arange(0, 250), (side, side)).astype(kind)
    center, width = 100.0, 101.0
    expected = np.clip(((values.astype(float) - (center - 0.5)) / (width - 1) + 0.5) * 255, 0, 255)
    found = to_grey(series(values), window=Window(center=center, width=width))
    assert found.dtype == np.uint8 and np.abs(found - expected).max() <= 0.5001


def test_ends_of_the_window() -> None:
    """C.11.2.1.2.1: at or below c - 0.5 - (w-1)/2 the least output, above c - 0.5 + (w-1)/2 the greatest."""
    values = np.array([[-1000, -161, -160, 39, 40, 239, 240, 3000]], np.int16)
    assert windowed(values, PRESETS["soft_tissue"]).tolist() == [[0, 0, 0, 127, 128, 255, 255, 255]]
    large = np.tile(values, (5000, 1))
    assert windowed(large, PRESETS["soft_tissue"])[17].tolist() == [0, 0, 0, 127, 128, 255, 255, 255]


def test_a_window_of_width_one_is_a_threshold() -> None:
    assert windowed(np.array([[9, 10, 11]], np.int16), Window(center=10, width=1)).tolist() == [[0, 255, 255]]


def test_the_given_window_wins_over_the_series_and_that_over_the_percentiles() -> None:
    values = np.arange(1000, dtype=np.uint16).reshape(10, 100)
    own = series(values, window=Window(center=500, width=10))
    assert to_grey(own)[0, 0] == 0 and to_grey(own)[9, 99] == 255 and to_grey(own)[4, 0] == 0
    assert np.array_equal(to_grey(own, window=Window(center=500, width=2000)), windowed(values, Window(center=500, width=2000)))
    free = to_grey(series(values))
    assert free.min() == 0 and free.max() == 255 and abs(int(free[5, 0]) - 128) < 3


def test_a_marker_does_not_darken_the_film() -> None:
    values = np.tile(np.arange(1000, dtype=np.uint16), (100, 1))
    values[0, 0] = 65535
    assert to_grey(series(values))[50, 999] >= 250


def test_pictures_pass_unchanged_and_plain_ones_do_not_fail() -> None:
    values = np.arange(60, dtype=np.uint8).reshape(6, 10)
    assert np.array_equal(to_grey(series(values)), values)
    assert to_grey(series(np.full((4, 4), 7, np.uint16))).shape == (4, 4)
    assert to_grey(series(np.full((4, 4), 0.5, np.float32))).dtype == np.uint8


def test_rgb_is_luma() -> None:
    rgb = np.zeros((3, 1, 1, 3), np.uint8)
    rgb[0, 0, 0, 0] = rgb[1, 0, 0, 1] = rgb[2, 0, 0, 2] = 255
    assert to_grey(Series(array=rgb, unit="RGB", modality=None)).tolist() == [[76, 150, 29]]


def test_slices_by_index() -> None:
    stack = np.stack([np.zeros((4, 4), np.uint8), np.ones((4, 4), np.uint8)])[None]
    assert to_grey(series(stack), 1).max() == 1
    for index in (2, -1):
        with pytest.raises(IndexError):
            to_grey(series(stack), index)


def test_a_large_film_is_fast() -> None:
    film = series(np.random.default_rng(0).integers(0, 65536, (2000, 2000)).astype(np.uint16), window=Window(center=2000, width=4000))
    times = []
    for _ in range(5):
        began = time.perf_counter()
        to_grey(film)
        times.append(time.perf_counter() - began)
    assert min(times) < 0.2  # measured: 6 ms on an idle machine
