"""Strings out of untrusted headers: shown literally, without anything that steers a terminal, a page or the reading order."""

from __future__ import annotations

import re
import unicodedata

TEXT_LIMIT = 64  # DICOM LO and one PN group hold 64 characters
NAME_LIMIT = 160  # of a file, for display
_JOINERS = "\u200c\u200d"  # belong to the spelling of Persian and Indic names
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_UID = re.compile(r"[0-9A-Za-z_-][0-9A-Za-z._-]{0,63}")
_CODE = re.compile(r"[A-Z0-9 _]{1,16}")


def clean(value: str, limit: int = TEXT_LIMIT) -> str | None:
    """`value` without control, bidirectional and unassigned characters, at most `limit` long; None when nothing is left."""
    value = value[: 8 * limit]  # a name of a megabyte is not looked through
    seen = "".join(" " if c in "\t\r\n" else c for c in value if c in "\t\r\n" or c in _JOINERS or unicodedata.category(c) not in _UNSEEN)
    seen = " ".join(seen.split())
    if not seen:
        return None
    return seen if len(seen) <= limit else seen[: limit - 1].rstrip() + "…"


def display_name(name: str) -> str:
    """A file's name for display, never a path to open: the end of it is kept when it is long."""
    seen = clean(name[-8 * NAME_LIMIT :], 8 * NAME_LIMIT) or "unnamed"
    return seen if len(seen) <= NAME_LIMIT else "…" + seen[1 - NAME_LIMIT :]


def code_string(value: str | None) -> str | None:
    """A DICOM CS value in capitals, or None where it is not one."""
    value = (value or "").strip().upper()
    return value if _CODE.fullmatch(value) else None


def is_uid(value: str) -> bool:
    """Whether `value` can stand for a DICOM UID: no character that means something in a path.

    Letters are let through, since some anonymisers write them.
    """
    return _UID.fullmatch(value) is not None
