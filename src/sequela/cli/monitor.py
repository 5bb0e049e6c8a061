"""Follow a recording: what a bundle would have said at each moment, from what had come by then.

FILE is a recording as a bedside monitor would send it, piece by piece: a file that a reader reads (wfdb, edf, arrays)
or a store. One line for each prediction, or for the reason why there is none. This is no alarm of a medical device.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

EXAMPLE = "sequela monitor model.sequela 100.hea --json --until 600"


def arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("bundle", metavar="BUNDLE", help="model.sequela")
    verb.add_argument("file", metavar="FILE", help="a recording, a folder of them, or a store")
    verb.add_argument("--reader", metavar="NAME", default="", help="of the file (default: by its ending, or the bundle's)")
    verb.add_argument("--record", metavar="NAME", default="", help="which, where there are several")
    verb.add_argument(
        "--beats",
        choices=("auto", "annotated", "detected"),
        default="auto",
        help="heartbeats as annotated, or found in the signal (default: found where none is annotated)",
    )
    verb.add_argument(
        "--least-quality",
        metavar="Q",
        type=float,
        default=0.1,
        help="no answer where the quality of every channel is below it (0 to 1, default: 0.1)",
    )
    verb.add_argument("--from", metavar="S", dest="since", type=float, help="begin so many seconds after the first sample")
    verb.add_argument("--until", metavar="S", type=float, help="end so many seconds after the first sample")
    verb.add_argument("--piece", metavar="S", type=float, help="seconds that come at once (default: 60, with --speed 5)")
    verb.add_argument("--speed", metavar="N", type=float, help="N times as fast as recorded (default: as fast as can be)")
    verb.add_argument("--out", metavar="FILE", dest="out", help="write JSON lines here, not to the terminal")
    verb.add_argument("--json", action="store_true", help="one JSON object a line")


def run(arguments: argparse.Namespace) -> None:
    from sequela import pipeline
    from sequela.cli import _show

    readings = pipeline.monitor(
        arguments.bundle,
        arguments.file,
        reader=arguments.reader,
        record=arguments.record,
        beats=arguments.beats,
        since=arguments.since,
        until=arguments.until,
        piece=arguments.piece,
        least_quality=arguments.least_quality,
        speed=arguments.speed,
        progress=pipeline.progress_bar(),
    )
    silent: Counter[str] = Counter()
    said = 0
    with ExitStack() as stack:
        to = stack.enter_context(Path(arguments.out).open("w", encoding="utf-8")) if arguments.out else sys.stdout
        for reading in readings:
            to.write((reading.json() if arguments.json or arguments.out else reading.text()) + "\n")
            to.flush()
            reason = reading.prediction.refused
            silent.update([reason] if reason else [])
            said += not reason
    count = f"{said} prediction{'' if said == 1 else 's'}"
    _show.remark(count + "".join(f", {of} refused: {reason}" for reason, of in silent.items()))
