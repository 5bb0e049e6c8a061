"""Every item that a validation report has to hold: whether it is here, and at which value of which file of the run it stands."""

from __future__ import annotations

from sequela.evaluate.report import evidence
from sequela.evaluate.report.html import Piece, Safe, folded, paragraph, section, table, tag
from sequela.evaluate.report.items import ITEMS, Item
from sequela.evaluate.report.run import Run
from sequela.evaluate.report.words import later, say

KINDS = {"computed": later("computed"), "drafted": later("drafted, a person signs"), "human": later("only a person")}
SAID = later(
    "What a report has to hold, and where it stands in the files of the run. What is computed comes from these values alone; "
    "what only people can say comes from the study's statements. {present} of {all} items are here."
)


def held(run: Run) -> Safe:
    """The items with their state and place."""
    rows = [_row(run, item) for item in ITEMS.values()]
    present = sum(evidence.trace(run, item) is not None for item in ITEMS.values())
    head = [say("Item"), say("State"), say("By whom"), say("Where it stands")]
    said = paragraph(say(SAID, present=present, all=len(ITEMS)))
    return section(say("Evidence, item by item"), said, folded(say("All items"), table(head, rows)))


def _row(run: Run, item: Item) -> list[Piece]:
    found = evidence.trace(run, item)
    place: Piece = tag("code", str(found)) if found is not None else "–"
    return [say(item.title), marked(evidence.state(run, item)), say(KINDS[item.kind]), place]


def marked(state: evidence.State) -> Piece:
    """A state as a cell: what is not there is set in bold."""
    said = evidence.told(state)
    return said if state in ("done", "stated", "drafted") else tag("strong", said)
