"""Recordings that a manifest names, opened batch after batch while the network works."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from medcore.errors import InputRejected, NotAnImage
from medcore.read import read_records
from medcore.read.ecg import wfdb_files
from medcore.types import Gate, Recording, Study

BATCH = 128  # records for one reading child

Files = list[tuple[str, bytes]]
Check = Callable[[Study], tuple[Recording, Gate]]
Opened = list[tuple[Recording, Gate] | InputRejected]


def files_of(record: str, fetch: Callable[[str], bytes]) -> Files:
    """The files of WFDB record `record` (its name without ending), or the one file of that very name.

    Raises:
        InputRejected: neither is there, or a file that the header names is missing.
    """
    folder = record.rpartition("/")[0]
    try:
        header = fetch(f"{record}.hea")
    except (OSError, ValueError):
        return [(record, _fetched(record, fetch))]
    names = [f"{folder}/{name}" if folder else name for name in wfdb_files(header)]
    return [(f"{record}.hea", header), *((name, _fetched(name, fetch)) for name in names)]


def _fetched(name: str, fetch: Callable[[str], bytes]) -> bytes:
    try:
        return fetch(name)
    except (OSError, ValueError):  # ValueError: what no file can be called
        raise NotAnImage("There is no such file.") from None


def opened(records: Sequence[str], fetch: Callable[[str], bytes], check: Check) -> Iterator[tuple[int, Opened]]:
    """Batch after batch: the number of its first record, and for each the recording with what its header's gate says, or why not."""

    def read(first: int) -> Opened:
        return _opened(records[first : first + BATCH], fetch, check)

    with ThreadPoolExecutor(1, "read-ahead") as ahead:
        waiting = ahead.submit(read, 0)
        for first in range(0, len(records), BATCH):
            batch = waiting.result()
            if first + BATCH < len(records):
                waiting = ahead.submit(read, first + BATCH)
            yield first, batch


def _opened(records: Sequence[str], fetch: Callable[[str], bytes], check: Check) -> Opened:
    answers: list[Files | InputRejected] = []
    for record in records:
        try:
            answers.append(files_of(record, fetch))
        except InputRejected as error:
            answers.append(error)
    studies = iter(read_records([files for files in answers if not isinstance(files, InputRejected)]))
    found: Opened = []
    for answer in answers:
        study = answer if isinstance(answer, InputRejected) else next(studies)
        if isinstance(study, Study) and not study.recordings:
            study = NotAnImage("The file holds no ECG.")
        found.append(check(study) if isinstance(study, Study) else study)
    return found
