"""The parent's side of the sandbox: files in, one answer per file out, whatever becomes of the child."""

from __future__ import annotations

import atexit
import hashlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from medcore import errors, settings
from medcore.errors import InputRejected, ReaderFailed, TooLarge
from medcore.read.curve import Curve
from medcore.read.image import Image
from medcore.read.limits import ARCHIVE_BYTES, MIB
from medcore.read.text import clean, display_name
from medcore.read.tracing import Tracing
from medcore.read.wire import Frames, Mapped, send_frame, shared_file, starts, write_at
from medcore.types import Source

LOG = logging.getLogger("medcore.read")
PREAMBLE = 128
SENTENCE_LIMIT = 320  # characters of a refusal that are shown
NAME_LIMIT = 1024  # characters of a file's name that the child is told
UNIT_SECONDS = 4.0  # a file that takes longer is refused, so that a bad one is answered within 5 s ...
BYTES_PER_SECOND = 2_000_000  # ... but large compressed ones get the time they need
_DIED = "The reader failed on this file; it is damaged or not what it claims to be."
_SLOW = "Reading this file took too long and was stopped."


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One file, or one member of a zip: what it brought or why it was refused. `index` is the file's in the request.

    `more`: the other files that it was read from (signal files of a WFDB header, a note).
    """

    index: int
    name: str
    source: Source | None = None
    image: Image | None = None
    tracing: Tracing | None = None
    curve: Curve | None = None
    more: tuple[Source, ...] = ()
    error: InputRejected | None = None


class Zygote:
    """The preloaded process, started on first use, started again if it died or if this process is a fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._owner = 0

    def fork(self, descriptors: Sequence[int]) -> int:
        """Fork a child that has these descriptors: its channel, the source and the result; its process id.

        Raises:
            ReaderFailed: the zygote cannot be started.
        """
        with self._lock:
            for _ in range(2):
                try:
                    return self._asked(descriptors)
                except (OSError, EOFError) as error:
                    LOG.warning("the reader's process is gone (%s) and is started again", type(error).__name__)
                    self._stop()
        raise ReaderFailed("The reader cannot be started on this computer.")

    def _asked(self, descriptors: Sequence[int]) -> int:
        control = self._started()
        socket.send_fds(control, [b"f"], list(descriptors))
        answer = b""
        while len(answer) < 8:
            piece = control.recv(8 - len(answer))
            if not piece:
                raise EOFError
            answer += piece
        return int.from_bytes(answer, "little")

    def _started(self) -> socket.socket:
        if self._owner != os.getpid():  # a forked copy may not share its parent's socket
            self._process = self._control = None
        if self._control is None:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET if sys.platform == "linux" else socket.SOCK_STREAM)
            command = [sys.executable, "-m", "medcore.read.zygote", str(theirs.fileno())]
            with theirs:
                self._process = subprocess.Popen(  # noqa: S603 - our own module, no argument from outside
                    command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                    env=_environment(), cwd="/", start_new_session=True,
                )  # fmt: skip
            ours.settimeout(30)
            self._control, self._owner = ours, os.getpid()
        return self._control

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None and self._owner == os.getpid():
            self._process.kill()
            self._process.wait()
        self._process = self._control = None

    def warm(self) -> None:
        """Start the process without waiting for it."""
        with self._lock:
            self._started()

    def stop(self) -> None:
        """End the process; it is started again when it is needed."""
        with self._lock:
            self._stop()

    @property
    def pid(self) -> int | None:
        """Of the running process."""
        return self._process.pid if self._process is not None and self._owner == os.getpid() else None


