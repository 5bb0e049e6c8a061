"""List what is registered, with options."""

from __future__ import annotations

import argparse

EXAMPLE = "sequela list encoders"


def arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("kind", choices=["readers", "modalities", "encoders", "tasks", "baselines", "metrics"])
    verb.add_argument("--json", action="store_true")


def run(arguments: argparse.Namespace) -> None:
    from sequela import pipeline
    from sequela.cli import _show

    rows = pipeline.listed(arguments.kind)
    if arguments.json:
        _show.as_json(rows)
        return
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        _show.line(f"{row['name']:<{width}}  {row['summary']}")
