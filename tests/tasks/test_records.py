"""Records of a manifest, opened in batches: in order, and no more at once than memory allows."""

import numpy as np
import pytest

from medcore.errors import InputRejected
from medcore.tasks import records
from medcore.types import Gate


def fetch(name: str) -> bytes:
    """A WFDB record of two seconds; none where the name says so."""
    stem, ending = name.rsplit(".", 1)
    if stem == "lost":
        raise FileNotFoundError(name)
    if ending == "hea":
        return f"{stem} 1 250 500\n{stem}.dat 16 1000(0)/mV 16 0 0 0 0 II\n".encode()
    return np.full(500, int(stem), "<i2").tobytes()


@pytest.mark.parametrize(("most", "sizes"), [(1, [1, 1, 2, 1]), (1500, [2, 3]), (1 << 20, [5])])
def test_a_batch_ends_where_its_files_are_large(monkeypatch, most, sizes):
    monkeypatch.setattr(records, "BATCH_BYTES", most)
    names = ["1", "2", "lost", "3", "4"]
    batches = list(records.opened(names, fetch, lambda study: (study.recordings[0], Gate(code="in", reason=""))))
    assert [len(batch) for _, batch in batches] == sizes
    assert [first for first, _ in batches] == np.cumsum([0, *sizes[:-1]]).tolist()
    answers = [answer for _, batch in batches for answer in batch]
    assert isinstance(answers.pop(2), InputRejected)
    assert [round(float(recording.signal[0, 0]) * 1000) for recording, _ in answers] == [1, 2, 3, 4]
    assert list(records.opened([], fetch, lambda study: (study.recordings[0], Gate(code="in", reason="")))) == []
