"""Every file of pydicom's and pydicom-data's test sets reads, or is refused by a typed sentence; what reads equals pydicom's pixels."""

from __future__ import annotations

import io
import warnings
from collections import Counter
from functools import cache
from pathlib import Path

import data_store
import numpy as np
import pydicom
from pydicom.pixels import apply_modality_lut

import medcore.read as reader
from medcore.errors import InputRejected, NotAnImage
from medcore.types import Study

ROOTS = (Path(pydicom.__file__).parent / "data", Path(data_store.__file__).parent / "data")
NOT_DATA = {".py", ".pyc", ".json", ".txt", ".md"}


@cache
def answers() -> dict[str, tuple[bytes, Study | InputRejected]]:
    """All files, read in one go."""
    paths = [path for root in ROOTS for path in sorted(root.rglob("*")) if path.is_file() and path.suffix not in NOT_DATA]
    files = [(str(path), path.read_bytes()) for path in paths]
    found = reader.read_each(files)
    return {name: (data, answer) for (name, data), answer in zip(files, found, strict=True)}


def test_every_file_reads_or_is_refused() -> None:
    kinds = Counter("read" if isinstance(answer, Study) else answer.code for _, answer in answers().values())
    assert kinds["read"] >= 165
    assert kinds["not_an_image"] >= 60  # directories, reports, plans, palettes, headers without pixels
    assert kinds["reader_failed"] == 0
    assert kinds.total() == len(answers()) > 250
    assert all(str(answer).endswith(".") for _, answer in answers().values() if isinstance(answer, InputRejected))


def test_objects_without_pixels_are_named() -> None:
    by_name = {Path(name).name: answer for name, (_, answer) in answers().items()}
    ecg = by_name["waveform_ecg.dcm"]
    assert isinstance(ecg, Study) and not ecg.series and [recording.modality for recording in ecg.recordings] == ["ECG"]
    assert isinstance(by_name["rtplan.dcm"], NotAnImage) and "RT Plan Storage" in str(by_name["rtplan.dcm"])
    assert isinstance(by_name["test-SR.dcm"], NotAnImage) and "Comprehensive SR" in str(by_name["test-SR.dcm"])
    assert isinstance(by_name["DICOMDIR"], NotAnImage) and "DICOMDIR" in str(by_name["DICOMDIR"])


def test_grey_values_are_pydicoms() -> None:
    """Modality values of every grey file whose header has no VOI LUT and no frame-wise rescale."""
    compared = 0
    for name, (data, answer) in answers().items():
        if not isinstance(answer, Study) or not answer.series or answer.series[0].unit == "RGB" or data[128:132] != b"DICM":
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = pydicom.dcmread(io.BytesIO(data))
            if "PixelData" not in header or "VOILUTSequence" in header or "PerFrameFunctionalGroupsSequence" in header:
                continue
            expected = np.asarray(apply_modality_lut(header.pixel_array, header), dtype=np.float64)
        if header.PhotometricInterpretation == "MONOCHROME1":
            continue  # tested with a real film
        found = answer.series[0].array[0].reshape(expected.shape)
        assert np.allclose(found, expected, rtol=1e-6), name
        compared += 1
    assert compared >= 60


def test_colours_are_pydicoms() -> None:
    compared = 0
    for name, (data, answer) in answers().items():
        if not isinstance(answer, Study) or not answer.series or answer.series[0].unit != "RGB" or data[128:132] != b"DICM":
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = pydicom.dcmread(io.BytesIO(data))
            if header.SamplesPerPixel == 1 or header.BitsAllocated != 8 or int(header.get("NumberOfFrames", 1)) > 2:
                continue
            expected = header.pixel_array
        found = answer.series[0].array.transpose(1, 2, 3, 0).reshape(expected.shape)
        assert np.array_equal(found, expected), name
        compared += 1
    assert compared >= 30
