"""The command line on ECGs: the columns, the rows and the exit codes that are agreed on."""

import csv
import json

import numpy as np
import pytest

from medcore import registry
from medcore.__main__ import main
from medcore.read.ecg.leads import STANDARD
from tests.pages import ecg_nouns

SIX = ["1AVB", "CRBBB", "CLBBB", "SBRAD", "AFIB", "STACH"]
FOUR = ["normal", "atrial_fibrillation", "other_rhythm", "noisy"]


def put(folder, name, signal, hz, leads):
    """Write a WFDB record of `signal` (L, N) in mV, format 16."""
    stored = np.rint(signal.T * 1000).astype("<i2")
    (folder / f"{name}.dat").write_bytes(stored.tobytes())
    lines = [f"{name} {len(leads)} {hz:g} {len(stored)}"] + [f"{name}.dat 16 1000(0)/mV 16 0 0 0 0 {lead}" for lead in leads]
    (folder / f"{name}.hea").write_text("\n".join(lines) + "\n")


@pytest.fixture
def records(tmp_path):
    """Three records beside a manifest: twelve leads at 500 Hz, one lead at 300 Hz, and a header without its signals."""
    (tmp_path / "records").mkdir()
    peaks = ecg_nouns.beats(10.0, seed=1)
    put(tmp_path / "records", "twelve", ecg_nouns.signal(peaks, 10.0, 500.0, STANDARD), 500, [lead.lower() for lead in STANDARD])
    put(tmp_path / "records", "one", ecg_nouns.signal(ecg_nouns.beats(30.0, seed=2), 30.0, 300.0, ("II",)), 300, ["ECG"])
    (tmp_path / "records" / "lost.hea").write_text("lost 1 300 9000\nlost.dat 16 1000(0)/mV 16 0 0 0 0 ECG\n")
    return tmp_path, peaks


def evaluated(folder, task, manifest):
    """Rows of OUT.csv and OUT.json of an evaluation."""
    (folder / "m.csv").write_text(manifest)
    out, summary = folder / "out.csv", folder / "out.json"
    arguments = ["evaluate", task, "--manifest", str(folder / "m.csv"), "--predictions", str(out), "--json", str(summary)]
    assert main(arguments) == 0
    with out.open(newline="") as file:
        return list(csv.DictReader(file)), json.loads(summary.read_text())


def test_rhythm(records):
    folder, _ = records
    rows, summary = evaluated(
        folder, "ecg_rhythm", "record,label\nrecords/one,normal\nrecords/twelve,normal\nrecords/lost,normal\nrecords/none,noisy\n"
    )
    assert list(rows[0]) == ["record", "label", *(f"p_{name}" for name in FOUR), "decision", "status", "gate"]
    assert [row["record"] for row in rows] == ["records/one", "records/twelve", "records/lost", "records/none"]
    for row in rows[:2]:
        assert sum(float(row[f"p_{name}"]) for name in FOUR) == pytest.approx(1, abs=1e-5)
        assert row["decision"] in FOUR
        assert row["status"] in ("ok", "indeterminate")
    for row in rows[2:]:
        assert (row["status"], row["p_normal"], row["decision"]) == ("error", "", "")
        assert row["gate"].endswith(".")
    assert (summary["n"], summary["unreadable"], summary["rows"]) == (2, 2, 4)
    assert summary["group"].startswith("none")
    assert {"accuracy", "balanced_accuracy", "auroc", "f1", "ece", "brier", "hours_per_second"} <= set(summary)


def test_twelve_leads(records):
    folder, _ = records
    head = "record,patient," + ",".join(SIX)
    rows, summary = evaluated(folder, "ecg_12lead", f"{head}\nrecords/twelve,7,0,0,0,0,0,0\nrecords/lost,8,1,0,0,0,0,0\n")
    assert list(rows[0]) == ["record", *(f"p_{name}" for name in SIX), *(f"d_{name}" for name in SIX), "status", "gate"]
    assert all(0 <= float(rows[0][f"p_{name}"]) <= 1 and rows[0][f"d_{name}"] in "01" for name in SIX)
    assert rows[1]["status"] == "error"
    assert rows[1]["p_1AVB"] == rows[1]["d_1AVB"] == ""
    assert summary["group"] == "patient"
    assert summary["positives"] == dict.fromkeys(SIX, 0)


def test_a_single_lead_given_to_the_twelve_lead_task_is_an_error_row(records):
    folder, _ = records
    rows, summary = evaluated(folder, "ecg_12lead", "record,1AVB\nrecords/one,0\nrecords/twelve,0\n")
    assert [row["status"] for row in rows] == ["error", rows[1]["status"]]
    assert "leads" in rows[0]["gate"]
    assert rows[1]["status"] in ("ok", "indeterminate")
    assert summary["unreadable"] == 1


def test_delineation(records):
    folder, peaks = records
    rows, summary = evaluated(folder, "ecg_delineation", "record\nrecords/twelve\nrecords/lost\n")
    assert list(rows[0]) == ["record", "lead", "wave", "onset", "peak", "offset"]
    assert {row["lead"] for row in rows[:-1]} == {lead.lower() for lead in STANDARD}  # as the header spells them
    assert list(rows[-1].values()) == ["records/lost", "", "", "", "", ""]
    found = np.array([int(row["peak"]) for row in rows if row["lead"] == "ii" and row["wave"] == "QRS"]) / 500
    inside = peaks[(peaks > 0.3) & (peaks < 9.7)]
    assert all(np.abs(found - peak).min() < 0.03 for peak in inside)
    for row in rows[:-1]:
        bounds = [int(row[name]) for name in ("onset", "peak", "offset") if row[name]]
        assert bounds == sorted(bounds)
    assert summary["n"] == 1


def test_beats(records):
    folder, _ = records
    rows, _ = evaluated(folder, "ecg_beats", "record\nrecords/one\nrecords/lost\n")
    assert list(rows[0]) == ["record", "wave", "onset", "peak", "offset", "beat"]
    own = [row for row in rows if row["record"] == "records/one"]
    truth = ecg_nouns.beats(30.0, seed=2)
    found = np.array([int(row["peak"]) for row in own]) / 300
    assert all(np.abs(found - peak).min() < 0.06 for peak in truth[(truth > 0.3) & (truth < 29.7)])
    assert {row["wave"] for row in own} == {"QRS"}
    assert {row["beat"] for row in own} <= {"N", "V", "?"}
    assert list(rows[-1].values()) == ["records/lost", "", "", "", "", ""]


def test_diagnose_reads_twelve_leads_by_the_task_made_for_them(records, capsys):
    folder, _ = records
    assert main(["diagnose", str(folder / "records" / "twelve"), "--json"]) in (0, 1)
    (row,) = json.loads(capsys.readouterr().out)
    assert row["task"] == "ecg_12lead"
    names = {one["name"] for one in row["measurements"]}
    assert {"heart_rate", "pr_interval", "qrs_duration", "qt_interval", "qtc_fridericia"} <= names


def test_an_eeg_is_refused_by_every_ecg_task(records, capsys):
    folder, _ = records
    noise = np.random.default_rng(0).normal(size=(1, 9000)) * 0.03
    put(folder, "eeg", noise, 300, ["EEG Fpz-Cz"])
    for task in (name for name, card in registry.cards().items() if "ECG" in card.modality):
        assert main(["diagnose", str(folder / "eeg"), "--task", task, "--json"]) == 1
        (row,) = json.loads(capsys.readouterr().out)
        assert row["findings"] == row["measurements"] == []
        assert row["gate"] or row["error"]
