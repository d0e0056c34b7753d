"""Members of an untrusted zip, one at a time, each refused for itself; real bytes are counted, not claimed ones."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import IO

from medcore.errors import InputRejected, NotAnImage, TooLarge, Truncated, UnsafeArchive, Unsupported
from medcore.read.limits import ARCHIVE_BYTES, ARCHIVE_FILES, ARCHIVE_RATIO, DIRECTORY_BYTES, FILE_BYTES, MIB, RATIO_FREE_BYTES

_END = b"PK\x05\x06"
_END_BYTES = 22
_COMMENT = 65535
_LITTER = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")
_PIECE = 2**18
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError, struct.error)


@dataclass(frozen=True, slots=True)
class Member:
    """A member's name as the zip gives it, with its bytes or why they were refused."""

    name: str
    data: bytes | None
    error: InputRejected | None = None


def is_zip(data: memoryview) -> bool:
    """Whether the first bytes are those of a zip, also of an empty one."""
    return bytes(data[:4]) in (b"PK\x03\x04", _END)


def is_litter(name: str) -> bool:
    """Whether an operating system left the file there beside the images."""
    return name.startswith(_LITTER[0]) or name.rpartition("/")[2] in _LITTER[1:]


def members(stream: IO[bytes], start: int = 0, skip: Collection[int] = ()) -> Iterator[Member]:
    """Every file of a zip from the `start`-th on, in the zip's order; folders, litter and `skip` count but yield nothing readable.

    Raises:
        UnsafeArchive, TooLarge, Truncated, NotAnImage: the zip as a whole cannot be opened.
    """
    with opened(stream) as archive:
        infos = archive.infolist()
        if len(infos) > ARCHIVE_FILES:
            raise TooLarge(f"The zip holds more than {ARCHIVE_FILES} files.")
        if not infos:
            raise NotAnImage("The zip holds no files.")
        seen: set[str] = set()
        total = 0
        for number, info in enumerate(infos):
            first = info.filename not in seen
            seen.add(info.filename)
            if number < start:
                continue
            member = Member(info.orig_filename, None) if number in skip else _member(archive, info, first, ARCHIVE_BYTES - total)
            total += len(member.data or b"")
            yield member


def opened(stream: IO[bytes]) -> zipfile.ZipFile:
    """The zip, its table of contents bounded before it is read.

    Raises:
        TooLarge, Truncated: it holds too many files, or is damaged.
    """
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - _END_BYTES - _COMMENT))
    tail = stream.read(_END_BYTES + _COMMENT)
    at = tail.rfind(_END)
    if at < 0 or at + _END_BYTES > len(tail):
        raise Truncated("The zip is damaged or cut short.")
    count, size = struct.unpack_from("<HL", tail, at + 10)
    if count != 0xFFFF and count > ARCHIVE_FILES:
        raise TooLarge(f"The zip holds more than {ARCHIVE_FILES} files.")
    locator = tail.rfind(b"PK\x06\x06")  # zip64: the true count and size stand in its own record
    if locator >= 0 and locator + 56 <= len(tail):
        count, size = max(count % 0xFFFF, struct.unpack_from("<Q", tail, locator + 32)[0]), struct.unpack_from("<Q", tail, locator + 40)[0]
    if count % 0xFFFF > ARCHIVE_FILES or size > DIRECTORY_BYTES:
        raise TooLarge(f"The zip holds more than {ARCHIVE_FILES} files.")
    try:
        return zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, OSError, ValueError, struct.error, UnicodeError, NotImplementedError):
        raise Truncated("The zip is damaged or cut short.") from None


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, first: bool, room: int) -> Member:
    name = info.orig_filename
    if info.is_dir() or is_litter(info.filename):
        return Member(name, None)
    try:
        _must_be_safe(info, first)
        return Member(name, unpacked(archive, info, room))
    except InputRejected as error:
        return Member(name, None, error)


class Listed:
    """A zip's members by number, to look into before they are read in order. Raises as `members` does where the zip cannot be opened."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._archive = opened(stream)
        self._infos = self._archive.infolist()
        self._room = ARCHIVE_BYTES

    def __iter__(self) -> Iterator[tuple[int, str, int]]:
        """Number, name and claimed size of each file."""
        for number, info in enumerate(self._infos[:ARCHIVE_FILES]):
            if not info.is_dir() and not is_litter(info.filename):
                yield number, info.orig_filename, info.file_size

    def head(self, number: int, size: int) -> bytes:
        """The first `size` bytes of a member, nothing where it may not be read or is damaged."""
        info = self._infos[number]
        try:
            _must_be_safe(info, True)
            with self._archive.open(info) as stream:
                return stream.read(size)
        except InputRejected:
            return b""
        except _DAMAGED:
            return b""

    def read(self, number: int) -> Member:
        """One member, bounded as in `members`, and with all that was asked for here before."""
        member = _member(self._archive, self._infos[number], True, self._room)
        self._room -= len(member.data or b"")
        return member


def _must_be_safe(info: zipfile.ZipInfo, first: bool) -> None:
    """Names are never used as paths here; what would point outside is refused so that nobody passes it on."""
    name = info.orig_filename.replace("\\", "/")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if name.startswith("/") or name[1:2] == ":" or ".." in name.split("/") or "\0" in name:
        raise UnsafeArchive("A file in the zip points outside it and is refused.")
    if kind not in (0, stat.S_IFREG):
        raise UnsafeArchive("A file in the zip is a link or a device and is refused.")
    if info.flag_bits & 0x41:
        raise UnsafeArchive("A file in the zip is encrypted; unpack it with its password first.")
    if not first:
        raise UnsafeArchive("Two files in the zip have the same name; the second is refused.")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Unsupported("A file in the zip is packed by a method that is not read.")


def unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo, room: int = ARCHIVE_BYTES) -> bytes:
    """One member, counting real bytes: what its header says of its size may be forged.

    Raises:
        TooLarge: over the ratio, the size of a file or `room`, or a zip itself. Truncated: damaged.
    """
    limit = min(max(ARCHIVE_RATIO * info.compress_size, RATIO_FREE_BYTES), FILE_BYTES, room)
    out = bytearray()
    try:
        with archive.open(info) as stream:
            while piece := stream.read(_PIECE):
                out += piece
                if len(out) > limit:
                    raise TooLarge(_limit_sentence(room))
    except _DAMAGED:
        raise Truncated("A file in the zip is damaged, or its size is not what the zip says.") from None
    if is_zip(memoryview(out)):
        raise TooLarge("A zip inside the zip is not opened; unpack it first.")
    return bytes(out)


def _limit_sentence(room: int) -> str:
    if room < FILE_BYTES:
        return f"The zip unpacks to more than {ARCHIVE_BYTES // MIB} MB; the rest is not read."
    return f"A file in the zip unpacks to more than {ARCHIVE_RATIO} times its packed size."
