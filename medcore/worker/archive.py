"""A manifest and its images in one zip, as the validation page uploads them."""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Sequence

from medcore import settings
from medcore.errors import BadManifest
from medcore.tables import Table, parse_table


def table_of(data: bytes, needed: Sequence[str]) -> Table:
    """The table in the zip `data`: its topmost .csv is the manifest, paths are relative to that. Nothing touches the disk.

    Raises:
        BadManifest: no zip, no .csv in it, or a table that lacks a column of `needed`.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except zipfile.BadZipFile:
        raise BadManifest("The upload is not a zip file.") from None
    tables = sorted((name for name in archive.namelist() if name.lower().endswith(".csv")), key=lambda name: (name.count("/"), name))
    if not tables:
        raise BadManifest("The zip file holds no manifest (.csv).")
    folder = posixpath.dirname(tables[0])

    def fetch(name: str) -> bytes:
        return _member(archive, posixpath.normpath(posixpath.join(folder, name.replace("\\", "/"))))

    try:
        return parse_table(_member(archive, tables[0]), fetch, needed)
    except OSError:
        raise BadManifest("The manifest in the zip file cannot be opened.") from None


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """One member, counting real bytes: what its header says of its size may be forged.

    Raises:
        OSError: no such member, or one that cannot be read.
    """
    limit = settings.number("MEDCORE_MAX_UPLOAD_MB") * 1024 * 1024
    try:
        with archive.open(name) as member:
            data = member.read(limit + 1)
    except (KeyError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error, EOFError, ValueError) as error:
        raise OSError("no such member") from error
    if len(data) > limit:
        raise OSError("member too large")
    return data
