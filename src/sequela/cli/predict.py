"""Predict with a bundle: one line for each row, refused rows with the reason.

INPUT is a store, or raw files in the format that the bundle was trained on. Records that cannot be read are told last, on stderr,
with the reason.
"""

from __future__ import annotations

import argparse

EXAMPLE = "sequela predict model.sequela icu.store --subject 132539"


def arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("bundle", metavar="BUNDLE", help="model.sequela")
    verb.add_argument("input", metavar="INPUT", help="a store or raw files")
    verb.add_argument("--reader", metavar="NAME", default="", help="raw files of another format, read by this reader's defaults")
    verb.add_argument("--subject", metavar="ID", action="append", help="this subject only, by the source's id; repeatable")
    verb.add_argument("--at", metavar="TIME", help="predict at this time (ISO 8601 with offset), not the study's")
    verb.add_argument(
        "--free",
        metavar="TIME",
        default="",
        help="of survival: nothing has come for so long since (6mo); what is left to come then",
    )
    verb.add_argument("--explain", action="store_true", help="add which codes or words moved the answer, and by how much")
    verb.add_argument(
        "--method",
        metavar="NAME",
        default="auto",
        help="with --explain: left_out, integrated_gradients, gradient_shap, … (docs/explanations.md); of texts attention, "
        "gradients or lime; of sequences mutagenesis or gradients (default: what suits the inputs)",
    )
    verb.add_argument("--class", metavar="NAME", action="append", dest="classes", help="explain this class of a text; repeatable")
    verb.add_argument(
        "--out",
        metavar="DIR",
        help="write masks, and with --explain what in pictures, signals and texts counts, into this folder",
    )
    verb.add_argument(
        "--masks",
        choices=("nifti", "dicom"),
        default="nifti",
        help="of raw DICOM, as segmentations of its series (default: nifti)",
    )
    verb.add_argument("--json", action="store_true", help="one JSON object a line")


def run(arguments: argparse.Namespace) -> None:
    from sequela import pipeline
    from sequela.bundle import load
    from sequela.cli import _show

    held = load(arguments.bundle)
    predictions = pipeline.predict(
        held,
        arguments.input,
        subject=arguments.subject,
        at=arguments.at,
        free=arguments.free,
        reader=arguments.reader,
        explain=arguments.explain,
        method=arguments.method,
        classes=arguments.classes or (),
        out=arguments.out,
        masks=arguments.masks,
        progress=pipeline.progress_bar(),
    )
    for prediction in predictions:
        _show.line(prediction.json() if arguments.json else prediction.text())
    for reason in pipeline.passed_over(held, arguments.input, reader=arguments.reader):
        _show.remark(reason)
