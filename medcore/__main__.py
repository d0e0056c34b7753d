"""The command line: diagnose, evaluate, train, models, worker, bench. Results on stdout, progress on stderr."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from medcore import registry, settings
from medcore.errors import MedcoreError
from medcore.types import Finding, Report, Study

OK, REFUSED, USAGE = 0, 1, 2
READ = ("ok", "indeterminate")  # statuses of a study that was read; refused by a gate or in error, it was not


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 all well, 1 something was refused, 2 usage."""
    arguments = _parser().parse_args(argv)
    try:
        if threads := settings.number("MEDCORE_THREADS"):
            os.environ["OMP_NUM_THREADS"] = str(threads)  # read by torch when it is imported
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # idle threads sleep: on a busy machine spinning ones take the cores
        run: Callable[[argparse.Namespace], int] = arguments.run
        return run(arguments)
    except MedcoreError as error:
        print(error, file=sys.stderr)
        return REFUSED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m medcore", description="Read medical studies. Research use only. Not for diagnosis.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    diagnose = _command(commands, "diagnose", "read files, folders or zips", _diagnose)
    diagnose.add_argument("files", nargs="+", type=Path, metavar="FILE")
    diagnose.add_argument("--task", choices=list(registry.cards()), help="without it, header and gate choose")
    diagnose.add_argument("--json", action="store_true", help="one array, one object a study")
    evaluate = _command(commands, "evaluate", "measure a task on a labelled table", _evaluate)
    evaluate.add_argument("task", choices=list(registry.cards()))
    for name in ("manifest", "predictions", "json"):
        evaluate.add_argument(f"--{name}", type=Path, required=True)
    evaluate.add_argument("--events", type=Path, help="for a glucose forecast: meals and insulin (subject, time, kind, value, unit)")
    evaluate.add_argument("--group", help="the column of groups; else the first of group, patient, subject")
    train = _command(commands, "train", "train a task anew on a folder of data", _train)
    train.add_argument("task", choices=list(registry.cards()))
    train.add_argument("--data", type=Path, required=True, help="a folder with manifest.csv")
    train.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--install", action="store_true", help="put the new weights and figures in place of the shipped ones")
    models = _command(commands, "models", "list the tasks and what they are for", _models)
    models.add_argument("--json", action="store_true")
    _command(commands, "worker", "run queued jobs until stdin closes", _worker)
    _command(commands, "bench", "measure speed into benchmarks/results", _bench)
    return parser


def _command(commands: Any, name: str, text: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text.capitalize() + ".")
    parser.set_defaults(run=run)
    return parser


def _diagnose(arguments: argparse.Namespace) -> int:
    rows, tell = [], Progress()
    for done, path in enumerate(arguments.files, 1):
        rows += _read_and_diagnose(path, arguments.task)
        tell(done / len(arguments.files))
    if arguments.json:
        print(json.dumps(rows, indent=2))
    else:
        for row in rows:
            print(_sentence(row))
    return OK if all(row["status"] in READ for row in rows) else REFUSED


def _read_and_diagnose(path: Path, task: str | None) -> list[dict[str, Any]]:
    from medcore.read import read_path

    try:
        intake = read_path(path)
    except MedcoreError as error:
        return [_row(str(path), task, error=str(error))]
    rows = [_one(str(path), study, task) for study in intake.studies]
    return rows + [
        _row(f"{path}:{refused.name}" if path.is_dir() else str(path), task, error=str(refused.error)) for refused in intake.refused
    ]


def _one(file: str, study: Study, task: str | None) -> dict[str, Any]:
    from medcore import pipeline

    try:
        report = pipeline.diagnose(task, study)
        return _row(file, report.task, report=report)
    except MedcoreError as error:
        return _row(file, task, error=str(error))


