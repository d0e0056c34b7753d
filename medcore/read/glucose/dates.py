"""Times of day-to-day files as numbers, whichever way their dates are written; day before month or month before day is told by evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from medcore.errors import DateOrderUnknown, Inconsistent

Floats = NDArray[np.float64]
ORDERS = ("ymd", "dmy", "mdy")
DAY_S = 86400.0
_EPOCH = date(1970, 1, 1).toordinal()
_FIRST, _LAST = date(1990, 1, 1).toordinal(), date(2100, 1, 1).toordinal()  # sensors came in 1999; clocks that were never set say 1970
_CALENDAR = re.compile(r"(\d{1,4})([-/.年 ])(\d{1,2})[-/.月 ](\d{1,4})[日.]?", re.ASCII)
_NAMED = re.compile(r"(\d{1,2})[-/. ]+([A-Za-z]{3,9})\.?,?[-/. ]+(\d{2,4})|([A-Za-z]{3,9})\.? (\d{1,2}),? (\d{4})", re.ASCII)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_HOURS = re.compile(
    r"(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:[.,](\d{1,9}))?)?\s*(?:([AaPp])\.?\s?[Mm]\.?)?\s*(Z|UTC|GMT(?=$))?"
    r"(?:(?:GMT|UTC)?\s*([+-])(\d{1,2}):?(\d{2})?)?",
    re.ASCII,
)
_SPLIT = re.compile(r"(.*?[\d日])(?:[T,]\s*|\s+)(\d{1,2}[:.]\d{2}.*)", re.ASCII)
_NUMBER = re.compile(r"\d{9,14}(?:\.\d+)?", re.ASCII)
_AMBIGUOUS = "Day and month cannot be told apart in this file's dates; please state their order."
_DENSER = 2.0  # times as many days next to each other speak for an order


@dataclass(frozen=True, slots=True)
class Times:
    """`clock_s` (N,) the wearer's clock as in `Trace`, NaN where a text is no time; `offset_s` (N,) what it is ahead of UTC, NaN where not
    stated. `order` as in `Trace.date_order`. `utc`: the texts say Z and nothing of the wearer's clock, so that `clock_s` is UTC's."""

    clock_s: Floats
    offset_s: Floats
    order: str
    utc: bool

    @property
    def instant_s(self) -> Floats | None:
        """Instants as seconds since 1970 UTC, None unless each time states its offset."""
        return self.clock_s - self.offset_s if len(self.clock_s) and not np.isnan(self.offset_s[~np.isnan(self.clock_s)]).any() else None


def times(texts: Sequence[str], stated: str | None = None, until: str = "") -> Times:
    """Every text as a time. `stated`: the order of dates, where a person said it; `until`: a date of the file that no reading comes after.

    Raises:
        DateOrderUnknown: day and month cannot be told apart, and it matters.
        Inconsistent: `stated` cannot be true.
    """
    parts = [_parted(text) for text in texts]
    days = dict.fromkeys(day for day, _ in parts)
    order = _order(days, stated, until)
    ordinal = {day: _ordinal(day, order) for day in days}
    counted = {day for day in days if _NUMBER.fullmatch(day)}
    hours: dict[str, tuple[float, float]] = {}
    clock, offset = np.full(len(parts), np.nan), np.full(len(parts), np.nan)
    for place, (day, hour) in enumerate(parts):
        known = hours.get(hour)
        if known is None:
            known = hours[hour] = _hour(hour)
        clock[place] = ordinal[day] + known[0]
        offset[place] = 0.0 if day in counted else known[1]
    fine = ~np.isnan(clock)
    utc = bool(fine.any() and (offset[fine] == 0).all())
    return Times(clock, offset, order if any(_ambiguous(day) for day in days) else "", utc)


def _parted(text: str) -> tuple[str, str]:
    """Date and time of day as they are written; a number of seconds or milliseconds since 1970 is a date without a time."""
    found = _SPLIT.fullmatch(text)
    return (found[1].strip(), found[2]) if found else (text.strip(), "")


def _hour(text: str) -> tuple[float, float]:
    """Seconds since midnight and seconds ahead of UTC; NaN where unreadable or unstated. No time at all is midnight."""
    if not text:
        return 0.0, np.nan
    found = _HOURS.fullmatch(text.strip())
    if found is None:
        return np.nan, np.nan
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    half = (found[5] or "").lower()
    if half:
        hour = hour % 12 + 12 * (half == "p") if 1 <= hour <= 12 else 99
    if hour > 23 or minute > 59 or second > 59:
        return np.nan, np.nan
    ahead = 0.0 if found[6] else np.nan
    if found[7]:
        ahead = (int(found[8]) * 60 + int(found[9] or 0)) * 60.0 * (1 if found[7] == "+" else -1)
    return hour * 3600.0 + minute * 60 + second + float(f"0.{found[4] or 0}"), ahead


def _fields(day: str) -> tuple[int, int, int] | None:
    """The three numbers of a date in the order of the text; the year may be of two digits."""
    found = _CALENDAR.fullmatch(day)
    return (int(found[1]), int(found[3]), int(found[4])) if found else None


def _year_first(day: str) -> bool:
    return len(day) > 4 and day[:4].isdigit()


def _ambiguous(day: str) -> bool:
    """Whether the text leaves a choice between day and month."""
    return not _year_first(day) and _fields(day) is not None


def _dotted(day: str) -> bool:
    return "." in day


def _order(days: Iterable[str], stated: str | None, until: str) -> str:
    """How dates with the year last are read: what a person stated, else what a field above 12 says, else what makes the days a row."""
    open_days = [day for day in days if _ambiguous(day)]
    if not open_days:
        return "ymd"
    fields = [own for day in open_days if (own := _fields(day)) is not None]
    first, second = sum(own[0] > 12 for own in fields), sum(own[1] > 12 for own in fields)
    if stated in ("dmy", "mdy"):
        if (first if stated == "mdy" else second) > (second if stated == "mdy" else first):
            raise Inconsistent("The order of day and month that was stated does not fit this file's dates.")
        return stated
    if len({own[2] for own in fields}) > max(2, len({own[0] for own in fields})):
        raise DateOrderUnknown(_AMBIGUOUS)  # years of two digits that change as days do
    if first != second:
        return "dmy" if first > second else "mdy"
    if all(own[0] == own[1] for own in fields) or all(_dotted(day) for day in open_days):
        return "dmy"  # a point stands between day, month and year only where the day comes first
    return _by_density(open_days, until)


def _by_density(days: Sequence[str], until: str) -> str:
    """The order in which the days follow each other; the other one scatters them over the months."""
    found = {}
    for order in ("dmy", "mdy"):
        known = np.unique([ordinal for day in days if not np.isnan(ordinal := _ordinal(day, order))]) / DAY_S
        end = _ordinal(_parted(until)[0], order) / DAY_S if until else np.nan
        if not (len(known) and known[-1] > end + 1):  # nothing is read after the file was written
            found[order] = known
    if len(found) == 1:
        return next(iter(found))
    rows = {order: int((np.diff(known) == 1).sum()) for order, known in found.items()}
    if rows:
        best, other = sorted(rows, key=lambda order: -rows[order])
        if rows[best] > _DENSER * rows[other]:
            return best
    raise DateOrderUnknown(_AMBIGUOUS)


def _ordinal(day: str, order: str) -> float:
    """Seconds of midnight since 1970 on the same clock; NaN where the text is no date."""
    if _NUMBER.fullmatch(day):
        return _epoch(float(day))
    own = _fields(day)
    if own is None:
        return _named(day)
    if _year_first(day):
        year, month, number = own
    else:
        month, number = (own[1], own[0]) if order == "dmy" else (own[0], own[1])
        year = own[2] + (2000 if own[2] < 100 else 0)
    return _midnight(year, month, number)


def _midnight(year: int, month: int, number: int) -> float:
    try:
        ordinal = date(year, month, number).toordinal()
    except ValueError:
        return np.nan
    return (ordinal - _EPOCH) * DAY_S if _FIRST <= ordinal < _LAST else np.nan


def _named(day: str) -> float:
    """A date whose month is a word."""
    found = _NAMED.fullmatch(day)
    if found is None:
        return np.nan
    number, word, year = (found[1], found[2], found[3]) if found[1] else (found[5], found[4], found[6])
    month = _MONTHS.index(word[:3].lower()) + 1 if word[:3].lower() in _MONTHS else 0
    return _midnight(int(year) + (2000 if int(year) < 100 else 0), month, int(number))


def _epoch(value: float) -> float:
    """Seconds since 1970 UTC of a count of seconds or milliseconds; NaN outside the years of sensors."""
    seconds = value / 1000 if value > 1e11 else value
    return seconds if (_FIRST - _EPOCH) * DAY_S <= seconds < (_LAST - _EPOCH) * DAY_S else np.nan


def iso(text: str) -> str | None:
    """A date whose year stands first as ISO 8601; None where it stands elsewhere, since day and month may then be told apart by nothing."""
    day = text.strip()[:10]
    own = _fields(day)
    if own is None or not _year_first(day):
        return None
    try:
        return date(*own).isoformat()
    except ValueError:
        return None


def is_time(text: str) -> bool:
    """Whether a text is a date, with or without a time, in either order of day and month."""
    day, hour = _parted(text.strip())
    return not np.isnan(_hour(hour)[0]) and any(not np.isnan(_ordinal(day, order)) for order in ("dmy", "mdy"))


PLAUSIBLE_S = ((_FIRST - _EPOCH) * DAY_S, (_LAST - _EPOCH) * DAY_S)  # instants outside come from clocks that were never set


def moment(text: str) -> tuple[float, float]:
    """One ISO 8601 time: seconds of its clock since 1970 and seconds that the clock is ahead of UTC; NaN where unreadable or unstated."""
    day, hour = _parted(text.strip())
    own = _hour(hour)
    return (_ordinal(day, "ymd") + own[0], own[1]) if _year_first(day) else (np.nan, np.nan)
