"""Say whether later data is still like that of development: inputs, score, labels and performance, at a stated false-alarm rate.

Beside each alarm, and where there is none, it says what change could have been seen and how many subjects that asks for.
"""

from __future__ import annotations

import argparse

EXAMPLE = "sequela drift model.sequela this-year.store --out runs/drift"


def arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("bundle", metavar="BUNDLE", help="model.sequela")
    verb.add_argument("data", metavar="NEWDATA", help="a store or raw files")
    verb.add_argument("--reader", metavar="NAME", default="", help="raw files of another format, read by this reader's defaults")
    verb.add_argument("--unlabelled", action="store_true", help="the data has no outcomes yet")
    verb.add_argument(
        "--once-in", type=float, default=20, metavar="N", help="one false alarm in so many comparisons (default 20)"
    )
    verb.add_argument("--power", type=float, default=0.8, help="with which a named change should be seen (default 0.8)")
    verb.add_argument("--window", metavar="TIME", default="", help='length of a window of time, "30d" (default: of like number)')
    verb.add_argument("--out", metavar="DIR", help="write drift.json and drift.html here")
    verb.add_argument("--json", action="store_true", help="print drift.json")


def run(arguments: argparse.Namespace) -> None:
    from sequela import pipeline
    from sequela.cli import _show

    found = pipeline.drift(
        arguments.bundle,
        arguments.data,
        reader=arguments.reader,
        labelled=not arguments.unlabelled,
        once_in=arguments.once_in,
        power=arguments.power,
        window=arguments.window,
        out=arguments.out,
        progress=pipeline.progress_bar(),
    )
    if arguments.json:
        _show.as_json(found.facts)
    else:
        _show.line(found.text())
