"""The rules of the house: where heavy imports live, which way imports point, how large a room may be."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import medcore
from medcore import settings

ROOT = Path(medcore.__file__).parent.parent
FILES = sorted((ROOT / "medcore").rglob("*.py"))
PAGES = sorted((ROOT / "pages").glob("*.py"))

HOMES = {
    "streamlit": ("app.py", "pages/", "medcore/ui/"),
    "sqlalchemy": ("medcore/store/",),
    "alembic": ("medcore/store/",),
    "captum": ("medcore/explain.py",),
    **dict.fromkeys(
        ("torch", "monai", "safetensors"),
        ("medcore/tasks/", "medcore/networks/", "medcore/training/", "medcore/explain.py", "medcore/worker"),
    ),
}

FLOORS = [
    ("types", "errors", "settings", "codec"),
    ("read", "reference", "tables", "metrics", "checks"),
    ("registry",),
    ("networks", "signals", "calibrate", "explain"),
    ("cardiology", "diabetology"),
    ("tasks",),
    ("training",),
    ("recipes",),  # tasks/*/train.py: run by hand, imported by nothing but the command line
    ("pipeline",),
    ("store",),
    ("worker", "export"),
    ("ui",),
    ("__main__",),
]
FLOOR = {room: number for number, floor in enumerate(FLOORS) for room in floor}


def imported(path):
    """Every module that `path` imports anywhere, relative names not being used in this house."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module
            if node.module == "medcore":
                yield from (f"medcore.{name.name}" for name in node.names)


def place(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", [*FILES, *PAGES, ROOT / "app.py"], ids=place)
def test_heavy_imports_have_one_home(path):
    for name in imported(path):
        for heavy, homes in HOMES.items():
            if name.split(".")[0] == heavy:
                assert place(path).startswith(homes), f"{place(path)} imports {heavy}"


@pytest.mark.parametrize("path", FILES, ids=place)
def test_lower_never_imports_higher(path):
    room = path.relative_to(ROOT / "medcore").parts[0].removesuffix(".py")
    if path.name == "train.py":
        room = "recipes"
    if room == "__init__":
        return
    for name in imported(path):
        other = name.split(".")[1] if name.startswith("medcore.") else None
        if other in FLOOR and other != room:
            assert FLOOR[other] < FLOOR[room] or (FLOOR[other] == FLOOR[room] == 0), f"{place(path)} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=place)
def test_modules_and_functions_stay_small(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 500
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < 50, f"{node.name} has {node.end_lineno - node.lineno + 1} lines"


@pytest.mark.parametrize("path", PAGES, ids=place)
def test_pages_are_inputs_one_call_render(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 80
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            pytest.fail(f"{place(path)} holds the number {node.value}")


def test_app_is_short():
    assert len((ROOT / "app.py").read_text(encoding="utf-8").splitlines()) <= 60


def test_public_names_are_pinned():
    assert medcore.__all__ == [
        "__version__",
        "read",
        "read_all",
        "MedcoreError",
        "InputRejected",
        "Study",
        "Series",
        "Finding",
        "Gate",
        "Report",
        "ModelCard",
        "Status",
        "cards",
        "check",
        "choose",
        "diagnose",
    ]
    assert all(getattr(medcore, name) is not None for name in medcore.__all__)


def test_import_is_light_and_the_web_never_loads_a_network():
    code = (
        "import sys, medcore, medcore.pipeline, medcore.registry, medcore.read; medcore.registry.cards();"
        "print([name for name in ('torch', 'monai', 'captum', 'streamlit', 'sqlalchemy') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert out.stdout.strip() == "[]"


def test_settings_are_documented():
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for setting in settings.TABLE:
        assert f"`{setting.name}`" in text
        assert setting.help in text


def test_requirements_are_pinned_and_free_of_torchvision():
    lines = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert all("==" in line for line in lines)
    names = {line.split("==")[0].lower() for line in lines}
    assert {"streamlit", "torch", "monai", "pydicom", "plotly", "numpy", "captum"} <= names
    assert not names & {"torchvision", "timm", "torchxrayvision"}


def test_versions_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == medcore.__version__
