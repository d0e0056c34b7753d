"""The contract of the command line, as others judge through it."""

import csv
import io
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medcore import registry
from medcore.__main__ import _write, main
from medcore.read import read_each
from medcore.tasks.kinds import image_classifier
from tests.tasks.films import ct_slice, dicom, film

TASK = "chest_xray_pneumonia"
KEYS = ["file", "task", "gate", "decision", "status", "findings", "measurements", "model_version", "weights_sha256", "error"]


@pytest.fixture
def wide_gate(monkeypatch):
    """Made-up films are no films to the gate, and rightly; here they may pass."""
    monkeypatch.setitem(registry.cards(), TASK, replace(registry.card(TASK), gate_limit=99.0))


def run(capsys, *arguments):
    """Exit code and what came on stdout."""
    code = main([str(argument) for argument in arguments])
    return code, capsys.readouterr().out


def test_diagnose_json_has_the_keys_of_the_contract(capsys, tmp_path, wide_gate):
    (tmp_path / "film").write_bytes(dicom(film()))
    code, out = run(capsys, "diagnose", tmp_path / "film", "--json")
    (row,) = json.loads(out)
    assert code == 0
    assert list(row) == KEYS
    assert (row["task"], row["error"]) == (TASK, None)
    assert row["weights_sha256"] == registry.card(TASK).weights_sha256


def test_a_refused_file_costs_no_other(capsys, tmp_path):
    (tmp_path / "bad").write_bytes(b"not an image")
    (tmp_path / "good.png").write_bytes(png(film()))
    code, out = run(capsys, "diagnose", tmp_path / "bad", tmp_path / "good.png", tmp_path / "none", "--task", TASK, "--json")
    rows = json.loads(out)
    assert code == 1
    assert [row["error"] is None for row in rows] == [False, True, False]
    assert all(row["status"] == "error" for row in rows if row["error"])


def test_folder_and_zip_give_one_row_a_study(capsys, tmp_path, wide_gate):
    folder = tmp_path / "studies"
    folder.mkdir()
    for number in range(2):
        (folder / str(number)).write_bytes(dicom(film(number)))
    with zipfile.ZipFile(tmp_path / "both.zip", "w") as archive:
        for number in range(2):
            archive.write(folder / str(number), f"a/{number}")
    for path in (folder, tmp_path / "both.zip"):
        code, out = run(capsys, "diagnose", path, "--json")
        assert (code, len(json.loads(out))) == (0, 2)


def test_a_study_that_the_gate_refuses_was_not_read(capsys, tmp_path):
    (tmp_path / "adult").write_bytes(dicom(film(), age="040Y"))
    code, out = run(capsys, "diagnose", tmp_path / "adult", "--json")
    (row,) = json.loads(out)
    assert code == 1
    assert (row["status"], row["error"], row["findings"]) == ("refused", None, [])
    assert "years of age" in row["gate"]


def test_no_task_for_a_modality_is_an_error_that_names_it(capsys, tmp_path):
    (tmp_path / "mr").write_bytes(dicom(film(), modality="MR", body_part="BRAIN"))
    code, out = run(capsys, "diagnose", tmp_path / "mr", "--json")
    assert code == 1
    assert "MR" in json.loads(out)[0]["error"]


def test_usage_is_exit_code_2():
    for arguments in ([], ["diagnose"], ["evaluate", "no_such_task"], ["diagnose", "x", "--task", "no_such_task"]):
        done = subprocess.run([sys.executable, "-m", "medcore", *arguments], capture_output=True, text=True)
        assert done.returncode == 2
        assert done.stdout == ""


def test_models_lists_every_task(capsys):
    code, out = run(capsys, "models", "--json")
    assert code == 0
    assert [row["task"] for row in json.loads(out)] == list(registry.cards())


