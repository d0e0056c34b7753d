"""What the replay in the browser is sent: readings and the forecasts made at them, as bytes.

Little-endian: readings N, moments O, horizons H, levels Q (int32 each); the wearer's clock in s (N float64); minutes and mg/dL of readings
(N float32 each); which reading each moment is, counted within this part (O int32); probabilities of a low (O, 2 float32); horizons in
minutes (H float32); quantiles in tenths of mg/dL (O, H, Q int16, GAP unknown).
"""

from __future__ import annotations

import numpy as np

from medcore.types import Forecast, Trace

BEFORE_MIN = 1440.0  # of readings before the first moment
GAP = -32768
_TENTHS = 10.0


def part(trace: Trace, forecast: Forecast) -> tuple[int, int]:
    """First and last + 1 reading that the replay shows: from a day before the first moment until the last horizon."""
    minutes = trace.minutes.astype(np.float64)
    first = int(np.searchsorted(minutes, minutes[int(forecast.origins[0])] - BEFORE_MIN))
    last = int(np.searchsorted(minutes, minutes[int(forecast.origins[-1])] + max(forecast.horizons_min), side="right"))
    return first, last


def packed(trace: Trace, forecast: Forecast) -> bytes:
    """The bytes as said above.

    Raises:
        IndexError: no moment at all.
    """
    first, last = part(trace, forecast)
    quantiles = forecast.quantiles.astype(np.float64) * _TENTHS
    tenths = np.where(np.isfinite(quantiles), np.clip(np.rint(np.nan_to_num(quantiles)), -32767, 32767), GAP)
    sizes = (last - first, len(forecast.origins), len(forecast.horizons_min), len(forecast.levels))
    parts = (
        np.asarray(sizes, "<i4"),
        trace.clock_s[first:last].astype("<f8"),
        (trace.minutes[first:last]).astype("<f4"),
        trace.glucose[first:last].astype("<f4"),
        (forecast.origins - first).astype("<i4"),
        forecast.p_low.astype("<f4"),
        np.asarray(forecast.horizons_min, "<f4"),
        tenths.astype("<i2"),
    )
    return b"".join(one.tobytes() for one in parts)
