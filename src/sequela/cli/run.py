"""Train a study's model, choose on tune, validate it once on test, and write the report and the bundle.

Without --part the test part is opened once, at the end; `--part tune` never opens it.
"""

from __future__ import annotations

import argparse

EXAMPLE = "sequela run studies/icu_mortality.toml --out runs/icu --set train.epochs=12"


def arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("study", metavar="STUDY", help="the study file")
    verb.add_argument("--data", metavar="PATH", help="a store or raw files, in place of the study's source")
    verb.add_argument("--out", metavar="DIR", help="the run folder (default: runs/NAME, numbered where that exists)")
    verb.add_argument("--set", action="append", default=[], metavar="A.B=C", help="lay a value over the study's")
    verb.add_argument("--part", choices=["tune", "test"], default="test", help="tune: leave the test part closed")
    verb.add_argument("--resume", action="store_true", help="go on with an interrupted run in --out")
    verb.add_argument("--device", choices=["cpu", "cuda"], help="where to train (default: the study's)")
    verb.add_argument("--json", action="store_true", help="print metrics.json")


def run(arguments: argparse.Namespace) -> None:
    from sequela import pipeline
    from sequela.cli import _show

    done = pipeline.run(
        arguments.study,
        data=arguments.data,
        out=arguments.out,
        overrides=tuple(arguments.set),
        part=arguments.part,
        resume=arguments.resume,
        device=arguments.device,
        progress=pipeline.progress_bar(),
    )
    if arguments.json:
        _show.as_json(done.metrics)
    else:
        _show.line(done.summary())
