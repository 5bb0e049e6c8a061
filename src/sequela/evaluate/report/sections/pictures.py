"""Cases as pictures: the worst, the middling and the best, or the surest errors; truth and answer side by side."""

from __future__ import annotations

import base64
from itertools import cycle, groupby

from sequela.evaluate import overlay
from sequela.evaluate.facts import PictureFacts
from sequela.evaluate.report.html import EMPTY, Safe, joined, paragraph, section, tag
from sequela.evaluate.report.run import Run
from sequela.evaluate.report.sections.cells import because
from sequela.evaluate.report.words import later, retold, say

ENDING = ".jpg"
MARKED = later(
    "From left to right: the picture alone, what was marked on it, and what the model says. {colours} "
    "Of a volume the slice is shown on which most is marked."
)


def pictures(run: Run) -> Safe:
    """Nothing where no input is of pictures."""
    shown = [one for one in run.facts.pictures if one.file.endswith(ENDING)]
    if not shown:
        return EMPTY
    split = say(" They are of the split {split}.", split=shown[0].split) if shown[0].split else ""
    sure = say("Rows of which the model was surest, wrongly and rightly.")
    told = say(MARKED, colours=_colours(run)) if shown[0].marks else sure
    said = paragraph(told + split)
    groups = [_group(run, why, list(those)) for why, those in groupby(shown, key=lambda one: one.why)]
    return section(say("Cases"), said, joined(groups))


def _colours(run: Run) -> str:
    """What the colours of the marks say."""
    if run.study.outcome.instances:
        return say("Colours tell things apart.")
    names = list(run.study.outcome.classes) or run.classes
    told = [say("{name} is {hue}", name=name, hue=say(hue)) for name, hue in zip(names, cycle(overlay.HUES), strict=False)]
    return say("{colours}.", colours=", ".join(told))


def _group(run: Run, why: str, those: list[PictureFacts]) -> Safe:
    drawn = [_figure(run, one) for one in those]
    return tag("h3", because(why)) + tag("div", *drawn, class_="pictures" if those[0].marks else "pictures small")


def _figure(run: Run, one: PictureFacts) -> Safe:
    held = run.folder / one.file
    if not held.is_file():
        return EMPTY
    data = base64.b64encode(held.read_bytes()).decode()
    picture = tag("img", src=f"data:image/jpeg;base64,{data}", alt=f"{retold(one.why)}: {one.row_id}, {retold(one.told)}")
    return tag("figure", Safe(picture.markup.removesuffix("</img>")), tag("figcaption", f"{one.row_id}: {retold(one.told)}"))
