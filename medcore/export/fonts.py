"""Fonts for the PDF: whatever this machine has, and a visible box for what it lacks."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from fontTools.ttLib import TTCollection, TTFont  # type: ignore[import-untyped]  # it ships neither stubs nor a marker

BOX = "□"
_CJK = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/arphic/uming.ttc",
    "/System/Library/Fonts/PingFang.ttc",
    "C:/Windows/Fonts/msyh.ttc",
)


@dataclass(frozen=True, slots=True)
class Face:
    """A font file, the member of a collection, and the code points it draws."""

    path: Path
    number: int
    covers: frozenset[int]


@cache
def latin(bold: bool = False) -> Face:
    """DejaVu Sans, which matplotlib carries: Latin, Greek, Cyrillic and the box itself."""
    spec = find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("matplotlib, which carries the font of the report, is not installed")
    folder = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf"
    return _face(folder / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"), 0)


@cache
def cjk() -> Face | None:
    """A font with Chinese, Japanese and Korean, where the machine has one."""
    path = next((Path(name) for name in _CJK if Path(name).is_file()), None)
    return None if path is None else _face(path, _simplified(path))


def _simplified(path: Path) -> int:
    """The member of a collection with the simplified Chinese forms, else the first."""
    with TTCollection(str(path), lazy=True) as collection:
        names = [font["name"].getDebugName(1) or "" for font in collection.fonts]
    return next((number for number, name in enumerate(names) if name.endswith(" SC")), 0)


def _face(path: Path, number: int) -> Face:
    with TTFont(str(path), fontNumber=number, lazy=True) as font:
        return Face(path, number, frozenset(font.getBestCmap()))


def drawable(text: str) -> tuple[str, bool]:
    """`text` with a box for each character that no font here draws, and whether there was one. Control characters go."""
    faces = [latin(), *([found] if (found := cjk()) else [])]
    kept = [sign for sign in " ".join(text.split()) if unicodedata.category(sign) not in ("Cc", "Cf", "Cs")]
    out = [sign if any(ord(sign) in face.covers for face in faces) else BOX for sign in kept]
    return "".join(out), out != kept
