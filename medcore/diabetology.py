"""What is said of every sensor's trace, whatever a network foresees: whether it can be glucose at all, and its measurements."""

from __future__ import annotations

from medcore.signals import glucose
from medcore.types import Gate, Measurement, Trace

DAYS = 14  # of a report's measurements (Battelino 2019, doi 10.2337/dci19-0028: fourteen days stand for three months)
_IN = Gate(code="in", reason="")
_REASONS = {
    "constant": "The values hardly change, as no sensor's do: no forecast is given.",
    "shuffled": "The values jump as if their order were lost: no forecast is given.",
    "not_glucose": "The values are not like those of glucose: no forecast is given.",
}


def look(trace: Trace) -> Gate:
    """Whether a forecast may be asked of `trace`; its measurements are given either way."""
    code = glucose.plausible(trace)
    return _IN if code is None else Gate(code=code, reason=_REASONS[code])


def measurements(trace: Trace) -> tuple[Measurement, ...]:
    """Those of the last fourteen days, or of all where there are fewer."""
    return tuple(glucose.measurements(glucose.recent(trace, DAYS)))
