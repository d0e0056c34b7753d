"""Writes what docs and README say in figures: docs/models/*.md and the blocks between markers, from cards and benchmarks/results.

Run it after a training or a benchmark; a test compares what stands with what it would write. A task that has not been measured yet has no page.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.model_pages import page, percent, table, with_span  # noqa: E402
from medcore import registry  # noqa: E402
from medcore.settings import PROJECT  # noqa: E402
from medcore.types import WAVES, ModelCard  # noqa: E402

BESIDE = ("delineation_peers", "holter", "glucose_forecast_parts", "glucose_warning_safety")  # results that are of no one training


def measured() -> dict[str, ModelCard]:
    """The cards of the tasks whose results are there, and are of a training."""
    there = {task: card for task, card in registry.cards().items() if (PROJECT / card.results).is_file()}
    return {task: card for task, card in there.items() if "command" in registry.results(task)}


def readme_models() -> str:
    """One row a task, for the README."""
    rows = []
    for card in measured().values():
        results = registry.results(card.task)
        rows.append(
            (
                f"[{card.title}](docs/models/{card.task}.md)" + (" (experimental)" if card.experimental else ""),
                main_figures(card, results),
                measured_on(card, results),
                percent(results["gate"]["refused_inside"]) if "gate" in results else "–",
            )
        )
    return table(("task", "main figures (95 %)", "measured on", "suitable inputs refused (those that set the limit)"), rows)


def main_figures(card: ModelCard, results: dict[str, Any]) -> str:
    """What to look at first, by kind."""
    figures = results["figures"]

    def both(name: str) -> str:
        return "; ".join(f"{wave} {with_span(figures[f'{name}_{wave}'])}" for wave in WAVES)

    if card.kind == "image_classifier":
        return (
            f"AUROC {with_span(figures['auroc'])}, balanced accuracy {with_span(figures['balanced_accuracy'])}, "
            f"calibration error {figures['ece']['value']}"
        )
    if card.kind == "ecg_classifier":
        names = ", ".join(name.replace("_", " ") for name in results["counted"])
        return (
            f"AUROC {with_span(figures['auroc'])}, mean F1 of {names} {results['f1_counted']}, calibration error {figures['ece']['value']}"
        )
    if card.kind == "ecg_delineator":
        return f"sensitivity {both('sensitivity')}; PPV {both('ppv')}"
    if card.kind == "forecaster":
        return "; ".join(
            f"{at} min: RMSE {with_span(figures[f'rmse_{at}'])} mg/dL, {100 * figures[f'skill_{at}']['value']:.1f} % below the better baseline, "
            f"coverage {figures[f'coverage_{at}']['value']}"
            for at in (30, 60)
        )
    return f"QRS sensitivity {with_span(figures['sensitivity'])}, PPV {with_span(figures['ppv'])}"


def measured_on(card: ModelCard, results: dict[str, Any]) -> str:
    """How many of what."""
    if card.kind == "ecg_delineator":
        return f"{results['leads']} leads of {results['n']} unseen subjects"
    if card.kind == "forecaster":
        return f"{results['groups']} unseen subjects, {results['n']} moments"
    if card.kind == "ecg_beats":
        return f"{results['n']} unseen records"
    return f"{results['n']} {'images' if card.kind == 'image_classifier' else 'recordings'} of {results['groups']} groups, cross-validated"


def readme_speed() -> str:
    """The benchmarks' figures, for the README."""
    speed = _results("speed")
    latency, rate, start = speed["latency"], speed["throughput"], speed["start_up"]
    rows = [
        ("2000 x 2000 CR DICOM, bytes to report, warm", f"{latency['report_ms']} ms"),
        ("the same with Grad-CAM", f"{latency['report_with_gradcam_ms']} ms"),
        (
            "the same with integrated gradients / occlusion",
            f"{latency['report_with_integrated_gradients_ms']} / {latency['report_with_occlusion_ms']} ms",
        ),
        ("`evaluate` on JPEG files", f"{rate['diagnose_images_per_second']} images/s, {rate['ratio']:.0%} of the bare forward pass"),
        ("`import medcore`", f"{start['import_medcore_s']} s"),
        ("server answers / worklist cold / warm", f"{start['server_answers_s']} / {start['page_cold_s']} / {start['page_warm_s']} s"),
        *_day(),
    ]
    return table((f"on {speed['machine']['cpu_cores']} cores, no GPU", ""), rows)


def _day() -> list[tuple[str, str]]:
    """A day of ECG, once that has been measured."""
    if "holter" not in beside():
        return []
    held = beside()["holter"]["day"]
    return [
        (
            f"{held['hours']} h of one ECG lead at {held['sampling_rate_hz']} Hz, to report",
            f"{held['seconds']} s, {held['above_idle_mb']} MB above idle",
        )
    ]


def readme_ecg() -> str:
    """The picture of the ECG page, once it has been taken."""
    picture = "docs/screenshots/ecg.png"
    return f"![An ECG]({picture})" if (ROOT / picture).is_file() else ""


def beside() -> dict[str, dict[str, Any]]:
    """The results that stand beside those of a training, where they are there."""
    return {name: _results(name) for name in BESIDE if _path(name).is_file()}


def _path(name: str) -> Path:
    return ROOT / "benchmarks" / "results" / f"{name}.json"


def _results(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(_path(name).read_text(encoding="utf-8"))
    return loaded


def readme() -> str:
    """The README with its generated blocks made anew."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name, block in (("ecg", readme_ecg()), ("models", readme_models()), ("speed", readme_speed())):
        pattern, made = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", f"{block}\n" if block else ""
        text, blocks = re.subn(pattern, lambda m, made=made: f"{m[1]}{made}{m[2]}", text, flags=re.DOTALL)
        if blocks != 1:
            raise ValueError(f"README.md has no one place for {name}")
    return text


def pages() -> dict[Path, str]:
    """Every generated page by its path."""
    made = {ROOT / "docs" / "models" / f"{task}.md": page(card, registry.results(task), beside()) for task, card in measured().items()}
    return made | {ROOT / "README.md": readme()}


if __name__ == "__main__":
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
