"""The wording of pages and exports, from `assets/text/<language>.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from medcore.settings import PROJECT
from medcore.types import ModelCard

FOLDER = PROJECT / "assets" / "text"
LANGUAGES = ("en", "zh")
_INFANT = 3.0


@cache
def table(language: str) -> dict[str, str]:
    """Every text of `language` by its dotted key, such as "worklist.title".

    Raises:
        FileNotFoundError: there is no such language.
    """
    return dict(_flat(tomllib.loads(Path(FOLDER / f"{language}.toml").read_text("utf-8")), ""))


def _flat(tree: dict[str, Any], prefix: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in tree.items():
        pairs += _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else [(prefix + name, str(value))]
    return pairs


def say(language: str, key: str, **values: object) -> str:
    """The text under `key`, its {places} filled with `values`.

    Raises:
        KeyError: no such key, or a place without a value: a mistake in our code.
    """
    return table(language)[key].format_map(values) if values else table(language)[key]


def has(key: str) -> bool:
    """Whether the text files know `key` (codes that come from data may be newer than the texts)."""
    return key in table("en")


def group(language: str, prefix: str) -> dict[str, str]:
    """All texts under `prefix`, their keys without it: what a component in the browser needs."""
    return {key[len(prefix) + 1 :]: value for key, value in table(language).items() if key.startswith(prefix + ".")}


def coded(language: str, section: str, code: str) -> str:
    """The text of a code that came from data (a gate, an error, a modality); the code itself where no text is known."""
    key = f"{section}.{code}"
    return say(language, key) if has(key) else code


def person_name(name: str | None) -> str | None:
    """A DICOM person name for reading: components by comma and blank, the groups (latin, ideographic, phonetic) by a dot."""
    if name is None or "^" not in name:
        return name
    groups = []
    for group in name.split("="):
        family, *given = [part.strip() for part in group.split("^")]
        groups.append(", ".join(part for part in (family, " ".join(part for part in given if part)) if part))
    return " · ".join(group for group in groups if group) or None


def age_words(language: str, years: float) -> str:
    """An age for reading: whole years, and from birth to three with one decimal."""
    return say(language, "fact.years", age=f"{years:.1f}".removesuffix(".0") if years < _INFANT else f"{int(years)}")


def class_name(card: ModelCard | None, name: str | None, language: str) -> str:
    """What a class of `card` is called in `language`; its own name where the card does not know it, "unknown" for None."""
    if name is None:
        return say(language, "value.unknown")
    label = next((label for label in card.labels if label.name == name), None) if card else None
    if label is None:
        return name
    return label.title_zh if language == "zh" and label.title_zh else label.title


def card_title(card: ModelCard, language: str) -> str:
    """The title of `card` in `language`."""
    return card.title_zh if language == "zh" and card.title_zh else card.title
