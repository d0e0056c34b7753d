"""Text on its way into the record: ids, times, and what a search compares."""

from __future__ import annotations

import hashlib
import json
import secrets
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime

LONGEST_SEARCH = 200


def new_id() -> str:
    """128 random bits in hex: unguessable, so it may stand in a URL."""
    return secrets.token_hex(16)


def now() -> str:
    """This moment as the record writes it: ISO 8601, UTC, always with microseconds, so that text sorts as time."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def clean(text: str) -> str:
    """`text` without what a database refuses: NUL and lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def clean_or_none(text: str | None) -> str | None:
    """`clean`, where None stays None."""
    return None if text is None else clean(text)


def folded(text: str) -> str:
    """What two spellings of one name share: compatibility form, case folded, the DICOM ^ and = as spaces."""
    plain = unicodedata.normalize("NFKC", clean(text)).casefold()
    return " ".join(plain.replace("^", " ").replace("=", " ").split())


def search_text(*parts: str | None) -> str:
    """The column that a search looks through; the line break keeps a term from matching across two fields."""
    return "\n".join(folded(part) for part in parts if part)


def patterns(search: str) -> tuple[str, ...]:
    """One LIKE pattern (escape character !) for each word of `search`; % and _ stand for themselves."""
    words = folded(search[:LONGEST_SEARCH]).split()
    return tuple("%" + word.replace("!", "!!").replace("%", "!%").replace("_", "!_") + "%" for word in words)


def canonical(value: Mapping[str, object]) -> str:
    """The one JSON spelling of `value`: sorted keys, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def sha256(text: str) -> str:
    """The SHA-256 of `text` in UTF-8, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()
