"""Say which inputs a model's answers rest on, over the rows of a run or of given data.

What each feature, code, lead or word adds to the log-odds of what is said; with --method left_out, how the whole answer changes
when every event of a code is taken away, as if it had never been recorded; with --method mutagenesis, of sequences, each letter
put to each other letter.
"""

from __future__ import annotations

import argparse

EXAMPLE = "sequela explain runs/icu"


def arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("subject_of", metavar="RUN|BUNDLE", help="a run folder, or a bundle together with --data")
    verb.add_argument("--data", metavar="PATH", help="a store or raw files, for a bundle")
    verb.add_argument("--rows", type=int, default=200, help="explain so many rows, drawn by a fixed seed (default 200)")
    verb.add_argument(
        "--method",
        metavar="NAME",
        default="auto",
        help="left_out, integrated_gradients, gradient_shap, occlusion, … (docs/explanations.md); of sequences mutagenesis, by "
        "place or by letter (default: what suits the inputs)",
    )
    verb.add_argument(
        "--report",
        action="store_true",
        help="of a run: check the explanations too, against cells planted into its own data, and show all of it in its report",
    )
    verb.add_argument("--json", action="store_true", help="print the table as JSON")


def run(arguments: argparse.Namespace) -> None:
    from sequela import pipeline
    from sequela.cli import _show

    if arguments.report:
        method = "" if arguments.method == "auto" else arguments.method
        made = pipeline.examine(
            arguments.subject_of, data=arguments.data, rows=arguments.rows, method=method, progress=pipeline.progress_bar()
        )
        _show.line(str(made))
        return
    table = pipeline.explain(
        arguments.subject_of,
        data=arguments.data,
        rows=arguments.rows,
        method=arguments.method,
        progress=pipeline.progress_bar(),
    )
    if arguments.json:
        _show.as_json(table.rows)
    else:
        _show.line(table.text())
