"""Rows 44 to 46: a zip is refused member by member, by what comes out of it and not by what it says."""

from __future__ import annotations

import io
import stat
import struct
import time
import zipfile

import pytest

import medcore.read as reader
from medcore.errors import InputRejected, NotAnImage, TooLarge, Truncated, UnsafeArchive, Unsupported
from medcore.read import limits
from medcore.read.archive import members
from tests.read.build import dicom, picture, pixels, zipped

GOOD = dicom()


def link() -> zipfile.ZipInfo:
    """A member that is a symbolic link."""
    info = zipfile.ZipInfo("link.dcm")
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info


def encrypted() -> bytes:
    """A zip whose member is marked as encrypted in both of its headers."""
    data = bytearray(zipped([("secret.dcm", GOOD)], zipfile.ZIP_STORED))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def forged(size: int) -> bytes:
    """A zip that says its member unpacks to `size` bytes only."""
    data = bytearray(zipped([("forged.dcm", GOOD)]))
    struct.pack_into("<L", data, 22, size)
    struct.pack_into("<L", data, data.index(b"PK\x01\x02") + 24, size)
    return bytes(data)


def twice() -> bytes:
    """A zip with one name for two files."""
    with pytest.warns(UserWarning, match="Duplicate name"):
        return zipped([("same.dcm", GOOD), ("same.dcm", dicom(SOPInstanceUID="1.9"))])


MEMBERS = {
    "dots": (lambda: zipped([("../../etc/evil.dcm", GOOD)]), UnsafeArchive),
    "dots in the middle": (lambda: zipped([("a/../../evil.dcm", GOOD)]), UnsafeArchive),
    "backslashes": (lambda: zipped([("..\\evil.dcm", GOOD)]), UnsafeArchive),
    "absolute": (lambda: zipped([("/etc/evil.dcm", GOOD)]), UnsafeArchive),
    "drive": (lambda: zipped([("C:\\evil.dcm", GOOD)]), UnsafeArchive),
    "link": (lambda: zipped([(link(), b"/etc/passwd")]), UnsafeArchive),
    "ratio": (lambda: zipped([("bomb.dcm", bytes(100 << 20))]), TooLarge),
    "nested": (lambda: zipped([("inner.zip", zipped([("a.dcm", GOOD)]))]), TooLarge),
    "encrypted": (encrypted, UnsafeArchive),
    "forged small": (lambda: forged(10), Truncated),
    "lzma": (lambda: zipped([("a.dcm", GOOD)], zipfile.ZIP_LZMA), Unsupported),
    "text": (lambda: zipped([("notes.txt", b"hello")]), NotAnImage),
    "empty": (lambda: zipped([]), NotAnImage),
    "cut": (lambda: zipped([("a.dcm", GOOD)])[:200], Truncated),
    "100k entries": (lambda: entries(100_000), TooLarge),
    "5001 entries": (lambda: entries(5001), TooLarge),
    "100k entries, 1 said": (lambda: entries(100_000, said=1), TooLarge),
}


def entries(count: int, said: int | None = None) -> bytes:
    """A zip of `count` empty files, written directly since zipfile takes seconds."""
    body = b"PK\x03\x04" + struct.pack("<HHHHHLLLHH", 20, 0, 0, 0, 0, 0, 0, 0, 1, 0) + b"a"
    table = b"".join(
        b"PK\x01\x02" + struct.pack("<HHHHHHLLLHHHHHLL", 20, 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0, 0, 0, 0, 0, 0) + name
        for name in (b"%d" % number for number in range(count))
    )
    number = min(said or count, 0xFFFF)
    end = b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, number, number, len(table), len(body), 0)
    return body + table + end


@pytest.mark.parametrize("name", MEMBERS)
def test_a_bad_zip_gets_one_typed_sentence(name: str) -> None:
    build, kind = MEMBERS[name]
    data = build()
    began = time.monotonic()
    with pytest.raises(InputRejected) as caught:
        reader.read("upload.zip", data)
    assert time.monotonic() - began < 5
    assert type(caught.value) is kind, caught.value
    assert str(caught.value).endswith(".")


def test_bad_members_cost_no_good_ones() -> None:
    data = zipped([
        ("a.dcm", GOOD), ("../b.dcm", GOOD), (link(), b"/etc/passwd"), ("bomb", bytes(20 << 20)), ("inner.zip", zipped([("x", GOOD)])),
        ("cut.dcm", GOOD[:300]), ("folder/", b""), ("__MACOSX/._a.dcm", b"litter"), (".DS_Store", b"litter"),
        ("z/b.dcm", dicom(SOPInstanceUID="1.9", InstanceNumber="2")),
    ])  # fmt: skip
    intake = reader.read_all([("upload.zip", data)])
    assert [type(each.error) for each in intake.refused] == [UnsafeArchive, UnsafeArchive, TooLarge, TooLarge, Truncated]
    assert intake.refused[0].name == "upload.zip/../b.dcm"
    (study,) = intake.studies
    assert study.series[0].array.shape == (1, 2, 16, 12)
    assert [source.name for source in study.sources] == ["upload.zip/a.dcm", "upload.zip/z/b.dcm"]
    assert study.sources[0].data == GOOD
    assert "5 files of the upload could not be read." in reader.read("upload.zip", data).warnings


def test_the_same_name_twice_keeps_the_first() -> None:
    intake = reader.read_all([("upload.zip", twice())])
    assert [type(each.error) for each in intake.refused] == [UnsafeArchive]
    assert intake.studies[0].sources[0].data == GOOD


def test_the_bytes_of_the_whole_zip_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medcore.read.archive.ARCHIVE_BYTES", 3 * len(GOOD))
    found = list(members(io.BytesIO(zipped([(f"{number}.dcm", GOOD) for number in range(5)], zipfile.ZIP_STORED))))
    assert [member.error is None for member in found] == [True, True, True, False, False]
    assert limits.ARCHIVE_BYTES == 2 << 30 and limits.ARCHIVE_FILES == 5000 and limits.ARCHIVE_RATIO == 100


def test_an_upload_over_the_limit_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDCORE_MAX_UPLOAD_MB", "1")
    with pytest.raises(TooLarge, match="1 MB"):
        reader.read("x", bytes(2 << 20))


def test_pictures_in_a_zip_are_studies_of_their_own() -> None:
    intake = reader.read_all([("two.zip", zipped([("a.png", picture((pixels() >> 4).astype("u1"))), ("b.png", picture(pixels()))]))])
    assert len(intake.studies) == 2 and not intake.refused
