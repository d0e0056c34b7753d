"""Files named by the SHA-256 of their content: uploads, decoded arrays, attributions.

A file is written aside, synced, then renamed, so it is whole or absent. Who publishes holds the folder's lock shared until
the database row that holds the file is committed; who removes holds it alone and looks for such rows again. So a removal
never takes a file from under a study that is being saved. The lock is always taken before a database transaction.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from medcore.errors import StoreError
from medcore.store.database import translated
from medcore.types import Array

STALE_SECONDS = 24 * 3600.0  # a file aside that old belongs to a process that died
LOST = "A stored file is missing or was altered; please upload the study again or tell the administrator."
SHA_PATTERN = re.compile(r"[0-9a-f]{64}")


class Blobs:
    """The blob folder; safe for many threads and processes on one file system."""

    def __init__(self, root: Path) -> None:
        self._files = root / "blobs"
        self._arrays = root / "arrays"
        self._aside = root / "aside"
        self._lock = root / "blobs.lock"
        with translated():
            for folder in (root, self._files, self._arrays, self._aside):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def stage(self) -> Iterator[Stage]:
        """Files written aside; what is not published when the block ends is dropped."""
        stage = Stage(self._files, self._arrays, self._aside)
        try:
            with translated():
                yield stage
        finally:
            stage.drop()

    @contextmanager
    def locked(self, *, alone: bool) -> Iterator[None]:
        """The folder's lock: shared to publish, alone to remove."""
        with translated():
            lock = os.open(self._lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
            yield
        finally:
            os.close(lock)

    def read(self, sha256: str) -> bytes:
        """The bytes, checked against their name.

        Raises:
            StoreError: missing or altered.
        """
        try:
            data = _place(self._files, sha256).read_bytes()
        except OSError:
            raise StoreError(LOST) from None
        if hashlib.sha256(data).hexdigest() != sha256:
            raise StoreError(LOST)
        return data

    def array(self, sha256: str) -> Array | None:
        """The array, memory-mapped and read-only; None when it must be decoded again."""
        path = _place(self._arrays, sha256).with_suffix(".npy")
        try:
            return cast(Array, np.load(path, mmap_mode="r", allow_pickle=False))
        except (OSError, ValueError, EOFError):
            return None

    def remove(self, sha256: str) -> None:
        """Unlink the file of that name; the caller holds the lock alone and knows that no row holds it."""
        with translated():
            _place(self._files, sha256).unlink(missing_ok=True)
            _place(self._arrays, sha256).with_suffix(".npy").unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what dead processes left aside."""
        with translated():
            for path in self._aside.iterdir():
                if time.time() - path.stat().st_mtime > STALE_SECONDS:
                    path.unlink(missing_ok=True)


class Stage:
    """Files on their way in: `add` and `add_array` write aside, `publish` gives them their names."""

    def __init__(self, files: Path, arrays: Path, aside: Path) -> None:
        self._files, self._arrays, self._aside = files, arrays, aside
        self._waiting: dict[Path, Path] = {}  # final place -> where it is now
        self.names: set[str] = set()

    def add(self, data: bytes) -> str:
        """Write `data` aside; its SHA-256."""
        with self._open() as file:
            file.write(data)
            return self._keep(file, self._files, "")

    def add_array(self, array: Array) -> str:
        """Write `array` aside as .npy; the SHA-256 of that file."""
        with self._open() as file:
            np.lib.format.write_array(cast(BinaryIO, file), array, allow_pickle=False)
            return self._keep(file, self._arrays, ".npy")

    def publish(self) -> None:
        """Rename everything into place; the caller holds the lock shared and has doubted every name."""
        folders = set()
        for place, path in self._waiting.items():
            if not place.parent.is_dir():
                place.parent.mkdir(mode=0o700, exist_ok=True)
                folders.add(place.parent.parent)
            path.replace(place)
            folders.add(place.parent)
        self._waiting.clear()
        for folder in folders:
            _sync(folder)

    def drop(self) -> None:
        """Remove what was not published."""
        for path in self._waiting.values():
            path.unlink(missing_ok=True)

    def _open(self) -> _Hashing:
        return _Hashing(self._aside / secrets.token_hex(16))

    def _keep(self, file: _Hashing, folder: Path, suffix: str) -> str:
        sha256 = file.finish()
        place = _place(folder, sha256).with_suffix(suffix)
        if place in self._waiting:
            file.path.unlink()
        else:
            self._waiting[place] = file.path
        self.names.add(sha256)
        return sha256


class _Hashing(io.RawIOBase):
    """A new private file that knows the hash of what was written; an unfinished one is removed on close."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._digest = hashlib.sha256()
        self._file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        self._finished = False

    def writable(self) -> bool:
        """Always: it is written once, from start to end."""
        return True

    def write(self, data: object) -> int:
        """Write all of `data`."""
        view = memoryview(cast(bytes, data)).cast("B")
        self._digest.update(view)
        written = 0
        while written < len(view):
            written += os.write(self._file, view[written:])
        return written

    def finish(self) -> str:
        """Sync to disk; the SHA-256 of the content."""
        os.fsync(self._file)
        self._finished = True
        return self._digest.hexdigest()

    def close(self) -> None:
        """Close; without `finish` the file goes."""
        if not self.closed:
            os.close(self._file)
            if not self._finished:
                self.path.unlink(missing_ok=True)
        super().close()


def pack_arrays(arrays: Iterable[Array]) -> bytes:
    """Several arrays as the bytes of one .npz, in order."""
    buffer = io.BytesIO()
    np.savez(buffer, **{f"{index:05d}": array for index, array in enumerate(arrays)})  # type: ignore[arg-type]
    return buffer.getvalue()


def unpack_arrays(data: bytes) -> list[Array]:
    """The inverse of `pack_arrays`; never runs code (no pickle)."""
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        return [file[name] for name in sorted(file.files)]


def _place(folder: Path, sha256: str) -> Path:
    if not SHA_PATTERN.fullmatch(sha256):
        raise StoreError(LOST)
    return folder / sha256[:2] / sha256


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
