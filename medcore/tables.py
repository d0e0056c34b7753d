"""Manifests: labelled tables a hospital evaluates on, from a folder or a zip."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from medcore.errors import BadManifest

GROUPS = ("group", "patient", "subject")
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of a manifest and how to fetch what they name. `group` is the column of groups, None where rows stand alone."""

    rows: tuple[Mapping[str, str], ...]
    fetch: Callable[[str], bytes]  # OSError where there is nothing of that name, InputRejected where it may not be read
    group: str | None
    beside: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)  # rows of further tables that the task reads, by name

    def groups(self) -> tuple[str, ...]:
        """The group of each row; a row without one is its own."""
        if self.group is None:
            return tuple(str(number) for number in range(len(self.rows)))
        return tuple(row[self.group] or f"row {number}" for number, row in enumerate(self.rows))


def open_table(path: Path, needed: Sequence[str], group: str | None = None) -> Table:
    """The manifest at `path`; what it names is fetched relative to its folder.

    Args:
        needed: columns that must be there.
        group: the column of groups; None takes the first of group, patient, subject.

    Raises:
        BadManifest: no such file, not CSV in UTF-8, a missing column, or no rows.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadManifest("The manifest cannot be opened.") from error
    return parse_table(data, lambda name: (path.parent / name).read_bytes(), needed, group)


def parse_table(data: bytes, fetch: Callable[[str], bytes], needed: Sequence[str], group: str | None = None) -> Table:
    """The same for a manifest's bytes; see `open_table`."""
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), restkey="", restval="")
        rows = tuple(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadManifest("The manifest is not a CSV table in UTF-8.") from error
    columns = list(reader.fieldnames or ())
    for name in (*needed, *((group,) if group else ())):
        if name not in columns:
            raise BadManifest(f"The manifest has no column '{name}'.")
    if not rows:
        raise BadManifest("The manifest has no rows.")
    found = group or next((name for name in GROUPS if name in columns), None)
    return Table(rows=rows, fetch=fetch, group=found)


def with_beside(table: Table, name: str, data: bytes, needed: Sequence[str]) -> Table:
    """`table` with a further one (CSV bytes) beside it, under `name`.

    Raises:
        BadManifest: not CSV in UTF-8, or a column of `needed` is missing.
    """
    rows = parse_table(data, table.fetch, needed).rows
    return replace(table, beside={**table.beside, name: rows})


def write_csv(columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> str:
    """Rows as CSV text, lines ended by a line feed."""
    out = io.StringIO()
    bare = any("\r" in value for row in rows for value in row.values())  # the csv module would leave it unquoted, and split the row
    writer = csv.DictWriter(out, columns, lineterminator="\n", quoting=csv.QUOTE_ALL if bare else csv.QUOTE_MINIMAL)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def safe_cell(value: str) -> str:
    """`value` with a leading ' where a spreadsheet would take it for a formula (OWASP CSV injection)."""
    return f"'{value}" if value.startswith(_DANGEROUS) else value
