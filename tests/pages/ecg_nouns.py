"""Synthetic ECGs of known truth: beats as sums of Gaussians (McSharry 2003), with marks, readings and reports. No patient among them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medcore.types import (
    FUSED,
    WAVES,
    Attribution,
    EcgReading,
    Event,
    Finding,
    Gate,
    Holter,
    Label,
    LeadQuality,
    Marks,
    Measurement,
    ModelCard,
    Patient,
    Provenance,
    Recording,
    Report,
    Source,
    Statement,
    Study,
)  # fmt: skip

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
# centre and width in seconds from R, then the height in mV in leads I, II and V1..V6: P, Q, R, S, T
_WAVES = ((-0.16, 0.022), (-0.026, 0.008), (0.0, 0.011), (0.028, 0.010), (0.26, 0.042))
_HEIGHTS = {
    "I": (0.10, -0.05, 0.70, -0.10, 0.20), "II": (0.15, -0.08, 1.10, -0.18, 0.30), "V1": (0.06, 0.0, 0.20, -0.90, -0.05),
    "V2": (0.08, 0.0, 0.40, -1.30, 0.35), "V3": (0.09, 0.0, 0.80, -0.90, 0.40), "V4": (0.10, -0.05, 1.40, -0.50, 0.40),
    "V5": (0.10, -0.08, 1.20, -0.25, 0.30), "V6": (0.09, -0.08, 0.90, -0.12, 0.25),
}  # fmt: skip
# onset and offset of each wave in seconds from R
_BOUNDS = {"P": (-0.21, -0.11), "QRS": (-0.045, 0.05), "T": (0.15, 0.36)}


def beats(seconds: float, rr_s: float = 0.8, seed: int = 0, irregular: float = 0.02) -> NDArray[np.float64]:
    """Times of R peaks."""
    rng = np.random.default_rng(seed)
    steps = rr_s * (1 + irregular * rng.standard_normal(int(seconds / rr_s) + 2))
    at: NDArray[np.float64] = 0.35 + np.cumsum(steps) - steps[0]
    return at[at < seconds - 0.4]


def signal(
    peaks: NDArray[np.float64], seconds: float, rate: float, leads: tuple[str, ...] = LEADS, noise: float = 0.01
) -> NDArray[np.float32]:
    """(L, N) in mV; III, aVR, aVL and aVF follow from I and II."""
    count = round(seconds * rate)
    made = {lead: np.zeros(count) for lead in _HEIGHTS}
    span = round(0.5 * rate)
    for peak in peaks:
        first, last = max(0, round(peak * rate) - span), min(count, round(peak * rate) + span)
        t = np.arange(first, last) / rate - peak
        for lead, heights in _HEIGHTS.items():
            made[lead][first:last] += sum(h * np.exp(-(((t - c) / w) ** 2) / 2) for (c, w), h in zip(_WAVES, heights, strict=True))
    i, ii = made["I"], made["II"]
    made |= {"III": ii - i, "aVR": -(i + ii) / 2, "aVL": i - ii / 2, "aVF": ii - i / 2}
    rng = np.random.default_rng(1)
    named = {"MLII": "II", "CM5": "V5"}
    return np.stack([made[named.get(lead, lead)] + noise * rng.standard_normal(count) for lead in leads]).astype(np.float32)


def recording(seconds: float = 10.0, rate: float = 500.0, leads: tuple[str, ...] = LEADS, seed: int = 0, **more: Any) -> Recording:
    """A recording in mV."""
    return Recording(
        signal=signal(beats(seconds, seed=seed), seconds, rate, leads), unit=more.pop("unit", "mV"), sampling_rate_hz=rate, leads=leads,
        file_format="Synthetic", filters=more.pop("filters", "0.05–150 Hz"), **more,
    )  # fmt: skip


def marks(peaks: NDArray[np.float64], rate: float, leads: int = 0, ventricular: tuple[int, ...] = ()) -> Marks:
    """Fused marks of every wave and, for `leads` > 0, the same in each lead; beats of the given numbers are V."""
    rows: list[tuple[int, int, int, int, int, int]] = []
    for lead in (FUSED, *range(leads)):
        for number, peak in enumerate(peaks):
            for wave, name in enumerate(WAVES):
                on, off = (round((peak + edge) * rate) for edge in _BOUNDS[name])
                beat = (1 if number in ventricular else 0) if name == "QRS" else -1
                rows.append((lead, wave, max(0, on), round((peak + (0 if name == "QRS" else sum(_BOUNDS[name]) / 2)) * rate), off, beat))
    table = np.array(rows, dtype=np.int32).reshape(-1, 6)
    kinds = (np.int16, np.uint8, np.int32, np.int32, np.int32, np.int8)
    names = ("lead", "wave", "onset", "peak", "offset", "beat")
    return Marks(**{name: table[:, at].astype(kind) for at, (name, kind) in enumerate(zip(names, kinds, strict=True))})


def study(*recordings: Recording, name: str = "SYNTHETIC^ECG", patient_id: str = "SYN-E1", **more: Any) -> Study:
    """A study of recordings, its source a few bytes of its own."""
    facts = repr([(one.unit, one.sampling_rate_hz, one.leads) for one in recordings] + [name, patient_id])
    data = sha256(b"".join(one.signal.tobytes() for one in recordings) + facts.encode()).digest()
    source = Source(name="ecg.bin", sha256=sha256(data).hexdigest(), data=data)
    patient = Patient(name=name, patient_id=patient_id, sex="F", age_years=61.0)
    return Study(study_uid=None, patient=patient, series=(), recordings=recordings, sources=(source,), study_date="2024-01-31", **more)


def label(name: str, title: str, title_zh: str, threshold: float = 0.4) -> Label:
    return Label(
        name=name, title=title, title_zh=title_zh, code="SCT 1", is_finding=name not in ("N", "normal"), threshold=threshold,
        operating_point="balanced", margin=0.05, citation="Ribeiro 2020",
    )  # fmt: skip


LABELS = (
    label("1AVB", "first-degree AV block", "一度房室传导阻滞"),
    label("CRBBB", "complete right bundle branch block", "完全性右束支传导阻滞"),
    label("AFIB", "atrial fibrillation", "心房颤动"),
)  # fmt: skip
RHYTHM = (label("N", "sinus rhythm", "窦性心律"), label("A", "atrial fibrillation", "心房颤动"))


def card(task: str = "ecg_12lead", labels: tuple[Label, ...] = LABELS) -> ModelCard:
    """A complete card with invented figures."""
    return ModelCard(
        task=task, title="Twelve-lead ECG" if task == "ecg_12lead" else "Rhythm",
        title_zh="十二导联心电图" if task == "ecg_12lead" else "心律",
        kind="sequence_classifier", version="1.0.0", modality=("ECG",), body_part=(), intended_use="A second look.", not_for="Monitoring.",
        population="Adults.", age_years=None, data="Invented.", licence="Apache-2.0", preprocessing="None.", known_failures="All of them.",
        experimental=False, labels=labels, operating_points=(), figures=(), temperature=1.0, gate_limit=30.0, weights_sha256="ef" * 32,
        results="benchmarks/results/none.json",
        exclusive=task != "ecg_12lead",
    )  # fmt: skip


def provenance(task: str) -> Provenance:
    return Provenance(
        input_sha256="cd" * 32, task=task, model_version="1.0.0", weights_sha256="ef" * 32, code_version="0.1.0",
        created_at=datetime(2024, 1, 31, 12, tzinfo=UTC),
    )  # fmt: skip


def finding(one: Label, probability: float) -> Finding:
    return Finding(label=one, probability=probability, low=max(0.0, probability - 0.06), high=min(1.0, probability + 0.06))


MEASURED = (
    Measurement(name="heart_rate", value=75.0, unit="bpm", reference=(60.0, 100.0), citation="Convention"),
    Measurement(name="pr_interval", value=214.0, unit="ms", reference=(120.0, 200.0), citation="Rijnbeek 2014"),
    Measurement(name="qrs_duration", value=95.0, unit="ms", reference=(float("-inf"), 120.0), citation="AHA/ACC/HRS 2009"),
    Measurement(name="qt_interval", value=405.0, unit="ms"),
    Measurement(name="qtc_fridericia", value=436.0, unit="ms", reference=(350.0, 460.0), citation="AHA/ACC/HRS 2009"),
    Measurement(name="qrs_axis", value=float("nan"), unit="deg", reference=(-30.0, 90.0), citation="AHA/ACC/HRS 2009"),
    Measurement(name="hrv_sdnn", value=42.0, unit="ms"),
    Measurement(name="hrv_rmssd", value=31.0, unit="ms"),
)
STATEMENTS = (
    Statement(label="1AVB", holds=True, because="PR 214 ms > 200 ms", citation="AHA/ACC/HRS 2009"),
    Statement(label="CRBBB", holds=False, because="QRS 95 ms < 120 ms", citation="AHA/ACC/HRS 2009"),
    Statement(label="AFIB", holds=None, because="12 beats", citation="Lake 2011"),
)


def quality(leads: tuple[str, ...] = LEADS) -> tuple[LeadQuality, ...]:
    """All usable but the last."""
    return tuple(
        LeadQuality(
            lead=lead, usable=lead != "V6", analysable=0.4 if lead == "V6" else 1.0, problems=("mains", "noise") if lead == "V6" else ()
        )
        for lead in leads
    )


def reading(**changes: Any) -> EcgReading:
    """Of the recording above."""
    plain = EcgReading(quality=quality(), analysable=0.97, marks=marks(beats(10.0), 500.0, leads=12), statements=STATEMENTS)
    return replace(plain, **changes)


def report(p: tuple[float, float, float] = (0.81, 0.05, 0.62), **changes: Any) -> Report:
    """A twelve-lead reading with a rhythm reading beside it: AFIB stands above its operating point, where the rule cannot tell."""
    rhythm = Report(
        task="ecg_rhythm", status="ok", decision="N", findings=(finding(RHYTHM[0], 0.9), finding(RHYTHM[1], 0.1)),
        gate=Gate(code="in", reason=""), provenance=provenance("ecg_rhythm"), probabilities=(("N", 0.9), ("A", 0.1)),
    )  # fmt: skip
    plain = Report(
        task="ecg_12lead", status="ok", decision="1AVB", findings=tuple(finding(one, value) for one, value in zip(LABELS, p, strict=True)),
        gate=Gate(code="in", reason=""), provenance=provenance("ecg_12lead"), measurements=MEASURED, ecg=reading(), also=(rhythm,),
        probabilities=tuple((one.name, value) for one, value in zip(LABELS, p, strict=True)),
    )  # fmt: skip
    return replace(plain, **changes)


def influence(leads: int = 12, bins: int = 400) -> Attribution:
    """An influence that follows the beats of II."""
    at = np.linspace(0, 10, bins)
    near = np.abs(at[:, None] - beats(10.0)[None, :]).min(axis=1)
    values = np.exp(-((near / 0.08) ** 2))[None, :] * np.linspace(0.3, 1.0, leads)[:, None]
    return Attribution(method="integrated_gradients", label="1AVB", baseline="zero", values=values.astype(np.float32))


def holter(minutes: int, seed: int = 0) -> Holter:
    """A day in which the rate rises and falls, two hours of AF, and events."""
    rng, at = np.random.default_rng(seed), np.arange(minutes)
    mean = 70 + 18 * np.sin(2 * np.pi * (at / minutes - 0.25)) + 3 * rng.standard_normal(minutes)
    unread = (at > 0.6 * minutes) & (at < 0.62 * minutes)
    af = np.where((at > 0.3 * minutes) & (at < 0.38 * minutes), 1.0, 0.0)
    mean[unread] = np.nan
    return Holter(
        rate_mean=mean, rate_min=mean - 8, rate_max=mean + 25 * (1 + af), af_share=af,
        ectopic=rng.poisson(0.4, minutes).astype(np.float64), analysable=np.where(unread, 0.1, 1.0),
        events=(
            Event(kind="pause", start_s=minutes * 60 * 0.2, end_s=minutes * 60 * 0.2 + 3.4, value=3.4, unit="s"),
            Event(kind="af", start_s=minutes * 60 * 0.3, end_s=minutes * 60 * 0.38, value=112.0, unit="bpm"),
            Event(kind="ventricular_run", start_s=minutes * 60 * 0.7, end_s=minutes * 60 * 0.7 + 2, value=4, unit="beats"),
        ),
    )  # fmt: skip
