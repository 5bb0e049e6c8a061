"""Pairs of places: precision by range of distance, and the maps of single sequences."""

from __future__ import annotations

from itertools import groupby

from sequela.evaluate import cases
from sequela.evaluate.contacts import COMPARED
from sequela.evaluate.facts import PictureFacts
from sequela.evaluate.report import numbers
from sequela.evaluate.report.html import EMPTY, Piece, Safe, joined, paragraph, section, table, tag
from sequela.evaluate.report.run import Run, label
from sequela.evaluate.report.sections.cells import because, resampled, valued
from sequela.evaluate.report.words import later, retold, say
from sequela.metrics.contacts import ALL, FAR, RANGES

ENDING = ".svg"
SAID = later(
    "A sequence of L letters is judged by the order of its likeliest pairs: the share of the first L/5, L/2 and L that are true, "
    "of all distances and of each range by itself. A pair that was not told counts as wrong. Sequences without a true pair in a "
    "range are left out of its mean. Nothing is called: there is no threshold."
)
RULE = later(
    "The {each} sequences with the lowest precision at L, the one in the middle, and the {each} with the highest. "
    "Below the diagonal stand the true pairs, above it what the model says: the darker, the likelier."
)


def contacts(run: Run) -> Safe:
    """Nothing where the task is another."""
    if run.kind != "contact":
        return EMPTY
    tables = [_table(run, name, apart) for name, apart in {ALL: (0, FAR), **RANGES}.items()]
    return section(say("Pairs"), paragraph(say(SAID)), *tables, _maps(run))


def _table(run: Run, name: str, apart: tuple[int, int]) -> Safe:
    if not any(run.number(model, COMPARED[0], class_=name) for model in run.models):
        return EMPTY
    rows: list[list[Piece]] = [
        [label(model), *[valued(run.number(model, metric, class_=name)) for metric in COMPARED]] for model in run.models
    ]
    least, most = apart
    far = most == FAR
    letters = say("{least} letters apart or more", least=least) if far else say(_APART, least=least, most=most)
    what = say("{range} range, {letters}", range=say(name.capitalize()), letters=letters) if name else say("All pairs")
    caption = say("{what}: with 95 % intervals ({resampled}).", what=what, resampled=resampled())
    return table(["", *map(numbers.name, COMPARED)], rows, caption)


_APART = later("{least} to {most} letters apart")


def _maps(run: Run) -> Safe:
    shown = [one for one in run.facts.pictures if one.marks and one.file.endswith(ENDING) and (run.folder / one.file).is_file()]
    if not shown:
        return EMPTY
    split = say(" They are of the split {split}.", split=shown[0].split) if shown[0].split else ""
    groups = [_group(run, why, list(those)) for why, those in groupby(shown, key=lambda one: one.why)]
    return joined([paragraph(say(RULE, each=cases.EACH) + split), *groups])


def _group(run: Run, why: str, those: list[PictureFacts]) -> Safe:
    return tag("h3", because(why)) + tag("div", *[_figure(run, one) for one in those], class_="figures")


def _figure(run: Run, one: PictureFacts) -> Safe:
    drawn = Safe((run.folder / one.file).read_text(encoding="utf-8"))
    return tag("figure", drawn, tag("figcaption", f"{one.row_id}: {retold(one.told)}"))
