"""Draw new sequences from a bundle of the task generate: a line for each.

What is drawn is text that obeys a grammar, and nothing more: nobody has said that it can be made, is safe, or does anything.
A bundle holds no training sequence; --against tells which of the sequences a store has.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path

EXAMPLE = "sequela generate model.sequela --count 100 --temperature 0.8 --against tox21.store --out drawn.jsonl"


def arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("bundle", metavar="BUNDLE", help="model.sequela")
    verb.add_argument("--count", metavar="N", type=int, default=10, help="so many sequences (default: 10)")
    verb.add_argument(
        "--temperature", metavar="T", type=float, help="below 1 likelier ones, above 1 rarer ones (default: the study's)"
    )
    verb.add_argument(
        "--top", metavar="K", type=int, default=0, help="each time one of the K likeliest tokens (default: 0, of all)"
    )
    verb.add_argument("--seed", metavar="S", type=int, default=0, help="the same seed draws the same (default: 0)")
    verb.add_argument(
        "--against", metavar="STORE", help="a store or raw files: whether they have each, and how alike their nearest is"
    )
    verb.add_argument("--reader", metavar="NAME", default="", help="of raw files of another format than the bundle's")
    verb.add_argument("--out", metavar="FILE", help="write JSON lines here, not to the terminal")
    verb.add_argument("--json", action="store_true", help="one JSON object a line")


def run(arguments: argparse.Namespace) -> None:
    from sequela import pipeline
    from sequela.cli import _show
    from sequela.pipeline.generation import NOTICE

    generated = pipeline.generate(
        arguments.bundle,
        arguments.count,
        temperature=arguments.temperature,
        top=arguments.top,
        seed=arguments.seed,
        against=arguments.against,
        reader=arguments.reader,
        progress=pipeline.progress_bar(),
    )
    with ExitStack() as stack:
        to = stack.enter_context(Path(arguments.out).open("w", encoding="utf-8")) if arguments.out else sys.stdout
        for one in generated.samples:
            to.write((one.json() if arguments.json or arguments.out else one.text) + "\n")
    _show.remark(f"{generated.summary()}; {NOTICE}")
