"""Beats of generated recordings, found where they were put whatever the rate, polarity and seam; and what is made of a long one."""

import csv
import io

import numpy as np
import pytest

from medcore import pipeline, registry
from medcore.errors import Cancelled
from medcore.signals import holter
from medcore.tables import parse_table, write_csv
from medcore.tasks import beat_finding, beats
from medcore.tasks.kinds import ecg_beats as kind
from medcore.types import BEATS, FUSED, WAVES, Recording
from tests.signals.synth import ecg, r_times
from tests.tasks.long_ecg import long_ecg

TASK = "ecg_beats"
V = BEATS.index("V")


def recording(signal, rate, leads=("II",)):
    return Recording(signal=np.atleast_2d(signal).astype(np.float32), unit="mV", sampling_rate_hz=float(rate), leads=leads)


def quiet(share):
    assert 0 <= share <= 1


def found(one, leads=None):
    tools = pipeline.loaded(TASK)
    return beat_finding.find(tools.module, tools.model, one, leads or range(len(one.leads)), quiet)


def score(truth_s, peaks, rate):
    """Share of true beats found and of found ones true within 50 ms, generated peaks being exact."""
    apart = np.abs(np.subtract.outer(truth_s, np.asarray(peaks) / rate))
    return (apart.min(axis=1) <= 0.05).mean(), (apart.min(axis=0) <= 0.05).mean()


@pytest.mark.parametrize("rate", [100, 128, 250, 360, 500, 1000])
@pytest.mark.parametrize("bpm", [40, 75, 160])
def test_every_beat_is_found_where_it_is(rate, bpm):
    times = r_times(bpm, 60)
    one = found(recording(ecg(times, 60, rate), rate))
    assert score(times, one.peak, rate) == (1, 1)
    known = np.isfinite(one.onset) & np.isfinite(one.offset)
    assert known.mean() > 0.95
    assert (one.onset[known] < one.peak[known]).all()
    assert (one.offset[known] > one.peak[known]).all()
    assert 0.04 < np.median((one.offset - one.onset)[known]) / rate < 0.16


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("noise", [0.02, 0.12])
def test_neither_polarity_nor_noise_costs_beats(sign, noise):
    times = r_times(72, 120, jitter=0.08)
    one = found(recording(sign * ecg(times, 120, 250, noise=noise), 250))
    sensitivity, ppv = score(times, one.peak, 250)
    assert sensitivity >= 0.99
    assert ppv >= 0.99


def test_a_lead_of_noise_is_outvoted():
    times = r_times(72, 120)
    clear = ecg(times, 120, 250)
    noise = np.random.default_rng(1).normal(size=clear.shape)
    one = found(recording(np.stack([noise, clear]), 250, ("I", "II")))
    assert score(times, one.peak, 250) == (1, 1)


def test_a_silent_stretch_holds_no_beat():
    times = r_times(72, 60)
    clear = ecg(times, 60, 250)
    still = 0.01 * np.random.default_rng(2).normal(size=60 * 250)
    one = found(recording(np.r_[clear, still, clear], 250))
    assert not ((one.peak > 60.5 * 250) & (one.peak < 119.5 * 250)).any()
    assert score(np.r_[times, times + 120], one.peak, 250) == (1, 1)


def test_a_seam_neither_doubles_nor_loses_beats():
    signal, times, _ = long_ecg(beat_finding.BLOCK_S + 120, 125)
    one = found(recording(signal, 125))
    near = np.abs(times - beat_finding.BLOCK_S) < 60
    own = np.abs(one.peak / 125 - beat_finding.BLOCK_S) < 60
    assert near.sum() == own.sum()
    assert score(times[near], one.peak[own], 125) == (1, 1)
    assert np.diff(one.peak).min() >= beat_finding.REFRACTORY_S * 125


def test_broad_early_beats_are_ventricular_and_the_others_are_not():
    signal, times, ventricular = long_ecg(600, 250, every=23)
    tools = pipeline.loaded(TASK)
    one = found(recording(signal, 250))
    kinds, likely = beat_finding.kinds(tools.model, one)
    at = np.abs(np.subtract.outer(times, one.peak / 250)).argmin(axis=1)
    assert (kinds[at[ventricular]] == V).mean() >= 0.9
    assert (kinds[at[~ventricular]] == V).mean() <= 0.01
    assert ((likely >= 0) & (likely <= 1)).all()


def test_a_long_recording_is_summed_up(monkeypatch):
    monkeypatch.setattr(kind, "_rhythm", lambda: None)
    signal, times, ventricular = long_ecg(900, 250, every=40, pause_at=450)
    one = recording(signal, 250)
    tools, told = pipeline.loaded(TASK), []
    said = kind.examine(tools.module, tools.model, registry.card(TASK), one, 0, (), None, told.append)
    assert said.gate.passed
    assert said.findings == ()
    assert (said.marks.lead == FUSED).all()
    assert (said.marks.wave == WAVES.index("QRS")).all()
    assert score(times, said.marks.peak, 250) == (1, 1)
    assert len(said.holter.rate_mean) == 15
    assert [event.kind for event in said.holter.events].count("pause") == 1
    value = {each.name: each.value for each in said.measurements}
    assert value["pauses"] == 1
    assert value["ventricular_per_hour"] == pytest.approx(ventricular.sum() * 4, rel=0.15)
    assert "af_burden" not in value
    assert told == sorted(told)
    assert told[-1] == 1


