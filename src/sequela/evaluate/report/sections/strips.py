"""Signals of single rows: for each class wrong calls and a right one, true labels above the answers."""

from __future__ import annotations

from itertools import groupby

from sequela.evaluate import cases
from sequela.evaluate.facts import PictureFacts
from sequela.evaluate.report.html import EMPTY, Safe, joined, paragraph, section, tag
from sequela.evaluate.report.run import Run
from sequela.evaluate.report.sections import mutations
from sequela.evaluate.report.sections.cells import because
from sequela.evaluate.report.words import later, retold, say

ENDING = ".svg"
RULE = later(
    "Of each class the wrong calls with the highest score, at most {wrong}, of different subjects, and of the right "
    "calls the one that is in the middle by its score; of the {classes} classes with the most wrong calls, where there "
    "are more. "
    "The upper row is true, the lower one is what the model says of everything that was judged in that time."
)


def strips(run: Run) -> Safe:
    """Nothing where no input is of waveforms."""
    shown = [one for one in run.facts.pictures if one.file.endswith(ENDING) and not one.marks and _of_signals(one)]
    if not shown:
        return EMPTY
    split = say(" They are of the split {split}.", split=shown[0].split) if shown[0].split else ""
    groups = [_group(run, why, list(those)) for why, those in groupby(shown, key=lambda one: one.why)]
    return section(say("Recordings"), paragraph(say(RULE, wrong=cases.WRONG, classes=cases.CLASSES) + split), joined(groups))


def _of_signals(one: PictureFacts) -> bool:
    return not one.file.endswith(mutations.ENDING)


def _group(run: Run, why: str, those: list[PictureFacts]) -> Safe:
    return tag("h3", because(why)) + tag("div", *[_figure(run, one) for one in those], class_="strips")


def _figure(run: Run, one: PictureFacts) -> Safe:
    held = run.folder / one.file
    if not held.is_file():
        return EMPTY
    drawn = Safe(held.read_text(encoding="utf-8"))
    return tag("figure", drawn, tag("figcaption", f"{one.row_id}: {retold(one.told)}"))
