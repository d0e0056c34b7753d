"""Recordings that a manifest names, opened batch after batch while the network works."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from medcore.errors import InputRejected, NotAnImage, Unsupported
from medcore.read import read_records
from medcore.read.ecg import wfdb_files
from medcore.types import Gate, Recording, Study

BATCH = 128  # records at once, of which
BATCH_BYTES = 64 << 20  # in files are not exceeded by more than one record: days of ECG come one after the other

UNSHOWABLE = ("modality", "leads")  # gates that say it is another kind of input
SHORTEST_S = 1.0  # of a recording: a beat has to fit
LONGEST_S = 3600.0  # of one that is longer than its task reads: it would not fit in memory whole

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
        return [(record, _fetched(record, fetch, "There is neither a header (.hea) nor a file of that name."))]
    names = [f"{folder}/{name}" if folder else name for name in wfdb_files(header)]
    missing = "A signal file that the header names is missing."
    return [(f"{record}.hea", header), *((name, _fetched(name, fetch, missing)) for name in names)]


def _fetched(name: str, fetch: Callable[[str], bytes], missing: str) -> bytes:
    try:
        return fetch(name)
    except (OSError, ValueError):  # ValueError: what no file can be called
        raise NotAnImage(missing) from None


def middle(recording: Recording) -> int:
    """A recording is read whole: there is one place to read."""
    del recording
    return 0


def places(recording: Recording) -> int:
    """How many places of it may be read."""
    del recording
    return 1


def opened(records: Sequence[str], fetch: Callable[[str], bytes], check: Check) -> Iterator[tuple[int, Opened]]:
    """Batch after batch: the number of its first record, and for each the recording with what its header's gate says, or why not."""

    def read(first: int) -> Opened:
        return _opened(records[first : first + BATCH], fetch, check)

    with ThreadPoolExecutor(1, "read-ahead") as ahead:
        first, waiting = 0, ahead.submit(read, 0)
        while first < len(records):
            batch, begun = waiting.result(), first
            first += len(batch)
            if first < len(records):
                waiting = ahead.submit(read, first)
            yield begun, batch


def _opened(records: Sequence[str], fetch: Callable[[str], bytes], check: Check) -> Opened:
    """The first of `records`, as many as BATCH_BYTES allow."""
    answers = _fetched_all(records, fetch)
    studies = iter(read_records([files for files in answers if not isinstance(files, InputRejected)]))
    found: Opened = []
    for answer in answers:
        study = answer if isinstance(answer, InputRejected) else next(studies)
        if isinstance(study, Study) and not study.recordings:
            study = NotAnImage("The file holds no ECG.")
        found.append(_checked(study, check) if isinstance(study, Study) else study)
    return found


def _fetched_all(records: Sequence[str], fetch: Callable[[str], bytes]) -> list[Files | InputRejected]:
    answers: list[Files | InputRejected] = []
    size = 0
    for record in records:
        if size >= BATCH_BYTES:
            break
        try:
            files = files_of(record, fetch)
        except InputRejected as error:
            answers.append(error)
        else:
            answers.append(files)
            size += sum(len(data) for _, data in files)
    return answers


def _checked(study: Study, check: Check) -> tuple[Recording, Gate] | InputRejected:
    """The recording with its gate; what a network cannot even be shown is an error and no measurement."""
    recording, gate = check(study)
    too_long = gate.code == "length" and recording.seconds > LONGEST_S
    if gate.code in UNSHOWABLE or too_long or recording.seconds < SHORTEST_S:
        return Unsupported(gate.reason or "The recording is too short to be read.")
    return recording, gate
