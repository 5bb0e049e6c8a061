"""How many patients a study needs, before it is begun: to develop a model, or (--validate) to validate one."""

from __future__ import annotations

import argparse

EXAMPLE = "sequela size --prevalence 0.17 --parameters 24 --c 0.8"


def arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--parameters", type=int, metavar="N", help="candidate parameters: columns, not weights of a network")
    verb.add_argument("--prevalence", type=float, metavar="P", help="of a yes-or-no outcome")
    verb.add_argument("--c", type=float, metavar="C", help="the C statistic (AUROC) that is anticipated")
    verb.add_argument("--r2", type=float, metavar="R", help="instead: the R² (Cox-Snell; of a quantity the plain one)")
    verb.add_argument("--mean", type=float, metavar="M", help="of a quantity; with --validate, of the linear predictor")
    verb.add_argument("--spread", type=float, metavar="S", help="its standard deviation")
    verb.add_argument("--rate", type=float, metavar="R", help="of an event in time: events a unit of time")
    verb.add_argument("--follow-up", type=float, metavar="T", help="the mean time that patients are watched, in the same unit")
    verb.add_argument("--horizon", type=float, metavar="T", help="when the risk is told, in the same unit")
    verb.add_argument("--shrinkage", type=float, default=0.9, metavar="S", help="that is borne (default: 0.9)")
    verb.add_argument("--validate", action="store_true", help="to validate a model for a yes-or-no outcome instead")
    verb.add_argument("--width-oe", type=float, default=0.2, metavar="W", help="of the interval of observed / expected")
    verb.add_argument("--width-slope", type=float, default=0.2, metavar="W", help="of the calibration slope's")
    verb.add_argument("--width-c", type=float, default=0.1, metavar="W", help="of the C statistic's")
    verb.add_argument("--json", action="store_true", help="print what was found as JSON")


def run(arguments: argparse.Namespace) -> None:
    from sequela import pipeline
    from sequela.cli import _show

    asked = {"prevalence": arguments.prevalence, "c": arguments.c, "mean": arguments.mean, "spread": arguments.spread}
    if arguments.validate:
        widths = {"width_oe": arguments.width_oe, "width_slope": arguments.width_slope, "width_c": arguments.width_c}
        found = pipeline.size_of_validation(**asked, **widths)
    else:
        found = pipeline.size(
            **asked,
            parameters=arguments.parameters,
            r2=arguments.r2,
            rate=arguments.rate,
            follow_up=arguments.follow_up,
            horizon=arguments.horizon,
            shrinkage=arguments.shrinkage,
        )
    if arguments.json:
        _show.as_json(found.told())
    else:
        _show.line(found.text())
