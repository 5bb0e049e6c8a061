"""Pairs of places: precision by range of distance, and the maps of single sequences."""

from __future__ import annotations

from itertools import groupby

from sequela.evaluate import cases
from sequela.evaluate.contacts import COMPARED
from sequela.evaluate.facts import PictureFacts
from sequela.evaluate.report import numbers
from sequela.evaluate.report.html import EMPTY, Piece, Safe, joined, paragraph, section, table, tag
from sequela.evaluate.report.run import Run, label
from sequela.evaluate.report.sections.cells import RESAMPLED, valued
from sequela.metrics.contacts import ALL, FAR, RANGES

ENDING = ".svg"
SAID = (
    "A sequence of L letters is judged by the order of its likeliest pairs: the share of the first L/5, L/2 and L that are true, "
    "of all distances and of each range by itself. A pair that was not told counts as wrong. Sequences without a true pair in a "
    "range are left out of its mean. Nothing is called: there is no threshold."
)
RULE = (
    f"The {cases.EACH} sequences with the lowest precision at L, the one in the middle, and the {cases.EACH} with the highest. "
    "Below the diagonal stand the true pairs, above it what the model says: the darker, the likelier."
)


def contacts(run: Run) -> Safe:
    """Nothing where the task is another."""
    if run.kind != "contact":
        return EMPTY
    tables = [_table(run, name, apart) for name, apart in {ALL: (0, FAR), **RANGES}.items()]
    return section("Pairs", paragraph(SAID), *tables, _maps(run))


def _table(run: Run, name: str, apart: tuple[int, int]) -> Safe:
    if not any(run.number(model, COMPARED[0], class_=name) for model in run.models):
        return EMPTY
    rows: list[list[Piece]] = [
        [label(model), *[valued(run.number(model, metric, class_=name)) for metric in COMPARED]] for model in run.models
    ]
    least, most = apart
    letters = f"{least} letters apart or more" if most == FAR else f"{least} to {most} letters apart"
    what = f"{name.capitalize()} range, {letters}" if name else "All pairs"
    return table(["", *map(numbers.name, COMPARED)], rows, f"{what}: with 95 % intervals ({RESAMPLED}).")


def _maps(run: Run) -> Safe:
    shown = [one for one in run.facts.pictures if one.marks and one.file.endswith(ENDING) and (run.folder / one.file).is_file()]
    if not shown:
        return EMPTY
    split = f" They are of the split {shown[0].split}." if shown[0].split else ""
    groups = [_group(run, why, list(those)) for why, those in groupby(shown, key=lambda one: one.why)]
    return joined([paragraph(RULE + split), *groups])


def _group(run: Run, why: str, those: list[PictureFacts]) -> Safe:
    return tag("h3", why[:1].upper() + why[1:]) + tag("div", *[_figure(run, one) for one in those], class_="figures")


def _figure(run: Run, one: PictureFacts) -> Safe:
    drawn = Safe((run.folder / one.file).read_text(encoding="utf-8"))
    return tag("figure", drawn, tag("figcaption", f"{one.row_id}: {one.told}"))