def test_it_can_be_stopped():
    def stop(share):
        if share > 0:
            raise Cancelled("The job was stopped.")

    signal, *_ = long_ecg(beat_finding.BLOCK_S + 60, 125)
    tools = pipeline.loaded(TASK)
    with pytest.raises(Cancelled):
        beat_finding.find(tools.module, tools.model, recording(signal, 125), [0], stop)


def test_of_many_leads_of_a_long_recording_the_clearest_are_read():
    short, long_ = recording(np.zeros((5, 2500)), 250, tuple("abcde")), recording(np.zeros((5, 250 * 700)), 250, tuple("abcde"))
    usable = [0.2, 0.9, 0.1, 0.8, 0.9]
    assert beat_finding.leads_of(short, usable) == [0, 1, 2, 3, 4]
    assert beat_finding.leads_of(long_, usable) == [1, 3, 4]


def asked_of(rr, monkeypatch):
    """The windows that the rhythm task was asked about, and what was made of its always saying yes."""
    times = np.cumsum(rr)
    times = times[times < 300]
    asked = []

    def said(task, model, card, one, windows):
        asked.extend(windows)
        return np.ones(len(windows))

    monkeypatch.setattr(kind, "_rhythm", lambda: (None, None, None))
    monkeypatch.setattr(kind, "_asked", said)
    one = recording(np.zeros((1, 300 * 50)), 50)
    return asked, kind.fibrillation(one, times, np.ones(300, bool), quiet)


def test_a_steady_ventricle_is_no_fibrillation_without_a_network(monkeypatch):
    asked, af = asked_of(np.full(600, 0.8), monkeypatch)
    assert asked == []
    assert af.tolist() == [0] * 10


def test_an_irregular_one_is_asked_about(monkeypatch):
    asked, af = asked_of(np.random.default_rng(0).uniform(0.5, 1.1, 600), monkeypatch)
    assert asked == list(range(10))
    assert af.tolist() == [1] * 10


def test_what_cannot_be_read_is_not_asked_about(monkeypatch):
    monkeypatch.setattr(kind, "_rhythm", lambda: (None, None, None))
    monkeypatch.setattr(kind, "_asked", lambda *_: pytest.fail("it was asked"))
    one = recording(np.zeros((1, 300 * 50)), 50)
    assert np.isnan(kind.fibrillation(one, np.empty(0), np.zeros(300, bool), quiet)).all()
    assert len(kind.fibrillation(one, np.empty(0), np.zeros(300, bool), quiet)) * holter.AF_WINDOW_S == 300


def wfdb(name, signal, rate):
    """A WFDB record of one lead: header and format 16."""
    stored = np.rint(signal * 1000).astype("<i2")
    header = f"{name} 1 {rate} {len(stored)}\n{name}.dat 16 1000/mV 16 0 {stored[0]} {int(np.int16(stored.astype(np.int64).sum()))} 0 II\n"
    return {f"{name}.hea": header.encode(), f"{name}.dat": stored.tobytes()}


def test_evaluate_writes_a_row_a_beat_and_one_for_what_cannot_be_read():
    times = r_times(80, 30)
    files = wfdb("good", ecg(times, 30, 360), 360) | {"broken.hea": b"broken 1 0\n"}

    def fetch(name):
        if name not in files:
            raise OSError(name)
        return files[name]

    table = parse_table(b"record,extra\ngood,1\nnone,2\nbroken,3\n", fetch, kind.NEEDED)
    columns, rows, summary = pipeline.evaluate(TASK, table, quiet)
    assert columns == ("record", "wave", "onset", "peak", "offset", "beat")
    written = list(csv.DictReader(io.StringIO(write_csv(columns, rows))))
    beats_of = [row for row in written if row["record"] == "good"]
    assert score(times, [int(row["peak"]) for row in beats_of], 360) == (1, 1)
    assert {row["wave"] for row in beats_of} == {"QRS"}
    assert {row["beat"] for row in beats_of} <= set(BEATS)
    assert all(int(row["onset"]) < int(row["peak"]) < int(row["offset"]) for row in beats_of if row["onset"] and row["offset"])
    for name in ("none", "broken"):
        (empty,) = [row for row in written if row["record"] == name]
        assert set(empty.values()) == {name, ""}
    assert [row["record"] for row in written][-2:] == ["none", "broken"]
    assert (summary["n"], summary["unreadable"]) == (1, 2)
    assert sum(summary["beats"].values()) == len(beats_of)


def test_golden_scores():
    tools = pipeline.loaded(TASK)
    with np.load(registry.weights_path(TASK).with_name("golden.npz")) as golden:
        said = beats.scores(tools.model, golden["lead"], tools.module.RATE_HZ)
        for name in ("share", "peak", "kind"):
            np.testing.assert_allclose(getattr(said, name), golden[name], rtol=1e-3, atol=1e-4)


def test_a_record_of_ten_seconds_is_not_levelled_by_the_silence_behind_it():
    tools, times = pipeline.loaded(TASK), r_times(75, 10)
    lead = tools.module.prepare(recording(ecg(times, 10, 250), 250))[0]
    short = beats.scores(tools.model, lead, tools.module.RATE_HZ)
    at = beat_finding.local_peaks(short.peak, 0.5, 25)
    assert score(times, at, tools.module.RATE_HZ) == (1, 1)
