"""Glucose as JSON: a list of records, read with what is not needed left out while it is parsed."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from medcore.errors import TooLarge, Truncated
from medcore.read.glucose.sheet import decoded
from medcore.read.limits import GLUCOSE_ROWS

Record = Mapping[str, Any]
_DAMAGED = "The JSON file is damaged or cut short."
_SPACE = b" \t\r\n\xef\xbb\xbf"


def is_json(data: memoryview) -> bool:
    """Whether the first sign opens a list or a record, in UTF-8 or UTF-16."""
    head = bytes(data[:64]).lstrip(_SPACE + b"\xff\xfe\0")
    return head[:1] in (b"[", b"{")


def records(data: memoryview) -> dict[str, list[Record]] | None:
    """Lists of records by the name under which they stand, "" for a file that is one list; None where this is no JSON of records.

    Raises:
        Truncated: it is damaged. TooLarge: over the limits of size or number.
    """
    text = decoded(data)
    if text is None:
        return None
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        value = _by_line(text, error)
    except ValueError:
        raise Truncated(_DAMAGED) from None
    found = _lists(value)
    if sum(map(len, found.values())) > GLUCOSE_ROWS:
        raise TooLarge("The JSON file holds more records than are read from one file.")
    return found


def _by_line(text: str, error: json.JSONDecodeError) -> list[Any]:
    """Records one a line, as databases write them."""
    if not error.msg.startswith("Extra data"):
        raise Truncated(_DAMAGED) from None
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except ValueError:
        raise Truncated(_DAMAGED) from None


def _lists(value: Any) -> dict[str, list[Record]]:
    if isinstance(value, list):
        return {"": [one for one in value if isinstance(one, dict)]}
    if not isinstance(value, dict):
        return {}
    lists: dict[str, list[Record]] = {
        name: [one for one in own if isinstance(one, dict)] for name, own in value.items() if isinstance(own, list)
    }
    return {name: own for name, own in lists.items() if own} or {"": [value]}


def number(record: Record, name: str) -> float:
    """The number under `name`, also where it stands as text; NaN where there is none."""
    value = record.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf
    except ValueError:
        return math.nan


def text(record: Record, name: str) -> str:
    """The text under `name`; empty where there is none."""
    value = record.get(name)
    return value if isinstance(value, str) else ""
