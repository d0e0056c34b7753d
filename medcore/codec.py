"""Nouns to JSON and arrays, and back: how values cross a pipe or reach the disk.

Nothing here can run code, unlike pickle, so what a sandboxed child sends may be read by its parent.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

T = typing.TypeVar("T")
Buffers = list[NDArray[Any] | bytes]


def pack(value: object) -> tuple[str, Buffers]:
    """A noun (or tuple of nouns) as JSON text and the arrays and bytes it holds, in order."""
    buffers: Buffers = []
    return json.dumps(_plain(value, buffers), allow_nan=True), buffers


def unpack(kind: type[T], text: str, buffers: Buffers) -> T:
    """The inverse of `pack` for a value of type `kind`.

    Raises:
        ValueError, TypeError, KeyError, IndexError: the text does not describe such a value.
    """
    return typing.cast(T, _built(kind, json.loads(text), buffers))


def _plain(value: Any, buffers: Buffers) -> Any:
    if isinstance(value, np.ndarray | bytes):
        buffers.append(value)
        return len(buffers) - 1
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name), buffers) for field in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [_plain(item, buffers) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _built(kind: Any, plain: Any, buffers: Buffers) -> Any:
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        if plain is None:
            return None
        kind = next(option for option in typing.get_args(kind) if option is not types.NoneType)
        return _built(kind, plain, buffers)
    if origin is np.ndarray or kind is bytes:
        return buffers[plain]
    if origin is tuple:
        return _tuple(typing.get_args(kind), plain, buffers)
    if dataclasses.is_dataclass(kind):
        hints = _hints(typing.cast(type, kind))
        return kind(**{name: _built(hints[name], item, buffers) for name, item in plain.items()})  # type: ignore[operator]
    if kind is datetime:
        return datetime.fromisoformat(plain)
    return kind(plain)


def _tuple(kinds: tuple[Any, ...], plain: list[Any], buffers: Buffers) -> tuple[Any, ...]:
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_built(kinds[0], item, buffers) for item in plain)
    return tuple(_built(kind, item, buffers) for kind, item in zip(kinds, plain, strict=True))
