"""The sandbox's own process: parsers loaded once, forked for each upload. Run as `python -m medcore.read.zygote FD`.

Not multiprocessing: its forkserver imports the caller's `__main__` again, which under Streamlit is app.py.
It ends when its parent's end of the socket closes. Each child has hard limits on memory, CPU, files and
time, handles the units of one upload one after the other, and says before each which one it begins.
"""

from __future__ import annotations

import gc
import io
import json
import mmap
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from medcore.errors import InputRejected, NotAnImage, TooLarge, Truncated
from medcore.read.archive import Listed, is_zip, members
from medcore.read.brought import Brought
from medcore.read.curve import Curve
from medcore.read.dicom import has_preamble, is_dicom
from medcore.read.ecg.dispatch import is_annotation, lone
from medcore.read.limits import MIB
from medcore.read.parse import parse
from medcore.read.records import Plan, Unit, entry, plan
from medcore.read.tracing import Tracing
from medcore.read.wire import Frames, put, put_value, send_frame, starts

WARM_UP = (
    "PIL.PngImagePlugin", "PIL.JpegImagePlugin", "PIL.TiffImagePlugin", "PIL.BmpImagePlugin", "PIL.WebPImagePlugin", "PIL.ImageOps",
    "openjpeg", "libjpeg", "rle", "encodings.idna", "encodings.latin_1", "encodings.iso2022_jp", "encodings.gb18030", "encodings.euc_kr",
    "encodings.shift_jis", "encodings.cp437", "pydicom.pixels.decoders", "pydicom.charset", "_strptime",
)  # fmt: skip
OPEN_FILES = 32
NAME_BYTES = 4096
_OUT_OF_MEMORY = "The file needs more memory than the reader may use."


def main() -> None:
    """Serve requests until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children leave no zombies
    for name in WARM_UP:
        __import__(name)
    _exercise()
    gc.collect()
    gc.freeze()  # children then do not copy pages by counting references to what was here before
    with socket.socket(fileno=int(sys.argv[1])) as control:
        while _serve(control):
            pass


def _exercise() -> None:
    """Parse one tiny file of each family, so that what loads on first use is loaded before the fork."""
    for data in (b"\x89PNG\r\n\x1a\n", b"\0" * 128 + b"DICM", b"\0" * 400):
        try:
            parse(memoryview(data))
        except InputRejected:
            continue


def _serve(control: socket.socket) -> bool:
    """Take one request, fork for it, answer with the child's process id; False at the end of the stream."""
    message, descriptors, _, _ = socket.recv_fds(control, 1, 3)
    if not message:
        return False
    child = os.fork()
    if child == 0:
        control.close()
        _child(*descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    control.sendall(child.to_bytes(8, "little"))
    return True


def _child(reply: int, source: int, out: int) -> None:
    """Never returns: what happens here may not reach the zygote's loop."""
    code = 1
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        with socket.socket(fileno=reply) as channel:
            request = Frames(channel).next(10)
            channel.settimeout(None)
            _limit(request)
            _Reading(channel, source, out, request).run()
        code = 0
    except OSError:
        code = 2  # the parent is gone or the disk is full: nobody to tell
    finally:
        os._exit(code)


def _limit(request: dict[str, Any]) -> None:
    """No core dumps (they would hold patient data), and bounds that the kernel keeps."""
    bounds = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_AS: request["memory_mb"] * MIB,
        resource.RLIMIT_CPU: request["seconds"] + 1,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_FSIZE: request["out_mb"] * MIB,
        resource.RLIMIT_NPROC: 0,
    }
    for kind, bound in bounds.items():
        hard = resource.getrlimit(kind)[1]
        bound = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        try:
            resource.setrlimit(kind, (bound, bound))
        except ValueError:  # macOS keeps no RLIMIT_AS below what is mapped; the time limit still holds there
            continue


def _mapped(descriptor: int, offset: int, size: int) -> memoryview:
    return memoryview(mmap.mmap(descriptor, size, access=mmap.ACCESS_READ, offset=offset)) if size else memoryview(b"")


class _Window(io.RawIOBase, BinaryIO):
    """One file of the upload as a stream, so that a large zip need not be mapped."""

    def __init__(self, descriptor: int, offset: int, size: int) -> None:
        self._descriptor, self._offset, self.size = descriptor, offset, size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise OSError("seek before the start")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def peek(self, size: int) -> bytes:
        """The next bytes, without going on."""
        return os.pread(self._descriptor, max(min(size, self.size - self._position), 0), self._offset + self._position)

    def read(self, size: int | None = -1) -> bytes:
        piece = self.peek(self.size if size is None or size < 0 else size)
        self._position += len(piece)
        return piece


Part = tuple[str, memoryview]  # a file's name in its zip, and its bytes
Fetch = Callable[[Unit], Part]


