"""Print what this machine offers: versions, threads, denormals, BLAS, GPU, extras."""

from __future__ import annotations

import argparse

EXAMPLE = "sequela doctor"


def arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--json", action="store_true")


def run(arguments: argparse.Namespace) -> None:
    from sequela import pipeline
    from sequela.cli import _show

    facts = pipeline.doctor()
    if arguments.json:
        _show.as_json(facts)
    else:
        _show.line(pipeline.as_text(facts))
