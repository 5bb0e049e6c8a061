"""Run everything of a study but the training: cohort, flow, split, inputs, and the audit for leaks.

Ends with 4 where the audit finds a leak that the study does not answer.
"""

from __future__ import annotations

import argparse

EXAMPLE = "sequela check studies/icu_mortality.toml"


def arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("study", metavar="STUDY", help="the study file")
    verb.add_argument("--data", metavar="PATH", help="a store or raw files, in place of the study's source")
    verb.add_argument("--set", action="append", default=[], metavar="A.B=C", help="lay a value over the study's")
    verb.add_argument("--json", action="store_true", help="print what was found as JSON")


def run(arguments: argparse.Namespace) -> None:
    from sequela import pipeline
    from sequela.cli import _show

    found = pipeline.check(arguments.study, data=arguments.data, overrides=tuple(arguments.set), progress=pipeline.progress_bar())
    if arguments.json:
        _show.as_json(found)
    else:
        _show.line(found.text())
    found.refuse_leaks()