class _Reading:
    """One upload being read."""

    def __init__(self, channel: socket.socket, source: int, out: int, request: dict[str, Any]) -> None:
        self.channel = channel
        self.out = out
        self.position: int = os.lseek(out, 0, os.SEEK_END)
        self.sizes: list[int] = request["sizes"]
        self.start: tuple[int, int] = (request["start"][0], request["start"][1])
        self.source = source
        self.offsets = starts(self.sizes)
        self.names: list[tuple[str, int]] = json.loads(bytes(_mapped(source, *request["names"])))

    def run(self) -> None:
        known = plan(
            entry((index, 0), self.names[index][1], self.names[index][0], size, self._window(index).peek)
            for index, size in enumerate(self.sizes)
        )
        for index in range(self.start[0], len(self.sizes)):
            first = self.start[1] if index == self.start[0] else 0
            window = self._window(index)
            if is_zip(memoryview(window.peek(4))):
                self._zip(index, first, window, known)
            elif first == 0 and not known.skipped((index, 0)):
                self._unit((index, 0), "", self._file((index, 0))[1], known, self._file)
        send_frame(self.channel, {"end": True})

    def _window(self, index: int) -> _Window:
        return _Window(self.source, self.offsets[index], self.sizes[index])

    def _file(self, unit: Unit) -> Part:
        return "", _mapped(self.source, self.offsets[unit[0]], self.sizes[unit[0]])

    def _zip(self, index: int, first: int, window: _Window, outside: Plan) -> None:
        """Member m of the zip is unit m + 1; unit 0 is the opening of the zip itself."""
        self._begin((index, 0), window.size)
        number = max(first, 1)
        try:
            listed = Listed(self._window(index))
            known = self._planned(index, listed, outside)
            skip = {place for place, _, _ in listed if known.skipped((index, place + 1))}

            def fetch(unit: Unit) -> Part:
                return self._member(listed, unit)

            for member in self._bounded(members(window, number - 1, skip)):
                if member.error is not None:
                    self._refused((index, number), member.name, member.error)
                elif member.data is not None:
                    self._unit((index, number), member.name, memoryview(member.data), known, fetch)
                number += 1
                self._begin((index, number), 1 << 24)
        except InputRejected as error:
            self._refused((index, 0), "", error)

    def _member(self, listed: Listed, unit: Unit) -> Part:
        """A member of the zip that belongs to a record, or a note that lies beside the zip."""
        if not unit[1]:
            return self._file(unit)
        member = listed.read(unit[1] - 1)
        if member.data is None:
            raise member.error or Truncated("A file in the zip cannot be read.")
        return member.name, memoryview(member.data)

    def _planned(self, index: int, listed: Listed, outside: Plan) -> Plan:
        group = self.names[index][1]
        return plan(
            (
                entry((index, place + 1), group, name, size, lambda wanted, place=place: listed.head(place, wanted))  # type: ignore[misc]
                for place, name, size in listed
            ),
            outside,
        )

    @staticmethod
    def _bounded(found: Iterator[Any]) -> Iterator[Any]:
        try:
            yield from found
        except MemoryError:
            raise TooLarge(_OUT_OF_MEMORY) from None

    def _begin(self, unit: Unit, size: int) -> None:
        send_frame(self.channel, {"begin": list(unit), "size": size})

    def _unit(self, unit: Unit, name: str, data: memoryview, known: Plan, fetch: Fetch) -> None:
        """Parse one file, or a record of several, and send what it brought."""
        self._begin(unit, len(data))
        try:
            self._send(unit, name, data, *self._value(unit, data, known, fetch))
        except InputRejected as error:
            if not (unit in known.beside and type(error) is NotAnImage and is_annotation(data)):
                self._refused(unit, name, lone(name or self.names[unit[0]][0], error))
        except MemoryError:
            self._refused(unit, name, TooLarge(_OUT_OF_MEMORY))

    def _value(self, unit: Unit, data: memoryview, known: Plan, fetch: Fetch) -> tuple[Brought, dict[Unit, Part]]:
        """What the file brought, and the other files that it was read from."""
        if unit in known.problems:
            raise known.problems[unit]
        group = self.names[unit[0]][1]
        own, note = known.notes.get(group, (unit, None))
        beside, said = known.said.get(group, (unit, None))
        parts = known.parts.get(unit)
        if parts is None:
            value, used = parse(data, note=note, said=said), {}
        else:
            used = {part: fetch(part) for part in parts.values()}
            self._begin(unit, len(data) + sum(len(body) for _, body in used.values()))
            value = parse(data, {name: used[part][1] for name, part in parts.items()}, note)
        if isinstance(value, Tracing) and value.noted:
            used[own] = fetch(own)
        if isinstance(value, Curve) and value.noted:
            used[beside] = fetch(beside)
        return value, used

    def _send(self, unit: Unit, name: str, data: memoryview, value: Brought, used: dict[Unit, Part]) -> None:
        message, self.position = put_value(self.out, self.position, value)
        parts = [{"file": part[0], "name": own[:NAME_BYTES], **self._kept(part, body)} for part, (own, body) in used.items()]
        cleared = is_dicom(data) and has_preamble(data)
        whole = {"unit": list(unit), "name": name[:NAME_BYTES], "cleared": cleared, "parts": parts}
        send_frame(self.channel, {**whole, **message, **self._kept(unit, data)})

    def _kept(self, unit: Unit, data: memoryview) -> dict[str, Any]:
        """Where the bytes of a zip's member stand for the parent, which does not hold them yet."""
        if not unit[1]:
            return {}
        start, self.position = put(self.out, self.position, data)
        return {"source": [start, len(data)]}

    def _refused(self, unit: Unit, name: str, error: InputRejected) -> None:
        message = {"refused": list(unit), "name": name[:NAME_BYTES], "kind": type(error).__name__, "message": str(error)}
        send_frame(self.channel, message)


if __name__ == "__main__":
    main()
