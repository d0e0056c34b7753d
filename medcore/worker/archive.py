"""A manifest and its images in one zip, as the validation page uploads them."""

from __future__ import annotations

import io
import posixpath
import zipfile
from collections.abc import Mapping, Sequence

from medcore.errors import BadManifest, InputRejected
from medcore.read.archive import opened, unpacked
from medcore.tables import Table, parse_table, with_beside


def table_of(data: bytes, needed: Sequence[str], beside: Mapping[str, Sequence[str]]) -> Table:
    """The table in the zip `data`: its topmost .csv is the manifest, paths are relative to that. Nothing touches the disk.

    `beside`: names and columns of further tables that the task reads; one lies beside the manifest as NAME.csv, or is not there.

    Raises:
        BadManifest: no zip, no .csv in it, or a table that lacks a column of `needed`.
    """
    try:
        archive = opened(io.BytesIO(data))
    except InputRejected as error:
        raise BadManifest(f"The upload cannot be opened as a zip file: {error}") from None
    further = {f"{name}.csv" for name in beside}
    found = [name for name in archive.namelist() if name.lower().endswith(".csv") and posixpath.basename(name) not in further]
    tables = sorted(found, key=lambda name: (name.count("/"), name))
    if not tables:
        raise BadManifest("The zip file holds no manifest (.csv).")
    folder = posixpath.dirname(tables[0])

    def fetch(name: str) -> bytes:
        return _member(archive, posixpath.normpath(posixpath.join(folder, name.replace("\\", "/"))))

    try:
        table = parse_table(_member(archive, tables[0]), fetch, needed)
        for name, columns in beside.items():
            if posixpath.join(folder, f"{name}.csv") in archive.namelist():
                table = with_beside(table, name, fetch(f"{name}.csv"), columns)
        return table
    except (OSError, InputRejected):
        raise BadManifest("The manifest in the zip file cannot be opened.") from None


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """One member within the limits of any uploaded zip.

    Raises:
        OSError: no such member. InputRejected: one that is damaged or a bomb.
    """
    try:
        info = archive.getinfo(name)
    except KeyError as error:
        raise OSError("no such member") from error
    return unpacked(archive, info)
