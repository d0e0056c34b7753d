"""Nouns survive the way to JSON and back; what is not a noun does not get in."""

from datetime import UTC, datetime

import numpy as np
import pytest

from medcore import codec
from medcore.types import Attribution, Finding, Gate, Label, Patient, Provenance, Report, Series, Source, Study, Window

LABEL = Label(
    name="p", title="P", title_zh="P", code="SCT 1", is_finding=True, threshold=0.4, operating_point="balanced", margin=0.05, citation="c"
)


def report():
    return Report(
        task="t",
        status="ok",
        decision="p",
        findings=(Finding(label=LABEL, probability=0.7, low=0.6, high=0.8),),
        gate=Gate(code="in", reason="", distance=1.0, limit=2.0),
        probabilities=(("n", 0.3), ("p", 0.7)),
        attributions=(Attribution(method="gradcam", label="p", baseline="none", values=np.ones((3, 4), np.float32)),),
        provenance=Provenance(
            input_sha256="a", task="t", model_version="1", weights_sha256="b", code_version="0", created_at=datetime(2026, 1, 2, tzinfo=UTC)
        ),
    )


def test_report_comes_back_equal():
    text, buffers = codec.pack(report())
    back = codec.unpack(Report, text, buffers)
    assert codec.pack(back)[0] == text
    assert back.findings == report().findings
    np.testing.assert_array_equal(back.attributions[0].values, report().attributions[0].values)


def test_study_comes_back_with_arrays_and_bytes():
    series = Series(array=np.arange(12.0).reshape(1, 1, 3, 4), unit="HU", modality="CT", window=Window(center=1.0, width=2.0))
    study = Study(study_uid=None, patient=Patient(name="Ä"), series=(series,), sources=(Source(name="n", sha256="s", data=b"\0\1"),))
    text, buffers = codec.pack(study)
    back = codec.unpack(Study, text, buffers)
    assert back.sources == study.sources
    assert back.series[0].window == Window(center=1.0, width=2.0)
    assert not back.series[0].array.flags.writeable


@pytest.mark.parametrize("text", ["{}", '{"task": 1}', "[]", "null", '{"evil": 1}'])
def test_other_json_is_refused(text):
    with pytest.raises((TypeError, KeyError, AttributeError, ValueError)):
        codec.unpack(Study, text, [])
