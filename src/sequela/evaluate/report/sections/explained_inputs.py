"""What matters over all rows that were explained, and single ones of them."""

from __future__ import annotations

from sequela.evaluate.explained import ExampleFacts, ExplanationFacts, MatterFacts
from sequela.evaluate.report import numbers
from sequela.evaluate.report.html import EMPTY, Piece, Safe, joined, paragraph, table, tag
from sequela.evaluate.report.run import Run
from sequela.evaluate.report.shading import FOR
from sequela.evaluate.report.words import later, say

UNITS = {"days": later("{at} days"), "seconds": later("{at} seconds")}


def matters(found: ExplanationFacts) -> Safe:
    """The inputs that matter most; nothing where none could be named."""
    if not found.matters:
        return EMPTY
    several = len({one.input for one in found.matters}) > 1
    banded = any(one.bands for one in found.matters)
    largest = max(one.mean_absolute for one in found.matters)
    deepest = max((value for one in found.matters for value in one.bands), default=0.0)
    head = [say("Input"), say("Mean size"), "", say("Mean"), say("Rows"), *([say("By time")] if banded else [])]
    rows = [_matter(one, largest, deepest, several=several, banded=banded) for one in found.matters]
    return tag("h3", say("What matters")) + table(head, rows, _said_of_matters(found, banded=banded))


def _said_of_matters(found: ExplanationFacts, *, banded: bool) -> str:
    scale = say("log-odds") if found.scale == "log-odds" else say("value")
    told = say(
        "The parts of each feature added up over all cells of a row ({scale}): the mean of its size and the mean with its sign, "
        "over the rows that have it. It says what the network rests on, not what causes the outcome.",
        scale=scale,
    )
    if not banded:
        return told
    first, last = (_time(at, found.unit) for at in (found.edges[0], found.edges[-1]))
    return f"{told} " + say(
        "By time: {bands} equal bands from {first} to {last}.", bands=len(found.edges) - 1, first=first, last=last
    )


def _time(at: float, unit: str) -> str:
    hours = unit == "days" and abs(at) < 4
    told = f"{24 * at if hours else at:.0f}".replace("-", "−")
    return say("{at} hours", at=told) if hours or unit == "hours" else say(UNITS[unit], at=told)


def _matter(one: MatterFacts, largest: float, deepest: float, *, several: bool, banded: bool) -> list[Piece]:
    name = f"{one.input}: {one.name}" if several else one.name
    cells: list[Piece] = [name, numbers.number(one.mean_absolute), _bar(one.mean_absolute / largest)]
    cells += [numbers.number(one.mean, signed=True), numbers.count(one.rows)]
    return [*cells, _strip(one.bands, deepest)] if banded else cells


def _bar(share: float) -> Safe:
    return Safe(
        '<svg width="82" height="10" aria-hidden="true">'
        f'<rect width="{max(1.0, 80 * share):.1f}" height="9" fill="#17406d"/></svg>'
    )


def _strip(bands: list[float], deepest: float) -> Safe:
    """A box for each band, the darker the more."""
    boxes = [
        f'<rect x="{13 * k}" width="12" height="12" fill="{FOR}" fill-opacity="{0.08 + 0.92 * value / (deepest or 1):.2f}"/>'
        for k, value in enumerate(bands)
    ]
    width = 13 * len(bands)
    return Safe(f'<svg width="{width}" height="12" aria-hidden="true">{"".join(boxes)}</svg>') if bands else EMPTY


def single_rows(run: Run, found: ExplanationFacts) -> Safe:
    """Drawn ones; nothing where their files are gone."""
    shown = [one for one in found.examples if (run.folder / one.file).is_file()]
    if not shown:
        return EMPTY
    legend = say(
        "A line for each feature, a column for each step, the largest parts first; a picture stands as it is looked at. A full "
        "box speaks for, half a box against; "
        "grey was measured and has next to no part; where nothing is drawn nothing was measured."
    )
    patients = say(
        "These rows are of patients. Once the folder pictures/ of the run is removed, sequela report writes the page without "
        "them."
    )
    return tag("h3", say("Single rows")) + paragraph(legend, " ", patients) + joined([_example(run, found, one) for one in shown])


def _example(run: Run, found: ExplanationFacts, one: ExampleFacts) -> Safe:
    why = {
        "right": say("surely right"),
        "wrong": say("farthest from the truth"),
        "middle": say("in the middle"),
        "highest": say("the highest answer"),
        "lowest": say("the lowest answer"),
    }
    told = say(
        "{row}, {why}: {column} {said} was answered, {scale} of the network {told}",
        row=one.row_id,
        why=why[one.why],
        column=one.column,
        said=numbers.number(one.said),
        scale=say("log-odds") if found.scale == "log-odds" else say("value"),
        told=numbers.number(one.told, signed=True),
    )
    true = f"; {say('true: {true}', true=one.true)}" if one.true else ""
    drawn = Safe((run.folder / one.file).read_text(encoding="utf-8"))
    return tag("figure", drawn, tag("figcaption", f"{told}{true}."), class_="heat")
