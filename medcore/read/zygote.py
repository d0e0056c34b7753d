"""The sandbox's own process: parsers loaded once, forked for each upload. Run as `python -m medcore.read.zygote FD`.

Not multiprocessing: its forkserver imports the caller's `__main__` again, which under Streamlit is app.py.
It ends when its parent's end of the socket closes. Each child has hard limits on memory, CPU, files and
time, handles the units of one upload one after the other, and says before each which one it begins.
"""

from __future__ import annotations

import gc
import io
import mmap
import os
import resource
import signal
import socket
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

from medcore.errors import InputRejected, TooLarge
from medcore.read.archive import is_zip, members
from medcore.read.dicom import has_preamble, is_dicom
from medcore.read.image import Image
from medcore.read.limits import MIB
from medcore.read.parse import parse
from medcore.read.wire import Frames, put, put_image, send_frame, starts

WARM_UP = (
    "PIL.PngImagePlugin", "PIL.JpegImagePlugin", "PIL.TiffImagePlugin", "PIL.BmpImagePlugin", "PIL.WebPImagePlugin", "PIL.ImageOps",
    "openjpeg", "libjpeg", "rle", "encodings.idna", "encodings.latin_1", "encodings.iso2022_jp", "encodings.gb18030", "encodings.euc_kr",
    "encodings.shift_jis", "encodings.cp437", "pydicom.pixels.decoders", "pydicom.charset",
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


class _Reading:
    """One upload being read."""

    def __init__(self, channel: socket.socket, source: int, out: int, request: dict[str, Any]) -> None:
        self.channel = channel
        self.out = out
        self.position: int = os.lseek(out, 0, os.SEEK_END)
        self.sizes: list[int] = request["sizes"]
        self.start: tuple[int, int] = (request["start"][0], request["start"][1])
        self.source = source

    def run(self) -> None:
        for index, (offset, size) in enumerate(zip(starts(self.sizes), self.sizes, strict=True)):
            if index < self.start[0]:
                continue
            first = self.start[1] if index == self.start[0] else 0
            window = _Window(self.source, offset, size)
            if is_zip(memoryview(window.peek(4))):
                self._zip(index, first, window)
            elif first == 0:
                self._unit(index, 0, "", _mapped(self.source, offset, size), own=False)
        send_frame(self.channel, {"end": True})

    def _zip(self, index: int, first: int, window: _Window) -> None:
        """Member m of the zip is unit m + 1; unit 0 is the opening of the zip itself."""
        self._begin(index, 0, window.size)
        number = max(first, 1)
        try:
            for member in self._bounded(members(window, number - 1)):
                if member.error is not None:
                    self._refused(index, number, member.name, member.error)
                elif member.data is not None:
                    self._unit(index, number, member.name, memoryview(member.data), own=True)
                number += 1
                self._begin(index, number, 1 << 24)
        except InputRejected as error:
            self._refused(index, 0, "", error)

    @staticmethod
    def _bounded(found: Iterator[Any]) -> Iterator[Any]:
        try:
            yield from found
        except MemoryError:
            raise TooLarge(_OUT_OF_MEMORY) from None

    def _begin(self, index: int, unit: int, size: int) -> None:
        send_frame(self.channel, {"begin": [index, unit], "size": size})

    def _unit(self, index: int, unit: int, name: str, data: memoryview, *, own: bool) -> None:
        """Parse one file and send what it brought. `own`: the parent does not hold its bytes yet."""
        self._begin(index, unit, len(data))
        try:
            image = parse(data)
        except InputRejected as error:
            self._refused(index, unit, name, error)
            return
        except MemoryError:
            self._refused(index, unit, name, TooLarge(_OUT_OF_MEMORY))
            return
        self._send(index, unit, name, data, image, own=own)

    def _send(self, index: int, unit: int, name: str, data: memoryview, image: Image, *, own: bool) -> None:
        try:
            message, position = put_image(self.out, self.position, image)
        except MemoryError:
            self._refused(index, unit, name, TooLarge(_OUT_OF_MEMORY))
            return
        if own:
            start, position = put(self.out, position, data)
            message["source"] = [start, len(data)]
        self.position = position
        cleared = is_dicom(data) and has_preamble(data)
        send_frame(self.channel, {"unit": [index, unit], "name": name[:NAME_BYTES], "cleared": cleared, **message})

    def _refused(self, index: int, unit: int, name: str, error: InputRejected) -> None:
        send_frame(self.channel, {"refused": [index, unit], "name": name[:NAME_BYTES], "kind": type(error).__name__, "message": str(error)})


if __name__ == "__main__":
    main()
