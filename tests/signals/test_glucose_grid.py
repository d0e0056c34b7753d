import numpy as np
import pytest

from medcore.signals.glucose_grid import clarke, parkes


@pytest.mark.parametrize(
    ("reference", "measured", "zone"),
    [(100, 100, 0), (100, 119, 0), (60, 65, 0), (50, 69, 0), (100, 130, 1), (100, 215, 2), (150, 25, 2), (250, 100, 3), (55, 100, 3),
     (65, 100, 3), (200, 60, 4), (60, 200, 4), (300, 340, 0), (300, 400, 1)],
)  # fmt: skip
def test_clarke(reference, measured, zone):
    assert clarke(np.array([float(reference)]), np.array([float(measured)])).tolist() == [zone]


@pytest.mark.parametrize(
    ("reference", "measured", "zone"),
    [(100, 100, 0), (20, 45, 0), (20, 55, 1), (100, 135, 1), (100, 60, 1), (20, 70, 2), (200, 60, 2), (20, 120, 3), (400, 80, 3),
     (20, 160, 4), (500, 500, 0), (549, 300, 1)],
)  # fmt: skip
def test_parkes(reference, measured, zone):
    assert parkes(np.array([float(reference)]), np.array([float(measured)])).tolist() == [zone]


def test_a_truth_is_in_zone_a_everywhere():
    level = np.arange(20.0, 551.0)
    assert (clarke(level, level) == 0).all()
    assert (parkes(level, level) == 0).all()
