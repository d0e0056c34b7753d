"""The test of the architecture: a copied folder is a task, with no other edit."""

import shutil

import pytest

import medcore.tasks
from medcore import pipeline, registry
from medcore.__main__ import main
from tests.tasks.films import ct_slice, series, study


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A task that is a copy of another under a new name, and knows less: its figures are the other's."""
    shutil.copytree(registry.TASKS / "chest_ct_cancer", tmp_path / "copied_task", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(registry, "TASKS", tmp_path)
    monkeypatch.setattr(medcore.tasks, "__path__", [*medcore.tasks.__path__, str(tmp_path)])
    registry.cards.cache_clear()
    yield "copied_task"
    registry.cards.cache_clear()
    pipeline.loaded.cache_clear()


def test_a_copied_folder_reads_evaluates_and_is_listed(copied, capsys, tmp_path):
    assert list(registry.cards()) == [copied]
    report = pipeline.diagnose(copied, study(series(ct_slice(), "CT", "HU")), override=True)
    assert report.task == report.provenance.task == copied
    assert pipeline.choose(study(series(ct_slice(), "CT", "HU"))) == copied
    assert main(["models"]) == 0
    assert copied in capsys.readouterr().out
    (tmp_path / "m.csv").write_text("path,label\nnone.png,benign\n")
    out = tmp_path / "out.csv"
    assert (
        main(["evaluate", copied, "--manifest", str(tmp_path / "m.csv"), "--predictions", str(out), "--json", str(tmp_path / "o.json")])
        == 0
    )
    assert out.read_text().splitlines()[0] == "path,label,p_benign,p_malignant,p_normal,decision,status,gate"


def test_before_its_first_training_a_task_has_a_card_and_no_numbers(copied, tmp_path):
    card = tmp_path / copied / "card.toml"
    card.write_text(card.read_text(encoding="utf-8").split("# Written by")[0], encoding="utf-8")
    registry.cards.cache_clear()
    untrained = registry.card(copied)
    assert untrained.figures == untrained.operating_points == ()
    assert all(label.threshold != label.threshold for label in untrained.labels)  # not a number
    with pytest.raises(medcore.MedcoreError, match="not those that its card names"):
        registry.checked_weights(copied)
