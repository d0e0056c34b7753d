"""Recordings as no electrocardiograph makes them: each verdict is a value, never an exception or a warning."""

import itertools

import numpy as np
import pytest

from medcore.signals import ecg_alarm, ecg_quality, ecg_reversal
from medcore.types import Recording


def odd(kind: str, leads: int, count: int) -> np.ndarray:
    x = np.random.default_rng(0).normal(size=(leads, count)).astype(np.float32)
    if kind == "missing":
        x[:] = np.nan
    elif kind == "constant":
        x[:] = 3
    elif kind == "infinite":
        x[:, ::3] = np.inf
    elif kind == "huge":
        x *= 1e30
    elif kind == "half":
        x[:, : count // 2] = np.nan
    return x


@pytest.mark.parametrize("kind", ["noise", "missing", "constant", "infinite", "huge", "half"])
@pytest.mark.parametrize("rate", [1.0, 10.0, 49.0, 50.0, 64.0, 100.0, 333.33, 1000.0, 10_000.0])
def test_nothing_is_read_and_nothing_breaks(rate, kind):
    for count, leads in itertools.product((0, 1, 2, 7, 300, 2600), (("V6",), ("I", "aVR", "V6"))):
        record = Recording(signal=odd(kind, len(leads), count), unit="mV", sampling_rate_hz=rate, leads=leads)
        judged, share = ecg_quality.quality(record)
        assert share == 0 and not any(lead.usable for lead in judged)
        assert ecg_quality.gate(judged) in ("not_ecg", "unreadable")
        assert ecg_alarm.alarm(record) is None
        assert ecg_reversal.lead_reversal(record) is None
