"""How a parent and its sandboxed child talk: JSON frames over a socket, bulk bytes in a shared file without a name.

Nothing that arrives can run code. The shared file is sealed against shrinking, so that a child
cannot take away the pages that its parent has mapped.
"""

from __future__ import annotations

import fcntl
import json
import math
import mmap
import os
import socket
import struct
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medcore.codec import Buffers, pack, unpack
from medcore.read.brought import Brought
from medcore.read.curve import Curve
from medcore.read.image import Image
from medcore.read.limits import MESSAGE_BYTES
from medcore.read.tracing import Tracing

ALIGNMENT = 64
_DTYPES = {"u1": np.uint8, "u2": np.uint16, "i2": np.int16, "f4": np.float32, "f8": np.float64}
_NAMES = {np.dtype(kind): name for name, kind in _DTYPES.items()}
_LENGTH = struct.Struct("<L")
_CHUNK = 2**26


def shared_file() -> int:
    """A file descriptor of memory that can be passed on; it is gone when the last one closes it."""
    if not hasattr(os, "memfd_create"):  # macOS: an unlinked file does the same through the page cache
        with tempfile.TemporaryFile(buffering=0) as file:
            return os.dup(file.fileno())
    descriptor = os.memfd_create("medcore", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
    return descriptor


def write_at(descriptor: int, position: int, data: memoryview) -> None:
    """Write all of `data` to a shared file at `position`."""
    done = 0
    while done < len(data):
        done += os.pwrite(descriptor, data[done : done + _CHUNK], position + done)


def starts(sizes: Sequence[int]) -> list[int]:
    """Where files of these sizes stand in a shared file, each on a page of its own so that it can be mapped alone."""
    found, position = [], 0
    for size in sizes:
        found.append(position)
        position += size + -size % mmap.ALLOCATIONGRANULARITY
    return found


def send_frame(channel: socket.socket, value: object) -> None:
    """Send one JSON value."""
    body = json.dumps(value).encode()
    channel.sendall(_LENGTH.pack(len(body)) + body)


class Frames:
    """JSON frames as they arrive; ends at the end of the stream."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._pending = b""

    def next(self, seconds: float) -> Any:
        """The next value.

        Raises:
            TimeoutError: nothing came for `seconds`.
            EOFError: the other side is gone.
            ValueError: what came is no frame.
        """
        self._channel.settimeout(max(seconds, 0.001))
        self._fill(_LENGTH.size)
        length = _LENGTH.unpack_from(self._pending)[0]
        if length > MESSAGE_BYTES:
            raise ValueError("frame too long")
        self._fill(_LENGTH.size + length)
        body = self._pending[_LENGTH.size : _LENGTH.size + length]
        self._pending = self._pending[_LENGTH.size + length :]
        return json.loads(body)

    def _fill(self, length: int) -> None:
        while len(self._pending) < length:
            chunk = self._channel.recv(65536)
            if not chunk:
                raise EOFError
            self._pending += chunk


def put(descriptor: int, position: int, data: memoryview) -> tuple[int, int]:
    """Write `data` at the next aligned place after `position`; its start and the new position."""
    start = position + -position % ALIGNMENT
    write_at(descriptor, start, data)
    return start, start + data.nbytes


def put_value(descriptor: int, position: int, value: Brought) -> tuple[dict[str, Any], int]:
    """Write the arrays of what a file brought to the shared file; its JSON form with the spans, and the new position."""
    text, buffers = pack(value)
    spans = []
    for buffer in buffers:
        array = np.ascontiguousarray(buffer)
        start, position = put(descriptor, position, array.reshape(-1).view(np.uint8).data)
        spans.append([start, array.nbytes, _NAMES[array.dtype], list(array.shape)])
    kind = "curve" if isinstance(value, Curve) else "tracing" if isinstance(value, Tracing) else "image"
    return {kind: text, "spans": spans}, position


class Mapped:
    """A shared file as its parent sees it: read-only, every span checked against its true length."""

    def __init__(self, descriptor: int) -> None:
        self.size = os.fstat(descriptor).st_size
        self._map = mmap.mmap(descriptor, self.size, access=mmap.ACCESS_READ) if self.size else None

    def view(self, start: int, length: int) -> memoryview:
        """The bytes of a span. Raises ValueError if it does not lie in the file."""
        if not (isinstance(start, int) and isinstance(length, int) and min(start, length) >= 0):
            raise ValueError("span outside the file")
        if not length:
            return memoryview(b"")  # an empty array at the end leaves the file as long as it was
        if start + length > self.size:
            raise ValueError("span outside the file")
        return memoryview(b"") if self._map is None else memoryview(self._map)[start : start + length]

    def value(self, message: dict[str, Any]) -> Brought:
        """The image, tracing or curve of a message. Raises ValueError, TypeError, KeyError or IndexError where it is none."""
        buffers: Buffers = [self._array(*span) for span in message["spans"]]
        if "curve" in message:
            return unpack(Curve, message["curve"], buffers)
        return unpack(Tracing, message["tracing"], buffers) if "tracing" in message else unpack(Image, message["image"], buffers)

    def _array(self, start: int, length: int, dtype: str, shape: Sequence[int]) -> NDArray[Any]:
        kind = np.dtype(_DTYPES[dtype])
        dims = tuple(int(dim) for dim in shape)
        if len(dims) > 4 or any(dim < (len(dims) > 1) for dim in dims) or math.prod(dims) * kind.itemsize != length:
            raise ValueError("array does not fit its span")
        return np.frombuffer(self.view(start, length), kind).reshape(dims)
