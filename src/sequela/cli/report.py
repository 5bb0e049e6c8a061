"""Write report.html anew from the files of a run, and model_card.md beside it.

With --language zh it is report.zh.html, in Chinese. With --view the page is what a guideline or a law asks, item by item, with a
link to the place in the report that answers it: TRIPOD+AI, STARD 2015, a model card, or Annex IV of the EU AI Act.
"""

from __future__ import annotations

import argparse

EXAMPLE = "sequela report runs/icu --language zh --view tripod"


def arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("run_folder", metavar="RUN", help="a run folder")
    verb.add_argument("--language", choices=("en", "zh"), default="en", help="of the page (default en)")
    verb.add_argument("--view", choices=("tripod", "stard", "card", "annex-iv"), default="", help="of a guideline, as a page")
    verb.add_argument("--docx", action="store_true", help="also the table of characteristics, as CSV and DOCX (extra word)")


def run(arguments: argparse.Namespace) -> None:
    from sequela import pipeline
    from sequela.cli import _show

    written = pipeline.report(arguments.run_folder, language=arguments.language, view=arguments.view, docx=arguments.docx)
    _show.line(str(written))
