"""Set runs side by side on the rows they share, with paired differences."""

from __future__ import annotations

import argparse

EXAMPLE = "sequela compare runs/gru_d runs/lstm"


def arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("runs", metavar="RUN", nargs="+", help="two or more run folders; the first is the reference")
    verb.add_argument("--part", choices=["tune", "test"], default="test")
    verb.add_argument("--json", action="store_true", help="print the rows as JSON")


def run(arguments: argparse.Namespace) -> None:
    from sequela import pipeline
    from sequela.cli import _show

    table = pipeline.compare(*arguments.runs, part=arguments.part)
    if arguments.json:
        _show.as_json(table.rows)
    else:
        _show.line(table.text())
