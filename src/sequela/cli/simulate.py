"""Write synthetic patients with a planted truth, in a real file format."""

from __future__ import annotations

import argparse

EXAMPLE = "sequela simulate ward demo/ward --subjects 2000 --seed 0"


def arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "name",
        metavar="NAME",
        help="what to simulate: ward, ecg, xray, heart_rate, histories, prescriptions, notes, symptoms, dna, rna",
    )
    verb.add_argument("dest", metavar="DEST", help="the folder to write")
    verb.add_argument("--subjects", type=int, default=1000, help="how many (default 1000)")
    verb.add_argument("--seed", type=int, default=0)


def run(arguments: argparse.Namespace) -> None:
    from sequela import pipeline, simulate
    from sequela.cli import _show

    simulate.write(
        arguments.name, arguments.dest, subjects=arguments.subjects, seed=arguments.seed, progress=pipeline.progress_bar()
    )
    _show.line(arguments.dest)
