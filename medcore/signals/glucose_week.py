"""Whether weekends (Saturday, Sunday) are lower or higher than other days: days over the consensus share, by Fisher's exact test."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import numpy as np

from medcore.signals import limits
from medcore.signals.glucose_ranges import above, below
from medcore.signals.glucose_time import DAY_MIN
from medcore.signals.glucose_window import Pattern, hours, window
from medcore.types import Trace

_limit = partial(limits.value, "glucose_patterns")
_edge = partial(limits.value, "glucose_measures")
_THURSDAY = 3  # 1970-01-01, Monday 0
_SATURDAY = 5


def week(trace: Trace) -> Iterator[Pattern]:
    """weekend_low, weekday_low, weekend_high, weekday_high, each only where the test says so."""
    by_hour = hours(trace)
    covered = window(by_hour.covered, 0, 24)
    enough = covered >= _limit("enough") * DAY_MIN
    weekend = (np.arange(len(covered)) + by_hour.first + _THURSDAY) % 7 >= _SATURDAY
    for kind, inside in (("low", below(trace, _edge("low"))), ("high", above(trace, _edge("high")))):
        shows = enough & (100 * window(by_hour.total(inside), 0, 24) >= _limit(f"week_{kind}") * covered)
        counts = [(int((shows & group).sum()), int((enough & group).sum())) for group in (weekend, ~weekend)]
        p = fisher(counts[0][0], counts[0][1] - counts[0][0], counts[1][0], counts[1][1] - counts[1][0])
        if p > _limit("week_p"):
            continue
        more = int(counts[0][0] * counts[1][1] < counts[1][0] * counts[0][1])  # 0: weekends show it more often
        rows = np.flatnonzero(shows & (~weekend if more else weekend))
        name, (number, of), other = f"{('weekend', 'weekday')[more]}_{kind}", counts[more], counts[1 - more]
        dates = by_hour.dates(rows)
        yield Pattern(kind=name, start_hour=0, end_hour=24, nights_or_days=number, of=of, days=dates, other=other, p=p)


def fisher(a: int, b: int, c: int, d: int) -> float:
    """Two-sided p of Fisher's exact test on the table [[a, b], [c, d]]: tables with these margins no likelier than this one."""
    row, column, total = a + b, a + c, a + b + c + d
    ways = math.comb(total, column)
    low, high = max(0, column - (c + d)), min(row, column)
    shares = [math.comb(row, k) * math.comb(total - row, column - k) / ways for k in range(low, high + 1)]
    return min(1.0, sum(share for share in shares if share <= shares[a - low] * (1 + 1e-9)))
