"""The validation report: one self-contained, printable page made from the files of a run folder alone."""

from sequela.evaluate.report.page import render

__all__ = ["render"]