def _environment() -> dict[str, str]:
    """Only what Python needs: no secrets of the server, one thread, no writing of bytecode."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "TMPDIR", "VIRTUAL_ENV") if name in os.environ}
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**kept, **single, "PYTHONPATH": str(settings.PROJECT), "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"}


ZYGOTE = Zygote()
atexit.register(ZYGOTE.stop)
_PLACES = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))  # children at once, each up to its memory limit


def run(files: Sequence[tuple[str, bytes]], sets: Sequence[int] | None = None) -> list[Read]:
    """Read files in a sandboxed child, in their order; members of zips stand in the place of their zip.

    `sets` numbers the set of each file: what belongs together (a WFDB header and its signals) is looked for within it.

    Raises:
        TooLarge: the upload is over MEDCORE_MAX_UPLOAD_MB.
        ReaderFailed: no child can be started, or no place was free in time.
    """
    limit = settings.number("MEDCORE_MAX_UPLOAD_MB")
    if sum(len(data) for _, data in files) > limit * MIB:
        raise TooLarge(f"The upload is larger than {limit} MB.")
    seconds = settings.number("MEDCORE_READ_SECONDS")
    if not _PLACES.acquire(timeout=seconds):
        raise ReaderFailed("The reader is busy with other uploads; please try again.")
    try:
        return _Upload(files, seconds, sets or [0] * len(files)).run()
    finally:
        _PLACES.release()


class _Upload:
    """One request, over as many children as it takes."""

    def __init__(self, files: Sequence[tuple[str, bytes]], seconds: int, sets: Sequence[int]) -> None:
        self.files = files
        self.names = json.dumps([[name[-NAME_LIMIT:], own] for (name, _), own in zip(files, sets, strict=True)]).encode()
        self.listed = 0  # where the names stand in the shared file
        self.seconds = seconds
        self.deadline = time.monotonic() + seconds
        self.found: list[tuple[dict[str, Any], InputRejected | None]] = []
        self.start = (0, 0)
        self.current = (0, 0)
        self.finished = False
        self.hashes: dict[int, str] = {}

    def run(self) -> list[Read]:
        source, out = shared_file(), shared_file()
        try:
            blocks = [*(data for _, data in self.files), self.names]
            places = starts([len(block) for block in blocks])
            for start, block in zip(places, blocks, strict=True):
                write_at(source, start, memoryview(block))
            self.listed = places[-1]
            while not self.finished:
                self._child(source, out)
            mapped = Mapped(out)
        finally:
            os.close(source)
            os.close(out)
        return [self._read(message, error, mapped) for message, error in self.found]

    def _child(self, source: int, out: int) -> None:
        """One child, from `start` on, until it is done or dead."""
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                child = ZYGOTE.fork([theirs.fileno(), source, out])
            self.current = self.start
            try:
                send_frame(ours, self._request())
                self._hash()
                self._listen(Frames(ours))
            except TimeoutError:
                _kill(child)
                self._lost(alone=True, sentence=_SLOW)  # it would only be slow again
            except (EOFError, OSError, ValueError, KeyError, TypeError, IndexError) as error:
                LOG.warning("the reader's child was lost (%s)", type(error).__name__)
                _kill(child)
                self._lost(alone=self.current <= self.start, sentence=_DIED)

    def _listen(self, frames: Frames) -> None:
        allowed = UNIT_SECONDS
        while True:
            message = frames.next(min(allowed, self.deadline - time.monotonic()))
            if "end" in message:
                self.finished = True
                return
            if "begin" in message:
                self.current = (int(message["begin"][0]), int(message["begin"][1]))
                allowed = UNIT_SECONDS + int(message["size"]) / BYTES_PER_SECOND
            else:
                self._keep(message)

    def _request(self) -> dict[str, object]:
        return {
            "sizes": [len(data) for _, data in self.files],
            "names": [self.listed, len(self.names)],
            "start": self.start,
            "memory_mb": settings.number("MEDCORE_READ_MEMORY_MB"),
            "seconds": self.seconds,
            "out_mb": 2 * ARCHIVE_BYTES // MIB,
        }

    def _hash(self) -> None:
        """While the child parses: the hash of each file (the interpreter lock is free meanwhile)."""
        for index, (_, data) in enumerate(self.files):
            if index not in self.hashes:
                self.hashes[index] = hashlib.sha256(data).hexdigest()

    def _keep(self, message: dict[str, Any]) -> None:
        if "refused" in message:
            kind = getattr(errors, str(message["kind"]), None)
            kind = kind if isinstance(kind, type) and issubclass(kind, InputRejected) else InputRejected
            self.found.append(
                ({"unit": message["refused"], "name": message["name"]}, kind(clean(str(message["message"]), SENTENCE_LIMIT) or _DIED))
            )
        else:
            self.found.append((message, None))

    def _lost(self, *, alone: bool, sentence: str) -> None:
        """Go on after the file at which a child was lost. A file that was not its child's first one gets a child of its own."""
        if time.monotonic() >= self.deadline:
            self._give_up()
            return
        if not alone:
            self.start = self.current
            return
        index, unit = self.current
        self.found.append(({"unit": [index, unit], "name": ""}, ReaderFailed(sentence)))
        self.start = (index, unit + 1) if unit else (index + 1, 0)
        self.finished = self.start[0] >= len(self.files)

    def _give_up(self) -> None:
        """Out of time: what is left is refused, what was read stays."""
        done = {message["unit"][0] for message, _ in self.found}
        for index in range(len(self.files)):
            if index >= self.current[0] and (index not in done or index == self.current[0]):
                self.found.append(({"unit": [index, 0], "name": ""}, ReaderFailed(_SLOW)))
        self.finished = True

    def _read(self, message: dict[str, Any], error: InputRejected | None, mapped: Mapped) -> Read:
        index = int(message["unit"][0])
        own, data = self.files[index]
        name = display_name(f"{own}/{message['name']}" if message["name"] else own)
        if error is not None:
            return Read(index=index, name=name, error=error)
        try:
            value = mapped.value(message)
            source = self._source(message, index, name, data, mapped)
            more = tuple(self._part(part, mapped) for part in message.get("parts", ()))
            if isinstance(value, Curve):
                return Read(index=index, name=name, curve=value, source=source, more=more)
            if isinstance(value, Tracing):
                return Read(index=index, name=name, tracing=value, source=source, more=more)
            return Read(index=index, name=name, image=value, source=source, more=more)
        except (ValueError, KeyError, TypeError, IndexError) as wrong:
            LOG.warning("the reader's child sent what is no image (%s)", type(wrong).__name__)
            return Read(index=index, name=name, error=ReaderFailed(_DIED))

    def _part(self, part: dict[str, Any], mapped: Mapped) -> Source:
        """One of the files that a record is made of beside its first."""
        index = int(part["file"])
        if not 0 <= index < len(self.files):
            raise ValueError("no such file")
        own, data = self.files[index]
        name = display_name(f"{own}/{part['name']}" if part["name"] else own)
        return self._source(part, index, name, data, mapped)

    def _source(self, message: dict[str, Any], index: int, name: str, data: bytes, mapped: Mapped) -> Source:
        """The file's bytes: those that came in, or those of the zip's member; a preamble is cleared."""
        if "source" in message:
            data = bytes(mapped.view(*message["source"]))
        if message.get("cleared") is True:
            data = bytes(PREAMBLE) + data[PREAMBLE:]
        known = "source" not in message and message.get("cleared") is not True
        return Source(name=name, sha256=self.hashes[index] if known else hashlib.sha256(data).hexdigest(), data=data)


def _kill(child: int) -> None:
    """End a child that has not said it is done; its own parent collects it."""
    try:
        os.kill(child, signal.SIGKILL)
    except ProcessLookupError:
        LOG.debug("the reader's child had ended")
