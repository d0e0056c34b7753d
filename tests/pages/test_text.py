"""The wording: the same in both languages, complete, and nowhere else."""

from __future__ import annotations

import ast
import re
import string
import tomllib

import pytest

from medcore import errors, registry
from medcore.export import wording
from medcore.settings import PROJECT
from medcore.ui import measured
from medcore.ui.text import person_name, plain
from medcore.ui.worklist import STATUS_ICON

GATES = (
    "in", "modality", "body_part", "age", "too_small", "blank", "inverted", "out_of_distribution", "not_2d", "colour", "projection", "view",
    "leads", "lead_quality", "length", "not_ecg", "unreadable", "asystole", "ventricular",
)  # fmt: skip


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_keys_and_places() -> None:
    english, chinese = wording.table("en"), wording.table("zh")
    assert english.keys() == chinese.keys()
    for key in english:
        assert places(english[key]) == places(chinese[key]), key


def test_chinese_is_chinese() -> None:
    same = {key for key, text in wording.table("zh").items() if text == wording.table("en")[key]}
    assert same <= {"app.title", "app.brand", "method.gradcam", "figure.auroc", "explain.bar", "validate.made"}, same


def every_error() -> list[type[errors.MedcoreError]]:
    found, todo = [], [errors.MedcoreError]
    while todo:
        kind = todo.pop()
        found.append(kind)
        todo += kind.__subclasses__()
    return [kind for kind in found if kind.__module__ == "medcore.errors"]


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_every_error_has_a_sentence(kind: type[errors.MedcoreError]) -> None:
    for language in wording.LANGUAGES:
        assert wording.coded(language, "error", kind("x").code) != kind("x").code


@pytest.mark.parametrize("code", GATES)
def test_every_gate_reason_has_a_sentence(code: str) -> None:
    for language in wording.LANGUAGES:
        assert wording.coded(language, "gate", code) != code


def test_every_status_has_a_word_and_an_icon() -> None:
    from medcore.store import StudyStatus

    assert set(STATUS_ICON) == {str(status) for status in StudyStatus}
    for status in StudyStatus:
        assert f"status.{status}" in wording.table("en")


@pytest.mark.parametrize("task", [task for task, card in registry.cards().items() if (PROJECT / card.results).is_file()])
def test_what_was_measured_of_each_task_has_words(task: str) -> None:
    words, card, results = wording.table("en"), registry.card(task), registry.results(task)
    for method, figures in results.get("saliency", {}).items():
        assert f"method.{method}" in words
        assert {f"sanity.{name}" for name in figures} <= words.keys()
    names = [*(figure.name for figure in card.figures), *results["figures"]]
    assert all(" · " in measured.figure_name(name, card) or f"figure.{name}" in words for name in names)
    assert {f"operating_point.{point.name}" for point in card.operating_points} <= words.keys()
    assert {f"operating_point.{label.operating_point}" for label in card.labels} <= words.keys()


def test_every_key_used_in_the_code_exists() -> None:
    used: set[str] = set()
    for path in [
        *(PROJECT / "pages").glob("*.py"),
        *(PROJECT / "medcore" / "ui").glob("*.py"),
        *(PROJECT / "medcore" / "export").glob("*.py"),
    ]:
        used |= set(re.findall(r'\b(?:t|say)\((?:language, )?"([a-z_]+\.[a-z_]+)"', path.read_text("utf-8")))
    assert len(used) > 100
    assert used - wording.table("en").keys() == set()


def literals(path: str) -> list[str]:
    """String literals of a page that are not docstrings."""
    tree = ast.parse((PROJECT / path).read_text("utf-8"))
    docs = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, ast.Module | ast.FunctionDef)}
    return [
        node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in docs
    ]


@pytest.mark.parametrize("path", sorted(f"pages/{path.name}" for path in (PROJECT / "pages").glob("*.py")))
def test_pages_hold_no_sentence_and_no_threshold(path: str) -> None:
    assert [text for text in literals(path) if re.search(r"[A-Za-z]{3,} [A-Za-z]{2,}|[\u4e00-\u9fff]", text)] == []
    assert len((PROJECT / path).read_text("utf-8").splitlines()) <= 80


def test_the_server_is_short() -> None:
    assert len((PROJECT / "app.py").read_text("utf-8").splitlines()) <= 60


def test_no_html_is_made_from_data() -> None:
    for path in [PROJECT / "app.py", *(PROJECT / "pages").glob("*.py"), *(PROJECT / "medcore" / "ui").glob("*.py")]:
        assert "unsafe_allow" not in path.read_text("utf-8"), path
    for path in (PROJECT / "assets" / "js").glob("*.js"):
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", path.read_text("utf-8")), path


@pytest.mark.parametrize("text", ["<img src=x onerror=alert(1)>", "[x](y)", "**b**", "a:red[b]", "$x$", "`c`", ":smile:", "# h", "~~s~~"])
def test_plain_leaves_nothing_that_markdown_reads(text: str) -> None:
    escaped = plain(text)
    assert re.sub(r"\\(.)", r"\1", escaped) == text
    assert not re.search(r"(?<!\\)[\[\]<>*`$:#~]", escaped)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Wang^XiaoDong=王^小东", "Wang, XiaoDong · 王, 小东"),
        ("Doe^Jane^A^Dr", "Doe, Jane A Dr"),
        ("<img src=x onerror=y>", "<img src=x onerror=y>"),
        ("**b**", "**b**"),
        (None, None),
        ("^", None),
    ],
)
def test_person_names(name: str | None, shown: str | None) -> None:
    assert person_name(name) == shown


def test_upload_limit_of_the_server_is_that_of_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    from medcore import settings

    monkeypatch.delenv("MEDCORE_MAX_UPLOAD_MB", raising=False)
    config = tomllib.loads((PROJECT / ".streamlit" / "config.toml").read_text("utf-8"))
    assert config["server"]["maxUploadSize"] == settings.number("MEDCORE_MAX_UPLOAD_MB")
    assert config["server"]["address"] == "127.0.0.1"
    assert config["server"]["enableCORS"] is True and config["server"]["enableXsrfProtection"] is True
    assert config["client"]["showErrorDetails"] == "none" and config["browser"]["gatherUsageStats"] is False
