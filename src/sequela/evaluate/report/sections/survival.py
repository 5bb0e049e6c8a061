"""Survival: each cause over time, thirds of like risk, calibration at the horizons, and the numbers behind them."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from sequela.evaluate.incidence import Incidence
from sequela.evaluate.report import courses, numbers
from sequela.evaluate.report.html import EMPTY, Piece, Safe, figures, joined, paragraph, section, table, tag
from sequela.evaluate.report.run import Run, label
from sequela.evaluate.report.sections.cells import resampled, valued
from sequela.evaluate.report.words import later, say

OVERALL = ("td_c", "uno_c", "c_index", "integrated_brier")
BY = ("c_index", "uno_c", "cumulative_auc", "brier", "observed_expected", "calibration_slope")
BY_GROUP = ("c_index", "brier")
SUPPRESSED = later("Suppressed: too few rows of the group, or too few with or without the event by then, to tell.")
OTHERS = 3  # answers beside the one that is told, in one plot
SAID = later(
    "A row is one prediction: a subject who was predicted at several moments is counted at each, and intervals are by subject. "
    "A pair of rows is comparable where one has the event while the other is watched and free of it, or had another event "
    "before: that one never gets the event in question, so it should rank below (Wolbers). Numbers by a horizon are of rows "
    "whose state is known by then; they stand for their like that were lost before (inverse probability of censoring weights, "
    "estimated on the rows judged), as in Uno's C and the Brier scores. Observed shares are Aalen-Johansen's. Rows that came "
    "under observation after the prediction count among those at risk from then on alone; where that is not enough they are left "
    "out, as is said beside the number. Nothing is called: there is no threshold. Plots show the answer that is told beside "
    "{others} others at most, those with the least integrated Brier score."
)


def survival(run: Run) -> Safe:
    """Nothing where the task is another."""
    those = _drawn(run)
    if run.kind != "survival" or not those:
        return EMPTY
    causes = list(dict.fromkeys(one.class_ for _, one in those))
    split = paragraph(say("Curves are of the split {split}.", split=_split(run))) if run.several else EMPTY
    pieces = [_of_cause(run, cause, [(name, one) for name, one in those if one.class_ == cause]) for cause in causes]
    return section(say("Survival"), paragraph(say(SAID, others=OTHERS)), split, *pieces)


def _drawn(run: Run) -> list[tuple[str, Incidence]]:
    """The curves of every answer with its name, the one that is told first; of several splits those of the first."""
    split = _split(run)
    found = [one for curves in run.parts_curves() if curves.split == split for one in curves.incidence]
    return [
        (label(one.model), one) for one in sorted(found, key=lambda one: (one.model != run.main, run.models.index(one.model)))
    ]


def _split(run: Run) -> str:
    return next((curves.split for curves in run.parts_curves()), "")


def _of_cause(run: Run, cause: str, those: Sequence[tuple[str, Incidence]]) -> Safe:
    those = _least_off(run, cause, those)
    name, first = those[0]
    counted = numbers.count(first.whole.events), numbers.count(first.whole.n)
    events = say("{events} of {n} rows had it by the last horizon.", events=counted[0], n=counted[1])
    horizons = [one.label for one in first.calibration]
    return joined(
        [
            tag("h3", cause),
            paragraph(events),
            _table(run, cause, OVERALL, say("{cause}, over all times", cause=cause)),
            figures(courses.whole(those), courses.thirds(name, first), *courses.successive(run.facts.outlooks, cause)),
            *[
                _table(run, f"{cause} by {horizon}", BY, say("{cause} by {horizon}", cause=cause, horizon=horizon))
                for horizon in horizons
            ],
            figures(*_calibrations(those, cause)),
            *_by_group(run, cause, horizons),
        ]
    )


def _least_off(run: Run, cause: str, those: Sequence[tuple[str, Incidence]]) -> Sequence[tuple[str, Incidence]]:
    """The first answer, and of the others those nearest to what came."""

    def off(other: tuple[str, Incidence]) -> float:
        row = run.number(other[1].model, "integrated_brier", class_=cause)
        return inf if row is None or row.value is None else row.value

    return [those[0], *sorted(those[1:], key=off)[:OTHERS]]


def _calibrations(those: Sequence[tuple[str, Incidence]], cause: str) -> list[Safe]:
    """A plot for each horizon at which the first answer has tenths."""
    drawn = []
    for place, first in enumerate(those[0][1].calibration):
        others = [(name, one.calibration[place]) for name, one in those[1:] if len(one.calibration[place].tenths) > 1]
        if first.tenths:
            drawn.append(courses.calibration([(those[0][0], first), *others], cause))
    return drawn


def _table(run: Run, class_: str, metrics: Sequence[str], caption: str) -> Safe:
    rows: list[list[Piece]] = [
        [label(model), *[valued(run.number(model, metric, class_=class_)) for metric in metrics]] for model in run.models
    ]
    told = say("{what}: every answer, with 95 % intervals ({resampled}).", what=caption, resampled=resampled())
    return table(["", *map(numbers.name, metrics)], rows, told)


def _by_group(run: Run, cause: str, horizons: Sequence[str]) -> list[Safe]:
    """For each grouping, as by landmark, a table of each number at the horizons."""
    groups = list(dict.fromkeys(row.group for row in run.rows if "=" in row.group))
    by = dict.fromkeys(group.partition("=")[0] for group in groups)
    return [
        _grouped(run, cause, horizons, metric, [group for group in groups if group.startswith(f"{name}=")])
        for name in by
        for metric in BY_GROUP
    ]


def _grouped(run: Run, cause: str, horizons: Sequence[str], metric: str, groups: Sequence[str]) -> Safe:
    name = groups[0].partition("=")[0].replace("_", " ")
    each = [say("{metric} by {horizon}", metric=numbers.name(metric), horizon=horizon) for horizon in horizons]
    head = [say(name), say("Rows"), *each]
    rows = [_group_row(run, metric, group, [f"{cause} by {horizon}" for horizon in horizons]) for group in groups]
    caption = say(
        "{cause}, {who} by {grouping}, with 95 % intervals. {suppressed}",
        cause=cause,
        who=label(run.main),
        grouping=say(name),
        suppressed=say(SUPPRESSED),
    )
    return table(head, rows, caption)


def _group_row(run: Run, metric: str, group: str, classes: Sequence[str]) -> list[Piece]:
    found = [run.number(run.main, metric, class_=class_, group=group) for class_ in classes]
    rows = next((row.n for row in found if row is not None), None)
    cells: list[Piece] = [
        tag("em", say("suppressed")) if row is not None and row.reason.startswith("suppressed") else valued(row) for row in found
    ]
    return [group.partition("=")[2], numbers.count(rows), *cells]
