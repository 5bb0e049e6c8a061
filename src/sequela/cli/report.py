"""Write report.html anew from the files of a run."""

from __future__ import annotations

import argparse

EXAMPLE = "sequela report runs/icu"


def arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("run_folder", metavar="RUN", help="a run folder")


def run(arguments: argparse.Namespace) -> None:
    from sequela import pipeline
    from sequela.cli import _show

    _show.line(str(pipeline.report(arguments.run_folder)))
