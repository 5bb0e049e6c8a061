"""Print the JSON schema of a study file, for editors to complete and check it."""

from __future__ import annotations

import argparse

EXAMPLE = "sequela schema > study.schema.json"


def arguments(verb: argparse.ArgumentParser) -> None:
    del verb  # takes none


def run(arguments: argparse.Namespace) -> None:
    from sequela import pipeline
    from sequela.cli import _show

    del arguments
    _show.as_json(pipeline.schema())