def _row(file: str, task: str | None, report: Report | None = None, error: str | None = None) -> dict[str, Any]:
    """One object of `diagnose --json`."""
    found = report.findings if report else ()
    return {
        "file": file,
        "task": task,
        "gate": None if report is None else "in" if report.gate.passed else report.gate.reason,
        "decision": report.decision if report else None,
        "status": report.status if report else "error",
        "findings": [_finding(finding) for finding in found],
        "measurements": [{"name": m.name, "value": m.value, "unit": m.unit} for m in report.measurements] if report else [],
        "model_version": report.provenance.model_version if report else None,
        "weights_sha256": report.provenance.weights_sha256 if report else None,
        "error": error,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    numbers = {name: round(getattr(finding, name), 6) for name in ("probability", "low", "high")}
    return {"label": finding.label.name, **numbers, "threshold": finding.label.threshold, "status": str(finding.status)}


def _sentence(row: dict[str, Any]) -> str:
    if row["error"]:
        return f"{row['file']}: {row['error']}"
    if row["status"] == "refused":
        return f"{row['file']}: {row['task']}: not read. {row['gate']}"
    findings = [f"{f['label']} {f['status']} ({f['probability']:.2f}, {f['low']:.2f} to {f['high']:.2f})" for f in row["findings"]]
    numbers = [f"{m['name']} {m['value']:.4g} {m['unit']}" for m in row["measurements"]]
    decided = row["decision"] or ("nothing found" if findings else "measured")
    parts = (f"{row['task']}: {decided}", "; ".join(findings), "; ".join(numbers), "Research use only. Not for diagnosis.")
    return f"{row['file']}: " + " ".join(f"{part.rstrip('.')}." for part in parts if part)


def _evaluate(arguments: argparse.Namespace) -> int:
    from medcore import pipeline
    from medcore.errors import BadManifest
    from medcore.tables import open_table, with_beside, write_csv

    for out in (arguments.predictions, arguments.json):
        if not out.parent.is_dir():  # said now, not after an hour of work
            print(f"There is no folder {out.parent} to write to.", file=sys.stderr)
            return USAGE
    kind = registry.kind_module(arguments.task)
    table = open_table(arguments.manifest, kind.NEEDED, arguments.group)
    if arguments.events is not None:
        columns = getattr(kind, "BESIDE", {}).get("events")
        if columns is None:
            print(f"{arguments.task} reads no events.", file=sys.stderr)
            return USAGE
        try:
            data = arguments.events.read_bytes()
        except OSError:
            raise BadManifest("The table of events cannot be opened.") from None
        table = with_beside(table, "events", data, columns)
    columns, rows, summary = pipeline.evaluate(arguments.task, table, Progress())
    _write(arguments.predictions, write_csv(columns, rows))
    _write(arguments.json, json.dumps(summary, indent=1))
    return OK


def _write(path: Path, text: str) -> None:
    """All of `text` or nothing; a device such as /dev/stdout is written to, not replaced."""
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
        return
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _train(arguments: argparse.Namespace) -> int:
    recipe = import_module(f"medcore.tasks.{arguments.task}.train")
    weights = recipe.train(arguments.data, resume=arguments.resume, seed=arguments.seed, install=arguments.install)
    print(weights)
    return OK


def _models(arguments: argparse.Namespace) -> int:
    rows = [
        {"task": card.task, "title": card.title, "version": card.version, "modality": card.modality, "weights_sha256": card.weights_sha256}
        for card in registry.cards().values()
    ]
    print(json.dumps(rows, indent=2) if arguments.json else "\n".join(f"{row['task']}  {row['version']}  {row['title']}" for row in rows))
    return OK


def _worker(arguments: argparse.Namespace) -> int:
    from medcore import worker

    return int(worker.main([]))


def _bench(arguments: argparse.Namespace) -> int:
    import subprocess

    return subprocess.run([sys.executable, str(settings.PROJECT / "benchmarks" / "run.py")], check=False).returncode


class Progress:
    """A share done to a line on stderr, with the time left, at most once a second."""

    def __init__(self) -> None:
        self.started = self.told = time.monotonic()

    def __call__(self, share: float) -> None:
        """Tell that `share` (0..1) is done."""
        now = time.monotonic()
        if share > 0 and (now - self.told > 1 or share >= 1):
            self.told = now
            left = (now - self.started) * (1 - share) / share
            print(f"{share:6.1%} done, {left:.0f} s left", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
