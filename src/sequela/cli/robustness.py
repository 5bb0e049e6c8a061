"""Spoil the inputs of a finished run and say how its answers hold: missing, noisy, thinned, cut short, mixed up, garbled.

What is found goes into the run's trust.json and its report. Kinds: missing, noise, rate, first, last, corrupt, swapped, gradient,
channels (each absent alone), units (each recorded in another unit); those that suit the inputs are done.
"""

from __future__ import annotations

import argparse

EXAMPLE = "sequela robustness runs/icu --rows 500 --kinds missing,noise,units"


def arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("finished", metavar="RUN", help="a run folder")
    verb.add_argument("--data", metavar="PATH", help="its store or raw files, where they have moved")
    verb.add_argument("--rows", type=int, default=500, help="at most so many rows, drawn by the study's seed (default 500)")
    verb.add_argument("--kinds", metavar="NAMES", default="", help="of spoiling, with commas (default: all that suit the inputs)")
    verb.add_argument("--json", action="store_true", help="print what was found as JSON")


def run(arguments: argparse.Namespace) -> None:
    from sequela import pipeline
    from sequela.cli import _show

    done = pipeline.robustness(
        arguments.finished,
        data=arguments.data,
        rows=arguments.rows,
        kinds=[name.strip() for name in arguments.kinds.split(",") if name.strip()],
        progress=pipeline.progress_bar(),
    )
    if arguments.json:
        _show.as_json(done.facts)
    else:
        _show.line(done.text())