def png(pixels):
    """`pixels` as PNG bytes."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def manifest(tmp_path):
    """Six rows: four films, one that is no image, one that is not there."""
    for number in range(4):
        (tmp_path / f"{number}.png").write_bytes(png(film(number)))
    (tmp_path / "bad.png").write_bytes(b"no image")
    rows = ["0.png,normal,a,x", "1.png,pneumonia,a,x", "bad.png,normal,b,x", "2.png,,b,x", "none.png,normal,c,x", "3.png,measles,c,x"]
    path = tmp_path / "m.csv"
    path.write_text("path,label,patient,more\n" + "\n".join(rows) + "\n")
    return path


def evaluate(capsys, manifest, *more, task=TASK):
    """Exit code, rows of OUT.csv and OUT.json."""
    out = manifest.parent / "out.csv", manifest.parent / "out.json"
    code, printed = run(capsys, "evaluate", task, "--manifest", manifest, "--predictions", out[0], "--json", out[1], *more)
    assert printed == ""
    with open(out[0], newline="") as file:
        return code, list(csv.DictReader(file)), json.loads(out[1].read_text())


def test_evaluate_writes_one_row_a_row(capsys, manifest):
    code, rows, summary = evaluate(capsys, manifest)
    assert code == 0
    assert [row["path"] for row in rows] == ["0.png", "1.png", "bad.png", "2.png", "none.png", "3.png"]
    assert list(rows[0]) == ["path", "label", "p_normal", "p_pneumonia", "decision", "status", "gate"]
    assert [row["status"] == "error" for row in rows] == [False, False, True, False, True, False]
    for row in rows:
        if row["status"] == "error":
            assert row["p_normal"] == row["p_pneumonia"] == ""
            assert row["gate"]
        else:
            assert float(row["p_normal"]) + float(row["p_pneumonia"]) == pytest.approx(1, abs=1e-5)
            assert row["decision"] in {"normal", "pneumonia"}
    assert summary["n"] == 2
    assert summary["group"] == "patient"
    for name in ("accuracy", "balanced_accuracy", "auroc", "sensitivity", "specificity", "f1", "ece", "brier"):
        assert {"value", "low", "high"} <= set(summary["figures"][name])
    assert summary["images_per_second"] > 0
    assert 0 <= summary["share_refused"] <= 1


def test_evaluate_takes_another_group_column_and_says_when_there_is_none(capsys, manifest):
    assert evaluate(capsys, manifest, "--group", "more")[2]["group"] == "more"
    manifest.write_text("path,label\n0.png,normal\n1.png,pneumonia\n")
    assert evaluate(capsys, manifest)[2]["group"].startswith("none")


def test_evaluate_without_labels_predicts(capsys, manifest):
    manifest.write_text("path\n0.png\n")
    code, rows, summary = evaluate(capsys, manifest)
    assert (code, summary["n"]) == (0, 0)
    assert rows[0]["p_normal"]


def test_evaluate_the_second_task_with_its_three_classes(capsys, manifest):
    (manifest.parent / "ct.dcm").write_bytes(
        dicom(ct_slice().astype(np.uint16) + 1024, modality="CT", age="060Y", RescaleSlope=1, RescaleIntercept=-1024)
    )
    manifest.write_text("path,label\nct.dcm,malignant\n")
    _, rows, _ = evaluate(capsys, manifest, task="chest_ct_cancer")
    assert sum(float(rows[0][f"p_{name}"]) for name in ("normal", "benign", "malignant")) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("text", ["label\nnormal\n", "path,label\n", "\xff\xfe"])
def test_a_bad_manifest_is_one_sentence(capsys, tmp_path, text):
    path = tmp_path / "m.csv"
    path.write_bytes(text.encode("latin-1"))
    out = tmp_path / "o.csv"
    assert main(["evaluate", TASK, "--manifest", str(path), "--predictions", str(out), "--json", str(tmp_path / "o.json")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert not out.exists()


def test_the_same_film_gets_the_same_figures_in_any_company(capsys, manifest):
    _, rows, _ = evaluate(capsys, manifest)
    manifest.write_text("path,label\n3.png,normal\n")
    _, alone, _ = evaluate(capsys, manifest)
    assert float(rows[5]["p_normal"]) == pytest.approx(float(alone[0]["p_normal"]), abs=1e-4)


def test_nothing_needs_the_database(tmp_path):
    (tmp_path / "film").write_bytes(dicom(film()))
    code = "import sys; from medcore.__main__ import main; main(sys.argv[1:]); print('sqlalchemy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code, "diagnose", str(tmp_path / "film")], capture_output=True, text=True, cwd=Path(__file__).parent.parent
    )
    assert done.stdout.splitlines()[-1] == "False"


def test_files_are_read_in_parcels_and_the_answers_stay_in_order(capsys, manifest, monkeypatch):
    _, rows, _ = evaluate(capsys, manifest)
    sizes = []
    monkeypatch.setattr(image_classifier, "PARCEL", 1)
    monkeypatch.setattr(image_classifier, "read_each", lambda files: sizes.append(len(files)) or read_each(files))
    assert evaluate(capsys, manifest)[1] == rows
    assert max(sizes) == 1


def test_a_name_that_no_file_can_have_is_an_error_of_its_row(capsys, manifest):
    manifest.write_bytes(b"path,label\n0.png,normal\na\0b.png,normal\n,normal\n")
    code, rows, summary = evaluate(capsys, manifest)
    assert (code, [row["status"] == "error" for row in rows]) == (0, [False, True, True])
    assert summary["unreadable"] == 2


def test_an_empty_folder_is_refused_and_not_silent(capsys, tmp_path):
    (tmp_path / ".DS_Store").write_bytes(b"litter")
    code, out = run(capsys, "diagnose", tmp_path, "--json")
    assert (code, [row["status"] for row in json.loads(out)]) == (1, ["error"])


def test_a_file_over_the_limit_is_refused_before_it_is_read(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("MEDCORE_MAX_UPLOAD_MB", "1")
    with open(tmp_path / "large", "wb") as file:
        file.truncate(2 << 20)
    monkeypatch.setattr(Path, "read_bytes", lambda _path: pytest.fail("it was read"))
    code, out = run(capsys, "diagnose", tmp_path / "large", "--json")
    assert code == 1
    assert "larger than 1 MB" in json.loads(out)[0]["error"]


def test_a_folder_that_is_not_there_is_said_before_the_work(capsys, manifest, monkeypatch):
    monkeypatch.setattr(image_classifier, "evaluate", lambda *_: pytest.fail("it was measured"))
    out = manifest.parent / "none" / "out.csv"
    assert main(["evaluate", TASK, "--manifest", str(manifest), "--predictions", str(out), "--json", str(out)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_results_may_go_to_a_device(manifest):
    path = manifest.parent / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    _write(path, "text")
    assert os.read(reader, 9) == b"text"
    os.close(reader)
    assert path.is_fifo()


def test_threads_are_those_of_the_setting(capsys, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "9")
    monkeypatch.setenv("MEDCORE_THREADS", "3")
    assert run(capsys, "models")[0] == 0
    assert os.environ["OMP_NUM_THREADS"] == "3"
    monkeypatch.setenv("MEDCORE_THREADS", "many")
    assert main(["models"]) == 1
