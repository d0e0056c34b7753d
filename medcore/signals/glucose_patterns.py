"""Patterns by time of day, from counted evidence: in which window, on how many days of how many, and on which.

Two hours are moved over the day by hours, around midnight too. A day is evidence where enough minutes of an episode lie in the window, and
counts only where the window has readings. Windows that qualify and touch are one; hours at its ends that few days show are cut off.
Lines and reasons: reference/glucose_patterns.toml. Codes and counts only; words are the page's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from medcore.signals import limits
from medcore.signals.glucose_episodes import KINDS as EPISODES
from medcore.signals.glucose_episodes import beyond, stretches
from medcore.signals.glucose_meals import after_meals, fasting
from medcore.signals.glucose_time import Bools, Floats
from medcore.signals.glucose_week import week
from medcore.signals.glucose_window import Hours, Pattern, hours, window
from medcore.types import Trace

__all__ = ["KINDS", "Pattern", "patterns"]

KINDS = (
    *("very_low", "low", "very_high", "high", "fasting_high", "after_meal_high", "variable"),
    *("weekend_low", "weekday_low", "weekend_high", "weekday_high"),
)
_limit = partial(limits.value, "glucose_patterns")
Evidence = tuple[Bools, Bools]  # (D,) days that show it, (D,) days that could
Window = Callable[[int, int], Evidence]


def patterns(trace: Trace) -> tuple[Pattern, ...]:
    """Patterns of KINDS, lows first, then by time of day; () below three days."""
    found = [*_windows(trace), *fasting(trace), *after_meals(trace), *week(trace)]
    return tuple(sorted(found, key=lambda pattern: (KINDS.index(pattern.kind), pattern.start_hour)))


def _windows(trace: Trace) -> Iterator[Pattern]:
    by_hour = hours(trace)
    for kind in EPISODES:
        minutes = by_hour.total(_in_episodes(trace, kind))
        yield from _found(kind, by_hour, partial(_episodes, by_hour, minutes, kind), _limit(f"{kind}_share"))
    glucose = by_hour.total(trace.glucose.astype(np.float64))  # minutes times mg/dL
    yield from _found("variable", by_hour, partial(_variable, by_hour, glucose), _limit("variable_share"))


def _in_episodes(trace: Trace, kind: str) -> Bools:
    """(N,) readings beyond the limit that belong to an episode."""
    inside = np.zeros(len(trace.glucose), np.bool_)
    for first, last in stretches(trace, kind):
        inside[first : last + 1] = True
    return inside & beyond(trace, kind)


def _enough(by_hour: Hours, start: int, end: int) -> Bools:
    return np.asarray(window(by_hour.covered, start, end) >= _limit("enough") * (end - start) * 60)


def _episodes(by_hour: Hours, minutes: Floats, kind: str, start: int, end: int) -> Evidence:
    least = min(_limit(f"{kind}_minutes"), 30.0 * (end - start))  # of a single hour no more than half
    shows = window(minutes, start, end) >= least - 1e-6
    return shows, _enough(by_hour, start, end) | shows


def _variable(by_hour: Hours, glucose: Floats, start: int, end: int) -> Evidence:
    """Days whose mean in the window is far from the median of all days' means."""
    enough = _enough(by_hour, start, end)
    covered = window(by_hour.covered, start, end)
    means = window(glucose, start, end) / np.maximum(covered, 1e-9)
    if not enough.any():
        return enough, enough
    return enough & (np.abs(means - np.median(means[enough])) >= _limit("variable_away")), enough


def _found(kind: str, by_hour: Hours, look: Window, share: float) -> Iterator[Pattern]:
    """Maximal windows in which `look` finds enough days, each as a pattern."""
    width, least = int(_limit("window")), _limit("days")

    def holds(start: int, end: int) -> bool:
        shows, could = look(start, end)
        return bool(shows.sum() >= least and shows.sum() >= share * could.sum())

    for whole in _joined([hour for hour in range(24) if holds(hour, hour + width)], width):
        trimmed = _trimmed(look, *whole)
        start, end = trimmed if holds(*trimmed) else whole
        if not holds(start, end):  # days that touch many hours count once
            continue
        shows, could = look(start, end)
        rows = np.flatnonzero(shows)
        dates = by_hour.dates(rows)
        yield Pattern(kind=kind, start_hour=start, end_hour=end, nights_or_days=len(rows), of=int(could.sum()), days=dates)


def _joined(starts: list[int], width: int) -> Iterator[tuple[int, int]]:
    """Windows that touch or overlap as one, around midnight too; all day is 0 to 24."""
    covered = {(hour + step) % 24 for hour in starts for step in range(width)}
    if len(covered) == 24:
        yield 0, 24
        return
    for hour in sorted(covered):
        if (hour - 1) % 24 not in covered:
            end = hour + 1
            while end % 24 in covered:
                end += 1
            yield hour, end


def _trimmed(look: Window, start: int, end: int) -> tuple[int, int]:
    """The window without the hours at its ends that few days show, next to its best hour; past midnight only where it begins before."""
    days = [int(look(hour % 24, hour % 24 + 1)[0].sum()) for hour in range(start, end)]
    kept = np.flatnonzero(np.array(days) >= _limit("edge") * max(days))
    start, end = start + int(kept[0]), start + int(kept[-1]) + 1
    return (start, end) if start < 24 else (start - 24, end - 24)
