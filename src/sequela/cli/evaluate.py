"""Validate a bundle on other data: the same cohort, outcome, metrics and report."""

from __future__ import annotations

import argparse

EXAMPLE = "sequela evaluate model.sequela other-hospital.store --recalibrate slope --out runs/external"


def arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("bundle", metavar="BUNDLE", help="model.sequela")
    verb.add_argument("data", metavar="DATA", help="a store or raw files")
    verb.add_argument("--reader", metavar="NAME", default="", help="raw files of another format, read by this reader's defaults")
    verb.add_argument(
        "--recalibrate",
        nargs="?",
        const="slope",
        choices=("intercept", "slope", "full"),
        metavar="WAY",
        help="also recalibrate here (cross-fitted) and compare: intercept, slope (where no WAY is given) or full",
    )
    verb.add_argument("--site", metavar="GROUP", default="", help="the group that names the site (default: the study's own)")
    verb.add_argument("--out", metavar="DIR", help="the folder to write (default: runs/NAME-external)")
    verb.add_argument("--json", action="store_true", help="print metrics.json")


def run(arguments: argparse.Namespace) -> None:
    from sequela import pipeline
    from sequela.cli import _show

    done = pipeline.evaluate(
        arguments.bundle,
        arguments.data,
        reader=arguments.reader,
        recalibrate=arguments.recalibrate or False,
        site=arguments.site,
        out=arguments.out,
        progress=pipeline.progress_bar(),
    )
    if arguments.json:
        _show.as_json(done.metrics)
    else:
        _show.line(done.summary())
