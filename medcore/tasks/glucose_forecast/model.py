"""Forecast of glucose from a sensor's last hours."""

from __future__ import annotations

from functools import partial

from medcore.networks.foresight import Foreseer
from medcore.tasks import forecaster as kind
from medcore.tasks.windows import CHANNELS, FAR_STEPS, STATICS, STEPS

HORIZONS = tuple(5.0 * k for k in range(1, 25))  # minutes


def network() -> Foreseer:
    """Random weights."""
    return Foreseer(len(CHANNELS), STEPS, FAR_STEPS, len(STATICS), HORIZONS, hidden=64, dropout=0.3)


load = partial(kind.load, network=network, horizons=HORIZONS)
