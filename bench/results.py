"""Writes docs/results.md from what was measured: every JSON in bench/results and in studies/results. Nothing there is typed.

A benchmark's file is what `harness.record` writes; a study's is the `metrics.json` of its run, named as the study.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "results.md"
HEAD = """# Measured results

<!-- made by bench/results.py: change that, not this -->

Every number on this page was written by a script from what it measured. A miss is reported and stands.
"""
SHOWN = ("auroc", "auprc", "accuracy", "macro_f1", "sensitivity", "ppv", "brier", "log_loss", "mae", "rmse")


def page() -> str:
    """The page's text."""
    studies = sorted((ROOT / "studies" / "results").glob("*.json"))
    benchmarks = sorted((ROOT / "bench" / "results").glob("*.json"))
    parts = [HEAD, "## Studies\n", *map(study, studies)]
    if not studies:
        parts.append("No study's results are in `studies/results` yet.\n")
    parts += ["## Benchmarks\n", *map(benchmark, benchmarks)]
    if not benchmarks:
        parts.append("No benchmark's results are in `bench/results` yet.\n")
    return "\n".join(parts)


def study(path: Path) -> str:
    """One study's test rows, over all patients: a line for each model and metric, then the classes, then paired differences."""
    rows = json.loads(path.read_text(encoding="utf-8"))
    rows = rows["metrics"] if isinstance(rows, dict) else rows
    test = [row for row in rows if row["part"] == "test" and not row["group"] and row["metric"] in SHOWN]
    several = any(row["split"] == "mean" for row in test)
    test = [row for row in test if not several or row["split"] == "mean"]
    plain = sorted((row for row in test if not row["against"]), key=lambda row: SHOWN.index(row["metric"]))
    table = [
        "| model | metric | class | value | 95 % interval | n | events |",
        "|---|---|---|---|---|---|---|",
        *map(_row, plain),
    ]
    paired = [row for row in test if row["against"] and not row["class"]]
    differences = [f"- {row['metric']}: {row['model']} less {row['against']} {_value(row)} ({_interval(row)})" for row in paired]
    return "\n".join([f"### {path.stem}\n", *table, "", *differences, ""])


def _row(row: Mapping[str, Any]) -> str:
    cells = [row["model"], row["metric"], row["class"], _value(row), _interval(row), row.get("n", ""), row.get("events", "")]
    return "| " + " | ".join("" if cell is None else str(cell) for cell in cells) + " |"


def _value(row: Mapping[str, Any]) -> str:
    return "undefined" if row["value"] is None else f"{row['value']:.4f}"


def _interval(row: Mapping[str, Any]) -> str:
    return "" if row.get("low") is None or row.get("high") is None else f"{row['low']:.4f} to {row['high']:.4f}"


def benchmark(path: Path) -> str:
    """One benchmark's numbers, and where they were measured."""
    told = json.loads(path.read_text(encoding="utf-8"))
    where = told.get("measured", {})
    body = {key: value for key, value in told.items() if key not in ("name", "claim", "measured")}
    lines = [f"| {name} | {value} |" for name, value in _flat(body)]
    head = [f"### {told.get('name', path.stem)}\n", *([told["claim"] + "\n"] if "claim" in told else [])]
    return "\n".join([*head, "| what | measured |", "|---|---|", *lines, "", _circumstances(where), ""])


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Names with dots, and the values below them as text."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{name} · {key}" if name else str(key))
    elif isinstance(value, list) and any(isinstance(inner, dict | list) for inner in value):
        for number, inner in enumerate(value):
            yield from _flat(inner, f"{name} · {number + 1}")
    else:
        yield name, _text(value)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return ", ".join(map(_text, value)) if isinstance(value, list) else str(value).replace("|", "\\|").replace("\n", " ")


def _circumstances(where: Mapping[str, Any]) -> str:
    machine = where.get("machine", {})
    place = f"{machine.get('processor', 'an unknown processor')}, {machine.get('cores', '?')} cores"
    return f"Measured {where.get('date', 'at an unknown date')} on {place}."


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
