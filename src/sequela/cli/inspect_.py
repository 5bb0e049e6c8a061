"""Say what a store, a run or a bundle holds."""

from __future__ import annotations

import argparse

EXAMPLE = "sequela inspect icu.store"


def arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("path", metavar="STORE|RUN|BUNDLE")
    verb.add_argument("--json", action="store_true")


def run(arguments: argparse.Namespace) -> None:
    from sequela import pipeline
    from sequela.cli import _show

    facts = pipeline.describe(arguments.path)
    if arguments.json:
        _show.as_json(facts)
    else:
        _show.line(pipeline.as_text(facts))
