"""Texts of single rows with their entities: the worst, the typical and the best."""

from __future__ import annotations

from itertools import groupby

from sequela.evaluate import cases
from sequela.evaluate.facts import PictureFacts
from sequela.evaluate.report import spans
from sequela.evaluate.report.html import EMPTY, Safe, joined, paragraph, section, tag
from sequela.evaluate.report.run import Run
from sequela.evaluate.report.sections.cells import because
from sequela.evaluate.report.words import later, retold, say

ENDING = ".html"
RULE = later(
    "The {each} texts with the lowest F1 of entities, the one in the middle, and the {each} with the highest. "
    "Long ones are cut around their marks. "
)
PATIENTS = later(
    "This page holds text of patients. Once the folder pictures/ of the run is removed, sequela report writes it without "
    "them. The bundle holds none."
)


def documents(run: Run) -> Safe:
    """Nothing where no text was asked for entities."""
    shown = [one for one in run.facts.pictures if one.file.endswith(ENDING) and one.marks and (run.folder / one.file).is_file()]
    if not shown:
        return EMPTY
    split = say("They are of the split {split}. ", split=shown[0].split) if shown[0].split else ""
    groups = [_group(run, why, list(those)) for why, those in groupby(shown, key=lambda one: one.why)]
    said = paragraph(say(RULE, each=cases.EACH) + split + say(PATIENTS))
    return section(say("Documents"), said, spans.key(), joined(groups))


def _group(run: Run, why: str, those: list[PictureFacts]) -> Safe:
    return tag("h3", because(why)) + joined([_document(run, one) for one in those])


def _document(run: Run, one: PictureFacts) -> Safe:
    drawn = Safe((run.folder / one.file).read_text(encoding="utf-8"))
    return tag("figure", drawn, tag("figcaption", f"{one.row_id}: {retold(one.told)}"), class_="spans")
